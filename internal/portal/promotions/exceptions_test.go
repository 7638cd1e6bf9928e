package promotions

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// unsoaked makes dev unhealthy, so that a gate is not passed which can be waived.
func (w *world) unsoaked() {
	o, _ := w.health.Observe(w.Context(), "dev", shop)
	o.Health, o.Since = gate.HealthDegraded, time.Time{}
	w.health.set("dev", o)
}

// measured is the value of a metric, its labels in the order of their names; -1 where it is not there.
func measured(t *testing.T, p *Promotions, name string, labels ...string) float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(p.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetValue())
			}
			if f.GetName() == name && strings.Join(have, " ") == strings.Join(labels, " ") {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

func TestWaive_ByAStrangerToTheChange(t *testing.T) {
	w := newWorld(t)
	w.unsoaked()
	p := w.start()
	opened := w.open(p)
	w.review(opened.Number, "grace", forge.Approved, "")
	if got := w.settle(p, opened.Number); got.State != api.PromotionOpen {
		t.Fatalf("%s: %s", got.State, got.Reason)
	}
	soak := api.NewWaiver{Gate: "soak", Reason: "The fix cannot wait.", Until: w.clock().Add(time.Hour)}
	with := func(change func(*api.NewWaiver)) api.NewWaiver { n := soak; change(&n); return n }
	for _, test := range []struct {
		by   string
		n    api.NewWaiver
		want string
	}{
		{"ada", soak, "ada asked for the promotion"},
		{"grace", with(func(n *api.NewWaiver) { n.Gate = "tests" }), "the gate tests cannot be waived"},
		{"grace", with(func(n *api.NewWaiver) { n.Gate = "sok" }), `no gate "sok"`},
		{"grace", with(func(n *api.NewWaiver) { n.Until = w.clock() }), "would have ended already"},
		{"grace", with(func(n *api.NewWaiver) { n.Until = w.clock().Add(1000 * time.Hour) }), "30 days are the most"},
	} {
		if _, err := p.Exceptions().Waive(t.Context(), actor(test.by), team, shop, opened.Number, test.n); err == nil ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s, %s: %v", test.by, test.n.Gate, err)
		}
	}
	got, err := p.Exceptions().Waive(t.Context(), actor("grace"), team, shop, opened.Number, soak)
	w.must(err)
	if got.State != api.PromotionMerged || w.outcomesOf(p) != "allowed" {
		t.Fatalf("%s: %s", got.State, got.Reason)
	}
	for _, g := range got.Gates {
		if g.Name == "soak" && (g.Verdict != api.Waived || g.Waiver == nil || g.Waiver.By.Username != "grace") {
			t.Errorf("%+v", g)
		}
	}
	if n := measured(t, p, "slipway_gates_waived_total"); n != 1 {
		t.Errorf("%v waivers are counted", n)
	}
	// Another life of the server knows of it, and the log has who, why and until when.
	d := w.start()
	w.must(d.decisions.catchUp(t.Context()))
	for _, g := range d.decisions.every()[0].Gates {
		if g.Name == "soak" && (g.Waiver == nil || g.Waiver.Reason != soak.Reason || !g.Waiver.Until.Equal(soak.Until)) {
			t.Errorf("%+v", g)
		}
	}
}

func TestBreakGlass_IsLoudAndWantsASecondPerson(t *testing.T) {
	w := newWorld(t)
	w.unsoaked()
	p := w.start()
	opened := w.open(p)
	got, err := p.Exceptions().BreakGlass(t.Context(), actor("linus"), team, shop, opened.Number, "The shop is down.")
	w.must(err)
	if got.State != api.PromotionMerged || !got.BrokenGlass || !got.Unreviewed || w.outcomesOf(p) != "break-glass" {
		t.Fatalf("%+v; %s", got.PromotionSummary, w.outcomesOf(p))
	}
	w.must(p.lookAround(t.Context()))
	if len(p.found) != 1 || p.found[0].Kind != "open-break-glass" {
		t.Errorf("%+v", p.found)
	}
	if n := measured(t, p, "slipway_broken_glass_unreviewed"); n != 1 {
		t.Errorf("%v are counted", n)
	}
	told := false
	for _, e := range w.events {
		told = told || e.Type == "glass.broken" && strings.Contains(e.Summary, "linus breaks the glass") && e.Team == team
	}
	if !told {
		t.Errorf("%+v", w.events)
	}
	w.roll(gate.Healthy)
	w.settle(p, opened.Number)
	w.pass(time.Minute)
	if late := w.settle(p, opened.Number); late.State != api.PromotionHealthy || p.remember(int(opened.Number)).done {
		t.Errorf("%s: %s", late.State, late.Reason)
	}
	review := api.NewReview{Accepted: true, Comment: "I would have done it too."}
	for _, by := range []string{"linus", "ada"} {
		if _, err := p.Exceptions().Review(t.Context(), actor(by), team, shop, opened.Number, review); !errors.Is(err, api.ErrDenied) {
			t.Errorf("%s: %v", by, err)
		}
	}
	p = w.start() // the request survives
	no, err := p.Exceptions().Review(t.Context(), actor("grace"), team, shop, opened.Number,
		api.NewReview{Comment: "There was time to wait."})
	w.must(err)
	if !no.Unreviewed || no.BreakGlass.Review == nil || no.BreakGlass.Review.Accepted {
		t.Errorf("%+v", no.BreakGlass)
	}
	yes, err := p.Exceptions().Review(t.Context(), actor("grace"), team, shop, opened.Number, review)
	w.must(err)
	if yes.Unreviewed || w.outcomesOf(p) != "break-glass confirmed" {
		t.Errorf("%+v; %s", yes.PromotionSummary, w.outcomesOf(p))
	}
	w.must(p.lookAround(t.Context()))
	if len(p.found) > 0 {
		t.Errorf("%+v", p.found)
	}
}

func TestPromotion_WithoutTheLogNothingIsMerged(t *testing.T) {
	w := newWorld(t)
	down := &trouble{at: -1, dead: true}
	p := w.server(w.forge, troubledLog{w.log, down})
	w.must(p.Prepare(t.Context()))
	opened := w.open(p)
	w.review(opened.Number, "grace", forge.Approved, "")
	if _, err := p.Exceptions().BreakGlass(t.Context(), actor("linus"), team, shop, opened.Number, "The shop is down."); err != nil {
		t.Fatal(err)
	}
	p.settle(t.Context(), int(opened.Number))
	pull, err := w.forge.PullRequest(t.Context(), Environments, int(opened.Number))
	w.must(err)
	if pull.State != forge.Open || p.remember(int(opened.Number)).view.trouble == "" {
		t.Errorf("%+v", pull)
	}
	down.dead = false
	p.settle(t.Context(), int(opened.Number))
	if pull, err = w.forge.PullRequest(t.Context(), Environments, int(opened.Number)); err != nil || pull.State != forge.Merged {
		t.Errorf("%+v, %v", pull, err)
	}
}
