// Package limits bounds what one client may ask of the server: how often, how much at once, and
// who counts as one client. The guard uses it; it knows nothing of HTTP beyond a client's address.
package limits

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is a token bucket's size: so many a second on average, so many at once.
type Rate struct {
	PerSecond float64 `json:"perSecond"`
	Burst     int     `json:"burst"`
}

// maxKeys bounds the memory of one generation of buckets.
const maxKeys = 20_000

// Buckets keeps one token bucket for each key. When there are too many keys, those that were not
// used for longest go, in one sweep. It is safe for concurrent use.
type Buckets struct {
	rate Rate
	now  func() time.Time

	mu             sync.Mutex
	recent, before map[string]*rate.Limiter
}

// NewBuckets makes buckets that are all of one size and full at first.
func NewBuckets(r Rate, now func() time.Time) *Buckets {
	return &Buckets{rate: r, now: now, recent: map[string]*rate.Limiter{}}
}

// Take takes one from the key's bucket. Where it is empty, ok is false and wait says when there
// will be one again.
func (b *Buckets) Take(key string) (wait time.Duration, ok bool) {
	now := b.now()
	l := b.bucket(key)
	if l.AllowN(now, 1) {
		return 0, true
	}
	return b.until(l, now), false
}

// Empty says whether the key's bucket is empty, and takes nothing from it.
func (b *Buckets) Empty(key string) (wait time.Duration, empty bool) {
	now := b.now()
	l := b.bucket(key)
	if l.TokensAt(now) >= 1 {
		return 0, false
	}
	return b.until(l, now), true
}

func (b *Buckets) until(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	return time.Duration(missing / b.rate.PerSecond * float64(time.Second))
}

func (b *Buckets) bucket(key string) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l, ok := b.recent[key]; ok {
		return l
	}
	if len(b.recent) >= maxKeys {
		b.before, b.recent = b.recent, map[string]*rate.Limiter{}
	}
	l, ok := b.before[key]
	if !ok {
		l = rate.NewLimiter(rate.Limit(b.rate.PerSecond), b.rate.Burst)
	}
	b.recent[key] = l
	return l
}
