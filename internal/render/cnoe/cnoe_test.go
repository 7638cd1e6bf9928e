package cnoe

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// shapes are the places where packages of this kind have references.
var shapes = map[string]struct {
	text string
	refs []string
}{
	"single source":    {`spec: {source: {repoURL: "cnoe://manifests", path: .}}`, []string{"manifests"}},
	"its own folder":   {`spec: {source: {repoURL: "cnoe://"}}`, []string{"."}},
	"odd spelling":     {`spec: {source: {repoURL: "cnoe://./a/../manifests/"}}`, []string{"manifests"}},
	"above":            {`spec: {source: {repoURL: "cnoe://../shared"}}`, []string{"../shared"}},
	"several sources":  {`spec: {sources: [{repoURL: https://charts.example.com, chart: x}, {repoURL: "cnoe://values", ref: values}, {repoURL: "cnoe://manifests"}]}`, []string{"manifests", "values"}},
	"the same twice":   {`spec: {sources: [{repoURL: "cnoe://a"}, {repoURL: "cnoe://a/"}]}`, []string{"a"}},
	"generator":        {`spec: {generators: [{git: {repoURL: "cnoe://clusters"}}], template: {spec: {source: {repoURL: "cnoe://apps"}}}}`, []string{"apps", "clusters"}},
	"nested generator": {`spec: {generators: [{matrix: {generators: [{merge: {generators: [{git: {repoURL: "cnoe://deep"}}]}}]}}]}`, []string{"deep"}},
	"another scheme":   {`spec: {source: {repoURL: https://git.example.com/a.git}}`, nil},
	"another field":    {`spec: {note: "cnoe://manifests"}`, nil},
	"not text":         {`spec: {repoURL: {a: b}}`, nil},
}

func TestReferences_AreFoundWhereverTheyStand(t *testing.T) {
	for name, shape := range shapes {
		if d := cmp.Diff(shape.refs, References(object(t, shape.text))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestRewrite_ReplacesReferencesAndNothingElse(t *testing.T) {
	for name, shape := range shapes {
		o := object(t, shape.text)
		if err := Rewrite(o, func(ref string) (string, error) { return "https://git/" + ref, nil }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if left := References(o); len(left) > 0 {
			t.Errorf("%s: %v is left", name, left)
		}
		if len(shape.refs) == 0 {
			if d := cmp.Diff(object(t, shape.text), o); d != "" {
				t.Errorf("%s: changed: %s", name, d)
			}
		}
	}
}

func TestRewrite_ErrorNamesTheField(t *testing.T) {
	o := object(t, `spec: {sources: [{repoURL: "https://a"}, {repoURL: "cnoe://gone"}]}`)
	err := Rewrite(o, func(string) (string, error) { return "", errors.New("no such directory") })
	if err == nil || !strings.HasPrefix(err.Error(), "spec.sources[1].repoURL: ") {
		t.Errorf("got %v", err)
	}
}

func TestHasRepository_TellsSuchObjectsFromOthers(t *testing.T) {
	for text, want := range map[string]bool{
		`spec: {source: {repoURL: https://git.example.com/a.git}}`: true,
		`spec: {generators: [{git: {repoURL: "cnoe://a"}}]}`:       true,
		`data: {a: b}`: false,
	} {
		if HasRepository(object(t, text)) != want {
			t.Errorf("%s: not %v", text, want)
		}
	}
}
