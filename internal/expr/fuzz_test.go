package expr

import (
	"errors"
	"testing"
)

// FuzzExpr proves that any text gives a value that a tree can hold, or an error that says where.
func FuzzExpr(f *testing.F) {
	for _, s := range []string{
		"", "plain", "${values.a}", "x${values.a}y${values.b}", "$${x}", "$$${values.a}", `${"}"}`, `${r'\'}`, "${{'a': {'b': [1]}}}", "${", "${}", "${1/0}",
		"${values.a + }", "${[1,2].map(x, x * 2)}", "${values.?z.orValue(1)}", "${b'abc'}", "${duration('1s')}", "${timestamp('2026-01-01T00:00:00Z')}",
		"${18446744073709551615u}", "${1.0/0.0}", "${type(1)}", "${'''a}'''}", "${toYAML(values)}", "${math.greatest(1, 2)}", "${'%s'.format([values])}",
	} {
		f.Add(s)
	}
	scope, err := New(map[string]any{"values": map[string]any{"a": "text", "b": 1, "c": []any{true, nil, 1.5}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tree := map[string]any{"field": []any{s}}
		v, err := scope.Value(tree)
		if err != nil {
			var all Errors
			if !errors.As(err, &all) || len(all) != 1 || all[0].Path != "field[0]" || all[0].Reason == "" {
				t.Fatalf("%q: an error without its place: %#v", s, err)
			}
			return
		}
		if err := Check(tree, []string{"values"}); err != nil {
			t.Errorf("%q: evaluated to %v, and yet Check says: %s", s, v, err)
		}
		if _, err := plain(v); err != nil {
			t.Errorf("%q: %s", s, err)
		}
	})
}
