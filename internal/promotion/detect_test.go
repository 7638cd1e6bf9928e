package promotion

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDetect(t *testing.T) {
	allowed := func(index uint64, digest, tree string) Decided {
		return Decided{Index: index, Outcome: Allowed, Environment: "prod", Application: "shop", Digests: []string{digest}, Tree: tree}
	}
	refers := func(index uint64, outcome Outcome, to uint64) Decided {
		return Decided{Index: index, Outcome: outcome, Environment: "prod", Application: "shop", Refers: &to}
	}
	commit := func(id, tree string) Commit { return Commit{"prod", "shop", "", id, tree, "slipway"} }
	rules := func(id, content string) Commit { return Commit{"", "", "policies/prod.yaml", id, content, "root"} }
	agreed := func(index uint64, content string) Decided {
		return Decided{Index: index, Outcome: Allowed, Path: "policies/prod.yaml", Tree: content}
	}
	running := func(digest string) Running { return Running{"prod", "shop", "Deployment/shop", digest, true} }
	back := refers(2, RolledBack, 1)
	back.Digests, back.Tree = []string{"sha256:a"}, "ta"
	gone := refers(2, RolledBack, 1)
	glass := allowed(1, "sha256:b", "tb")
	glass.Outcome = BrokeGlass
	for _, tc := range []struct {
		name      string
		commits   []Commit
		running   []Running
		decisions []Decided
		want      []string
	}{
		{"as decided", []Commit{commit("c1", "ta")}, []Running{running("sha256:a")}, []Decided{allowed(0, "sha256:a", "ta")}, nil},
		{"an image set by hand", []Commit{commit("c1", "ta")}, []Running{running("sha256:x")}, []Decided{allowed(0, "sha256:a", "ta")},
			[]string{"undecided-image: Deployment/shop in prod runs sha256:x, and no decision let it"}},
		{"an image that is not known", nil, []Running{running("")}, nil,
			[]string{"unknown-image: Deployment/shop in prod runs an image whose digest cannot be told"}},
		{"an image of a withdrawn decision", nil, []Running{running("sha256:a")},
			[]Decided{allowed(0, "sha256:a", "ta"), refers(1, Withdrawn, 0)},
			[]string{"undecided-image: Deployment/shop in prod runs sha256:a, and no decision let it"}},
		{"an image of another application's decision", nil, []Running{{"prod", "till", "Deployment/till", "sha256:a", true}},
			[]Decided{allowed(0, "sha256:a", "ta")}, []string{"undecided-image: Deployment/till in prod runs sha256:a, and no decision let it"}},
		{"an older image, by hand", []Commit{commit("c1", "ta"), commit("c2", "tb")}, []Running{running("sha256:a")},
			[]Decided{allowed(0, "sha256:a", "ta"), allowed(1, "sha256:b", "tb")},
			[]string{"outdated-image: Deployment/shop in prod runs sha256:a, though decision #1 was for another"}},
		{"an older image, while rolling out", []Commit{commit("c1", "ta"), commit("c2", "tb")},
			[]Running{{"prod", "shop", "Deployment/shop", "sha256:a", false}},
			[]Decided{allowed(0, "sha256:a", "ta"), allowed(1, "sha256:b", "tb")}, nil},
		{"decided, and not merged yet", []Commit{commit("c1", "ta")}, []Running{running("sha256:a")},
			[]Decided{allowed(0, "sha256:a", "ta"), allowed(1, "sha256:b", "tb")}, nil},
		{"a push past the pull request", []Commit{commit("c1", "ta"), commit("c2", "tx")}, nil, []Decided{allowed(0, "sha256:a", "ta")},
			[]string{"undecided-commit: commit c2 by slipway changed shop in prod without a decision"}},
		{"an old state pushed again", []Commit{commit("c1", "ta"), commit("c2", "tb"), commit("c3", "ta")}, nil,
			[]Decided{allowed(0, "sha256:a", "ta"), allowed(1, "sha256:b", "tb")},
			[]string{"undecided-commit: commit c3 by slipway changed shop in prod without a decision"}},
		{"an old state promoted again", []Commit{commit("c1", "ta"), commit("c2", "tb"), commit("c3", "ta")}, []Running{running("sha256:a")},
			[]Decided{allowed(0, "sha256:a", "ta"), allowed(1, "sha256:b", "tb"), allowed(2, "sha256:a", "ta")}, nil},
		{"a rollback", []Commit{commit("c1", "ta"), commit("c2", "tb"), commit("c3", "ta")}, []Running{running("sha256:a")},
			[]Decided{allowed(0, "sha256:a", "ta"), allowed(1, "sha256:b", "tb"), back}, nil},
		{"a rollback of the first release", []Commit{commit("c2", "tb"), commit("c3", "")}, nil, []Decided{allowed(1, "sha256:b", "tb"), gone}, nil},
		{"an application removed by hand", []Commit{commit("c2", "tb"), commit("c3", "")}, nil, []Decided{allowed(1, "sha256:b", "tb")},
			[]string{"undecided-commit: commit c3 by slipway changed shop in prod without a decision"}},
		{"glass broken", []Commit{commit("c1", "tb")}, []Running{running("sha256:b")}, []Decided{glass},
			[]string{"open-break-glass: the glass was broken for shop in prod by decision #1, which a second person has yet to confirm"}},
		{"glass broken and confirmed", []Commit{commit("c1", "tb")}, []Running{running("sha256:b")}, []Decided{glass, refers(2, Confirmed, 1)}, nil},
		{"glass not broken after all", nil, nil, []Decided{glass, refers(2, Withdrawn, 1)}, nil},
		{"not governed", []Commit{{"dev", "shop", "", "c1", "tx", "ci"}}, []Running{{"dev", "shop", "Deployment/shop", "sha256:x", true}}, nil, nil},
		{"gates as decided", []Commit{rules("c1", "sha256:p"), rules("c2", "")}, nil, []Decided{agreed(0, "sha256:p"), agreed(1, "")}, nil},
		{"gates changed by hand", []Commit{rules("c1", "sha256:p"), rules("c2", "sha256:q")}, nil, []Decided{agreed(0, "sha256:p")},
			[]string{"undecided-gates: commit c2 by root changed policies/prod.yaml, on which promotions are decided, without a decision"}},
		{"gates changed back by hand", []Commit{rules("c1", "sha256:p"), rules("c2", "sha256:q"), rules("c3", "sha256:p")}, nil,
			[]Decided{agreed(0, "sha256:p"), agreed(1, "sha256:q")},
			[]string{"undecided-gates: commit c3 by root changed policies/prod.yaml, on which promotions are decided, without a decision"}},
		{"gates removed by hand", []Commit{rules("c1", "sha256:p"), rules("c2", "")}, nil, []Decided{agreed(0, "sha256:p")},
			[]string{"undecided-gates: commit c2 by root changed policies/prod.yaml, on which promotions are decided, without a decision"}},
		{"many pods, one finding", nil, []Running{running("sha256:x"), running("sha256:x")}, nil,
			[]string{"undecided-image: Deployment/shop in prod runs sha256:x, and no decision let it"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, f := range Detect(Seen{[]string{"prod"}, tc.commits, tc.running, tc.decisions}) {
				got = append(got, string(f.Kind)+": "+f.Text)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestShort(t *testing.T) {
	for id, want := range map[string]string{
		"": "", "sha256:x": "sha256:x", "sha256:0123456789abcdef": "sha256:0123456789ab", "0123456789abcdef": "0123456789ab", "c1": "c1",
	} {
		if got := short(id); got != want {
			t.Errorf("%q: %q", id, got)
		}
	}
}
