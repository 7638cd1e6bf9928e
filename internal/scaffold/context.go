package scaffold

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/scaffold/nunjucks"
	"github.com/slipway-dev/slipway/internal/spec"
)

// known are the values that a run's expressions know.
type known struct {
	registry *Registry
	template *Template
	run      *Run
	env      Environment
	secrets  map[string]string
}

// values gives what an expression knows. Secrets are for steps' inputs alone, as in Backstage.
func (k *known) values(withSecrets bool) map[string]any {
	steps := map[string]any{}
	for _, s := range k.run.Steps {
		if s.Phase == Done {
			steps[s.ID] = map[string]any{"output": nonNil(s.Output)}
		}
	}
	secrets, environment := map[string]string{}, map[string]string{}
	if withSecrets {
		secrets, environment = k.secrets, k.env.Secrets
	}
	return map[string]any{
		"parameters":  nonNil(k.run.Values),
		"steps":       steps,
		"user":        map[string]any{"ref": k.run.User.Ref, "entity": nonNil(k.run.User.Entity)},
		"secrets":     secrets,
		"environment": map[string]any{"parameters": nonNil(k.env.Parameters), "secrets": environment},
		"context":     map[string]any{"task": map[string]any{"id": k.run.ID}},
	}
}

func nonNil(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// with adds a name to values.
func with(values map[string]any, name string, value any) map[string]any {
	out := maps.Clone(values)
	out[name] = value
	return out
}

// render evaluates every expression in a value. A string that is one expression becomes the expression's
// value; what is undefined is left out of objects, and so is a text that comes out empty, as in Backstage.
func (k *known) render(
	ctx context.Context, path string, v any, values map[string]any,
) (out any, defined bool, err error) {
	switch v := v.(type) {
	case string:
		return k.text(ctx, path, v, values)
	case map[string]any:
		rendered := make(map[string]any, len(v))
		for _, key := range sortedKeys(v) {
			item, defined, err := k.render(ctx, fieldpath.Child(path, key), v[key], values)
			if err != nil {
				return nil, false, err
			}
			if defined {
				rendered[key] = item
			}
		}
		return rendered, true, nil
	case []any:
		rendered := make([]any, len(v))
		for i, item := range v {
			if rendered[i], _, err = k.render(ctx, fieldpath.Item(path, i), item, values); err != nil {
				return nil, false, err
			}
		}
		return rendered, true, nil
	}
	return v, true, nil
}

func (k *known) text(ctx context.Context, path, text string, values map[string]any) (any, bool, error) {
	if !strings.Contains(text, VariableStart) && !strings.Contains(text, "{%") && !strings.Contains(text, "{#") {
		return text, text != "", nil
	}
	parsed, err := k.registry.env.Parse(path, text)
	if err != nil {
		return nil, false, k.placed(path, text, err)
	}
	if parsed.IsExpression() {
		v, defined, err := parsed.Value(ctx, values)
		return v, defined, k.placed(path, text, err)
	}
	out, err := parsed.Render(ctx, values)
	return out, out != "", k.placed(path, text, err)
}

// placed gives an error in an expression its place in the template's file.
func (k *known) placed(path, text string, err error) error {
	var wrong *nunjucks.Error
	if !errors.As(err, &wrong) {
		return err
	}
	if wrong.Cause != nil && (errors.Is(wrong.Cause, context.Canceled) || errors.Is(wrong.Cause, ErrCancelled)) {
		return wrong.Cause
	}
	f := spec.Finding{File: k.template.doc.File, Path: path, Message: wrong.Message, Suggestion: near(wrong)}
	f.Line, f.Column = k.template.locate(path, text, wrong.Line, wrong.Column)
	return spec.Errors{f}
}

// holds says whether a step's condition is met. An empty list is not: lodash's isEmpty decides in Backstage.
func holds(v any, defined bool) bool {
	if !defined {
		return false
	}
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int64:
		return v != 0
	case float64:
		return v != 0
	case []any:
		return len(v) > 0
	}
	return true
}

// round is one time that a step runs: its input, and what "each" is.
type round struct {
	each  map[string]any // nil for a step without "each"
	input map[string]any
	runs  bool
}

// rounds evaluates a step: none where its condition is not met.
func (k *known) rounds(ctx context.Context, s Step) ([]round, error) {
	plain, secret := k.values(false), k.values(true)
	if s.Each == nil {
		runs, err := k.condition(ctx, s, plain)
		if err != nil || !runs {
			return nil, err
		}
		input, err := k.input(ctx, s, secret)
		return []round{{input: input, runs: true}}, err
	}
	if s.If == false {
		return nil, nil
	}
	each, defined, err := k.render(ctx, s.path+".each", s.Each, secret)
	if err != nil {
		return nil, err
	}
	items, ok := entries(each)
	if !defined || !ok {
		wrong := k.template.doc.At(s.path+".each", "", "is neither a list nor an object, but %s", kindOf(each))
		return nil, spec.Errors{wrong}
	}
	out := make([]round, len(items))
	for i, item := range items {
		out[i].each = item
		if out[i].runs, err = k.condition(ctx, s, with(plain, "each", item)); err != nil || !out[i].runs {
			if err != nil {
				return nil, err
			}
			continue
		}
		if out[i].input, err = k.input(ctx, s, with(secret, "each", item)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (k *known) condition(ctx context.Context, s Step, values map[string]any) (bool, error) {
	if s.If == nil {
		return true, nil
	}
	v, defined, err := k.render(ctx, s.path+".if", s.If, values)
	return holds(v, defined), err
}

func (k *known) input(ctx context.Context, s Step, values map[string]any) (map[string]any, error) {
	v, _, err := k.render(ctx, s.path+".input", nonNil(s.Input), values)
	if err != nil {
		return nil, err
	}
	input := v.(map[string]any)
	action, err := k.registry.action(s.Action)
	if err != nil {
		return nil, spec.Errors{k.template.doc.At(s.path+".action", "", "%s", err)}
	}
	if action.input == nil {
		return input, nil
	}
	var found []spec.Finding
	for _, p := range action.input.check(input) {
		path := fieldpath.Join(s.path+".input", fieldpath.Of(input, p.at))
		found = append(found, k.template.doc.At(path, p.suggestion, "%s", p.message))
	}
	return input, spec.AsError(found)
}

// entries are what "each" runs over: keys and values.
func entries(v any) ([]map[string]any, bool) {
	var out []map[string]any
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			out = append(out, map[string]any{"key": fmt.Sprint(i), "value": item})
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			out = append(out, map[string]any{"key": key, "value": v[key]})
		}
	default:
		return nil, false
	}
	return out, true
}
