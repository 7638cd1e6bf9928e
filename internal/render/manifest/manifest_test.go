package manifest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestDecode_DocumentsAndTheirPlaces(t *testing.T) {
	objects, err := Decode("x.yaml", []byte("\ufeff# comment\n---\n# another\n\napiVersion: v1\nkind: A\nmetadata: {name: a}\ndata:\n  text: |\n    ---\n    kept\n"+
		"--- # trailing\n{apiVersion: v1, kind: B, metadata: {name: b}}\n...\n---\r\napiVersion: v1\r\nkind: C\r\nmetadata: {name: c}\r\n---\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.GetKind()+" "+o.Source)
	}
	if d := cmp.Diff([]string{"A x.yaml:5", "B x.yaml:13", "C x.yaml:16"}, got); d != "" {
		t.Error(d)
	}
}

func TestDecode_ErrorsNameFileAndLine(t *testing.T) {
	for text, want := range map[string]string{
		"a: b\n":             "x.yaml:1: not a Kubernetes object: it has no apiVersion",
		"- a\n":              "x.yaml:1: not a Kubernetes object",
		"apiVersion: v1\n":   "x.yaml:1: not a Kubernetes object: it has no kind",
		"\n\n---\na: [\n":    "x.yaml:4: did not find expected node content",
		"a: b\n---\nc: d: e": "x.yaml:3: mapping values are not allowed",
		"apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\nc: d: e":         "x.yaml:5: mapping values are not allowed",
		"apiVersion: v1\nkind: A\nmetadata: {generateName: a-}":              "needs a fixed metadata.name",
		"apiVersion: v1\nkind: A\nmetadata: {name: a, labels: {port: 80}}":   "metadata.labels of A a must be a map of texts",
		"apiVersion: v1\nkind: A\nmetadata: {name: 1}":                       "metadata.name",
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A}":    "x.yaml:1 (item 1): not a Kubernetes object: it has no metadata.name",
		"apiVersion: v1\nkind: A\nmetadata: {name: a}\ndata: {x: .inf}":      "no number",
		"apiVersion: v1\nkind: A\nmetadata: {name: a}\ndata: {? {a: b} : c}": "invalid map key",
	} {
		if _, err := Decode("x.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", text, err, want)
		}
	}
	_, err := Decode("x.yaml", []byte("a: b"))
	var other *NotKubernetesError
	if !errors.As(err, &other) {
		t.Errorf("not told apart from a syntax error: %v", err)
	}
}

func TestDocuments_StrictRefusesKeysThatStandTwice(t *testing.T) {
	text := []byte("a: 1\nb: 2\na: 3\n")
	if _, err := Documents("x.yaml", text, true); err == nil || !strings.Contains(err.Error(), "x.yaml:3") {
		t.Errorf("strict: %v", err)
	}
	if _, err := Documents("x.yaml", text, false); err != nil {
		t.Errorf("lenient: %v", err)
	}
}

func TestDecode_NullsThatGeneratorsLeaveAreTakenOut(t *testing.T) {
	objects, err := Decode("x.yaml", []byte("apiVersion: v1\nkind: A\nmetadata: {name: a, creationTimestamp: null, labels: null, annotations: }\n"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]any{"name": "a"}, objects[0].Object["metadata"]); d != "" {
		t.Error(d)
	}
}

// values are the shapes that decide on how YAML is read and written.
const values = `
int: 1
big: 9007199254740993
octal: 0777
float: 1.5
whole: 3.0
exponent: 1e3
yes: on
text: "on"
version: "1.10"
date: 2024-01-02
time: 2024-01-02T03:04:05Z
empty: ""
none: ~
multi: |
  a
   b
folded: >-
  c
  d
anchor: &x {a: [1, 2]}
alias: *x
1: number
true: boolean
list: [a, {b: c}]
"10a": 1
"9a": 2
`

func TestEncode_GivesTheBytesOfTheUsualLibrary(t *testing.T) {
	docs, err := Documents("x.yaml", []byte(values), false)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Encode(docs[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	var usual any
	if err := yaml.Unmarshal([]byte(values), &usual); err != nil {
		t.Fatal(err)
	}
	want, err := yaml.Marshal(usual)
	if err != nil {
		t.Fatal(err)
	}
	// the usual way through JSON rounds numbers beyond 2^53; this one keeps them
	if d := cmp.Diff(strings.Replace(string(want), "9007199254740992", "9007199254740993", 1), string(got)); d != "" {
		t.Error(d)
	}
	again, err := Documents("x.yaml", got, true)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(docs[0].Value, again[0].Value); d != "" {
		t.Errorf("reading back what was written: %s", d)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n" + values)
	f.Add("---\n---\n...\n--- x\n")
	f.Add("{apiVersion: v1, kind: List, items: [null, {}]}")
	f.Fuzz(func(t *testing.T, text string) {
		objects, err := Decode("x.yaml", []byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x.yaml:") {
				t.Errorf("the error names no place: %v", err)
			}
			return
		}
		for _, o := range objects {
			data, err := Encode(o.Object)
			if err != nil {
				t.Fatalf("encode: %v", err)
			}
			again, err := Decode("x.yaml", data)
			if err != nil || len(again) != 1 {
				t.Fatalf("read back %q: %d objects, %v", data, len(again), err)
			}
			if d := cmp.Diff(o.Object, again[0].Object); d != "" {
				t.Errorf("read back differs: %s", d)
			}
		}
	})
}
