package promotions

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// place is an application in an environment.
type place struct{ environment, application string }

// healths remember how applications have been doing. It may be lost: what was not watched is not known.
type healths struct {
	// gap is how far two looks may lie apart for the time between them to count as watched.
	gap time.Duration

	mu   sync.Mutex
	seen map[place]*healthSeen
}

// healthSeen is the health of one image in one place.
type healthSeen struct {
	digest   string
	since    time.Time
	changes  []gate.HealthChange
	observed time.Time
}

// maxChanges bounds what is remembered of one place; the oldest go first.
const maxChanges = 200

func newHealths(tick time.Duration) *healths {
	return &healths{gap: 4*tick + time.Minute, seen: map[place]*healthSeen{}}
}

// note remembers an observation, made at a time.
func (h *healths) note(at place, o Observation, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.seen[at]
	began := now
	if !o.Since.IsZero() && o.Since.Before(now) {
		began = o.Since // the environment watched when we did not
	}
	if s == nil || s.digest != o.Digest {
		s = &healthSeen{digest: o.Digest, since: began}
		h.seen[at] = s
	}
	if n := len(s.changes); n > 0 && now.Sub(s.observed) > h.gap {
		s.changes = append(s.changes, gate.HealthChange{At: s.observed, Health: gate.HealthUnknown})
	}
	health := o.Health
	if health == "" {
		health = gate.HealthUnknown
	}
	if n := len(s.changes); n == 0 || s.changes[n-1].Health != health {
		if n > 0 && began.Before(s.changes[n-1].At) {
			began = s.changes[n-1].At
		}
		s.changes = append(s.changes, gate.HealthChange{At: began, Health: health})
	}
	if extra := len(s.changes) - maxChanges; extra > 0 {
		s.changes = slices.Delete(s.changes, 0, extra)
	}
	s.observed = now
}

// of gives what is remembered of a place.
func (h *healths) of(at place) (s healthSeen, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, known := h.seen[at]
	if !known {
		return healthSeen{}, false
	}
	s = *found
	s.changes = slices.Clone(found.changes)
	return s, true
}

// keepOnly forgets all places but some.
func (h *healths) keepOnly(places map[place]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	maps.DeleteFunc(h.seen, func(at place, _ *healthSeen) bool { return !places[at] })
}

// look observes an application now, and remembers it.
func (p *Promotions) look(ctx context.Context, at place) Observation {
	if p.o.Health == nil {
		return Observation{Health: gate.HealthUnknown}
	}
	o, err := p.o.Health.Observe(ctx, at.environment, at.application)
	if err != nil {
		o = Observation{Health: gate.HealthUnknown, Reason: err.Error()}
		if s, known := p.health.of(at); known {
			o.Digest = s.digest // that it cannot be seen does not make it another
		}
	}
	p.health.note(at, o, p.now())
	return o
}

// watch looks at every application in the environments that promotions come from.
func (p *Promotions) watch(ctx context.Context, b branch) {
	if p.o.Health == nil {
		return
	}
	places := map[place]bool{}
	for environment, applications := range b.Placed {
		for application := range applications {
			places[place{environment, application}] = true
		}
	}
	for at := range places {
		if ctx.Err() != nil {
			return
		}
		p.look(ctx, at)
	}
	p.health.keepOnly(places)
}

// sourceOf is the environment that a release comes from, as gates see it.
func (p *Promotions) sourceOf(ctx context.Context, e v1alpha1.Environment, application string, now time.Time) *gate.Environment {
	at := place{e.Metadata.Name, application}
	p.look(ctx, at)
	out := &gate.Environment{Name: at.environment, Kind: environmentKind(e), Labels: labelsOf(e)}
	if s, known := p.health.of(at); known {
		out.Digest, out.Since, out.Health, out.Observed = s.digest, s.since, s.changes, s.observed
		if out.Observed.After(now) {
			out.Observed = now
		}
	}
	return out
}
