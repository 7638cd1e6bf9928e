package nunjucks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const variableEnd = "}}"

// maxSource bounds a template's text.
const maxSource = 4 << 20

// Filter is a filter added to the language's own. Values are Go's: nil, bool, int64 or float64,
// string, []any, map[string]any. An argument that is undefined is nil.
type Filter func(value any, args []any) (any, error)

// Options choose the dialect.
type Options struct {
	// VariableStart begins an expression; "{{" by default, "${{" in Backstage's templates.
	VariableStart string
	// TrimBlocks leaves out the line break behind a block's tag.
	TrimBlocks bool
	// LstripBlocks leaves out the white space before a block's tag at the beginning of a line.
	LstripBlocks bool
	// Jinja adds slices, True, False and None, and some of Python's methods.
	Jinja bool
	// Filters are added to the language's own, or take their places.
	Filters map[string]Filter
	Limits  Limits
}

// Environment parses templates of one dialect. It can be used from several goroutines.
type Environment struct {
	options Options
	filters map[string]builtin
}

// New makes an environment.
func New(options Options) *Environment {
	if options.VariableStart == "" {
		options.VariableStart = "{{"
	}
	if options.Limits.Steps == 0 {
		options.Limits.Steps = defaultSteps
	}
	if options.Limits.Bytes == 0 {
		options.Limits.Bytes = defaultBytes
	}
	env := &Environment{options: options, filters: map[string]builtin{}}
	for name, f := range builtins {
		env.filters[name] = f
	}
	if options.Jinja {
		env.filters["jsonify"] = dump
	}
	for name, f := range options.Filters {
		env.filters[name] = adapted(f)
	}
	return env
}

// adapted turns a filter of Go's values into one of the language's.
func adapted(f Filter) builtin {
	return func(r *run, v any, args []any) (any, error) {
		given, _ := r.outward(v)
		all := make([]any, len(args))
		for i, a := range args {
			all[i], _ = r.outward(a)
		}
		out, err := f(given, all)
		if err != nil {
			return nil, err
		}
		return inward(out)
	}
}

// FilterNames are the names of the filters there are, sorted.
func (e *Environment) FilterNames() []string { return sortedKeys(e.filters) }

func (e *Environment) filter(name string) (builtin, error) {
	if f, ok := e.filters[name]; ok {
		return f, nil
	}
	return nil, &UnknownError{Kind: "filter", Name: name, Known: e.FilterNames()}
}

// Template is a template that was read. It can be used from several goroutines.
type Template struct {
	env    *Environment
	name   string
	source string
	body   []statement
}

// Parse reads a template; name stands in errors, which are of type [*Error].
func (e *Environment) Parse(name, source string) (*Template, error) {
	if len(source) > maxSource {
		return nil, &Error{Name: name, Line: 1, Column: 1, Message: fmt.Sprintf("larger than %d MiB", maxSource>>20)}
	}
	if !utf8.ValidString(source) {
		return nil, &Error{Name: name, Line: 1, Column: 1, Message: "not UTF-8 text"}
	}
	body, err := parse(source, e.options)
	if err != nil {
		return nil, located(name, source, 0, err)
	}
	return &Template{env: e, name: name, source: source, body: body}, nil
}

func located(name, source string, offset int, err error) *Error {
	var f *failure
	if errors.As(err, &f) {
		return at(name, source, f.offset, f.err)
	}
	return at(name, source, offset, err)
}

// IsExpression says whether the template is one expression and nothing else, so that it has a value.
func (t *Template) IsExpression() bool {
	if len(t.body) != 1 {
		return false
	}
	_, ok := t.body[0].(*output)
	return ok
}

// Value gives the value of a template that is one expression. defined is false where it has none:
// undefined, in JavaScript's word. The error is of type [*Error].
func (t *Template) Value(ctx context.Context, values map[string]any) (value any, defined bool, err error) {
	if !t.IsExpression() {
		return nil, false, &Error{Name: t.name, Line: 1, Column: 1, Message: "not a single expression"}
	}
	err = t.run(ctx, values, func(r *run) error {
		v, err := r.value(t.body[0].(*output).value)
		if err == nil {
			value, defined = r.outward(v)
		}
		return err
	})
	return value, defined, err
}

// Render writes the template with values: plain Go values as from encoding/json, by the names
// that the template uses. The error is of type [*Error].
func (t *Template) Render(ctx context.Context, values map[string]any) (text string, err error) {
	err = t.run(ctx, values, func(r *run) error {
		err := r.body(t.body)
		text = r.out.String()
		return err
	})
	if err != nil {
		return "", err
	}
	return text, nil
}

// run evaluates something of the template within its limits.
func (t *Template) run(ctx context.Context, values map[string]any, f func(*run) error) (err error) {
	r := &run{ctx: ctx, env: t.env, values: values, names: map[string]any{}, out: &strings.Builder{},
		frame: &frame{names: map[string]any{}, top: true},
		steps: t.env.options.Limits.Steps, bytes: t.env.options.Limits.Bytes}
	defer func() {
		if recovered := recover(); recovered != nil {
			a, ok := recovered.(abort)
			if !ok {
				panic(recovered)
			}
			err = at(t.name, t.source, r.offset, a.err)
		}
	}()
	if err := f(r); err != nil {
		return located(t.name, t.source, r.offset, err)
	}
	return nil
}
