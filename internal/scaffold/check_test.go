package scaffold

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// makeAction is an action as templates in these tests use it.
func makeAction(run func(context.Context, *Call) (map[string]any, error)) Action {
	return Action{ID: "test:make", Outputs: []string{"id"}, Run: run, Input: `{"type": "object", "required": ["name"], "properties": {
		"name": {"type": "string"}, "size": {"type": "integer"}, "extra": {}}}`}
}

func registry(t *testing.T, actions ...Action) *Registry {
	t.Helper()
	r, err := NewRegistry(actions...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBroken_ExactMessages compares what is said about every broken template with the golden file beside it.
func TestBroken_ExactMessages(t *testing.T) {
	r := registry(t, makeAction(nil), Action{ID: "publish:gitea"})
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			template, found := Decode(filepath.Base(file), data)
			if AsError(found) == nil {
				found = append(found, r.Check(template)...)
			}
			if AsError(found) == nil {
				t.Fatal("nothing is wrong with it")
			}
			lines := make([]string, len(found))
			for i, f := range found {
				lines[i] = f.String()
			}
			got := strings.Join(lines, "\n") + "\n"
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

func decode(t *testing.T, text string) *Template {
	t.Helper()
	template, found := Decode("template.yaml", []byte(text))
	if len(found) > 0 {
		t.Fatal(found)
	}
	return template
}

const head = "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: shop, title: A shop, tags: [a, b]}\nspec:\n  type: service\n  owner: group:default/team\n"

func TestDecode_KeepsPagesAsTheyAre(t *testing.T) {
	template := decode(t, head+`  parameters:
    - title: First
      description: The first page
      required: [zebra]
      properties:
        zebra: &z
          type: string
          ui:autofocus: true
          ui:options: {rows: 5, inputProps: {maxLength: 3}}
        apple: {<<: *z, title: Apple}
        middle: {type: integer, default: 10000000000, enum: [1, 2.5, null]}
    - properties: {}
  steps:
    - action: test:make
      input: {name: x}
`)
	if template.Ref() != "template:default/shop" || template.Title != "A shop" || template.Owner != "group:default/team" || len(template.Digest) != 64 {
		t.Errorf("%+v", template)
	}
	if len(template.Pages) != 2 || template.Pages[0].Title != "First" || template.Pages[0].Description != "The first page" {
		t.Fatalf("%+v", template.Pages)
	}
	want := `{"title":"First","description":"The first page","required":["zebra"],"properties":{` +
		`"zebra":{"type":"string","ui:autofocus":true,"ui:options":{"rows":5,"inputProps":{"maxLength":3}}},` +
		`"apple":{"title":"Apple","type":"string","ui:autofocus":true,"ui:options":{"inputProps":{"maxLength":3},"rows":5}},` +
		`"middle":{"type":"integer","default":10000000000,"enum":[1,2.5,null]}}}`
	if diff := cmp.Diff(want, string(template.Pages[0].Schema)); diff != "" {
		t.Error(diff)
	}
	if s := template.Steps[0]; s.ID != "step-1" || s.Name != "test:make" {
		t.Errorf("%+v", s)
	}
}

func TestDecode_TakesTheTemplateOutOfAFileOfEntities(t *testing.T) {
	template := decode(t, "kind: Component\n---\n\n---\n"+head+"  parameters: {properties: {b: {type: string}, a: {type: string}}}\n  steps: [{action: test:make, input: {name: x}}]\n")
	if got, want := string(template.Pages[0].Schema), `{"properties":{"b":{"type":"string"},"a":{"type":"string"}}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A page may be written in YAML's ways to say a thing once; warnings do not keep a template from being used.
func TestCheck_WarningsAreNotErrors(t *testing.T) {
	template := decode(t, head+`  parameters:
    dependencies:
      kind:
        oneOf:
          - properties: {kind: {const: a}, deep: {type: string}}
    properties: {kind: {type: string}}
  steps:
    - id: make
      action: test:make
      backstage:permissions: {}
      input: {name: "${{ parameters.deep }} ${{ parameters.gone }} ${{ user.entity.metadata.name }} ${{ undefined }} ${{ range(3) }}"}
  output:
    entityRef: ${{ steps.register.output.entityRef }}
`)
	found := registry(t, makeAction(nil)).Check(template)
	if err := AsError(found); err != nil || len(found) != 2 {
		t.Errorf("%v %v", err, found)
	}
}

func TestValidate(t *testing.T) {
	template := decode(t, head+`  parameters:
    - required: [name]
      properties:
        name: {type: string, pattern: "^[a-z]+$", maxLength: 5}
        size: {type: integer, minimum: 1}
        mail: {type: string, format: email}
    - properties:
        vars:
          type: object
          required: [region]
          properties:
            region: {type: string, enum: [north, south]}
            tags: {type: array, items: {type: object, required: [key]}}
  steps:
    - action: test:make
      input: {name: x}
`)
	for _, tc := range []struct {
		values map[string]any
		want   string
	}{
		{map[string]any{"name": "shop", "size": int64(3), "vars": map[string]any{"region": "north"}}, ""},
		{map[string]any{}, "name: required, but missing"},
		{nil, "name: required, but missing"},
		{map[string]any{"name": "Shop"}, `name: "Shop" does not match ^[a-z]+$`},
		{map[string]any{"name": "shopping"}, "name: must have at most 5 characters, has 8"},
		{map[string]any{"name": "a", "size": "3"}, "size: must be of type integer, is string"},
		{map[string]any{"name": "a", "size": int64(0)}, "size: minimum: got 0, want 1"},
		{map[string]any{"name": "a", "mail": "nobody"}, "mail: 'nobody' is not valid email: missing @"},
		{map[string]any{"name": "a", "vars": map[string]any{"region": "noth"}}, `vars.region: must be one of north, south; is "noth"; did you mean "north"?`},
		{map[string]any{"name": "a", "vars": map[string]any{"region": "north", "tags": []any{map[string]any{}}}}, "vars.tags[0].key: required, but missing"},
	} {
		err := template.Validate(tc.values)
		got := ""
		if err != nil {
			got = err.Error()
			if found := (spec.Errors{}); !errors.As(err, &found) {
				t.Errorf("%T", err)
			}
		}
		if got != tc.want {
			t.Errorf("%v:\n got: %s\nwant: %s", tc.values, got, tc.want)
		}
	}
}

func TestDefaults(t *testing.T) {
	template := decode(t, head+`  parameters:
    - properties:
        name: {type: string, default: shop}
        count: {type: integer}
        no: {type: boolean, default: false}
        vars:
          type: object
          properties:
            region: {type: string, default: north}
            nets: {type: array, default: [a, b], items: {type: string}}
            deep: {type: object, properties: {leaf: {type: integer, default: 1}}}
        bare: {type: object, properties: {x: {type: string}}}
  steps:
    - action: test:make
      input: {name: x}
`)
	given := map[string]any{"vars": map[string]any{"region": "south"}}
	want := map[string]any{"name": "shop", "no": false,
		"vars": map[string]any{"region": "south", "nets": []any{"a", "b"}, "deep": map[string]any{"leaf": int64(1)}}}
	if diff := cmp.Diff(want, template.Defaults(given)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"vars": map[string]any{"region": "south"}}, given); diff != "" {
		t.Errorf("what was given has changed: %s", diff)
	}
}

// FuzzDecode proves that any bytes give findings with their file, or a template that can be checked,
// shown in a form and asked about values.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
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
	r, err := NewRegistry(makeAction(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		template, found := Decode("f.yaml", data)
		for _, finding := range found {
			if finding.File != "f.yaml" || finding.Message == "" {
				t.Errorf("a finding without file or message: %+v", finding)
			}
		}
		if template == nil || AsError(found) != nil {
			return
		}
		for _, finding := range r.Check(template) {
			if finding.File != "f.yaml" || finding.Line < 1 || finding.Column < 1 || finding.Message == "" {
				t.Errorf("a finding without its place: %+v", finding)
			}
		}
		for _, page := range template.Pages {
			if !json.Valid(page.Schema) {
				t.Errorf("a page that is not JSON: %s", page.Schema)
			}
		}
		_ = template.Validate(template.Defaults(nil))
	})
}
