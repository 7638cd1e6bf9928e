package fieldpath

import "testing"

func TestPaths(t *testing.T) {
	tree := map[string]any{"spec": map[string]any{"list": []any{map[string]any{"a.b": 1}}}}
	if got, want := Of(tree, []string{"spec", "list", "0", "a.b"}), `spec.list[0]["a.b"]`; got != want {
		t.Errorf("Of: %s, want %s", got, want)
	}
	for path, want := range map[string]string{
		"spec": "", "spec.a": "spec", "spec.a[3]": "spec.a", `spec["a.b"]`: "spec", `spec["a[\"x"].c`: `spec["a[\"x"]`, `s["a[\"x"]`: "s", "": "",
	} {
		if got := Parent(path); got != want {
			t.Errorf("Parent(%s): %q, want %q", path, got, want)
		}
	}
	for _, tc := range [][3]string{{"spec", "[0].a", "spec[0].a"}, {"spec", "a", "spec.a"}, {"", "a", "a"}, {"spec", "", "spec"}} {
		if got := Join(tc[0], tc[1]); got != tc[2] {
			t.Errorf("Join(%q, %q): %q, want %q", tc[0], tc[1], got, tc[2])
		}
	}
}
