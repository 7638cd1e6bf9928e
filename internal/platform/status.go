package platform

import (
	"context"
	"fmt"
	"sync"

	"github.com/slipway-dev/slipway/internal/health"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

// Health of a capability, a package or the whole platform.
const (
	Healthy     = "healthy"
	Progressing = "progressing"
	Degraded    = "degraded"
	Stopped     = "stopped"
)

// Status is how a platform is.
type Status struct {
	Name         string             `json:"name"`
	Domain       string             `json:"domain"`
	Health       string             `json:"health"`
	Capabilities []CapabilityStatus `json:"capabilities"`
	Packages     []PackageStatus    `json:"packages,omitempty"`
	// Parts are the embedded node's.
	Parts  []Part   `json:"parts,omitempty"`
	Disk   Disk     `json:"disk"`
	Memory Memory   `json:"memory"`
	Notes  []string `json:"notes,omitempty"`
}

// CapabilityStatus is how a capability's tool is.
type CapabilityStatus struct {
	Endpoint
	Health string `json:"health"`
	// Message says what is not well.
	Message string `json:"message,omitempty"`
}

// PackageStatus is how a package is.
type PackageStatus struct {
	Name    string `json:"name"`
	URL     string `json:"url,omitempty"`
	Health  string `json:"health"`
	Message string `json:"message,omitempty"`
}

// unitStatus is the health of one unit, in the words of a Status.
type unitStatus struct{ health, message string }

// Status looks at the whole platform once.
func (l *Line) Status(ctx context.Context) (Status, error) {
	s := Status{Name: l.Name(), Domain: l.plan.Domain}
	var measure sync.WaitGroup
	measure.Go(func() { s.Disk = diskOf(l.home, l.dir) })
	units := map[string]unitStatus{}
	running, err := l.nodeStatus(ctx, &s)
	if err == nil && running {
		units, err = l.unitStatuses(ctx)
	}
	measure.Wait()
	if err != nil {
		return s, err
	}
	s.Health = Healthy
	if !running {
		s.Health = Stopped
		s.Notes = append(s.Notes, "the node is stopped; `slipway up` starts it again")
	}
	of := func(name string) unitStatus {
		u, ok := units[name]
		if !ok {
			u = unitStatus{health: Stopped}
		}
		if running && u.health != Healthy && s.Health != Degraded {
			s.Health = u.health
		}
		if u.message != "" {
			s.Notes = append(s.Notes, name+": "+u.message)
		}
		return u
	}
	for _, u := range l.plan.Units {
		st := of(u.Name)
		if u.Kind == plan.KindPackage {
			s.Packages = append(s.Packages, PackageStatus{Name: u.Name, URL: u.URL, Health: st.health, Message: st.message})
			continue
		}
		for _, c := range u.Capabilities {
			s.Capabilities = append(s.Capabilities, CapabilityStatus{
				Endpoint: Endpoint{Name: c, Capability: c, Tool: u.Name, Version: u.Version, URL: u.URL},
				Health:   st.health, Message: st.message})
		}
	}
	return s, nil
}

// unitStatuses checks all objects that were delivered, and all probes, at the same time.
func (l *Line) unitStatuses(ctx context.Context) (map[string]unitStatus, error) {
	client, err := l.connect()
	if err != nil {
		return nil, err
	}
	tree, err := l.knownTree(ctx)
	if err != nil {
		return nil, err
	}
	ca, err := l.CA()
	if err != nil {
		return nil, err
	}
	var healths []health.UnitHealth
	var probes []health.ProbeResult
	var both sync.WaitGroup
	both.Go(func() { healths = health.Check(ctx, client, health.Units(l.plan, tree)) })
	both.Go(func() { probes = health.Prober{HTTP: l.http(ca), Kube: client}.Check(ctx, l.plan) })
	both.Wait()

	out := map[string]unitStatus{}
	for _, h := range healths {
		out[h.Unit] = unitStatus{health: word(h.State), message: h.Reason}
	}
	for _, p := range probes {
		if st := out[p.Unit]; !p.OK && st.health == Healthy {
			out[p.Unit] = unitStatus{health: Degraded, message: fmt.Sprintf("%s: %s: %s", p.Probe, p.URL, p.Reason)}
		}
	}
	return out, nil
}

// knownTree is the tree that was delivered, or, before anything was, the rendered one.
func (l *Line) knownTree(ctx context.Context) (render.Tree, error) {
	tree, ok, err := l.deliveredTree()
	if err != nil || ok {
		return tree, err
	}
	return l.Render(ctx, progress.Discard)
}

func word(s health.State) string {
	switch s {
	case health.Ready:
		return Healthy
	case health.Progressing:
		return Progressing
	default:
		return Degraded
	}
}
