package nunjucks

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// value evaluates an expression. An error knows its place.
func (r *run) value(e expression) (any, error) {
	r.step(e.where())
	v, err := r.evaluate(e)
	return v, placed(e.where(), err)
}

func (r *run) evaluate(e expression) (any, error) {
	switch e := e.(type) {
	case *literal:
		return e.value, nil
	case *symbol:
		return r.lookup(e.name)
	case *group:
		values, err := r.each(e.items)
		if err != nil {
			return nil, err
		}
		return values[len(values)-1], nil
	case *array:
		items, err := r.each(e.items)
		return &list{items: items}, err
	case *dict:
		return r.dict(e)
	case *lookup:
		return r.member(e)
	case *slice:
		return r.slice(e)
	case *call:
		return r.call(e)
	case *filter:
		return r.filter(e)
	case *test:
		return r.test(e)
	case *inlineIf:
		return r.inlineIf(e)
	case *binary:
		return r.binary(e)
	case *compare:
		return r.compare(e)
	case *unary:
		return r.unary(e)
	case *capture:
		return r.captured(e.body)
	case *caller:
		return r.closure("caller", e.parameters, e.body, r.frame), nil
	}
	return nil, fmt.Errorf("%T is not an expression", e)
}

func (r *run) each(items []expression) ([]any, error) {
	r.spend(len(items) * itemBytes)
	out := make([]any, len(items))
	for i, item := range items {
		var err error
		if out[i], err = r.value(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *run) dict(e *dict) (any, error) {
	values, err := r.each(e.values)
	if err != nil {
		return nil, err
	}
	o := newObject()
	for i, key := range e.keys {
		o.set(key, values[i])
	}
	return o, nil
}

func (r *run) member(e *lookup) (any, error) {
	target, err := r.value(e.target)
	if err != nil {
		return nil, err
	}
	key, err := r.value(e.key)
	if err != nil {
		return nil, err
	}
	return r.memberOf(target, key), nil
}

func (r *run) inlineIf(e *inlineIf) (any, error) {
	condition, err := r.value(e.condition)
	switch {
	case err != nil:
		return nil, err
	case truthy(condition):
		return r.value(e.body)
	case e.otherwise == nil:
		return "", nil
	}
	return r.value(e.otherwise)
}

func (r *run) unary(e *unary) (any, error) {
	v, err := r.value(e.value)
	switch {
	case err != nil:
		return nil, err
	case e.operator == "!":
		return !truthy(v), nil
	case e.operator == "-":
		return -r.number(v), nil
	}
	return r.number(v), nil
}

func (r *run) binary(e *binary) (any, error) {
	left, err := r.value(e.left)
	switch {
	case err != nil:
		return nil, err
	case e.operator == "or" && truthy(left), e.operator == "and" && !truthy(left):
		return left, nil
	}
	right, err := r.value(e.right)
	if err != nil {
		return nil, err
	}
	switch e.operator {
	case "or", "and":
		return right, nil
	case "in":
		return r.contains(right, left)
	case "+":
		return r.add(left, right), nil
	case "~":
		return r.join(r.str(left), r.str(right)), nil
	}
	return arithmetic(e.operator, r.number(left), r.number(right)), nil
}

func arithmetic(operator string, a, b float64) float64 {
	switch operator {
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "//":
		return math.Floor(a / b)
	case "%":
		return math.Mod(a, b)
	}
	return math.Pow(a, b)
}

// contains is "item in collection".
func (r *run) contains(collection, item any) (any, error) {
	switch c := collection.(type) {
	case *list:
		return slices.ContainsFunc(c.items, func(v any) bool { return same(v, item) }), nil
	case string:
		return strings.Contains(c, r.str(item)), nil
	case *object:
		_, there := c.values[r.str(item)]
		return there, nil
	}
	return nil, fmt.Errorf(`cannot use "in" to search in %s`, describe(collection))
}

func (r *run) compare(e *compare) (any, error) {
	left, err := r.value(e.first)
	for i, operator := range e.operators {
		if err != nil {
			return nil, err
		}
		var right any
		if right, err = r.value(e.rest[i]); err != nil {
			return nil, err
		}
		left = r.relation(operator, left, right)
	}
	return left, err
}

func (r *run) relation(operator string, a, b any) bool {
	switch operator {
	case "==":
		return r.alike(a, b)
	case "!=":
		return !r.alike(a, b)
	case "===":
		return same(a, b)
	case "!==":
		return !same(a, b)
	}
	return r.order(operator, a, b)
}

// values evaluates arguments; named ones become an object behind the others.
func (r *run) arguments(a arguments) ([]any, error) {
	values, err := r.each(a.positional)
	if err != nil || len(a.names) == 0 {
		return values, err
	}
	named, err := r.each(a.named)
	if err != nil {
		return nil, err
	}
	o := newObject()
	for i, name := range a.names {
		o.set(name, named[i])
	}
	return append(values, &keywords{o}), nil
}

// keywords are the named arguments of a call.
type keywords struct{ *object }

func (r *run) call(e *call) (any, error) {
	v, err := r.value(e.function)
	if err != nil {
		return nil, err
	}
	f, ok := v.(*function)
	if !ok {
		return nil, fmt.Errorf("%s cannot be called: it is %s", sourceOf(e.function), describe(v))
	}
	args, err := r.arguments(e.arguments)
	if err != nil {
		return nil, err
	}
	return f.call(r, args)
}

func (r *run) filter(e *filter) (any, error) {
	f, err := r.env.filter(e.name)
	if err != nil {
		return nil, err
	}
	v, err := r.value(e.value)
	if err != nil {
		return nil, err
	}
	args, err := r.arguments(e.arguments)
	if err != nil {
		return nil, err
	}
	r.offset = e.where()
	out, err := f(r, v, args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	return out, nil
}

func (r *run) test(e *test) (any, error) {
	t, ok := tests[e.name]
	if !ok {
		return nil, &UnknownError{Kind: "test", Name: e.name, Known: TestNames()}
	}
	v, err := r.value(e.value)
	if err != nil {
		return nil, err
	}
	args, err := r.arguments(e.arguments)
	if err != nil {
		return nil, err
	}
	return t(r, v, append(args, undefined{})[0]), nil
}

// describe names a value's kind in messages.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case undefined:
		return "undefined"
	case bool:
		return fmt.Sprintf("the boolean %t", v)
	case float64:
		return "the number " + formatNumber(v)
	case string:
		if len(v) > 40 {
			return "a string"
		}
		return fmt.Sprintf("the string %q", v)
	case *list:
		return "a list"
	case *function:
		return "a function"
	case *expr:
		return "a regular expression"
	}
	return "an object"
}

// sourceOf names what is called in messages.
func sourceOf(e expression) string {
	switch e := e.(type) {
	case *symbol:
		return e.name
	case *lookup:
		if key, ok := e.key.(*literal); ok {
			if name, ok := key.value.(string); ok {
				return sourceOf(e.target) + "." + name
			}
		}
		return sourceOf(e.target) + "[...]"
	case *call:
		return sourceOf(e.function) + "()"
	}
	return "this"
}

// body runs statements.
func (r *run) body(statements []statement) error {
	for _, s := range statements {
		r.step(s.where())
		if err := r.statement(s); err != nil {
			return placed(s.where(), err)
		}
	}
	return nil
}

func (r *run) statement(s statement) error {
	switch s := s.(type) {
	case *text:
		r.write(s.data)
		return nil
	case *output:
		v, err := r.value(s.value)
		if err == nil {
			r.write(r.printed(v))
		}
		return err
	case *ifElse:
		v, err := r.value(s.condition)
		switch {
		case err != nil:
			return err
		case truthy(v):
			return r.body(s.body)
		}
		return r.body(s.otherwise)
	case *forLoop:
		return r.loop(s)
	case *set:
		v, err := r.value(s.value)
		if err != nil {
			return err
		}
		for _, name := range s.names {
			r.assign(name, v)
		}
		return nil
	case *macro:
		r.define(s.name, r.closure(s.name, s.parameters, s.body, nil))
		return nil
	case *switchCase:
		return r.switchCase(s)
	case *block:
		return r.body(s.body)
	}
	return fmt.Errorf("%T is not a statement", s)
}

func (r *run) write(text string) {
	r.spend(len(text))
	r.out.WriteString(text)
}

func (r *run) switchCase(s *switchCase) error {
	v, err := r.value(s.value)
	if err != nil {
		return err
	}
	for i, c := range s.cases {
		candidate, err := r.value(c)
		if err != nil {
			return err
		}
		if !same(v, candidate) {
			continue
		}
		// A case without a body shares the next one's.
		for ; i < len(s.cases); i++ {
			if len(s.bodies[i]) > 0 {
				return r.body(s.bodies[i])
			}
		}
		break
	}
	return r.body(s.otherwise)
}

// rounds are what a loop runs over: for each round, the values of its names.
func (r *run) rounds(v any, names int) [][]any {
	var out [][]any
	switch v := v.(type) {
	case *list:
		for _, item := range v.items {
			if names == 1 {
				out = append(out, []any{item})
				continue
			}
			round := make([]any, names)
			for i := range round {
				round[i] = r.memberOf(item, float64(i))
			}
			out = append(out, round)
		}
	case *object:
		if names < 2 {
			return nil // JavaScript's objects have no length
		}
		for _, key := range v.keys {
			round := slices.Repeat([]any{undefined{}}, names)
			round[0], round[1] = key, v.values[key]
			out = append(out, round)
		}
	case string:
		if names > 1 {
			return nil
		}
		for _, c := range characters(v) {
			out = append(out, []any{c})
		}
	}
	r.spend(len(out) * itemBytes * names)
	return out
}

func (r *run) loop(s *forLoop) error {
	defer r.push()()
	over, err := r.value(s.over)
	if err != nil {
		return err
	}
	rounds := r.rounds(over, len(s.names))
	for i, round := range rounds {
		for n, name := range s.names {
			r.frame.names[name] = round[n]
		}
		r.frame.names["loop"] = loopVariable(i, len(rounds))
		if err := r.body(s.body); err != nil {
			return err
		}
	}
	if len(rounds) == 0 {
		return r.body(s.otherwise)
	}
	return nil
}

func loopVariable(i, n int) *object {
	o := newObject()
	for _, entry := range []struct {
		key   string
		value any
	}{
		{"index", float64(i + 1)}, {"index0", float64(i)}, {"revindex", float64(n - i)}, {"revindex0", float64(n - i - 1)},
		{"first", i == 0}, {"last", i == n-1}, {"length", float64(n)},
	} {
		o.set(entry.key, entry.value)
	}
	return o
}

// closure is a macro, or the body of a call block, as a function.
func (r *run) closure(name string, p parameters, body []statement, parent *frame) *function {
	return &function{name: name, call: func(r *run, args []any) (any, error) {
		if r.calls++; r.calls > maxCalls {
			return nil, fmt.Errorf("macros call each other more than %d levels deep", maxCalls)
		}
		outer := r.frame
		r.frame = &frame{names: map[string]any{}, parent: parent, isolated: true}
		defer func() { r.frame, r.calls = outer, r.calls-1 }()
		if err := r.bind(p, args); err != nil {
			return nil, err
		}
		return r.captured(body)
	}}
}

// bind gives a macro's parameters their values.
func (r *run) bind(p parameters, args []any) error {
	var named *object
	if n := len(args); n > 0 {
		if k, ok := args[n-1].(*keywords); ok {
			named, args = k.object, args[:n-1]
		}
	}
	for i, name := range p.names {
		var v any = undefined{}
		given := i < len(args)
		if given {
			v = args[i]
		} else if named != nil {
			v, given = named.values[name]
		}
		if byDefault, ok := p.defaults[name]; ok && !given {
			var err error
			if v, err = r.value(byDefault); err != nil {
				return err
			}
		} else if !given {
			v = undefined{}
		}
		r.frame.names[name] = v
	}
	if named != nil {
		if body, ok := named.values["caller"]; ok {
			r.frame.names["caller"] = body
		}
	}
	return nil
}
