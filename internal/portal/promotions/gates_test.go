package promotions

import (
	"errors"
	"slices"
	"strings"
	"testing"

	shipped "github.com/slipway-dev/slipway/catalog/policies"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// govern makes root and rita platform-admins.
func (w *world) govern() {
	w.Helper()
	for _, name := range []string{"root", "rita"} {
		w.must(w.forge.EnsureUser(w.Context(), forge.User{Name: name, Email: name + "@example.com"}, "only-for-this-test-1"))
	}
	w.must(w.forge.EnsureOrganization(w.Context(), "platform-admins"))
	w.must(w.forge.EnsureTeam(w.Context(), forge.Team{Organization: "platform-admins", Name: "all",
		Permission: forge.PermissionRead}, []string{"root", "rita"}))
}

var stricter = strings.Replace(string(shipped.Default()), "number: 1", "number: 2", 1)

func (w *world) propose(p *Promotions, by string, n api.NewGatesChange) api.GatesChange {
	w.Helper()
	out, err := p.Policies().Propose(w.Context(), actor(by), n)
	w.must(err)
	return out
}

func (w *world) settleGates(p *Promotions, number int64) api.GatesChange {
	w.Helper()
	p.settle(w.Context(), int(number))
	if k := p.remember(int(number)); k.view.trouble != "" {
		w.Fatal(k.view.trouble)
	}
	out, err := p.Policies().GatesChange(w.Context(), number)
	w.must(err)
	return out
}

func (w *world) findings(p *Promotions) []string {
	w.Helper()
	w.must(p.lookAround(w.Context()))
	var out []string
	for _, f := range p.found {
		out = append(out, string(f.Kind)+" "+f.Path)
	}
	return out
}

func TestPropose_InForceOnceSomebodyElseOfThePlatformHasApproved(t *testing.T) {
	w := newWorld(t)
	w.govern()
	p := w.start()
	asked := w.propose(p, "root", api.NewGatesChange{Path: "policies/default.yaml", Content: stricter, Note: "Two from now on"})
	if asked.State != api.PromotionOpen || !strings.Contains(asked.Reason, "approvals") || !strings.Contains(asked.Diff, "+") {
		t.Fatalf("%+v", asked)
	}
	if again := w.propose(p, "root", api.NewGatesChange{Path: "policies/default.yaml", Content: stricter}); again.Number != asked.Number {
		t.Errorf("asked twice, and there are %d and %d", asked.Number, again.Number)
	}
	for who, why := range map[string]string{"grace": "has not the role platform-admin", "root": "asked for the change"} {
		w.review(asked.Number, who, forge.Approved, "")
		got := w.settleGates(p, asked.Number)
		i := slices.IndexFunc(got.Approvals, func(a api.Approval) bool { return a.By.Username == who })
		if got.State != api.PromotionOpen || i < 0 || got.Approvals[i].Counts || !strings.Contains(got.Approvals[i].Reason, why) {
			t.Fatalf("after the approval of %s: %s, %+v", who, got.State, got.Approvals)
		}
	}
	if opened := w.open(p); strings.Contains(gates(opened), "0 of 2") {
		t.Error("the change counts before it is approved")
	}
	w.review(asked.Number, "rita", forge.Approved, "")
	got := w.settleGates(p, asked.Number)
	if got.State != api.PromotionMerged || got.Reason != "in force" || len(got.Decisions) != 1 {
		t.Fatalf("%s: %s, decisions %v", got.State, got.Reason, got.Decisions)
	}
	if opened := w.open(p); !strings.Contains(gates(opened), "0 of 2") {
		t.Errorf("the change does not count: %s", gates(opened))
	}
	if found := w.findings(p); len(found) > 0 {
		t.Errorf("findings %v", found)
	}
	d := p.decisions.every()[0]
	if d.Kind != evidence.OfGates || d.Image.Name != "policies/default.yaml" || d.Digest() != evidence.DigestOf([]byte(stricter)) ||
		d.Actors.Requester.Name != "root" || !slices.ContainsFunc(d.Actors.Approvers, func(a evidence.Actor) bool { return a.Name == "rita" }) {
		t.Errorf("%+v", d.Decision)
	}
	l, err := p.Audit().Decisions(t.Context(), api.Teams{Names: []string{"another"}}, api.DecisionQuery{}, api.Page{Limit: 9})
	w.must(err)
	if len(l.Items) != 1 || l.Items[0].Path != "policies/default.yaml" {
		t.Errorf("%+v", l.Items)
	}
	bundle, err := audit.Export(t.Context(), w.log, w.trust)
	w.must(err)
	if report, err := audit.Verify(bundle, w.trust, audit.Known{}); err != nil || !report.OK() {
		t.Errorf("%v %+v", err, report)
	}
}

func TestPropose_RefusesWhatCannotBeMeant(t *testing.T) {
	w := newWorld(t)
	w.govern()
	p := w.start()
	environment := func(policy, more string) string {
		return "apiVersion: slipway.dev/v1alpha1\nkind: Environment\nmetadata: {name: prod}\nspec: {kind: prod, order: 20, policy: " + policy + more + "}\n"
	}
	for _, tc := range []struct {
		n    api.NewGatesChange
		want string
	}{
		{api.NewGatesChange{Path: "applications/shop/application.yaml", Content: "x"}, "promotions are not decided by it"},
		{api.NewGatesChange{Path: "policies/default.yaml", Content: "kind: GatePolicy\napiVersion: slipway.dev/v1alpha1\nmetadata: {name: default}\nspec: {rule: 1}"}, "rule"},
		{api.NewGatesChange{Path: "policies/other.yaml", Content: stricter}, "the policy's name is default"},
		{api.NewGatesChange{Path: "policies/default.yaml", Content: strings.Replace(stricter, `names: ["*"]`, `names: ["x"]`, 1)}, ""},
		{api.NewGatesChange{Path: "policies/default.yaml", Content: strings.NewReplacer(`names: ["*"]`, `names: ["x"]`, "kinds: [prod]", "kinds: [test]").Replace(stricter)},
			"no gates for the environment prod"},
		{api.NewGatesChange{Path: "policies/changes.yaml", Content: strings.Replace(string(shipped.Changes()), "names: [policies]", "names: [x]", 1)},
			"nobody could change gates any more"},
		{api.NewGatesChange{Path: "policies/gone.yaml", Remove: true}, "not found"},
		{api.NewGatesChange{Path: "freezes.yaml", Content: "freezes: [{name: x, form: y}]"}, "form"},
		{api.NewGatesChange{Path: "freezes.yaml", Content: "freezes: [{name: x, from: 2020-01-01T00:00:00Z, until: 2021-01-01T00:00:00Z}]"}, "names no environments"},
		{api.NewGatesChange{Path: "environments/prod/environment.yaml", Content: environment("missing", "")}, `policy "missing"`},
		{api.NewGatesChange{Path: "environments/prod/environment.yaml", Content: environment("default", ", colour: red")}, "colour"},
		{api.NewGatesChange{Path: "environments/prod/environment.yaml", Remove: true}, "slipway env delete"},
	} {
		_, err := p.Policies().Propose(t.Context(), actor("root"), tc.n)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", tc.n.Path, err, tc.want)
		}
	}
	same := api.NewGatesChange{Path: "freezes.yaml", Content: "freezes: []\n"}
	w.write(Environments, mainBranch, map[string]string{"freezes.yaml": same.Content}, "None")
	if _, err := p.Policies().Propose(t.Context(), actor("root"), same); !errors.Is(err, api.ErrConflict) {
		t.Errorf("what is so already: %v", err)
	}
}

func TestPropose_ALaterOneAboutTheFileTakesItsPlace(t *testing.T) {
	w := newWorld(t)
	w.govern()
	p := w.start()
	first := w.propose(p, "root", api.NewGatesChange{Path: "freezes.yaml", Content: "freezes: []\n"})
	second := w.propose(p, "root", api.NewGatesChange{Path: "freezes.yaml", Content: "freezes: [] # none\n"})
	third := w.propose(p, "root", api.NewGatesChange{Path: "policies/default.yaml", Content: stricter})
	pulls, err := w.forge.PullRequests(t.Context(), Environments, forge.Open)
	w.must(err)
	if len(pulls) != 2 || first.Number == third.Number || second.Number == third.Number {
		t.Errorf("%d open, numbers %d %d %d", len(pulls), first.Number, second.Number, third.Number)
	}
	w.review(second.Number, "rita", forge.Rejected, "not now")
	if got := w.settleGates(p, second.Number); got.State != api.PromotionRefused || w.outcomesOf(p) != "refused" {
		t.Errorf("%s: %s; %s", got.State, got.Reason, w.outcomesOf(p))
	}
}

func TestFindings_GatesThatWereChangedAroundSlipway(t *testing.T) {
	w := newWorld(t)
	w.govern()
	p := w.start()
	w.write(Environments, mainBranch, map[string]string{"policies/default.yaml": stricter}, "By hand")
	if got := w.findings(p); !slices.Equal(got, []string{"undecided-gates policies/default.yaml"}) {
		t.Fatalf("%v", got)
	}
	// Whoever takes the governance away from an environment does not get rid of it by that.
	w.write(Environments, mainBranch, map[string]string{app.EnvironmentFile("prod"): "apiVersion: slipway.dev/v1alpha1\n" +
		"kind: Environment\nmetadata: {name: prod}\nspec: {kind: prod, order: 20, governed: false}\n"}, "Quietly")
	w.write(Environments, mainBranch, map[string]string{app.Folder("prod", shop) + "/manifests/x.yaml": "kind: ConfigMap\n"}, "And then")
	want := []string{"undecided-gates environments/prod/environment.yaml", "undecided-gates policies/default.yaml", "undecided-commit "}
	got := w.findings(p)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	l, err := p.Audit().Findings(t.Context(), api.Teams{}, api.Page{Limit: 10})
	w.must(err)
	if len(l.Items) != 2 || l.Items[0].Kind != "gates" || !strings.Contains(l.Items[0].Reason, "by ada") {
		t.Errorf("%+v", l.Items)
	}
	if measured(t, p, "slipway_findings", "", "undecided-gates") != 2 {
		t.Error("the findings are not in the metrics")
	}
	if again := w.start(); len(w.findings(again)) != 3 {
		t.Errorf("another life of the server finds %+v", again.found)
	}
	// By a decision it is let go: what comes after needs none.
	open := "apiVersion: slipway.dev/v1alpha1\nkind: Environment\nmetadata: {name: prod}\nspec: {kind: prod, order: 20, governed: false, description: open}\n"
	asked := w.propose(p, "root", api.NewGatesChange{Path: app.EnvironmentFile("prod"), Content: open})
	w.review(asked.Number, "rita", forge.Approved, "")
	if got := w.settleGates(p, asked.Number); got.State != api.PromotionMerged {
		t.Fatalf("%s: %s", got.State, got.Reason)
	}
	w.write(Environments, mainBranch, map[string]string{app.Folder("prod", shop) + "/manifests/x.yaml": "kind: Secret\n"}, "Free")
	if got := w.findings(p); len(got) != 2 { // the two changes of gates by hand
		t.Errorf("%v", got)
	}
}
