package entity

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestDecode_ExactFindings reads every file of testdata and compares what is found wrong with
// it, entity by entity, with the golden file beside it.
func TestDecode_ExactFindings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := report(Build([]Source{{Location: filepath.Base(file), Data: data}}))
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// report writes entities with relations and errors, and the findings besides.
func report(c *Catalogue) string {
	var b strings.Builder
	for _, e := range c.List(Filter{}) {
		b.WriteString(e.Ref().String() + "\n")
		for _, r := range e.Relations {
			b.WriteString("  " + r.Type + " " + r.Target.String() + "\n")
		}
		for _, f := range e.Errors {
			b.WriteString("  ! " + f.String() + "\n")
		}
	}
	for _, f := range c.Findings() {
		b.WriteString("! " + f.String() + "\n")
	}
	return b.String()
}

const component = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Shop
  namespace: store
  title: The shop
  description: Sells things
  labels: {example.com/tier: "1", empty: ""}
  annotations: {backstage.io/source-location: "url:https://git.example.com/shop"}
  tags: [go, c++, "lang:go"]
  links: [{url: "https://shop.example.com", title: Shop, icon: web, type: site}]
  owner-note: kept
spec: {type: service, lifecycle: production, owner: user:ada, system: front, extra: {kept: true}}
`

func TestDecode_KeepsEveryField(t *testing.T) {
	entities, found := Decode(Source{Location: "catalog-info.yaml", Data: []byte(component)})
	if len(entities) != 1 || len(found) > 0 || len(entities[0].Errors) > 0 {
		t.Fatal(entities, found)
	}
	want := Entity{
		APIVersion: "backstage.io/v1alpha1", Kind: "Component",
		Metadata: Metadata{Name: "Shop", Namespace: "store", Title: "The shop", Description: "Sells things",
			Labels:      map[string]string{"example.com/tier": "1", "empty": ""},
			Annotations: map[string]string{"backstage.io/source-location": "url:https://git.example.com/shop"},
			Tags:        []string{"go", "c++", "lang:go"},
			Links:       []Link{{URL: "https://shop.example.com", Title: "Shop", Icon: "web", Type: "site"}},
			Extra:       map[string]any{"owner-note": "kept"}},
		Spec: map[string]any{"type": "service", "lifecycle": "production", "owner": "user:ada", "system": "front",
			"extra": map[string]any{"kept": true}},
		Source: Place{"catalog-info.yaml", 1},
		References: []Reference{
			{Relation{OwnedBy, NewRef("user", "store", "ada")}, "spec.owner", 13, 53},
			{Relation{PartOf, NewRef("system", "store", "front")}, "spec.system", 13, 71},
		},
	}
	if diff := cmp.Diff(want, entities[0]); diff != "" {
		t.Error(diff)
	}
	e := &entities[0]
	if e.Ref().String() != "component:store/shop" || e.DisplayName() != "The shop" || e.Type() != "service" ||
		e.Lifecycle() != "production" || e.Owner().String() != "user:store/ada" ||
		e.System().String() != "system:store/front" {
		t.Errorf("%s %s %s %s %s %s", e.Ref(), e.DisplayName(), e.Type(), e.Lifecycle(), e.Owner(), e.System())
	}
}

func TestDecode_OneBadDocumentLeavesTheOthers(t *testing.T) {
	entities, found := Decode(Source{Location: "f.yaml", Data: []byte(component + "---\n- list\n---\nkind: 5\n---\n" +
		strings.Replace(component, "name: Shop", "name: other\n  name: twice", 1))})
	if len(entities) != 2 || len(entities[0].Errors) != 0 {
		t.Fatalf("got %v, %v", entities, found)
	}
	if got := spec.Errors(entities[1].Errors).Error(); got != "f.yaml:23:3: metadata.name: is there already, on line 22" {
		t.Errorf("the second has %s", got)
	}
	want := "f.yaml:15:1: an entity must be a map with apiVersion, kind, metadata, spec\n" +
		"f.yaml:17:1: apiVersion: required, but missing\n" +
		"f.yaml:17:1: metadata: required, but missing\n" +
		"f.yaml:17:7: kind: must be text, is a number; put it in quotation marks"
	if got := spec.Errors(found).Error(); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestDecode_ASourceDefinesItsKindsOnly(t *testing.T) {
	user := "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: admins}\nspec: {type: team, children: []}\n"
	entities, found := Decode(Source{Location: "f.yaml", Data: []byte(user + "---\n" + component), Kinds: OwnKinds})
	if len(entities) != 1 || entities[0].Kind != "Component" || len(found) != 1 ||
		found[0].String() != "f.yaml:2:7: kind: a Group cannot be defined here, only Component, API, Resource, System, Location, Template" {
		t.Errorf("got %v, %v", entities, found)
	}
}

func TestDecode_TakesInFiles(t *testing.T) {
	api := `apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: shop}
spec:
  type: openapi
  lifecycle: production
  owner: team
  definition: {$text: ./openapi.yaml}
  parsed: {$yaml: ./openapi.yaml}
  json: {$json: ./a.json}
  broken: {$json: ./openapi.yaml}
  schema: {$ref: "#/definitions/x"}
  missing: {$text: ./gone}
  unread: {$text: ./never}
  both: {$text: a, $json: b}
  number: {$text: 5}
`
	entities, _ := Decode(Source{Location: "f.yaml", Data: []byte(api),
		Included: map[string][]byte{"./openapi.yaml": []byte("openapi: 3.1.0\n"), "./a.json": []byte(`{"a": [1]}`)},
		Failed:   map[string]string{"./gone": "file does not exist"}})
	if len(entities) != 1 {
		t.Fatal(entities)
	}
	want := map[string]any{"type": "openapi", "lifecycle": "production", "owner": "team",
		"definition": "openapi: 3.1.0\n",
		"parsed":     map[string]any{"openapi": "3.1.0"}, "json": map[string]any{"a": []any{1.0}}, "broken": "",
		"schema": map[string]any{"$ref": "#/definitions/x"}, "missing": "", "unread": "",
		"both": map[string]any{"$text": "a", "$json": "b"}, "number": ""}
	if diff := cmp.Diff(want, entities[0].Spec); diff != "" {
		t.Error(diff)
	}
	var lines []string
	for _, f := range entities[0].Errors {
		lines = append(lines, f.Path+": "+f.Message)
	}
	got := strings.Join(lines, "\n")
	for _, part := range []string{"spec.broken.$json: ./openapi.yaml is not JSON: ",
		"spec.missing.$text: ./gone cannot be read: file does not exist",
		"spec.unread.$text: ./never cannot be read: it was not read", "spec.number.$text: must be text, is a number"} {
		want := strings.Replace(part, ".$", `["$`, 1)
		want = strings.Replace(strings.Replace(want, "json:", `json"]:`, 1), "text:", `text"]:`, 1)
		if !strings.Contains(got, want) {
			t.Errorf("no finding %s in\n%s", want, got)
		}
	}
	if len(lines) != 4 {
		t.Errorf("%d findings:\n%s", len(lines), got)
	}
}

// FuzzDecode proves that any bytes give entities that have an identity, and findings that have a
// place and a cause; and that the same bytes give the same catalogue.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(component))
	f.Add([]byte("kind: A\nmetadata: {$text: x, name: {}}\n---\n&a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		source := Source{Location: "f.yaml", Data: data, Included: map[string][]byte{"x": data}}
		c := Build([]Source{source})
		for _, e := range c.List(Filter{}) {
			if got, ok := c.Get(e.Ref()); !ok || got != e || e.Source.Line < 1 {
				t.Errorf("%s cannot be found again, or has no line", e.Ref())
			}
			for _, finding := range e.Errors {
				if finding.File == "" || finding.Message == "" || finding.Line < 1 {
					t.Errorf("%s: a finding without file, line or cause: %+v", e.Ref(), finding)
				}
			}
			if _, ok := c.Graph(e.Ref(), 3); !ok {
				t.Errorf("%s has no graph", e.Ref())
			}
		}
		if diff := cmp.Diff(report(c), report(Build([]Source{source}))); diff != "" {
			t.Error(diff)
		}
	})
}
