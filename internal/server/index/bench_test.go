package index

import (
	"fmt"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/entity"
)

const (
	benchSources  = 100
	benchEntities = 100 // in each
)

// benchSource gives entities that depend on each other, on their own repository's and the next one's.
func benchSource(n int) entity.Source {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team-%d}\nspec: {type: team, children: []}\n", n)
	fmt.Fprintf(&b, "---\napiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: system-%d}\nspec: {owner: team-%d}\n", n, n)
	for i := range benchEntities - 2 {
		fmt.Fprintf(&b, `---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: service-%[1]d-%[2]d
  title: Service %[2]d of team %[1]d
  description: Keeps the %[3]s of our customers, and tells others when they change
  labels: {example.com/tier: "%[4]d"}
  tags: [go, %[3]s]
spec:
  type: service
  lifecycle: production
  owner: team-%[1]d
  system: system-%[1]d
  dependsOn: [component:service-%[1]d-%[5]d, component:service-%[6]d-%[2]d]
`, n, i, []string{"orders", "invoices", "addresses", "preferences", "shipments"}[i%5], i%3, (i+1)%(benchEntities-2), (n+1)%benchSources)
	}
	return entity.Source{Location: fmt.Sprintf("team-%d/catalog-info.yaml", n), Data: []byte(b.String())}
}

// benchIndex is an index with 10,000 entities.
func benchIndex(b *testing.B) *Index {
	b.Helper()
	x := open(b)
	for n := range benchSources {
		fill(b, x, n, "")
	}
	b.ResetTimer()
	return x
}

func fill(b *testing.B, x *Index, n int, from string) {
	b.Helper()
	s := benchSource(n)
	entities, found := entity.Decode(s)
	if len(found) > 0 || len(entities) != benchEntities {
		b.Fatal(len(entities), found)
	}
	must(b, x.Apply(b.Context(), s.Location, from, Changes{Position: from + "+", Replace: true, Entities: entities,
		Rank: n}))
}

func BenchmarkEntities_FirstPage(b *testing.B) {
	x := benchIndex(b)
	for b.Loop() {
		if l, err := x.Entities(b.Context(), EntityQuery{}, Page{}); err != nil || len(l.Items) != 50 {
			b.Fatal(len(l.Items), err)
		}
	}
}

func BenchmarkEntities_DeepPage(b *testing.B) {
	x := benchIndex(b)
	after := (&query{name: "entities"}).encode([]any{"component:default/service-90-0"})
	for b.Loop() {
		if l, err := x.Entities(b.Context(), EntityQuery{}, Page{After: after}); err != nil || len(l.Items) != 50 {
			b.Fatal(len(l.Items), err)
		}
	}
}

func BenchmarkEntities_OfAnOwner(b *testing.B) {
	x := benchIndex(b)
	q := EntityQuery{Filter: entity.Filter{Kinds: []string{"Component"},
		Owners: []entity.Ref{entity.NewRef("group", "", "team-42")}}}
	for b.Loop() {
		if l, err := x.Entities(b.Context(), q, Page{}); err != nil || len(l.Items) != 50 {
			b.Fatal(len(l.Items), err)
		}
	}
}

func BenchmarkEntities_Broken(b *testing.B) {
	x := benchIndex(b)
	for b.Loop() {
		if l, err := x.Entities(b.Context(), EntityQuery{Filter: entity.Filter{Broken: true}}, Page{}); err != nil ||
			len(l.Items) != 0 {
			b.Fatal(len(l.Items), err)
		}
	}
}

func BenchmarkSearch(b *testing.B) {
	x := benchIndex(b)
	for _, text := range []string{"service-42-17", "invoices team 7", "serv"} {
		b.Run(strings.ReplaceAll(text, " ", "+"), func(b *testing.B) {
			for b.Loop() {
				if l, err := x.Search(b.Context(), text, Page{}); err != nil || len(l.Items) == 0 {
					b.Fatal(len(l.Items), err)
				}
			}
		})
	}
}

func BenchmarkEntity(b *testing.B) {
	x := benchIndex(b)
	for b.Loop() {
		if _, _, err := x.Entity(b.Context(), entity.NewRef("component", "", "service-42-17")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGraph(b *testing.B) {
	x := benchIndex(b)
	for depth := 1; depth <= 3; depth++ {
		b.Run(fmt.Sprint("depth-", depth), func(b *testing.B) {
			var nodes int
			for b.Loop() {
				g, _, err := x.Graph(b.Context(), entity.NewRef("component", "", "service-42-17"), depth)
				if err != nil {
					b.Fatal(err)
				}
				nodes = len(g.Nodes)
			}
			b.ReportMetric(float64(nodes), "nodes")
		})
	}
}

// BenchmarkApply_OneRepository is a push to a repository with 100 entities.
func BenchmarkApply_OneRepository(b *testing.B) {
	x := benchIndex(b)
	from := "+"
	for b.Loop() {
		fill(b, x, 42, from)
		from += "+"
	}
}

// BenchmarkRebuild reads all 10,000 entities anew.
func BenchmarkRebuild(b *testing.B) {
	for b.Loop() {
		x := open(b)
		for n := range benchSources {
			fill(b, x, n, "")
		}
	}
}

// BenchmarkOpen opens an index with 10,000 entities, and looks whether it is sound.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	x, _, err := Open(b.Context(), dir)
	must(b, err)
	for n := range benchSources {
		fill(b, x, n, "")
	}
	must(b, x.Close())
	for b.Loop() {
		x, fresh, err := Open(b.Context(), dir)
		if err != nil || fresh {
			b.Fatal(fresh, err)
		}
		must(b, x.Close())
	}
}
