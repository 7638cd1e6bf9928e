package expr

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheck_FindsSyntaxAndUnknownRootsWithoutEvaluating(t *testing.T) {
	tree := map[string]any{
		"fine":  "${values.a.b} ${inputs.?x.orValue('')} ${[1].map(i, i + 1)[0]}",
		"bad":   "${values.}",
		"roots": []any{"${outputs.x}"},
		"${y}":  "key",
	}
	err := Check(tree, []string{"values", "inputs"})
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`["${y}"]: ${y}: unknown name "y"; known: inputs, values`,
		`bad: ${values.}: no viable alternative at input '.'; mismatched input '<EOF>'`,
		`roots[0]: ${outputs.x}: unknown name "outputs"; known: inputs, values`,
	}
	got := strings.Split(err.Error(), "\n")
	for i := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], want[i][:20]) {
			t.Errorf("finding %d: got %q, want %q", i, got, want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d findings: %s", len(got), err)
	}
}

func TestReferences_SelectionsBelowARoot(t *testing.T) {
	tree := []any{"${inputs.git.url}/x", "${has(inputs.dns) ? inputs.dns.clusterDomain : inputs.?mesh.?name.orValue('')}", `${inputs["a-b"].c.d}`,
		"${inputs}", "${values.inputs.x}", "${", "plain"}
	got := References(tree, "inputs")
	want := [][]string{{"git", "url"}, {"dns"}, {"dns", "clusterDomain"}, {"mesh", "name"}, {"a-b", "c"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBool_Conditions(t *testing.T) {
	vars := map[string]any{"status": 200, "body": map[string]any{"ok": true}}
	for condition, want := range map[string]string{
		"status == 200 && body.ok": "true",
		"status == 404":            "false",
		"body.missing":             `condition "body.missing": no such key: missing`,
		"status":                   `condition "status": gives 200, not true or false`,
		"nope":                     `condition "nope": unknown name "nope"; known: body, status`,
	} {
		got, err := Bool(condition, vars)
		text := map[bool]string{true: "true", false: "false"}[got]
		if err != nil {
			text = err.Error()
		}
		if text != want {
			t.Errorf("%s: got %s, want %s", condition, text, want)
		}
	}
}

func TestCheckCondition(t *testing.T) {
	for condition, want := range map[string]string{
		"body.issuer == 'https://${platform.domain}/' && status == ${values.x}": "",
		"object.a":       "",
		"size('a')":      `condition "size('a')": gives int, not true or false`,
		"objekt.a == 1":  `condition "objekt.a == 1": unknown name "objekt"; known: body, object, status`,
		"body.x == '${'": `condition "body.x == '${'": "${" has no matching "}"; write "$${" for a literal "${" (a quotation mark in it is not closed)`,
	} {
		got := ""
		if err := CheckCondition(condition, []string{"object", "status", "body"}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", condition, got, want)
		}
	}
}

func TestValue_BoundsWhatAnExpressionCosts(t *testing.T) {
	s, err := New(map[string]any{"x": strings.Repeat("a", 1000)})
	if err != nil {
		t.Fatal(err)
	}
	ten := "[0,1,2,3,4,5,6,7,8,9]"
	for name, source := range map[string]string{
		"nested loops":        ten + ".map(a, " + ten + ".map(b, " + ten + ".map(c, " + ten + ".map(d, " + ten + ".map(e, " + ten + ".map(f, a*b*c*d*e*f))))))",
		"growing replacement": "x" + strings.Repeat(".replace('a', 'aaaaaaaaaaaaaaaa')", 8),
		"growing list":        "[x,x,x,x,x,x,x,x].map(y, [x,x,x,x,x,x,x,x].map(z, x + y + z).join('') + y).map(q, [q,q,q,q,q,q,q,q].join(q)).map(q, [q,q,q,q,q,q].join(q)).size()",
		"long source":         "1" + strings.Repeat("+1", sourceLimit),
		"deep source":         strings.Repeat("(", 5000) + "1" + strings.Repeat(")", 5000),
	} {
		if _, err := s.Value("${" + source + "}"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestValue_LeavesOutEntriesThatBecomeNull(t *testing.T) {
	s, err := New(map[string]any{"inputs": map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Value(map[string]any{"gone": "${has(inputs.x) ? inputs.x : null}", "kept": nil, "list": []any{"${null}"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"kept": nil, "list": []any{nil}}, got); diff != "" {
		t.Error(diff)
	}
}
