package index

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/spec"
)

// load writes each file as a source of its own, ranked in their order, as [entity.Build] counts them.
func load(t testing.TB, x *Index, sources []entity.Source) {
	t.Helper()
	for i, s := range sources {
		entities, found := entity.Decode(s)
		name := fmt.Sprintf("repository %d", i)
		position, err := x.Position(t.Context(), name)
		must(t, err)
		must(t, x.Apply(t.Context(), name, position, Changes{Position: position + "+", Replace: true, Rank: i,
			Entities: entities,
			Findings: map[string][]spec.Finding{s.Location: found}}))
	}
}

func organisation(t testing.TB) []entity.Source {
	t.Helper()
	var out []entity.Source
	for _, name := range []string{"organisation", "dangling", "formats", "duplicates"} {
		data, err := os.ReadFile("../../entity/testdata/" + name + ".yaml")
		must(t, err)
		out = append(out, entity.Source{Location: name + ".yaml", Data: data})
	}
	return out
}

// agree checks that the index answers as the catalogue in memory does.
func agree(t testing.TB, x *Index, c *entity.Catalogue, filters ...entity.Filter) {
	t.Helper()
	ctx := t.Context()
	for _, f := range append(filters, entity.Filter{}) {
		l, err := x.Entities(ctx, EntityQuery{Filter: f}, Page{Limit: 500})
		must(t, err)
		var want, got []string
		for _, e := range c.List(f) {
			want = append(want, fmt.Sprintf("%s %d", e.Ref(), len(e.Errors)))
		}
		for _, s := range l.Items {
			got = append(got, fmt.Sprintf("%s %d", s.Ref, s.Errors))
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v: %s", f, diff)
		}
	}
	for _, want := range c.List(entity.Filter{}) {
		got, _, err := x.Entity(ctx, want.Ref())
		must(t, err)
		if diff := gocmp.Diff(*want, got, cmpopts.IgnoreFields(entity.Entity{}, "References"), cmpopts.EquateEmpty(),
			numbers); diff != "" {
			t.Fatalf("%s: %s", want.Ref(), diff)
		}
		for depth := range 4 {
			want, _ := c.Graph(want.Ref(), depth)
			got, _, err := x.Graph(ctx, want.Nodes[0].Ref, depth)
			must(t, err)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("graph of %s to depth %d: %s", want.Nodes[0].Ref, depth, diff)
			}
		}
	}
	found, err := x.Findings(ctx, Page{Limit: 500})
	must(t, err)
	var got []spec.Finding
	for _, f := range found.Items {
		got = append(got, f.Finding)
	}
	slices.SortFunc(got, func(a, b spec.Finding) int { return cmp.Compare(a.String(), b.String()) })
	want := slices.Clone(c.Findings())
	slices.SortFunc(want, func(a, b spec.Finding) int { return cmp.Compare(a.String(), b.String()) })
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("findings: %s", diff)
	}
}

// numbers come back from JSON as floating point.
var numbers = gocmp.FilterValues(func(a, b any) bool {
	_, x := a.(int64)
	_, y := b.(float64)
	return x && y
}, gocmp.Comparer(func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }))

func TestCatalogue_AnswersAsTheOneInMemory(t *testing.T) {
	x := open(t)
	sources := organisation(t)
	load(t, x, sources)
	store, payments := entity.NewRef("system", "", "store"), entity.NewRef("group", "", "payments")
	agree(t, x, entity.Build(sources),
		entity.Filter{Kinds: []string{"component", "API"}}, entity.Filter{Types: []string{"Service"}},
		entity.Filter{Lifecycles: []string{"production"}},
		entity.Filter{Namespaces: []string{"elsewhere"}}, entity.Filter{Owners: []entity.Ref{payments}},
		entity.Filter{Systems: []entity.Ref{store}},
		entity.Filter{Broken: true}, entity.Filter{Tags: []string{"ok"}},
		entity.Filter{Labels: map[string]string{"ok": "not a label value!"}},
		entity.Filter{Kinds: []string{"Component"}, Owners: []entity.Ref{payments}, Systems: []entity.Ref{store},
			Types: []string{"service"}})
}

// Whatever is defined, in whatever repositories, and defined anew: index and catalogue agree.
func TestCatalogue_AgreesAfterEveryChange(t *testing.T) {
	x := open(t)
	names := []string{"a", "b", "c", "d", "e"}
	rapid.Check(t, func(r *rapid.T) {
		var sources []entity.Source
		for i := range 3 {
			var b strings.Builder
			for range rapid.IntRange(0, 4).Draw(r, "entities") {
				fmt.Fprintf(&b, "---\napiVersion: backstage.io/v1alpha1\nkind: %s\nmetadata: {name: %s}\nspec:\n  type: x\n  lifecycle: y\n  owner: %s\n  system: %s\n",
					rapid.SampledFrom([]string{"Component", "Resource", "Group"}).Draw(r, "kind"),
					rapid.SampledFrom(names).Draw(r, "name"),
					rapid.SampledFrom(names).Draw(r, "owner"), rapid.SampledFrom(names).Draw(r, "system"))
				fmt.Fprintf(&b, "  children: []\n  dependsOn: [%s]\n  dependencyOf: [%s]\n",
					rapid.SampledFrom([]string{"", "component:a", "resource:b, component:a", "bad"}).Draw(r,
						"dependsOn"),
					rapid.SampledFrom([]string{"", "component:c", "resource:d"}).Draw(r, "dependencyOf"))
			}
			sources = append(sources, entity.Source{Location: fmt.Sprintf("%d.yaml", i), Data: []byte(b.String())})
		}
		load(t, x, sources)
		agree(t, x, entity.Build(sources), entity.Filter{Broken: true},
			entity.Filter{Owners: []entity.Ref{entity.NewRef("group", "", "a")}})
	})
}

func TestEntity_SaysWhichReferencesLeadNowhere(t *testing.T) {
	x := open(t)
	load(t, x, organisation(t))
	_, missing, err := x.Entity(t.Context(), entity.NewRef("component", "", "shop2"))
	if err != nil || len(missing) != 1 || missing[0].String() != "group:default/nobody" {
		t.Errorf("%v, %v", missing, err)
	}
	if _, _, err := x.Entity(t.Context(), entity.NewRef("component", "", "absent")); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, _, err := x.Graph(t.Context(), entity.NewRef("component", "", "absent"), 1); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestSearch_FindsByWordsAndRanksNames(t *testing.T) {
	x := open(t)
	load(t, x, organisation(t))
	search := func(text string, limit int) string {
		t.Helper()
		var out []string
		for page := (Page{Limit: limit}); ; {
			l, err := x.Search(t.Context(), text, page)
			must(t, err)
			for _, h := range l.Items {
				out = append(out, h.Ref.String())
			}
			if page.After = l.Next; page.After == "" {
				return strings.Join(out, " ")
			}
		}
	}
	all := search("shop", 50)
	if !strings.HasPrefix(all, "component:default/shop ") || !strings.Contains(all, "resource:default/shop-db") {
		t.Errorf("got %s", all)
	}
	if paged := search("shop", 1); paged != all {
		t.Errorf("page by page: %s", paged)
	}
	if got := search("SERV go", 5); got != "template:default/go-service" {
		t.Errorf("got %s", got)
	}
	for _, nothing := range []string{"", "-", "shop absent", `"`} {
		if got := search(nothing, 5); got != "" {
			t.Errorf("%q finds %s", nothing, got)
		}
	}
	l, err := x.Entities(t.Context(), EntityQuery{Filter: entity.Filter{Kinds: []string{"resource"}}, Text: "shop"},
		Page{})
	if err != nil || len(l.Items) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
}

// FuzzSearch proves that no text is anything but words to a search, and no cursor an error of ours.
func FuzzSearch(f *testing.F) {
	x, _, err := Open(f.Context(), f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = x.Close() })
	load(f, x, organisation(f))
	for _, text := range []string{"shop", `"a" OR b`, "name:shop", "a*", "NEAR(a b)", "ä", "\x00", "^a", "-", "(",
		"a AND"} {
		f.Add(text, "")
	}
	f.Fuzz(func(t *testing.T, text, after string) {
		if _, err := x.Search(t.Context(), text, Page{After: after}); err != nil && !errors.Is(err, ErrCursor) {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := x.Entities(t.Context(), EntityQuery{Text: text}, Page{After: after}); err != nil &&
			!errors.Is(err, ErrCursor) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
