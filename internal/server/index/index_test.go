package index

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/spec"
)

func open(t testing.TB) *Index {
	t.Helper()
	x, fresh, err := Open(t.Context(), t.TempDir())
	if err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// log is a source that says one thing after another; its position is how many were read.
type log struct {
	name string
	step int // how many are given at once

	mu      sync.Mutex
	entries []Changes
	calls   int
}

func (l *log) Name() string { return l.name }

func (l *log) Changes(_ context.Context, position string) (Changes, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	from, _ := strconv.Atoi(position)
	to := min(from+max(l.step, 1), len(l.entries))
	out := Changes{Position: strconv.Itoa(to), More: to < len(l.entries), Findings: map[string][]spec.Finding{}}
	if to == 0 {
		out.Position = ""
	}
	for _, e := range l.entries[from:to] {
		out.Put = append(out.Put, e.Put...)
		out.Remove = append(out.Remove, e.Remove...)
		for file, found := range e.Findings {
			out.Findings[file] = found
		}
	}
	return out, nil
}

func (l *log) say(c ...Changes) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, c...)
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func shop(team string, minutes int) Application {
	return Application{Application: v1alpha1.Application{Metadata: v1alpha1.Metadata{Name: "shop"},
		Spec: v1alpha1.ApplicationSpec{Team: team}},
		Created: noon.Add(time.Duration(minutes) * time.Minute)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCatchUp_ReadsWhatWasMissed(t *testing.T) {
	x, l := open(t), &log{name: "git", step: 2}
	for i := range 5 {
		l.say(Changes{Put: []Record{Run{ID: fmt.Sprint("run-", i), Application: "shop",
			Started: noon.Add(time.Duration(i) * time.Hour)}}})
	}
	must(t, x.CatchUp(t.Context(), l))
	if position, err := x.Position(t.Context(), "git"); err != nil || position != "5" {
		t.Errorf("position %s, %v", position, err)
	}
	before := l.calls
	must(t, x.CatchUp(t.Context(), l)) // nothing new: asked once, and nothing written
	if l.calls != before+1 {
		t.Errorf("asked %d times", l.calls-before)
	}
	l.say(Changes{Remove: []Key{RunKey("run-0")}})
	must(t, x.CatchUp(t.Context(), l))
	runs, err := x.Runs(t.Context(), RunQuery{Application: "shop"}, Page{})
	if err != nil || len(runs.Items) != 4 || runs.Items[0].ID != "run-4" || runs.Next != "" {
		t.Errorf("%+v, %v", runs, err)
	}
}

func TestApply_WritesOncePerPosition(t *testing.T) {
	x := open(t)
	first := Changes{Position: "a", Put: []Record{shop("payments", 0)}}
	must(t, x.Apply(t.Context(), "git", "", first))
	if err := x.Apply(t.Context(), "git", "", first); !errors.Is(err, ErrMoved) {
		t.Errorf("applied twice: %v", err)
	}
	late := Changes{Position: "c", Put: []Record{shop("thieves", 0)}}
	if err := x.Apply(t.Context(), "git", "b", late); !errors.Is(err, ErrMoved) {
		t.Errorf("applied from elsewhere: %v", err)
	}
	got, err := x.Application(t.Context(), "shop")
	if err != nil || got.Spec.Team != "payments" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestApply_WritesAllOrNothing(t *testing.T) {
	x := open(t)
	bad := Changes{Position: "a", Put: []Record{shop("payments", 0)}, Remove: []Key{{"no such table", "x", 1}}}
	if err := x.Apply(t.Context(), "git", "", bad); err == nil {
		t.Fatal("wrote to no table")
	}
	if _, err := x.Application(t.Context(), "shop"); !errors.Is(err, ErrNotFound) {
		t.Errorf("half of it is there: %v", err)
	}
	if position, err := x.Position(t.Context(), "git"); err != nil || position != "" {
		t.Errorf("position %q, %v", position, err)
	}
}

func TestPut_KeepsWhenSomethingWasCreated(t *testing.T) {
	x := open(t)
	must(t, x.Apply(t.Context(), "git", "", Changes{Position: "1", Put: []Record{
		Release{Release: release("r1"), Created: noon}, Release{Release: release("r2"),
			Created: noon.Add(time.Hour)}}}))
	must(t, x.Apply(t.Context(), "git", "1", Changes{Position: "2",
		Put: []Record{Release{Release: release("r1"), Created: noon.Add(24 * time.Hour)}}}))
	got, err := x.Releases(t.Context(), "shop", Page{})
	if err != nil || len(got.Items) != 2 || got.Items[0].Metadata.Name != "r2" || !got.Items[1].Created.Equal(noon) {
		t.Errorf("order %+v, %v", got.Items, err)
	}
	first, later := shop("payments", 0), shop("office", 90)
	first.By, later.By, later.Updated = "ada", "bob", noon.Add(90*time.Minute)
	must(t, x.Apply(t.Context(), "git", "2", Changes{Position: "3", Put: []Record{first}}))
	must(t, x.Apply(t.Context(), "git", "3", Changes{Position: "4", Put: []Record{later}}))
	want := later
	want.Created, want.By = noon, "ada"
	if a, err := x.Application(t.Context(), "shop"); err != nil || cmp.Diff(want, a) != "" {
		t.Error(cmp.Diff(want, a), err)
	}
}

func release(name string) v1alpha1.Release {
	return v1alpha1.Release{Metadata: v1alpha1.Metadata{Name: name}, Spec: v1alpha1.ReleaseSpec{Application: "shop",
		Image: "registry.example.com/payments/shop@sha256:" + strings.Repeat("1", 64)}}
}

func TestLists_NarrowDown(t *testing.T) {
	x := open(t)
	environment := func(name, team string, order int) Environment {
		return Environment{Environment: v1alpha1.Environment{Metadata: v1alpha1.Metadata{Name: name},
			Spec: v1alpha1.EnvironmentSpec{Team: team, Order: order}}}
	}
	mail := shop("office", 0)
	mail.Metadata.Name = "mail"
	put := []Record{shop("payments", 0), mail, environment("dev", "", 1), environment("prod", "", 2),
		environment("lab", "labs", 1), environment("own", "payments", 1),
		Release{Release: release("r1"), Created: noon}, Placement{Environment: "dev", Release: release("r1"),
			Since: noon}, Placement{Environment: "prod", Release: release("r1")}}
	for i := range 4 {
		team, state := "payments", "open"
		if i%2 == 1 {
			team, state = "office", "merged"
		}
		put = append(put,
			Promotion{Number: int64(10 + i), Team: team, Application: "shop", To: "prod", State: state},
			Run{ID: fmt.Sprint(i), Application: "shop", Commit: strings.Repeat(fmt.Sprint(i), 40), State: state,
				Started: noon.Add(time.Duration(i) * time.Minute)},
			Decision{Number: int64(i), Team: team, Application: "shop", Environment: "prod", Outcome: state,
				Subject: fmt.Sprint("sha256:", i%2), At: noon.Add(time.Duration(i) * time.Hour)})
	}
	must(t, x.Apply(t.Context(), "git", "", Changes{Position: "1", Put: put}))
	ctx := t.Context()
	check := func(what string, got []string, err error, want string) {
		t.Helper()
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v; want %s", what, got, err, want)
		}
	}
	applications := func(q ApplicationQuery) ([]string, error) {
		l, err := x.Applications(ctx, q, Page{})
		return names(l, func(a Application) string { return a.Spec.Team + "/" + a.Metadata.Name }), err
	}
	got, err := applications(ApplicationQuery{})
	check("all applications", got, err, "office/mail payments/shop")
	got, err = applications(ApplicationQuery{Teams: []string{"payments", "x"}})
	check("a team's", got, err, "payments/shop")
	got, err = applications(ApplicationQuery{Teams: []string{}})
	check("nobody's", got, err, "")
	environments := func(q EnvironmentQuery) ([]string, error) {
		l, err := x.Environments(ctx, q, Page{})
		return names(l, func(e Environment) string { return e.Metadata.Name }), err
	}
	got, err = environments(EnvironmentQuery{})
	check("all environments", got, err, "dev lab own prod")
	got, err = environments(EnvironmentQuery{Teams: []string{"payments"}})
	check("a team's and everybody's", got, err, "dev own prod")
	got, err = environments(EnvironmentQuery{Teams: []string{}})
	check("everybody's", got, err, "dev prod")
	placements, err := x.Placements(ctx, PlacementQuery{Application: "shop"}, Page{})
	check("placements", names(placements, func(p Placement) string { return p.Environment }), err, "dev prod")
	placements, err = x.Placements(ctx, PlacementQuery{Environment: "dev", Digest: "sha256:" + strings.Repeat("1", 64)},
		Page{})
	check("placements of an image", names(placements, func(p Placement) string { return p.Environment }), err, "dev")
	releases, err := x.ReleasesOf(ctx, "sha256:"+strings.Repeat("1", 64), Page{})
	check("releases of an image", names(releases, func(r Release) string { return r.Metadata.Name }), err, "r1")
	promotions := func(q PromotionQuery) ([]string, error) {
		l, err := x.Promotions(ctx, q, Page{})
		return names(l, func(p Promotion) string { return fmt.Sprint(p.Number) }), err
	}
	got, err = promotions(PromotionQuery{})
	check("promotions", got, err, "13 12 11 10")
	got, err = promotions(PromotionQuery{Teams: []string{"payments", "office"}, State: "merged", Application: "shop",
		To: "prod"})
	check("merged promotions", got, err, "13 11")
	got, err = promotions(PromotionQuery{Teams: []string{"office"}, Team: "payments"})
	check("another team's promotions", got, err, "")
	runs, err := x.Runs(ctx, RunQuery{Commit: strings.Repeat("2", 40)}, Page{})
	check("runs of a commit", names(runs, func(r Run) string { return r.ID }), err, "2")
	decisions := func(q DecisionQuery) ([]string, error) {
		l, err := x.Decisions(ctx, q, Page{})
		return names(l, func(d Decision) string { return fmt.Sprint(d.Number) }), err
	}
	got, err = decisions(DecisionQuery{From: noon.Add(time.Hour), Until: noon.Add(3 * time.Hour)})
	check("decisions of some hours", got, err, "2 1")
	got, err = decisions(DecisionQuery{Subject: "sha256:0", Outcome: "open", Environment: "prod", Team: "payments"})
	check("decisions about an image", got, err, "2 0")
	p, err := x.Promotion(ctx, 12)
	if diff := cmp.Diff(Promotion{Number: 12, Team: "payments", Application: "shop", To: "prod", State: "open"},
		p); err != nil || diff != "" {
		t.Error(diff, err)
	}
}

func names[T any](l List[T], name func(T) string) []string {
	var out []string
	for _, item := range l.Items {
		out = append(out, name(item))
	}
	return out
}

// Whoever turns pages while others write sees what stays exactly once.
func TestPages_StayTrueWhileOthersWrite(t *testing.T) {
	x := open(t)
	var put []Record
	for i := range 95 {
		put = append(put, Run{ID: fmt.Sprintf("stays-%02d", i), Application: "shop",
			Started: noon.Add(time.Duration(i/3) * time.Minute)})
	}
	must(t, x.Apply(t.Context(), "ci", "", Changes{Position: "0", Put: put}))
	seen := map[string]int{}
	page := Page{Limit: 10}
	for n := 0; ; n++ {
		l, err := x.Runs(t.Context(), RunQuery{Application: "shop"}, page)
		must(t, err)
		if len(l.Items) > 10 {
			t.Fatalf("%d items", len(l.Items))
		}
		for _, r := range l.Items {
			seen[r.ID]++
		}
		must(t, x.Apply(t.Context(), "ci", strconv.Itoa(n), Changes{Position: strconv.Itoa(n + 1), Put: []Record{
			Run{ID: fmt.Sprintf("new-%02d", n), Application: "shop",
				Started: noon.Add(time.Duration(n) * time.Minute)}}}))
		if page.After = l.Next; page.After == "" {
			break
		}
	}
	for i := range 95 {
		if id := fmt.Sprintf("stays-%02d", i); seen[id] != 1 {
			t.Errorf("%s was seen %d times", id, seen[id])
		}
	}
}

func TestPages_RefuseForeignCursors(t *testing.T) {
	x := open(t)
	must(t, x.Apply(t.Context(), "git", "", Changes{Position: "1",
		Put: []Record{shop("a", 0), Run{ID: "1", Application: "shop"}, Run{ID: "2", Application: "shop"}}}))
	l, err := x.Runs(t.Context(), RunQuery{Application: "shop"}, Page{Limit: 1})
	if err != nil || l.Next == "" {
		t.Fatal(l, err)
	}
	for _, cursor := range []string{"x", "!", "e30", "bnVsbA", "WyJhcHBsaWNhdGlvbnMiXQ",
		"WyJhcHBsaWNhdGlvbnMiLG51bGwse31d", "WyJhcHBsaWNhdGlvbnMiLCJhIiwiYiJdeA", l.Next} {
		if _, err := x.Applications(t.Context(), ApplicationQuery{}, Page{After: cursor}); !errors.Is(err, ErrCursor) {
			t.Errorf("%s: %v", cursor, err)
		}
	}
	if l, err := x.Applications(t.Context(), ApplicationQuery{},
		Page{After: "WyJhcHBsaWNhdGlvbnMiLDUsIngnOyBEUk9QIFRBQkxFIl0"}); err != nil {
		t.Errorf("a strange position: %v, %v", l, err)
	}
}

func TestForget_TakesAllThatASourceSaid(t *testing.T) {
	x := open(t)
	must(t, x.Apply(t.Context(), "one", "", Changes{Position: "1", Put: []Record{shop("a", 0)},
		Findings: map[string][]spec.Finding{"f": {{File: "f", Message: "m"}}}}))
	must(t, x.Apply(t.Context(), "two", "", Changes{Position: "1", Put: []Record{Run{ID: "1"}}}))
	if sources, err := x.Sources(t.Context()); err != nil || strings.Join(sources, " ") != "one two" {
		t.Error(sources, err)
	}
	must(t, x.Forget(t.Context(), "one"))
	if _, err := x.Application(t.Context(), "shop"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if found, err := x.Findings(t.Context(), Page{}); err != nil || len(found.Items) != 0 {
		t.Error(found, err)
	}
	if _, err := x.Run(t.Context(), "1"); err != nil {
		t.Error(err)
	}
}

func TestRebuild_GivesTheSameIndex(t *testing.T) {
	x, l := open(t), &log{name: "git", step: 3}
	for i := range 10 {
		l.say(Changes{Put: []Record{Run{ID: fmt.Sprint(i), Application: "shop"}},
			Findings: map[string][]spec.Finding{"f": {{File: "f", Message: fmt.Sprint(i)}}}})
	}
	must(t, x.CatchUp(t.Context(), l))
	must(t, x.Apply(t.Context(), "gone", "", Changes{Position: "1", Put: []Record{shop("a", 0)}}))
	before, err := x.Runs(t.Context(), RunQuery{}, Page{})
	must(t, err)
	must(t, x.Rebuild(t.Context(), l))
	after, err := x.Runs(t.Context(), RunQuery{}, Page{})
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Error(diff, err)
	}
	found, err := x.Findings(t.Context(), Page{})
	if err != nil || len(found.Items) != 1 || found.Items[0].Message != "9" || found.Items[0].Source != "git" {
		t.Errorf("%+v, %v", found, err)
	}
	if sources, err := x.Sources(t.Context()); err != nil || strings.Join(sources, " ") != "git" {
		t.Error(sources, err)
	}
}

// Many read while many catch up: nobody sees half of what was written together.
func TestIndex_IsSafeForConcurrentUse(t *testing.T) {
	x := open(t)
	const steps = 40
	sources := []*log{{name: "a"}, {name: "b"}}
	for _, l := range sources {
		for i := range steps {
			l.say(Changes{Put: []Record{Run{ID: l.name + fmt.Sprint(i) + "x", Application: l.name},
				Run{ID: l.name + fmt.Sprint(i) + "y", Application: l.name}}})
		}
	}
	var group sync.WaitGroup
	for range 3 {
		for _, l := range sources {
			group.Go(func() {
				if err := x.CatchUp(context.WithoutCancel(t.Context()), l); err != nil {
					t.Error(err)
				}
			})
		}
	}
	for range 4 {
		group.Go(func() {
			for {
				for _, l := range sources {
					got, err := x.Runs(context.WithoutCancel(t.Context()), RunQuery{Application: l.name},
						Page{Limit: 500})
					if err != nil || len(got.Items)%2 != 0 {
						t.Errorf("%d runs, %v", len(got.Items), err)
						return
					}
					if len(got.Items) == 2*steps {
						return
					}
				}
			}
		})
	}
	group.Wait()
}
