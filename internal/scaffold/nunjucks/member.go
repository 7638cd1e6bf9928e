package nunjucks

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// memberOf is target[key], or undefined: an entry, a character, or one of JavaScript's methods.
func (r *run) memberOf(target, key any) any {
	switch t := target.(type) {
	case nil, undefined:
		return undefined{}
	case string:
		return r.ofText(t, key)
	case *list:
		return r.ofList(t, key)
	case *object:
		name := r.str(key)
		if r.env.options.Jinja {
			if f, ok := objectMethods[name]; ok {
				return method(name, t, f)
			}
		}
		return t.get(name)
	case *keywords:
		return t.get(r.str(key))
	case *expr:
		if name := r.str(key); name == "test" {
			return method(name, t, func(r *run, e *expr, args []any) (any, error) { return e.matches(r.str(arg(args, 0))), nil })
		}
	case float64:
		switch name := r.str(key); name {
		case "toString", "toFixed":
			return method(name, t, func(r *run, f float64, args []any) (any, error) {
				return formatted(name, f, r.integer(arg(args, 0), 0)), nil
			})
		}
	}
	if name := r.str(key); name == "toString" {
		return &function{name: name, call: func(r *run, _ []any) (any, error) { return r.str(target), nil }}
	}
	return undefined{}
}

func formatted(name string, f float64, digits int) string {
	if name == "toString" {
		return formatNumber(f)
	}
	return fmt.Sprintf("%.*f", max(0, min(digits, 100)), f)
}

// method binds a function to what stands before the dot.
func method[T any](name string, target T, f func(r *run, target T, args []any) (any, error)) *function {
	return &function{name: name, call: func(r *run, args []any) (any, error) {
		v, err := f(r, target, args)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return v, nil
	}}
}

// arg is an argument, or undefined.
func arg(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return undefined{}
}

// integer is an argument as a whole number, or what it is by default.
func (r *run) integer(v any, byDefault int) int {
	if _, undef := v.(undefined); undef {
		return byDefault
	}
	f := math.Trunc(r.number(v))
	switch {
	case math.IsNaN(f):
		return 0
	case f > math.MaxInt32:
		return math.MaxInt32
	case f < math.MinInt32:
		return math.MinInt32
	}
	return int(f)
}

// index is a key as an index; false where it is none.
func (r *run) index(key any) (int, bool) {
	f := r.number(key)
	if f != math.Trunc(f) || math.IsNaN(f) || math.Abs(f) > math.MaxInt32 || r.str(key) == "" {
		return 0, false
	}
	return int(f), true
}

func (r *run) ofText(s string, key any) any {
	if i, ok := r.index(key); ok {
		all := characters(s)
		if i < 0 || i >= len(all) {
			return undefined{}
		}
		return all[i]
	}
	name := r.str(key)
	if name == "length" {
		return float64(textLength(s))
	}
	if f, ok := textMethods[name]; ok {
		return method(name, s, f)
	}
	return undefined{}
}

func (r *run) ofList(l *list, key any) any {
	if i, ok := r.index(key); ok {
		if i < 0 || i >= len(l.items) {
			return undefined{}
		}
		return l.items[i]
	}
	name := r.str(key)
	if name == "length" {
		return float64(len(l.items))
	}
	if r.env.options.Jinja {
		if f, ok := pythonListMethods[name]; ok {
			return method(name, l, f)
		}
	}
	if f, ok := listMethods[name]; ok {
		return method(name, l, f)
	}
	return undefined{}
}

// slice is Jinja's target[start:stop:step].
func (r *run) slice(e *slice) (any, error) {
	target, err := r.value(e.target)
	if err != nil {
		return nil, err
	}
	var parts [3]any
	for i, part := range []expression{e.start, e.stop, e.step} {
		if part == nil {
			continue
		}
		if parts[i], err = r.value(part); err != nil {
			return nil, err
		}
	}
	var items []any
	switch t := target.(type) {
	case *list:
		items = t.items
	case string:
		for _, c := range characters(t) {
			items = append(items, c)
		}
	default:
		return nil, fmt.Errorf("%s has no slices", describe(target))
	}
	step := 1
	if parts[2] != nil {
		step = r.integer(parts[2], 1)
	}
	if step == 0 {
		return nil, fmt.Errorf("the step of a slice must not be 0")
	}
	from, to := 0, len(items)
	if step < 0 {
		from, to = len(items)-1, -1
	}
	if parts[0] != nil {
		from = fromEnd(r.integer(parts[0], 0), len(items))
	}
	if parts[1] != nil {
		to = fromEnd(r.integer(parts[1], 0), len(items))
	}
	out := []any{}
	for i := from; i >= 0 && i < len(items) && (step > 0 && i < to || step < 0 && i > to); i += step {
		out = append(out, items[i])
	}
	r.spend(len(out) * itemBytes)
	return &list{items: out}, nil
}

func fromEnd(i, length int) int {
	if i < 0 {
		return i + length
	}
	return i
}

// span is JavaScript's way to name a part: from and to, negative ones counted from the end.
func (r *run) span(args []any, length int) (from, to int) {
	from = max(0, min(fromEnd(r.integer(arg(args, 0), 0), length), length))
	to = max(0, min(fromEnd(r.integer(arg(args, 1), length), length), length))
	return from, max(from, to)
}

func (r *run) newList(items []any) *list {
	r.spend(len(items) * itemBytes)
	return &list{items: items}
}

func (r *run) texts(items []string) *list {
	r.spend(len(items) * itemBytes)
	out := make([]any, len(items))
	for i, item := range items {
		r.spend(len(item))
		out[i] = item
	}
	return &list{items: out}
}

// repeated is a text n times.
func (r *run) repeated(s string, n int) string {
	if n <= 0 || s == "" {
		return ""
	}
	if len(s) > math.MaxInt32/n {
		r.spend(math.MaxInt)
	}
	r.spend(len(s) * n)
	return strings.Repeat(s, n)
}

type textMethod = func(r *run, s string, args []any) (any, error)

// asking makes a method of a question about a text and another.
func asking(question func(s, other string) bool) textMethod {
	return func(r *run, s string, args []any) (any, error) { return question(s, r.str(arg(args, 0))), nil }
}

var textMethods = map[string]textMethod{
	"toLowerCase": func(r *run, s string, _ []any) (any, error) { return strings.ToLower(s), nil },
	"toUpperCase": func(r *run, s string, _ []any) (any, error) { return strings.ToUpper(s), nil },
	"trim":        func(r *run, s string, _ []any) (any, error) { return strings.Trim(s, spaces), nil },
	"trimStart":   func(r *run, s string, _ []any) (any, error) { return strings.TrimLeft(s, spaces), nil },
	"trimEnd":     func(r *run, s string, _ []any) (any, error) { return strings.TrimRight(s, spaces), nil },
	"toString":    func(r *run, s string, _ []any) (any, error) { return s, nil },
	"startsWith":  asking(strings.HasPrefix),
	"endsWith":    asking(strings.HasSuffix),
	"includes":    asking(strings.Contains),
	"indexOf": func(r *run, s string, args []any) (any, error) {
		return characterAt(s, strings.Index(s, r.str(arg(args, 0)))), nil
	},
	"lastIndexOf": func(r *run, s string, args []any) (any, error) {
		return characterAt(s, strings.LastIndex(s, r.str(arg(args, 0)))), nil
	},
	"charAt": func(r *run, s string, args []any) (any, error) {
		all, i := characters(s), r.integer(arg(args, 0), 0)
		if i < 0 || i >= len(all) {
			return "", nil
		}
		return all[i], nil
	},
	"concat": func(r *run, s string, args []any) (any, error) {
		for _, a := range args {
			s = r.join(s, r.str(a))
		}
		return s, nil
	},
	"repeat": func(r *run, s string, args []any) (any, error) {
		n := r.integer(arg(args, 0), 0)
		if n < 0 {
			return nil, fmt.Errorf("a text cannot be repeated %d times", n)
		}
		return r.repeated(s, n), nil
	},
	"padStart": func(r *run, s string, args []any) (any, error) { return r.padding(s, args) + s, nil },
	"padEnd":   func(r *run, s string, args []any) (any, error) { return s + r.padding(s, args), nil },
	"slice": func(r *run, s string, args []any) (any, error) {
		all := characters(s)
		from, to := r.span(args, len(all))
		return strings.Join(all[from:to], ""), nil
	},
	"substring": func(r *run, s string, args []any) (any, error) {
		all := characters(s)
		from := max(0, min(r.integer(arg(args, 0), 0), len(all)))
		to := max(0, min(r.integer(arg(args, 1), len(all)), len(all)))
		return strings.Join(all[min(from, to):max(from, to)], ""), nil
	},
	"substr": func(r *run, s string, args []any) (any, error) {
		all := characters(s)
		from := max(0, min(fromEnd(r.integer(arg(args, 0), 0), len(all)), len(all)))
		length := max(0, min(r.integer(arg(args, 1), len(all)), len(all)-from))
		return strings.Join(all[from:from+length], ""), nil
	},
	"split":      splitText,
	"replace":    func(r *run, s string, args []any) (any, error) { return r.replaced(s, args, 1), nil },
	"replaceAll": func(r *run, s string, args []any) (any, error) { return r.replaced(s, args, -1), nil },
	"match": func(r *run, s string, args []any) (any, error) {
		e, ok := arg(args, 0).(*expr)
		if !ok {
			return nil, fmt.Errorf("expected a regular expression, found %s", describe(arg(args, 0)))
		}
		return e.match(r, s), nil
	},
}

// characterAt turns a byte's index into a character's.
func characterAt(s string, i int) float64 {
	if i < 0 {
		return -1
	}
	return float64(textLength(s[:i]))
}

func (r *run) padding(s string, args []any) string {
	fill := " "
	if given := arg(args, 1); isText(given) {
		fill = given.(string)
	}
	missing := r.integer(arg(args, 0), 0) - textLength(s)
	if missing <= 0 || fill == "" {
		return ""
	}
	all := characters(r.repeated(fill, missing/textLength(fill)+1))
	return strings.Join(all[:min(missing, len(all))], "")
}

func splitText(r *run, s string, args []any) (any, error) {
	var parts []string
	switch separator := arg(args, 0).(type) {
	case undefined:
		parts = []string{s}
	case *expr:
		r.spend(len(s) * itemBytes)
		parts = separator.compiled.Split(s, -1)
	default:
		text := r.str(separator)
		r.spend((strings.Count(s, text) + 1) * itemBytes)
		parts = strings.Split(s, text)
	}
	if limit := r.integer(arg(args, 1), len(parts)); limit >= 0 && limit < len(parts) {
		parts = parts[:limit]
	}
	return r.texts(parts), nil
}

// replaced is JavaScript's replace; n is how often a plain text is replaced, -1 for always.
func (r *run) replaced(s string, args []any, n int) string {
	with := r.str(arg(args, 1))
	if e, ok := arg(args, 0).(*expr); ok {
		return e.replace(r, s, with)
	}
	old := r.str(arg(args, 0))
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	r.spend(len(s))
	r.repeated(with, count)
	return strings.Replace(s, old, with, n)
}

type listMethod = func(r *run, l *list, args []any) (any, error)

var listMethods = map[string]listMethod{
	"join": func(r *run, l *list, args []any) (any, error) {
		separator := ","
		if _, undef := arg(args, 0).(undefined); !undef {
			separator = r.str(args[0])
		}
		return r.joined(l.items, separator), nil
	},
	"toString": func(r *run, l *list, _ []any) (any, error) { return r.str(l), nil },
	"includes": func(r *run, l *list, args []any) (any, error) { return indexIn(l, arg(args, 0)) >= 0, nil },
	"indexOf":  func(r *run, l *list, args []any) (any, error) { return float64(indexIn(l, arg(args, 0))), nil },
	"slice": func(r *run, l *list, args []any) (any, error) {
		from, to := r.span(args, len(l.items))
		return r.newList(slices.Clone(l.items[from:to])), nil
	},
	"concat": func(r *run, l *list, args []any) (any, error) {
		items := slices.Clone(l.items)
		for _, a := range args {
			if other, ok := a.(*list); ok {
				items = append(items, other.items...)
			} else {
				items = append(items, a)
			}
		}
		return r.newList(items), nil
	},
	"push": func(r *run, l *list, args []any) (any, error) {
		r.spend(len(args) * itemBytes)
		l.items = append(l.items, args...)
		return float64(len(l.items)), nil
	},
	"pop": func(r *run, l *list, _ []any) (any, error) { return removed(l, len(l.items)-1), nil },
	"shift": func(r *run, l *list, _ []any) (any, error) {
		return removed(l, 0), nil
	},
	"reverse": func(r *run, l *list, _ []any) (any, error) {
		slices.Reverse(l.items)
		return l, nil
	},
	"sort": func(r *run, l *list, _ []any) (any, error) {
		r.sortBy(l.items, func(v any) any { return r.str(v) })
		return l, nil
	},
}

func (r *run) joined(items []any, separator string) string {
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			r.spend(len(separator))
			b.WriteString(separator)
		}
		text := r.printed(item)
		r.spend(len(text))
		b.WriteString(text)
	}
	return b.String()
}

// sortBy sorts items, stably, by a key.
func (r *run) sortBy(items []any, key func(any) any) {
	r.spend(len(items) * itemBytes)
	slices.SortStableFunc(items, func(a, b any) int {
		r.step(r.offset)
		switch x, y := key(a), key(b); {
		case r.order("<", x, y):
			return -1
		case r.order(">", x, y):
			return 1
		}
		return 0
	})
}

func indexIn(l *list, v any) int {
	return slices.IndexFunc(l.items, func(item any) bool { return same(item, v) })
}

func removed(l *list, i int) any {
	if i < 0 || i >= len(l.items) {
		return undefined{}
	}
	v := l.items[i]
	l.items = slices.Delete(l.items, i, i+1)
	return v
}

// pythonListMethods and objectMethods are what Nunjucks' compatibility with Jinja adds.
var pythonListMethods = map[string]listMethod{
	"append": listMethods["push"],
	"count": func(r *run, l *list, args []any) (any, error) {
		n := 0
		for _, item := range l.items {
			if same(item, arg(args, 0)) {
				n++
			}
		}
		return float64(n), nil
	},
	"index": func(r *run, l *list, args []any) (any, error) {
		i := indexIn(l, arg(args, 0))
		if i < 0 {
			return nil, fmt.Errorf("%s is not in the list", describe(arg(args, 0)))
		}
		return float64(i), nil
	},
	"insert": func(r *run, l *list, args []any) (any, error) {
		r.spend(itemBytes)
		i := max(0, min(r.integer(arg(args, 0), 0), len(l.items)))
		l.items = slices.Insert(l.items, i, arg(args, 1))
		return nil, nil
	},
}

type objectMethod = func(r *run, o *object, args []any) (any, error)

var objectMethods = map[string]objectMethod{
	"items":     objectItems,
	"iteritems": objectItems,
	"keys": func(r *run, o *object, _ []any) (any, error) {
		return r.texts(o.keys), nil
	},
	"values": func(r *run, o *object, _ []any) (any, error) {
		out := []any{}
		for _, key := range o.keys {
			out = append(out, o.values[key])
		}
		return r.newList(out), nil
	},
	"get": func(r *run, o *object, args []any) (any, error) {
		if v, ok := o.values[r.str(arg(args, 0))]; ok {
			return v, nil
		}
		return arg(args, 1), nil
	},
	"has_key": func(r *run, o *object, args []any) (any, error) {
		_, there := o.values[r.str(arg(args, 0))]
		return there, nil
	},
	"update": func(r *run, o *object, args []any) (any, error) {
		other, ok := arg(args, 0).(*object)
		if !ok {
			return nil, fmt.Errorf("expected an object, found %s", describe(arg(args, 0)))
		}
		r.spend(len(other.keys) * itemBytes)
		for _, key := range slices.Clone(other.keys) {
			o.set(key, other.values[key])
		}
		return nil, nil
	},
	"pop": func(r *run, o *object, args []any) (any, error) {
		key := r.str(arg(args, 0))
		v, ok := o.values[key]
		if !ok {
			return arg(args, 1), nil
		}
		o.remove(key)
		return v, nil
	},
}

func objectItems(r *run, o *object, _ []any) (any, error) {
	out := []any{}
	for _, key := range o.keys {
		out = append(out, r.newList([]any{key, o.values[key]}))
	}
	return r.newList(out), nil
}
