package entity

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func organisation(t *testing.T) *Catalogue {
	t.Helper()
	data, err := os.ReadFile("testdata/organisation.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return Build([]Source{{Location: "organisation.yaml", Data: data}})
}

func refs(entities []*Entity) string {
	var out []string
	for _, e := range entities {
		out = append(out, e.Ref().String())
	}
	return strings.Join(out, " ")
}

func TestList_EachFieldOfTheFilterMustMatch(t *testing.T) {
	c := organisation(t)
	for want, f := range map[string]Filter{
		"component:default/lib component:default/shop": {Kinds: []string{"component"}},
		"component:default/lib": {Kinds: []string{"Component"},
			Owners: []Ref{NewRef("user", "", "ada")}},
		"resource:default/shop-db": {Types: []string{"DATABASE", "cache"}},
		"api:default/mail-api":     {Lifecycles: []string{"deprecated"}},
		"component:default/shop": {Kinds: []string{"Component"},
			Systems: []Ref{NewRef("system", "", "store")}},
		"": {Namespaces: []string{"elsewhere"}},
		"location:default/more template:default/go-service": {Kinds: []string{"Location", "Template"}},
	} {
		if got := refs(c.List(f)); got != want {
			t.Errorf("%+v: got %s, want %s", f, got, want)
		}
	}
	labelled := Build([]Source{{Location: "f", Data: []byte(component)}})
	for _, test := range []struct {
		f    Filter
		want int
	}{
		{Filter{Tags: []string{"go", "c++"}}, 1}, {Filter{Tags: []string{"go", "rust"}}, 0},
		{Filter{Labels: map[string]string{"empty": ""}}, 1}, {Filter{Labels: map[string]string{"absent": ""}}, 0},
		{Filter{Broken: true}, 1},
	} {
		if got := len(labelled.List(test.f)); got != test.want {
			t.Errorf("%+v: got %d", test.f, got)
		}
	}
	if got := c.List(Filter{Broken: true}); len(got) != 0 {
		t.Errorf("broken: %s", refs(got))
	}
}

func TestBuild_TheFirstSourceCounts(t *testing.T) {
	group := "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: admins, title: TITLE}\nspec: {type: team, children: []}\n"
	own := Source{Location: "platform.yaml", Data: []byte(strings.Replace(group, "TITLE", "ours", 1))}
	foreign := Source{Location: "a-repository.yaml", Data: []byte(strings.Replace(group, "TITLE", "theirs", 1))}
	c := Build([]Source{own, foreign})
	e, _ := c.Get(NewRef("group", "", "admins"))
	if e.Metadata.Title != "ours" || len(c.Findings()) != 1 ||
		c.Findings()[0].String() != "a-repository.yaml:1:1: group:default/admins is defined already, at platform.yaml:1, and that definition counts" {
		t.Errorf("got %s, %v", e.Metadata.Title, c.Findings())
	}
}

func TestSearch_EveryWordBeginsAWordAndNamesCountMost(t *testing.T) {
	c := organisation(t)
	for text, want := range map[string]string{
		"shop":        "component:default/shop api:default/shop-api resource:default/shop-db",
		"shop data":   "resource:default/shop-db",
		"SERV go":     "template:default/go-service",
		"":            "",
		"-- ++":       "",
		"shop absent": "",
	} {
		if got := refs(c.Search(text, 10)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if got := len(c.Search("shop", 2)); got != 2 {
		t.Errorf("limit 2 gives %d", got)
	}
}

func drawn(g Graph) string {
	var b strings.Builder
	for _, n := range g.Nodes {
		b.WriteString(strings.Repeat("  ", n.Depth) + n.Ref.String())
		if n.Missing {
			b.WriteString(" (missing)")
		}
		b.WriteString("\n")
	}
	for _, e := range g.Edges {
		b.WriteString(e.From.String() + " " + e.Type + " " + e.To.String() + "\n")
	}
	return b.String()
}

func TestGraph_GoesAsFarAsItIsAsked(t *testing.T) {
	c := organisation(t)
	g, ok := c.Graph(NewRef("system", "", "store"), 1)
	want := `system:default/store
  api:default/shop-api
  component:default/shop
  domain:default/sales
  group:default/payments
  resource:default/shop-db
api:default/shop-api partOf system:default/store
component:default/shop partOf system:default/store
resource:default/shop-db partOf system:default/store
system:default/store ownedBy group:default/payments
system:default/store partOf domain:default/sales
`
	if diff := cmp.Diff(want, drawn(g)); !ok || diff != "" {
		t.Error(diff)
	}
	g, _ = c.Graph(NewRef("user", "", "ada"), 2, HasMember, ChildOf)
	want = `user:default/ada
  group:default/everybody
  group:default/payments
group:default/payments childOf group:default/everybody
user:default/ada memberOf group:default/everybody
user:default/ada memberOf group:default/payments
`
	if diff := cmp.Diff(want, drawn(g)); diff != "" {
		t.Error(diff)
	}
	if g, _ := c.Graph(NewRef("user", "", "ada"), 0); len(g.Nodes) != 1 || g.Edges == nil || len(g.Edges) != 0 {
		t.Errorf("depth 0: %+v", g)
	}
	if _, ok := c.Graph(NewRef("user", "", "nobody"), 1); ok {
		t.Error("a graph around nothing")
	}
}

func TestGraph_ShowsWhatIsMissing(t *testing.T) {
	data, err := os.ReadFile("testdata/dangling.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := Build([]Source{{Location: "f", Data: data}})
	g, _ := c.Graph(NewRef("component", "", "shop"), 2, OwnedBy)
	want := "component:default/shop\n  group:default/nobody (missing)\n    component:default/shop2\n" +
		"component:default/shop ownedBy group:default/nobody\ncomponent:default/shop2 ownedBy group:default/nobody\n"
	if diff := cmp.Diff(want, drawn(g)); diff != "" {
		t.Error(diff)
	}
}

// Relations are always known from both ends, whichever of them declares it.
func TestBuild_RelationsGoBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 6)
		var sources []Source
		for _, name := range []string{"a", "b", "c"} {
			text := "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: " + name + "}\nspec:\n" +
				"  type: x\n  lifecycle: x\n  owner: group:x\n"
			for _, field := range []string{"dependsOn", "dependencyOf"} {
				text += "  " + field + ":\n"
				for _, target := range names.Draw(t, name+" "+field) {
					text += "  - component:" + target + "\n"
				}
			}
			sources = append(sources, Source{Location: name, Data: []byte(text)})
		}
		c := Build(sources)
		for _, e := range c.List(Filter{}) {
			for _, r := range e.Relations {
				other, ok := c.Get(r.Target)
				if !ok {
					if r.Target.Name != "d" && r.Target.Name != "x" {
						t.Fatalf("%s: %v leads nowhere", e.Ref(), r)
					}
					continue
				}
				if !slices.Contains(other.Relations, Relation{Inverse(r.Type), e.Ref()}) {
					t.Fatalf("%s %s %s, but not back", e.Ref(), r.Type, r.Target)
				}
			}
		}
	})
}

func TestInverse_IsItsOwnInverse(t *testing.T) {
	for forward, backward := range inverses {
		if Inverse(forward) != backward || Inverse(backward) != forward || !IsForward(forward) || IsForward(backward) {
			t.Errorf("%s and %s", forward, backward)
		}
	}
	if Inverse("likes") != "" {
		t.Error("an inverse of nothing")
	}
}
