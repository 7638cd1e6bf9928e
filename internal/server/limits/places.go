package limits

import "sync"

// Places bounds how many things of one key go on at once. It is safe for concurrent use.
type Places struct {
	max   int
	mu    sync.Mutex
	taken map[string]int
}

// NewPlaces gives each key so many places.
func NewPlaces(max int) *Places { return &Places{max: max, taken: map[string]int{}} }

// Take takes a place, until leave is called; ok is false where all are taken.
func (p *Places) Take(key string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[key] >= p.max {
		return nil, false
	}
	p.taken[key]++
	return sync.OnceFunc(func() { p.leave(key) }), true
}

func (p *Places) leave(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[key]--; p.taken[key] == 0 {
		delete(p.taken, key)
	}
}
