package nunjucks

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Inside, a value is one of: undefined, nil (null), bool, float64, string, *list, *object,
// *function, *expr (a regular expression). Lists and objects have identity, as in JavaScript.
type (
	undefined struct{}
	list      struct{ items []any }
	// object keeps the order in which its keys were set.
	object struct {
		keys   []string
		values map[string]any
	}
	// function is something that can be called: a macro, a method, a global function.
	function struct {
		name string
		call func(r *run, args []any) (any, error)
	}
)

func newObject() *object { return &object{values: map[string]any{}} }

func (o *object) set(key string, value any) {
	if _, there := o.values[key]; !there {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

func (o *object) remove(key string) {
	delete(o.values, key)
	if i := slices.Index(o.keys, key); i >= 0 {
		o.keys = slices.Delete(o.keys, i, i+1)
	}
}

// get is an entry, or undefined.
func (o *object) get(key string) any {
	if v, ok := o.values[key]; ok {
		return v
	}
	return undefined{}
}

// inward turns a Go value into one of the language's. Maps get their keys in alphabetical order.
func inward(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool, float64, string, undefined, *list, *object, *function:
		return v, nil
	case int:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case uint64:
		return float64(v), nil
	case json.Number:
		return v.Float64()
	case []any:
		out := &list{items: make([]any, len(v))}
		for i, item := range v {
			var err error
			if out.items[i], err = inward(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := newObject()
		for _, key := range sortedKeys(v) {
			value, err := inward(v[key])
			if err != nil {
				return nil, err
			}
			out.set(key, value)
		}
		return out, nil
	case []string:
		out := &list{items: make([]any, len(v))}
		for i, item := range v {
			out.items[i] = item
		}
		return out, nil
	case map[string]string:
		out := newObject()
		for _, key := range sortedKeys(v) {
			out.set(key, v[key])
		}
		return out, nil
	}
	return nil, fmt.Errorf("a value of type %T cannot be used in a template", v)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// maxSafe is the largest integer of which JavaScript knows every smaller one.
const maxSafe = 1 << 53

// outward turns a value into a Go value as JSON would: what JSON cannot say is left out of
// objects and is nil in lists. defined is false for undefined and for functions.
func (r *run) outward(v any) (value any, defined bool) {
	r.spend(itemBytes)
	switch v := v.(type) {
	case undefined, *function:
		return nil, false
	case float64:
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			return nil, true
		case v == math.Trunc(v) && math.Abs(v) <= maxSafe:
			return int64(v), true
		}
		return v, true
	case *list:
		out := make([]any, len(v.items))
		for i, item := range v.items {
			out[i], _ = r.outward(item)
		}
		return out, true
	case *object:
		out := make(map[string]any, len(v.keys))
		for _, key := range v.keys {
			if value, defined := r.outward(v.values[key]); defined {
				out[key] = value
			}
		}
		return out, true
	case *keywords:
		return r.outward(v.object)
	case *expr:
		return map[string]any{}, true
	}
	return v, true
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	}
	return true
}

// nothing says whether a value is null or undefined.
func nothing(v any) bool {
	_, undef := v.(undefined)
	return v == nil || undef
}

// isText and the like are Nunjucks' questions about a value's type.
func isText(v any) bool { _, ok := v.(string); return ok }

// str is a value as text, as JavaScript's String(v).
func (r *run) str(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b strings.Builder
	r.writeText(&b, v, 0)
	return b.String()
}

// printed is a value as a template writes it: null and undefined are nothing.
func (r *run) printed(v any) string {
	if nothing(v) {
		return ""
	}
	return r.str(v)
}

func (r *run) writeText(b *strings.Builder, v any, depth int) {
	r.spend(itemBytes)
	switch v := v.(type) {
	case undefined:
		b.WriteString("undefined")
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case float64:
		b.WriteString(formatNumber(v))
	case string:
		r.spend(len(v))
		b.WriteString(v)
	case *list:
		if depth > maxDepth { // a list that holds itself
			return
		}
		for i, item := range v.items {
			if i > 0 {
				b.WriteByte(',')
			}
			if !nothing(item) {
				r.writeText(b, item, depth+1)
			}
		}
	case *expr:
		b.WriteString("/" + v.source + "/" + v.flags)
	case *function:
		b.WriteString("function " + v.name)
	default:
		b.WriteString("[object Object]")
	}
}

// formatNumber is a number as JavaScript writes it (ECMA-262, Number::toString).
func formatNumber(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		return "0"
	}
	if size := math.Abs(f); size >= 1e-6 && size < 1e21 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	return digits + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}

// number is a value as a number, as JavaScript's Number(v).
func (r *run) number(v any) float64 {
	switch v := v.(type) {
	case nil:
		return 0
	case bool:
		if v {
			return 1
		}
		return 0
	case float64:
		return v
	case string:
		return parseNumber(v)
	case *list:
		return parseNumber(r.str(v))
	}
	return math.NaN()
}

func parseNumber(s string) float64 {
	s = strings.Trim(s, spaces)
	if s == "" {
		return 0
	}
	if len(s) > 2 && s[0] == '0' && strings.IndexByte("xXoObB", s[1]) >= 0 {
		if n, err := strconv.ParseUint(s, 0, 64); err == nil {
			return float64(n)
		}
		return math.NaN()
	}
	switch s {
	case "Infinity", "+Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	if strings.Trim(s, "+-.0123456789eE") != "" {
		return math.NaN()
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// add is JavaScript's "+".
func (r *run) add(a, b any) any {
	if joins(a) || joins(b) {
		return r.join(r.str(a), r.str(b))
	}
	return r.number(a) + r.number(b)
}

// join is one text behind the other.
func (r *run) join(a, b string) string {
	r.spend(len(a) + len(b))
	return a + b
}

// joins says whether "+" with a value joins texts.
func joins(v any) bool {
	switch v.(type) {
	case nil, undefined, bool, float64:
		return false
	}
	return true
}

// same is JavaScript's "===".
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && a == b
	case nil:
		return b == nil
	}
	return a == b // types without a meaning of their own for ==: pointers are compared as such
}

// alike is JavaScript's "==".
func (r *run) alike(a, b any) bool {
	if nothing(a) || nothing(b) {
		return nothing(a) && nothing(b)
	}
	if isReference(a) && isReference(b) {
		return a == b
	}
	if isReference(a) {
		a = r.str(a)
	}
	if isReference(b) {
		b = r.str(b)
	}
	if isText(a) && isText(b) {
		return a == b
	}
	return r.number(a) == r.number(b)
}

func isReference(v any) bool {
	switch v.(type) {
	case *list, *object, *function, *expr, *keywords:
		return true
	}
	return false
}

// order is JavaScript's comparison of a and b by "<", "<=", ">" or ">=".
func (r *run) order(operator string, a, b any) bool {
	if isReference(a) {
		a = r.str(a)
	}
	if isReference(b) {
		b = r.str(b)
	}
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return ordered(operator, strings.Compare(s, t), 0)
		}
	}
	return ordered(operator, r.number(a), r.number(b))
}

func ordered[N int | float64](operator string, a, b N) bool {
	switch operator {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	}
	return a >= b
}

// textLength is a text's length in UTF-16 code units, as JavaScript counts.
func textLength(s string) int {
	length := 0
	for _, r := range s {
		length += utf16.RuneLen(max(r, 0))
	}
	return length
}

// writeJSON writes a value as JSON.stringify does. It gives false where there is nothing to write.
func (r *run) writeJSON(b *strings.Builder, v any, indent, margin string, depth int) (bool, error) {
	r.spend(itemBytes + len(margin))
	if depth > maxDepth {
		return false, fmt.Errorf("dump: nested more than %d levels deep, or in a circle", maxDepth)
	}
	switch v := v.(type) {
	case undefined, *function:
		return false, nil
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b.WriteString("null")
		} else {
			b.WriteString(formatNumber(v))
		}
	case string:
		r.spend(len(v))
		quote(b, v)
	case *list:
		return true, writeItems(b, '[', ']', len(v.items), indent, margin, func(i int, margin string) (bool, error) {
			wrote, err := r.writeJSON(b, v.items[i], indent, margin, depth+1)
			if !wrote {
				b.WriteString("null")
			}
			return true, err
		})
	case *object:
		keys := slices.DeleteFunc(slices.Clone(v.keys), func(key string) bool {
			return !expressible(v.values[key])
		})
		return true, writeItems(b, '{', '}', len(keys), indent, margin, func(i int, margin string) (bool, error) {
			quote(b, keys[i])
			b.WriteByte(':')
			if indent != "" {
				b.WriteByte(' ')
			}
			return r.writeJSON(b, v.values[keys[i]], indent, margin, depth+1)
		})
	case *keywords:
		return r.writeJSON(b, v.object, indent, margin, depth+1)
	default:
		b.WriteString("{}")
	}
	return true, nil
}

// expressible says whether JSON has a value for v.
func expressible(v any) bool {
	switch v.(type) {
	case undefined, *function:
		return false
	}
	return true
}

func writeItems(b *strings.Builder, open, end byte, n int, indent, margin string,
	item func(i int, margin string) (bool, error)) error {
	b.WriteByte(open)
	inner := margin + indent
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		if indent != "" {
			b.WriteString("\n" + inner)
		}
		if _, err := item(i, inner); err != nil {
			return err
		}
	}
	if indent != "" && n > 0 {
		b.WriteString("\n" + margin)
	}
	b.WriteByte(end)
	return nil
}

const hex = "0123456789abcdef"

// quote writes a string as JSON, with no more escapes than JSON asks for.
func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < ' ':
			b.WriteString(`\u00` + string(hex[r>>4]) + string(hex[r&15]))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// characters are a text's characters.
func characters(s string) []string {
	out := make([]string, 0, utf8.RuneCountInString(s))
	for _, r := range s {
		out = append(out, string(r))
	}
	return out
}
