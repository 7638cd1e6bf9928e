package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"

	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// Check parses every expression in a tree without evaluating it, and refuses names other than
// the given ones at an expression's root. All findings come back at once, as [Errors].
func Check(v any, names []string) error {
	env, err := environment(names)
	if err != nil {
		return err
	}
	p, err := plain(v)
	if err != nil {
		return err
	}
	var errs Errors
	check(env, "", p, &errs)
	return errs.orNil()
}

func check(env *cel.Env, path string, v any, errs *Errors) {
	switch v := v.(type) {
	case string:
		checkString(env, path, v, errs)
	case []any:
		for i := range v {
			check(env, fieldpath.Item(path, i), v[i], errs)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			checkString(env, fieldpath.Child(path, key), key, errs)
			check(env, fieldpath.Child(path, key), v[key], errs)
		}
	}
}

func checkString(env *cel.Env, path, s string, errs *Errors) {
	if !strings.Contains(s, "${") {
		return
	}
	parts, err := split(s)
	if err != nil {
		*errs = append(*errs, &Error{Path: path, Reason: err.Error()})
		return
	}
	for _, p := range parts {
		if !p.expr {
			continue
		}
		if _, err := compile(env, p.text); err != nil {
			*errs = append(*errs, &Error{Path: path, Expression: p.text, Reason: err.Error()})
		}
	}
}

// References lists what expressions in a tree select below a root name, two steps deep:
// References(v, "inputs") gives {"git", "url"} for "${inputs.git.url}". Selections with has()
// or ".?" count too; a computed key ends the list early. Broken expressions give nothing.
func References(v any, root string) [][]string {
	if s, ok := v.(string); ok && !strings.Contains(s, "${") {
		return nil
	}
	env, err := environment([]string{root})
	if err != nil {
		return nil
	}
	p, err := plain(v)
	if err != nil {
		return nil
	}
	var out [][]string
	strs(p, func(s string) {
		parts, err := split(s)
		if err != nil {
			return
		}
		for _, part := range parts {
			if part.expr {
				out = append(out, selections(env, part.text, root)...)
			}
		}
	})
	return out
}

// strs visits every string of a tree, keys included.
func strs(v any, visit func(string)) {
	switch v := v.(type) {
	case string:
		visit(v)
	case []any:
		for i := range v {
			strs(v[i], visit)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			visit(key)
			strs(v[key], visit)
		}
	}
}

// selections finds the chains of selections in an expression that begin at root.
func selections(env *cel.Env, source, root string) [][]string {
	ast, issues := env.Parse(source)
	if issues.Err() != nil {
		return nil
	}
	inner := map[int64]bool{} // operands of longer chains
	var out [][]string
	celast.PreOrderVisit(ast.NativeRep().Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if inner[e.ID()] {
			return
		}
		steps, ok := chain(e, root, inner)
		if ok && len(steps) > 0 {
			out = append(out, steps[:min(len(steps), 2)])
		}
	}))
	return out
}

// chain gives the fields selected from root, marking the operands it passed.
func chain(e celast.Expr, root string, inner map[int64]bool) ([]string, bool) {
	switch e.Kind() {
	case celast.IdentKind:
		return nil, e.AsIdent() == root
	case celast.SelectKind:
		steps, ok := chain(e.AsSelect().Operand(), root, inner)
		if ok {
			inner[e.AsSelect().Operand().ID()] = true
		}
		return append(steps, e.AsSelect().FieldName()), ok
	case celast.CallKind:
		call := e.AsCall()
		if name := call.FunctionName(); (name == "_?._" || name == "_[_]" || name == "_[?_]") && len(call.Args()) == 2 &&
			call.Args()[1].Kind() == celast.LiteralKind {
			steps, ok := chain(call.Args()[0], root, inner)
			field, text := call.Args()[1].AsLiteral().Value().(string)
			if ok && text {
				inner[call.Args()[0].ID()] = true
				return append(steps, field), true
			}
		}
	}
	return nil, false
}

// Bool evaluates a plain CEL condition (without "${") over variables.
func Bool(condition string, vars map[string]any) (bool, error) {
	return evaluate[bool](condition, vars, "condition", "true or false")
}

// String evaluates a plain CEL expression that gives text.
func String(expression string, vars map[string]any) (string, error) {
	return evaluate[string](expression, vars, "expression", "text")
}

func evaluate[T any](source string, vars map[string]any, what, wanted string) (T, error) {
	var none T
	s, err := New(vars)
	if err != nil {
		return none, err
	}
	v, err := s.evaluate(source)
	if err != nil {
		return none, fmt.Errorf("%s %q: %w", what, source, err)
	}
	result, ok := v.(T)
	if !ok {
		return none, fmt.Errorf("%s %q: gives %v, not %s", what, source, v, wanted)
	}
	return result, nil
}

// CheckCondition parses a plain CEL condition and refuses unknown names. Where it holds "${...}",
// which is filled in before the condition is evaluated, a number stands in.
func CheckCondition(condition string, names []string) error {
	return checkOutput(condition, names, cel.BoolType, "condition", "true or false")
}

// CheckString does the same to an expression that gives text.
func CheckString(expression string, names []string) error {
	return checkOutput(expression, names, cel.StringType, "expression", "text")
}

func checkOutput(source string, names []string, output *cel.Type, what, wanted string) error {
	env, err := environment(names)
	if err != nil {
		return err
	}
	parts, err := split(source)
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, source, err)
	}
	var filled strings.Builder
	for _, p := range parts {
		if p.expr {
			p.text = "0"
		}
		filled.WriteString(p.text)
	}
	ast, err := compile(env, filled.String())
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, source, err)
	}
	if t := ast.OutputType(); !t.IsExactType(output) && !t.IsExactType(cel.DynType) {
		return fmt.Errorf("%s %q: gives %s, not %s", what, source, t, wanted)
	}
	return nil
}
