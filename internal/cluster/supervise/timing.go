package supervise

import "time"

// Timing holds the supervisor's pauses.
type Timing struct {
	// FirstPause and LongestPause bound the pause before a restart, which doubles each time.
	FirstPause, LongestPause time.Duration
	// Stable is how long a part must have run for its next pause to be the first one again.
	Stable time.Duration
	// Poll is the pause between two questions whether a starting part is ready, Check between
	// two questions to a ready one.
	Poll, Check time.Duration
	// Patience bounds one question.
	Patience time.Duration
	// Hung is how long a part that was ready may not answer before it is killed and started again.
	Hung time.Duration
}

func (t Timing) defaulted() Timing {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&t.FirstPause, 250*time.Millisecond)
	set(&t.LongestPause, 30*time.Second)
	set(&t.Stable, time.Minute)
	set(&t.Poll, 50*time.Millisecond)
	set(&t.Check, 10*time.Second)
	set(&t.Patience, 5*time.Second)
	set(&t.Hung, 2*time.Minute)
	return t
}
