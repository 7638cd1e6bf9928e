package expr

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func vars() map[string]any {
	return map[string]any{
		"platform": map[string]any{"domain": "demo.localhost", "port": 8443, "portSuffix": ":8443", "nameservers": []string{"1.1.1.1"}},
		"values":   map[string]any{"replicas": int64(2), "on": true, "extra": map[string]any{"a": int64(1)}},
		"inputs":   map[string]any{},
	}
}

func TestValue_EvaluatesStrings(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   any
		want any
	}{
		{"plain text stays", "hello", "hello"},
		{"text around an expression", "https://git.${platform.domain}${platform.portSuffix}", "https://git.demo.localhost:8443"},
		{"a whole expression keeps its type", "${values.replicas}", int64(2)},
		{"arithmetic on integers", "${platform.port + 1}", int64(8444)},
		{"a boolean", "${values.on}", true},
		{"a map", "${values.extra}", map[string]any{"a": int64(1)}},
		{"a list of a typed slice", "${platform.nameservers}", []any{"1.1.1.1"}},
		{"a map literal with nested braces", `${{"a": {"b": values.replicas}}}`, map[string]any{"a": map[string]any{"b": int64(2)}}},
		{"braces in quotes", `${"}" + '{'}`, "}{"},
		{"escaped quotes", `${"a\"}"}`, `a"}`},
		{"raw literal", `${r"\"}`, `\`},
		{"triple quotes", `${"""a"}b"""}`, `a"}b`},
		{"an escape", "$${HOME} and ${1}", "${HOME} and 1"},
		{"a lone dollar", "$5 and $", "$5 and $"},
		{"optional inputs", `${inputs.?identity.?issuer.orValue("none")}`, "none"},
		{"has", `${has(inputs.identity) ? "yes" : "no"}`, "no"},
		{"string extension", `${platform.domain.split(".")[0]}`, "demo"},
		{"an integer in text", "n=${values.replicas}", "n=2"},
		{"a list in text is JSON", "n=${platform.nameservers}", `n=["1.1.1.1"]`},
		{"toYAML", "${toYAML(values.extra)}", "a: 1\n"},
		{"toJSON", "${toJSON(values.extra)}", `{"a":1}`},
		{"map keys too", map[string]any{"host-${values.replicas}": []any{"${values.on}"}}, map[string]any{"host-2": []any{true}}},
		{"numbers pass", map[string]any{"a": 1, "b": 1.5, "c": nil}, map[string]any{"a": int64(1), "b": 1.5, "c": nil}},
		{"a comment with a brace", "${1 // }\n}", int64(1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := New(vars())
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Value(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValue_SaysWhereAndWhy(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   any
		want string
	}{
		{"missing key", map[string]any{"a": []any{"${values.replica}"}}, `a[0]: ${values.replica}: no such key: replica`},
		{"unknown root", "${valuez.a}", `${valuez.a}: unknown name "valuez"; known: inputs, platform, values`},
		{"not closed", map[string]any{"a.b": "x${values"}, `["a.b"]: "${" has no matching "}"; write "$${" for a literal "${"`},
		{"quote not closed", "${'a}", `"${" has no matching "}"; write "$${" for a literal "${" (a quotation mark in it is not closed)`},
		{"empty", "${ }", `"${}" holds no expression`},
		{"null in text", "a${null}", `${null}: is null, which has no text`},
		{"two at once", map[string]any{"a": "${x}", "b": "${y}"}, "a: ${x}: unknown name \"x\"; known: inputs, platform, values\nb: ${y}: unknown name \"y\"; known: inputs, platform, values"},
		{"keys that meet", map[string]any{"${'a'}": 1, "a": 2}, `a: the key becomes "a", which is there already`},
		{"lists.range", "${lists.range(10)}", "${lists.range(10)}: lists.range is not available"},
		{"a key of a wrong type", "${{1: 2}}", "${{1: 2}}: a map's key is of type int, not a string"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := New(vars())
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Value(tc.in)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
