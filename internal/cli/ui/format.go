package ui

import (
	"fmt"
	"time"
)

// clock writes a duration as mm:ss, or h:mm:ss from an hour on.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%02d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// short writes a duration for people: "0.4s", "34s", "7m30s", "1h05m".
func short(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour:
		s := int(d.Round(time.Second).Seconds())
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	default:
		m := int(d.Round(time.Minute).Minutes())
		return fmt.Sprintf("%dh%02dm", m/60, m%60)
	}
}

// timing is what stands behind a task: how long, and of about how much.
func timing(t *task, now time.Time) string {
	took := short(t.elapsed(now))
	if t.over() || t.estimate == 0 {
		return took
	}
	return took + " of about " + short(t.estimate)
}
