package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"

	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// Scope is a set of variables that expressions see. It may be used concurrently.
type Scope struct {
	env  *cel.Env
	vars map[string]any

	mu       sync.Mutex
	programs map[string]cel.Program
}

// New makes a scope of variables. Values are copied; they may be maps with string keys, lists,
// strings, booleans and numbers.
func New(vars map[string]any) (*Scope, error) {
	copied := make(map[string]any, len(vars))
	for name, value := range vars {
		p, err := plain(value)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", name, err)
		}
		copied[name] = p
	}
	env, err := environment(slices.Collect(maps.Keys(copied)))
	if err != nil {
		return nil, err
	}
	return &Scope{env: env, vars: copied, programs: map[string]cel.Program{}}, nil
}

// Value evaluates every string in a tree, map keys included, and returns a new tree. A map's
// entry whose expression gives null is left out. All failures come back at once, as [Errors].
func (s *Scope) Value(v any) (any, error) {
	var errs Errors
	out := s.value("", v, &errs)
	if err := errs.orNil(); err != nil {
		return nil, err
	}
	return out, nil
}

// String evaluates one string and gives its result as text.
func (s *Scope) String(str string) (string, error) {
	v, failed := s.str("", str)
	if failed != nil {
		return "", failed
	}
	out, err := text(v)
	if err != nil {
		return "", &Error{Expression: strings.TrimSuffix(strings.TrimPrefix(str, "${"), "}"), Reason: err.Error()}
	}
	return out, nil
}

func (s *Scope) value(path string, v any, errs *Errors) any {
	switch v := v.(type) {
	case string:
		out, err := s.str(path, v)
		if err != nil {
			*errs = append(*errs, err)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = s.value(fieldpath.Item(path, i), v[i], errs)
		}
		return out
	case map[string]any:
		return s.mapping(path, v, errs)
	default:
		p, err := plain(v)
		if err != nil {
			*errs = append(*errs, &Error{Path: path, Reason: err.Error()})
			return nil
		}
		switch p.(type) {
		case map[string]any, []any, string: // a typed map, list or string: now plain
			return s.value(path, p, errs)
		}
		return p
	}
}

func (s *Scope) mapping(path string, v map[string]any, errs *Errors) any {
	out := make(map[string]any, len(v))
	for _, key := range slices.Sorted(maps.Keys(v)) {
		at := fieldpath.Child(path, key)
		name := key
		if strings.Contains(key, "${") {
			evaluated, failed := s.str(at, key)
			if failed != nil {
				*errs = append(*errs, failed)
				continue
			}
			var err error
			if name, err = text(evaluated); err != nil {
				*errs = append(*errs, &Error{Path: at, Reason: "the key " + err.Error()})
				continue
			}
		}
		if _, taken := out[name]; taken {
			*errs = append(*errs, &Error{Path: at, Reason: fmt.Sprintf("the key becomes %q, which is there already", name)})
			continue
		}
		value := s.value(at, v[key], errs)
		if _, expression := v[key].(string); expression && value == nil {
			continue // an entry whose expression gives null is left out; a literal null stays
		}
		out[name] = value
	}
	return out
}

// str evaluates one string: to the expression's own type where it is nothing else.
func (s *Scope) str(path, str string) (any, *Error) {
	if !strings.Contains(str, "${") {
		return str, nil
	}
	parts, err := split(str)
	if err != nil {
		return nil, &Error{Path: path, Reason: err.Error()}
	}
	var b strings.Builder
	for _, p := range parts {
		if !p.expr {
			b.WriteString(p.text)
			continue
		}
		v, err := s.evaluate(p.text)
		if err != nil {
			return nil, &Error{Path: path, Expression: p.text, Reason: err.Error()}
		}
		if len(parts) == 1 {
			return v, nil
		}
		t, err := text(v)
		if err != nil {
			return nil, &Error{Path: path, Expression: p.text, Reason: err.Error()}
		}
		b.WriteString(t)
	}
	return b.String(), nil
}

func (s *Scope) evaluate(source string) (any, error) {
	prg, err := s.program(source)
	if err != nil {
		return nil, err
	}
	return run(prg, s.vars)
}

// program compiles an expression, once for each scope.
func (s *Scope) program(source string) (cel.Program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if prg, ok := s.programs[source]; ok {
		return prg, nil
	}
	ast, err := compile(s.env, source)
	if err != nil {
		return nil, err
	}
	prg, err := program(s.env, ast)
	if err != nil {
		return nil, err
	}
	s.programs[source] = prg
	return prg, nil
}

func run(prg cel.Program, vars map[string]any) (any, error) {
	out, _, err := prg.Eval(vars)
	if err != nil {
		return nil, explain(err)
	}
	return fromCEL(out)
}

// explain shortens CEL's run-time errors to what a reader needs.
func explain(err error) error {
	message := err.Error()
	if strings.Contains(message, "actual cost limit exceeded") {
		return fmt.Errorf("the expression costs too much to evaluate")
	}
	return fmt.Errorf("%s", message)
}
