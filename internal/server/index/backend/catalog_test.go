package backend

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/index"
)

func catalog(t *testing.T) Catalog {
	t.Helper()
	x, _, err := index.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	for _, name := range []string{"organisation", "dangling"} {
		data, err := os.ReadFile("../../../entity/testdata/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		entities, _ := entity.Decode(entity.Source{Location: "payments/shop/" + name + ".yaml", Data: data})
		if err := x.Apply(t.Context(), name, "", index.Changes{Position: "1", Replace: true, Entities: entities}); err != nil {
			t.Fatal(err)
		}
	}
	return Catalog{Index: x, Source: func(location string) *api.Source { return &api.Source{Path: location} }}
}

func TestCatalog_ListsAndPages(t *testing.T) {
	c := catalog(t)
	page := api.Page{Limit: 1}
	var got []string
	for {
		l, err := c.Entities(t.Context(), api.EntityQuery{Kind: "component", Owner: "nobody"}, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range l.Items {
			got = append(got, e.Ref)
		}
		if page.After = l.Next; page.After == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"component:default/shop", "component:default/shop2"}, got); diff != "" {
		t.Error(diff)
	}
	for _, q := range []api.EntityQuery{{Owner: "a:"}, {System: "/"}} {
		if _, err := c.Entities(t.Context(), q, page); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, err := c.Entities(t.Context(), api.EntityQuery{}, api.Page{Limit: 1, After: "x"}); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("a strange cursor: %v", err)
	}
}

func TestCatalog_ShowsWhatIsWrong(t *testing.T) {
	c := catalog(t)
	e, err := c.Entity(t.Context(), api.EntityRef{Kind: "Component", Namespace: "default", Name: "Shop2"})
	if err != nil {
		t.Fatal(err)
	}
	want := []api.EntityError{{Message: "there is no entity group:default/nobody", Path: "spec.owner", Line: 16}}
	if diff := cmp.Diff(want, e.Errors); diff != "" {
		t.Error(diff)
	}
	missing := map[string]bool{}
	for _, r := range e.Relations {
		missing[r.Target] = r.Missing
	}
	if diff := cmp.Diff(map[string]bool{"group:default/nobody": true, "component:default/shop": false}, missing); diff != "" {
		t.Error(diff)
	}
	if e.Source == nil || e.Source.Path != "payments/shop/dangling.yaml" {
		t.Errorf("source %+v", e.Source)
	}
	if _, err := c.Entity(t.Context(), api.EntityRef{Kind: "api", Namespace: "default", Name: "absent"}); !errors.Is(err, api.ErrNotFound) {
		t.Error(err)
	}
}

func TestCatalog_SearchesAndDraws(t *testing.T) {
	c := catalog(t)
	hits, err := c.Search(t.Context(), "go", api.Page{Limit: 5})
	if err != nil || len(hits.Items) != 1 || hits.Items[0].Entity.Ref != "template:default/go-service" || hits.Items[0].Excerpt == "" {
		t.Errorf("%+v, %v", hits, err)
	}
	g, err := c.Graph(t.Context(), api.EntityRef{Kind: "component", Namespace: "default", Name: "shop2"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []string
	for _, n := range g.Nodes {
		nodes = append(nodes, n.Ref)
	}
	if diff := cmp.Diff([]string{"component:default/shop2", "component:default/shop", "group:default/nobody"}, nodes); diff != "" {
		t.Error(diff)
	}
	if len(g.Edges) != 2 || g.Root != "component:default/shop2" {
		t.Errorf("%+v", g)
	}
	if _, err := c.Graph(t.Context(), api.EntityRef{Kind: "api", Name: "absent"}, 1); !errors.Is(err, api.ErrNotFound) {
		t.Error(err)
	}
}
