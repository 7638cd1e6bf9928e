package nunjucks

import (
	"math"
	"strings"
)

// tests are what may stand behind "is"; other is the test's argument, or undefined.
var tests = map[string]func(r *run, v, other any) bool{
	"callable":    func(_ *run, v, _ any) bool { _, ok := v.(*function); return ok },
	"defined":     func(_ *run, v, _ any) bool { _, undef := v.(undefined); return !undef },
	"divisibleby": func(r *run, v, other any) bool { return math.Mod(r.number(v), r.number(other)) == 0 },
	"eq":          func(_ *run, v, other any) bool { return same(v, other) },
	"equalto":     func(_ *run, v, other any) bool { return same(v, other) },
	"even":        func(r *run, v, _ any) bool { return math.Mod(r.number(v), 2) == 0 },
	"falsy":       func(_ *run, v, _ any) bool { return !truthy(v) },
	"ge":          func(r *run, v, other any) bool { return r.order(">=", v, other) },
	"greaterthan": func(r *run, v, other any) bool { return r.order(">", v, other) },
	"gt":          func(r *run, v, other any) bool { return r.order(">", v, other) },
	"iterable":    func(_ *run, v, _ any) bool { _, ok := v.(*list); return ok || isText(v) },
	"le":          func(r *run, v, other any) bool { return r.order("<=", v, other) },
	"lessthan":    func(r *run, v, other any) bool { return r.order("<", v, other) },
	"lower":       func(_ *run, v, _ any) bool { s, ok := v.(string); return ok && strings.ToLower(s) == s },
	"lt":          func(r *run, v, other any) bool { return r.order("<", v, other) },
	"mapping":     func(_ *run, v, _ any) bool { _, ok := v.(*object); return ok },
	"ne":          func(_ *run, v, other any) bool { return !same(v, other) },
	"null":        func(_ *run, v, _ any) bool { return v == nil },
	"number":      func(_ *run, v, _ any) bool { _, ok := v.(float64); return ok },
	"odd":         func(r *run, v, _ any) bool { return math.Mod(r.number(v), 2) == 1 },
	"sameas":      func(_ *run, v, other any) bool { return same(v, other) },
	"string":      func(_ *run, v, _ any) bool { return isText(v) },
	"truthy":      func(_ *run, v, _ any) bool { return truthy(v) },
	"undefined":   func(_ *run, v, _ any) bool { _, undef := v.(undefined); return undef },
	"upper":       func(_ *run, v, _ any) bool { s, ok := v.(string); return ok && strings.ToUpper(s) == s },
}

// TestNames are the names of the tests there are, sorted.
func TestNames() []string { return sortedKeys(tests) }
