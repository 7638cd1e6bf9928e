package deliver

import "testing"

func TestContains(t *testing.T) {
	object := func(v any) map[string]any { return map[string]any{"v": v} }
	tests := []struct {
		name         string
		live, wanted any
		want         bool
	}{
		{"defaults are no difference", map[string]any{"a": "1", "default": "x"}, map[string]any{"a": "1"}, true},
		{"a changed value", object("2"), object("1"), false},
		{"a missing value", map[string]any{}, object("1"), false},
		{"an empty map that the server dropped", map[string]any{}, object(map[string]any{}), true},
		{"an empty list that the server dropped", map[string]any{}, object([]any{}), true},
		{"null says nothing", object("1"), object(nil), true},
		{"numbers of two Go types", object(int64(1)), object(float64(1)), true},
		{"a longer list", object([]any{"a", "b"}), object([]any{"a"}), false},
		{"defaults inside a list", object([]any{map[string]any{"n": "a", "d": "x"}}), object([]any{map[string]any{"n": "a"}}), true},
		{"another order", object([]any{"b", "a"}), object([]any{"a", "b"}), false},
		{"another type", object("x"), object(map[string]any{"a": "1"}), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := contains(tt.live, tt.wanted); got != tt.want {
				t.Errorf("contains = %v, want %v", got, tt.want)
			}
		})
	}
}
