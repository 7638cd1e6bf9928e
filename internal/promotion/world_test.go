package promotion

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// rules are the gates of the simulated world: an approval by somebody else, and no freeze.
const rules = `apiVersion: slipway.dev/v1alpha1
kind: GatePolicy
metadata: {name: simple}
spec:
  description: For a test.
  rules:
    - environments: {names: [prod]}
      gates:
        - name: approvals
          description: Somebody else approved.
          expression: approvals.exists(a, promotion.authors.all(x, x.name != a.by.name))
        - name: freeze
          description: No freeze is open.
          expression: freezes.all(f, now < f.from || now >= f.until)
`

func simple(t testing.TB) *gate.Policy {
	t.Helper()
	p, err := gate.Load("simple.yaml", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// world is a forge, a log, an environment and people, as they really are. The runner sees it
// only through observe, and changes it only through perform.
type world struct {
	policy *gate.Policy
	now    time.Time

	state     ChangeState
	head      string
	pushes    int
	problem   string
	merge     string
	statuses  map[string]Status // by context and commit
	approvals []gate.Approval
	frozen    bool
	blind     bool // the gates' inputs cannot be had
	refusal   *Refusal
	glass     *BreakGlass

	logDown bool
	log     []Decision
	drafts  []Draft

	synced     bool
	health     gate.Health
	since      time.Time
	superseded bool
	revert     string

	merges, reverts int
	rogue           bool // somebody merged past the runner
}

func newWorld(p *gate.Policy) *world {
	w := &world{policy: p, now: noon, state: Open, statuses: map[string]Status{}, health: gate.HealthUnknown}
	w.push()
	return w
}

func (w *world) push() {
	w.pushes++
	w.head = fmt.Sprintf("head%d", w.pushes)
}

func (w *world) approve(name string) {
	w.approvals = append(w.approvals, gate.Approval{By: gate.Person{Name: name, Roles: []string{}}, Head: w.head, At: w.now})
}

func (w *world) become(synced bool, h gate.Health) {
	w.synced, w.health, w.since = synced, h, w.now
}

// observe is all that the runner ever knows.
func (w *world) observe() State {
	s := State{
		ID: "env#1", Application: "shop", Environment: "prod", Release: "sha256:" + w.head, Tree: "tree-" + w.head,
		Requester: "rita", Authors: []string{"anna"}, Now: w.now, Limits: DefaultLimits(),
		Change: Change{State: w.state, Head: w.head, Problem: w.problem, Merge: w.merge, Status: w.statuses[string(Gates)+w.head]},
		Rollout: Rollout{Synced: w.synced, Health: w.health, Since: w.since, Started: noon, Superseded: w.superseded,
			Revert: w.revert, Status: w.statuses[string(Rolling)+w.merge], Before: Version{"sha256:before", "tree-before"}},
	}
	if w.refusal != nil {
		r := *w.refusal
		s.Refusal = &r
	}
	if w.glass != nil {
		b := *w.glass
		s.BreakGlass = &b
	}
	if w.logDown {
		s.Log.Problem = "connection refused"
	} else {
		s.Log = Log{Readable: true, Decisions: slices.Clone(w.log)}
	}
	if w.state == Open && !w.blind {
		in := gate.Input{Now: w.now, Release: gate.Release{Digest: s.Release}, Environment: gate.Environment{Name: "prod", Kind: "prod"},
			Promotion: gate.Promotion{ID: s.ID, Head: w.head, Authors: []gate.Person{{Name: "anna"}}},
			Approvals: slices.Concat([]gate.Approval{}, w.approvals), Freezes: []gate.Freeze{}}
		if w.frozen {
			in.Freezes = append(in.Freezes, gate.Freeze{From: noon.Add(-time.Hour), Until: noon.Add(1000 * time.Hour)})
		}
		report := gate.Evaluate(w.policy, in)
		s.Report = &report
	}
	return s
}

// inForceNow is the decision to merge that the log really holds, integrated.
func (w *world) inForceNow() (Decision, bool) {
	return inForce(w.log, func(d Decision) bool { return d.Outcome == Allowed || d.Outcome == BrokeGlass })
}

type fataler interface{ Fatalf(string, ...any) }

// perform carries out an action that was chosen for what was seen, which may be past by now. It
// keeps the promises that actions make about being carried out twice, and checks every other.
func (w *world) perform(t fataler, seen State, a Action) {
	switch a := a.(type) {
	case SetStatus:
		w.setStatus(t, a)
	case Append:
		w.append(t, a.Draft)
	case Merge:
		w.doMerge(t, seen, a)
	case Revert:
		if w.revert != "" {
			return // found by its message
		}
		d := w.log[a.Decision]
		if d.Outcome != RolledBack || !d.Integrated || a.Commit != w.merge || w.state != Merged {
			t.Fatalf("reverted %s by %+v", a.Commit, d)
		}
		w.revert = "revert1"
		w.reverts++
	case Close:
		if w.state == Open {
			w.state = Closed
		}
	case Watch:
		if !a.Until.IsZero() && !a.Until.After(seen.Now) {
			t.Fatalf("%s would look again at once, for ever", a)
		}
	}
}

func (w *world) setStatus(t fataler, a SetStatus) {
	if a.Commit == "" || a.Status.State == "" || len([]rune(a.Status.Text)) > maxStatus || strings.Contains(a.Status.Text, "\n") {
		t.Fatalf("%+v", a)
	}
	if a.Context == Gates && a.Status.State == Success {
		if d, ok := w.inForceNow(); !ok || d.Head != a.Commit || !d.Integrated {
			t.Fatalf("success on %s by %+v", a.Commit, d)
		}
	}
	w.statuses[string(a.Context)+a.Commit] = a.Status
}

func (w *world) append(t fataler, d Draft) {
	if w.logDown {
		return // an error, which the runner can do nothing about
	}
	for i, known := range w.drafts {
		if known.Key == d.Key {
			if known.Outcome != d.Outcome || known.Head != d.Head || w.log[i].Key != d.Key {
				t.Fatalf("one key for two decisions: %+v and %+v", known, d)
			}
			return
		}
		if d.Refers != nil && known.Refers != nil && *known.Refers == *d.Refers && known.Outcome == d.Outcome && d.Outcome != RolledBack {
			t.Fatalf("%s of #%d twice", d.Outcome, *d.Refers)
		}
	}
	_, decided := w.inForceNow()
	if decided && (d.Outcome == Allowed || d.Outcome == BrokeGlass) {
		t.Fatalf("a second decision to merge: %+v", d)
	}
	if d.Outcome == BrokeGlass && (d.By == "" || strings.TrimSpace(d.Reason) == "") {
		t.Fatalf("glass broken by %q for %q", d.By, d.Reason)
	}
	if d.Outcome == Allowed && (d.Report == nil || d.Report.Head != d.Head || d.Report.Outcome != gate.Allowed) {
		t.Fatalf("allowed by %+v", d.Report)
	}
	w.drafts = append(w.drafts, d)
	w.log = append(w.log, Decision{Index: uint64(len(w.log)), Key: d.Key, Outcome: d.Outcome, Head: d.Head, Refers: d.Refers})
}

func (w *world) doMerge(t fataler, seen State, a Merge) {
	if w.state != Open || a.Head != w.head {
		return // the forge refuses
	}
	d := w.log[a.Decision]
	last, ok := w.inForceNow()
	if !ok || last.Index != a.Decision || d.Head != a.Head || !d.Integrated {
		t.Fatalf("merged %s by %+v; in force is %+v", a.Head, d, last)
	}
	if d.Outcome == Allowed && (seen.Report == nil || seen.Report.Outcome != gate.Allowed || seen.Report.Head != a.Head) {
		t.Fatalf("merged with gates at %+v", seen.Report)
	}
	if seen.Refusal != nil || seen.Change.Problem != "" || !seen.Log.Readable {
		t.Fatalf("merged though %+v", seen)
	}
	w.merged()
}

func (w *world) merged() {
	w.state, w.merge = Merged, "merge-"+w.head
	w.merges++
	w.become(false, gate.HealthProgressing)
}

func (w *world) integrate() {
	for i := range w.log {
		w.log[i].Integrated = true
	}
}

// settle lets the runner work undisturbed until it has nothing to do. The application ends up
// as healthy or as degraded as is asked for.
func (w *world) settle(t fataler, end gate.Health) Action {
	w.logDown, w.blind = false, false
	for range 60 {
		w.integrate()
		s := w.observe()
		a := Next(s)
		if again := Next(w.observe()); fmt.Sprint(again) != fmt.Sprint(a) {
			t.Fatalf("the same state gives %s and %s", a, again)
		}
		w.perform(t, s, a)
		switch a.(type) {
		case Wait, Done:
			return a
		case Watch:
			if w.synced && w.health == end {
				w.now = w.now.Add(time.Minute)
			} else {
				w.become(true, end)
			}
		}
	}
	t.Fatalf("does not come to an end: %s", Next(w.observe()))
	return nil
}

// TestNext_ConvergesFromAnywhere disturbs a promotion at random, between any two actions and in
// the middle of them, and then leaves it in peace.
func TestNext_ConvergesFromAnywhere(t *testing.T) {
	p := simple(t)
	ends := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(p)
		t.Repeat(disturbances(w))
		end := rapid.SampledFrom([]gate.Health{gate.Healthy, gate.HealthDegraded}).Draw(t, "end")
		last := w.settle(t, end)
		name := fmt.Sprintf("%T", last)
		if d, ok := last.(Done); ok {
			name = string(d.Result)
		}
		ends[name]++
		w.check(t, last)
	})
	for _, want := range []string{"promotion.Wait", string(Promoted), string(Reverted), string(Abandoned), string(Bypassed)} {
		if ends[want] == 0 {
			t.Errorf("no promotion ended as %s: %v", want, ends)
		}
	}
}

// disturbances are what may happen at any moment, and the runner's steps among them.
func disturbances(w *world) map[string]func(*rapid.T) {
	step := func(t *rapid.T) {
		s := w.observe()
		a := Next(s)
		switch rapid.IntRange(0, 9).Draw(t, "killed") {
		case 0: // before the action
			return
		case 1: // the action is tried twice, for its answer was lost
			w.perform(t, s, a)
			w.perform(t, s, a)
		case 2: // something happens between seeing and doing
			if w.state == Open {
				w.push()
			}
			w.perform(t, s, a)
		default:
			w.perform(t, s, a)
		}
		if rapid.IntRange(0, 3).Draw(t, "integrated") > 0 && !w.logDown {
			w.integrate()
		}
	}
	open := func(do func(*rapid.T)) func(*rapid.T) {
		return func(t *rapid.T) {
			if w.state == Open {
				do(t)
			}
		}
	}
	rarely := func(t *rapid.T, do func()) {
		if rapid.IntRange(0, 4).Draw(t, "rarely") == 0 {
			do()
		}
	}
	person := rapid.SampledFrom([]string{"anna", "paul", "olga"})
	return map[string]func(*rapid.T){
		"step": step, "step again": step, "and again": step, "and on": step, "and further": step,
		"push":    open(func(t *rapid.T) { rarely(t, w.push) }),
		"approve": open(func(t *rapid.T) { w.approve(person.Draw(t, "by")) }),
		"unsay":   open(func(t *rapid.T) { w.approvals = nil }),
		"freeze":  func(t *rapid.T) { w.frozen = !w.frozen && rapid.Bool().Draw(t, "frozen") },
		"blind":   func(t *rapid.T) { w.blind = !w.blind },
		"log":     func(t *rapid.T) { w.logDown = !w.logDown },
		"problem": open(func(t *rapid.T) {
			w.problem = rapid.SampledFrom([]string{"", "", "a foreign\nfile"}).Draw(t, "problem")
		}),
		"refuse":  open(func(t *rapid.T) { rarely(t, func() { w.refusal = &Refusal{"olga", "not today"} }) }),
		"close":   open(func(t *rapid.T) { rarely(t, func() { w.state = Closed }) }),
		"reopen":  func(t *rapid.T) { w.reopen() },
		"glass":   open(func(t *rapid.T) { w.askForGlass(t) }),
		"confirm": func(t *rapid.T) { w.confirm(person.Draw(t, "by")) },
		"rogue":   open(func(t *rapid.T) { rarely(t, func() { w.rogue = true; w.merged() }) }),
		"time": func(t *rapid.T) {
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 900).Draw(t, "seconds")) * time.Second)
		},
		"roll out": func(t *rapid.T) { w.rollOut(t) },
	}
}

func (w *world) reopen() {
	if w.state == Closed {
		w.state, w.refusal = Open, nil
	}
}

func (w *world) askForGlass(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "broken") > 0 {
		w.glass = nil
		return
	}
	w.glass = &BreakGlass{By: "paul", Reason: rapid.SampledFrom([]string{" ", "the shop is down"}).Draw(t, "reason"), Head: w.head}
}

func (w *world) confirm(by string) {
	if w.glass != nil && w.state == Merged {
		w.glass.ConfirmedBy = by
	}
}

func (w *world) rollOut(t *rapid.T) {
	if w.state != Merged {
		return
	}
	health := rapid.SampledFrom([]gate.Health{gate.Healthy, gate.HealthProgressing, gate.HealthDegraded, gate.HealthUnknown})
	w.become(rapid.Bool().Draw(t, "synced"), health.Draw(t, "health"))
	if rapid.IntRange(0, 9).Draw(t, "superseded") == 0 {
		w.superseded = true
	}
}

// check proves what must hold when nothing more is to be done.
func (w *world) check(t *rapid.T, last Action) {
	if w.merges > 1 || w.reverts > 1 {
		t.Fatalf("%d merges, %d reverts", w.merges, w.reverts)
	}
	s := w.observe()
	d, decided := w.inForceNow()
	if w.state != Merged && decided {
		t.Fatalf("%+v is in force, and nothing was merged", d)
	}
	switch w.state {
	case Open:
		if _, waits := last.(Wait); !waits || w.refusal != nil || w.problem == "" && (s.allows() || s.glassBroken()) {
			t.Fatalf("stays open with %s: %+v", last, s)
		}
		if got := w.statuses[string(Gates)+w.head].State; got != Pending && got != Failure {
			t.Fatalf("waits, and its status is %q", got)
		}
	case Closed:
		if done, ok := last.(Done); !ok || done.Result != Abandoned {
			t.Fatalf("closed, and then %s", last)
		}
	case Merged:
		w.checkMerged(t, last, d, decided)
	}
	w.health, w.synced, w.since, w.now = gate.HealthDegraded, true, w.now, w.now.Add(100*time.Hour)
	if later := Next(w.observe()); fmt.Sprint(later) != fmt.Sprint(last) {
		t.Fatalf("%s, and a bad day later %s", last, later)
	}
}

func (w *world) checkMerged(t *rapid.T, last Action, d Decision, decided bool) {
	if !decided || d.Head != w.head {
		if done, ok := last.(Done); !ok || done.Result != Bypassed || !w.rogue {
			t.Fatalf("merged without a decision, and then %s", last)
		}
		return
	}
	over := w.statuses[string(Rolling)+w.merge]
	if over.State == Failure != (w.reverts == 1) {
		t.Fatalf("%d reverts, and the rollout is %+v", w.reverts, over)
	}
	done, isDone := last.(Done)
	unconfirmed := d.Outcome == BrokeGlass && (w.glass == nil || w.glass.ConfirmedBy != "olga")
	confirmed := slices.ContainsFunc(w.log, func(c Decision) bool { return c.Outcome == Confirmed })
	switch {
	case confirmed && unconfirmed && w.glass != nil && w.glass.ConfirmedBy == "":
		t.Fatalf("confirmed by nobody")
	case !confirmed && unconfirmed == isDone:
		t.Fatalf("unconfirmed is %v, and then %s", unconfirmed, last)
	case isDone && (done.Result == Reverted) != (w.reverts == 1):
		t.Fatalf("%d reverts, and then %s", w.reverts, last)
	}
}
