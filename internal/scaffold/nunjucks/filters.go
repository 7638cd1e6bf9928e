package nunjucks

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// builtin is a filter of the language.
type builtin = func(r *run, v any, args []any) (any, error)

// builtins are Nunjucks' filters, but for random and urlize.
var builtins = map[string]builtin{
	"abs":         func(r *run, v any, _ []any) (any, error) { return math.Abs(r.number(v)), nil },
	"batch":       batch,
	"capitalize":  onText(func(r *run, s string, _ []any) (any, error) { return capitalized(s), nil }),
	"center":      onText(center),
	"d":           byDefault,
	"default":     byDefault,
	"dictsort":    dictsort,
	"dump":        dump,
	"e":           escape,
	"escape":      escape,
	"first":       func(r *run, v any, _ []any) (any, error) { return r.memberOf(v, 0.0), nil },
	"float":       toFloat,
	"forceescape": escape,
	"groupby":     onList(groupby),
	"indent":      onText(indent),
	"int":         toInteger,
	"join":        join,
	"last":        last,
	"length":      func(r *run, v any, _ []any) (any, error) { return length(v), nil },
	"list":        toList,
	"lower":       onText(func(r *run, s string, _ []any) (any, error) { return strings.ToLower(s), nil }),
	"nl2br":       onText(nl2br),
	"reject":      onList(selecting(false)),
	"rejectattr":  onList(selectingByAttribute(false)),
	"replace":     replace,
	"reverse":     reverse,
	"round":       round,
	"safe":        func(r *run, v any, _ []any) (any, error) { return r.printed(v), nil },
	"select":      onList(selecting(true)),
	"selectattr":  onList(selectingByAttribute(true)),
	"slice":       onList(slices_),
	"sort":        onList(sort),
	"string":      func(r *run, v any, _ []any) (any, error) { return r.printed(v), nil },
	"striptags":   onText(striptags),
	"sum":         onList(sum),
	"title":       onText(title),
	"trim":        onText(func(r *run, s string, _ []any) (any, error) { return strings.Trim(s, spaces), nil }),
	"truncate":    onText(truncate),
	"upper":       onText(func(r *run, s string, _ []any) (any, error) { return strings.ToUpper(s), nil }),
	"urlencode":   urlencode,
	"wordcount":   onText(wordcount),
}

// onText is a filter of texts. Numbers and booleans are written first; false, null and undefined count as nothing.
func onText(f func(r *run, s string, args []any) (any, error)) builtin {
	return func(r *run, v any, args []any) (any, error) {
		if nothing(v) || v == false {
			return f(r, "", args)
		}
		if isReference(v) {
			return nil, fmt.Errorf("needs a text, found %s", describe(v))
		}
		return f(r, r.str(v), args)
	}
}

// onList is a filter of lists.
func onList(f func(r *run, items []any, args []any) (any, error)) builtin {
	return func(r *run, v any, args []any) (any, error) {
		switch v := v.(type) {
		case *list:
			return f(r, v.items, args)
		case *object:
			var items []any
			for _, key := range v.keys {
				items = append(items, v.values[key])
			}
			return f(r, items, args)
		case nil, undefined:
			return f(r, nil, args)
		}
		return nil, fmt.Errorf("needs a list, found %s", describe(v))
	}
}

// named is an argument by place or by name.
func named(args []any, i int, name string) any {
	if n := len(args); n > 0 {
		if k, ok := args[n-1].(*keywords); ok {
			if v, ok := k.values[name]; ok {
				return v
			}
			args = args[:n-1]
		}
	}
	return arg(args, i)
}

func byDefault(_ *run, v any, args []any) (any, error) {
	_, undef := v.(undefined)
	if undef || truthy(named(args, 1, "boolean")) && !truthy(v) {
		return named(args, 0, "default_value"), nil
	}
	return v, nil
}

// dump is JSON, indented by a number of spaces or by a text where one is given.
func dump(r *run, v any, args []any) (any, error) {
	margin := ""
	switch spaces := arg(args, 0).(type) {
	case float64:
		margin = strings.Repeat(" ", max(0, min(10, int(spaces))))
	case string:
		margin = strings.Join(characters(spaces)[:min(10, len(characters(spaces)))], "")
	}
	var b strings.Builder
	wrote, err := r.writeJSON(&b, v, margin, "", 0)
	if err != nil {
		return nil, err
	}
	if !wrote {
		return undefined{}, nil
	}
	return b.String(), nil
}

var escapes = strings.NewReplacer("&", "&amp;", `"`, "&quot;", "'", "&#39;", "<", "&lt;", ">", "&gt;",
	"`", "&#96;", `\`, "&#92;")

func escape(r *run, v any, _ []any) (any, error) {
	s := r.printed(v)
	r.spend(len(s))
	return escapes.Replace(s), nil
}

func capitalized(s string) string {
	all := characters(strings.ToLower(s))
	if len(all) == 0 {
		return ""
	}
	return strings.ToUpper(all[0]) + strings.Join(all[1:], "")
}

func title(r *run, s string, _ []any) (any, error) {
	words := strings.Split(s, " ")
	r.spend(len(words) * itemBytes)
	for i, word := range words {
		words[i] = capitalized(word)
	}
	return strings.Join(words, " "), nil
}

func center(r *run, s string, args []any) (any, error) {
	spare := r.integer(named(args, 0, "width"), 80) - textLength(s)
	if spare <= 0 {
		return s, nil
	}
	return r.repeated(" ", spare/2) + s + r.repeated(" ", (spare+1)/2), nil
}

func indent(r *run, s string, args []any) (any, error) {
	if s == "" {
		return "", nil
	}
	width := r.integer(named(args, 0, "width"), 4)
	if width == 0 {
		width = 4
	}
	first := truthy(named(args, 1, "indentfirst"))
	lines := strings.Split(s, "\n")
	r.repeated(" ", width*len(lines))
	margin := r.repeated(" ", width)
	for i, line := range lines {
		if i > 0 || first {
			lines[i] = margin + line
		}
	}
	return strings.Join(lines, "\n"), nil
}

func nl2br(r *run, s string, _ []any) (any, error) {
	r.repeated("<br />", strings.Count(s, "\n"))
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "<br />\n"), nil
}

var (
	htmlTag = regexp.MustCompile(`(?is)</?([a-z][a-z0-9]*)\b[^>]*>|<!--.*?-->`)
	gaps    = regexp.MustCompile(`[\s\x{00a0}]+`)
	margins = regexp.MustCompile(`(?m)^ +| +$`)
	runs    = regexp.MustCompile(` +`)
	breaks  = regexp.MustCompile(`\n\n\n+`)
	word    = regexp.MustCompile(`\w+`)
)

func striptags(_ *run, s string, args []any) (any, error) {
	s = strings.Trim(htmlTag.ReplaceAllString(s, ""), spaces)
	if !truthy(named(args, 0, "preserve_linebreaks")) {
		return gaps.ReplaceAllString(s, " "), nil
	}
	s = runs.ReplaceAllString(margins.ReplaceAllString(s, ""), " ")
	return breaks.ReplaceAllString(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n"), nil
}

func truncate(r *run, s string, args []any) (any, error) {
	limit := r.integer(named(args, 0, "length"), 255)
	if limit == 0 {
		limit = 255
	}
	all := characters(s)
	if len(all) <= limit {
		return s, nil
	}
	cut := max(limit, 0)
	if !truthy(named(args, 1, "killwords")) {
		for i := min(cut, len(all)-1); i >= 0; i-- {
			if all[i] == " " {
				cut = i
				break
			}
		}
	}
	end := "..."
	if given := named(args, 2, "end"); !nothing(given) {
		end = r.str(given)
	}
	return strings.Join(all[:cut], "") + end, nil
}

func wordcount(_ *run, s string, _ []any) (any, error) {
	if n := len(word.FindAllString(s, -1)); n > 0 {
		return float64(n), nil
	}
	return nil, nil
}

func urlencode(r *run, v any, _ []any) (any, error) {
	var pairs []string
	switch v := v.(type) {
	case *object:
		for _, key := range v.keys {
			pairs = append(pairs, encodeURI(key)+"="+encodeURI(r.str(v.values[key])))
		}
	case *list:
		for _, pair := range v.items {
			pairs = append(pairs, encodeURI(r.str(r.memberOf(pair, 0.0)))+"="+encodeURI(r.str(r.memberOf(pair, 1.0))))
		}
	default:
		s := r.str(v)
		r.repeated("%00", len(s))
		return encodeURI(s), nil
	}
	joined := strings.Join(pairs, "&")
	r.spend(len(joined))
	return joined, nil
}

// encodeURI is JavaScript's encodeURIComponent.
func encodeURI(s string) string {
	escaped := strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	for _, mark := range "!'()*" {
		escaped = strings.ReplaceAll(escaped, fmt.Sprintf("%%%02X", mark), string(mark))
	}
	return escaped
}

func replace(r *run, v any, args []any) (any, error) {
	old, with := arg(args, 0), r.str(arg(args, 1))
	if e, ok := old.(*expr); ok {
		return e.replace(r, r.str(v), with), nil
	}
	if n, ok := old.(float64); ok {
		old = formatNumber(n)
	}
	if n, ok := v.(float64); ok {
		v = formatNumber(n)
	}
	s, isString := v.(string)
	what, isWhat := old.(string)
	if !isString || !isWhat {
		return v, nil
	}
	count := r.integer(arg(args, 2), -1)
	found := strings.Count(s, what)
	if count >= 0 {
		found = min(found, count)
	}
	r.spend(len(s))
	r.repeated(with, found)
	return strings.Replace(s, what, with, count), nil
}

func length(v any) any {
	switch v := v.(type) {
	case nil, undefined:
		return 0.0
	case string:
		return float64(textLength(v))
	case *list:
		return float64(len(v.items))
	case *object:
		return float64(len(v.keys))
	}
	if v == false {
		return 0.0
	}
	return undefined{}
}

func last(r *run, v any, _ []any) (any, error) {
	switch v := v.(type) {
	case *list:
		return r.memberOf(v, float64(len(v.items)-1)), nil
	case string:
		all := characters(v)
		return r.memberOf(v, float64(len(all)-1)), nil
	}
	return undefined{}, nil
}

// attribute gives the function that reads an attribute of items; one that gives the item where none is named.
func (r *run) attribute(name any) func(any) any {
	if !truthy(name) {
		return func(v any) any { return v }
	}
	return func(v any) any { return r.memberOf(v, name) }
}

func join(r *run, v any, args []any) (any, error) {
	l, ok := v.(*list)
	if !ok {
		return r.printed(v), nil
	}
	separator := ""
	if given := arg(args, 0); truthy(given) {
		separator = r.str(given)
	}
	read := r.attribute(named(args, 1, "attribute"))
	items := make([]any, len(l.items))
	for i, item := range l.items {
		items[i] = read(item)
	}
	return r.joined(items, separator), nil
}

func toList(r *run, v any, _ []any) (any, error) {
	switch v := v.(type) {
	case *list:
		return v, nil
	case string:
		return r.texts(characters(v)), nil
	case *object:
		out := []any{}
		for _, key := range v.keys {
			entry := newObject()
			entry.set("key", key)
			entry.set("value", v.values[key])
			out = append(out, entry)
		}
		return r.newList(out), nil
	}
	return nil, fmt.Errorf("%s cannot be made a list", describe(v))
}

func reverse(r *run, v any, _ []any) (any, error) {
	switch v := v.(type) {
	case string:
		all := characters(v)
		slices.Reverse(all)
		return strings.Join(all, ""), nil
	case *list:
		items := slices.Clone(v.items)
		slices.Reverse(items)
		return r.newList(items), nil
	}
	return nil, fmt.Errorf("needs a list or a text, found %s", describe(v))
}

func batch(r *run, v any, args []any) (any, error) {
	return onList(func(r *run, items, args []any) (any, error) {
		size := r.integer(named(args, 0, "linecount"), 0)
		if size < 1 {
			return nil, fmt.Errorf("needs how many items make a batch")
		}
		out := []any{}
		for chunk := range slices.Chunk(items, size) {
			chunk = slices.Clone(chunk)
			if fill := named(args, 1, "fill_with"); truthy(fill) {
				r.spend((size - len(chunk)) * itemBytes)
				for len(chunk) < size {
					chunk = append(chunk, fill)
				}
			}
			out = append(out, r.newList(chunk))
		}
		return r.newList(out), nil
	})(r, v, args)
}

// slices_ divides a list into a number of lists.
func slices_(r *run, items, args []any) (any, error) {
	n := r.integer(named(args, 0, "slices"), 0)
	if n < 1 {
		return nil, fmt.Errorf("needs the number of slices")
	}
	r.spend(n * 2 * itemBytes)
	size, extra := len(items)/n, len(items)%n
	out := make([]any, n)
	for i, from := 0, 0; i < n; i++ {
		to := from + size
		if i < extra {
			to++
		}
		part := slices.Clone(items[from:to])
		if fill := named(args, 1, "fill_with"); truthy(fill) && i >= extra {
			part = append(part, fill)
		}
		out[i], from = r.newList(part), to
	}
	return &list{items: out}, nil
}

func sort(r *run, items, args []any) (any, error) {
	read := r.attribute(named(args, 2, "attribute"))
	caseful := truthy(named(args, 1, "case_sensitive"))
	sorted := slices.Clone(items)
	r.sortBy(sorted, func(v any) any {
		if s, ok := read(v).(string); ok && !caseful {
			return strings.ToLower(s)
		}
		return read(v)
	})
	if truthy(named(args, 0, "reverse")) {
		slices.Reverse(sorted)
	}
	return r.newList(sorted), nil
}

func dictsort(r *run, v any, args []any) (any, error) {
	o, ok := v.(*object)
	if !ok {
		return nil, fmt.Errorf("needs an object, found %s", describe(v))
	}
	by := 0.0
	switch which := named(args, 1, "by"); {
	case nothing(which) || which == "key":
	case which == "value":
		by = 1
	default:
		return nil, fmt.Errorf(`sorts by "key" or by "value", not by %s`, describe(which))
	}
	caseful := truthy(named(args, 0, "case_sensitive"))
	pairs := []any{}
	for _, key := range o.keys {
		pairs = append(pairs, r.newList([]any{key, o.values[key]}))
	}
	r.sortBy(pairs, func(pair any) any {
		v := r.memberOf(pair, by)
		if s, ok := v.(string); ok && !caseful {
			return strings.ToUpper(s)
		}
		return v
	})
	return r.newList(pairs), nil
}

func groupby(r *run, items, args []any) (any, error) {
	read := r.attribute(named(args, 0, "attribute"))
	groups := newObject()
	r.spend(len(items) * itemBytes)
	for _, item := range items {
		key := r.str(read(item))
		group, ok := groups.get(key).(*list)
		if !ok {
			group = &list{}
			groups.set(key, group)
		}
		group.items = append(group.items, item)
	}
	return groups, nil
}

func selectingByAttribute(wanted bool) func(r *run, items, args []any) (any, error) {
	return func(r *run, items, args []any) (any, error) {
		read := r.attribute(arg(args, 0))
		left := func(v any) bool { return truthy(read(v)) != wanted }
		return r.newList(slices.DeleteFunc(slices.Clone(items), left)), nil
	}
}

// selecting keeps the items that pass a test; by default those that are truthy.
func selecting(wanted bool) func(r *run, items, args []any) (any, error) {
	return func(r *run, items, args []any) (any, error) {
		name := "truthy"
		if given := arg(args, 0); !nothing(given) {
			name = r.str(given)
		}
		t, ok := tests[name]
		if !ok {
			return nil, &UnknownError{Kind: "test", Name: name, Known: TestNames()}
		}
		left := func(v any) bool { return t(r, v, arg(args, 1)) != wanted }
		return r.newList(slices.DeleteFunc(slices.Clone(items), left)), nil
	}
}

func sum(r *run, items, args []any) (any, error) {
	read := r.attribute(named(args, 0, "attribute"))
	var total any = 0.0
	for _, item := range items {
		total = r.add(total, read(item))
	}
	if start := named(args, 1, "start"); !nothing(start) {
		total = r.add(start, total)
	}
	return total, nil
}

func round(r *run, v any, args []any) (any, error) {
	factor := math.Pow(10, float64(r.integer(named(args, 0, "precision"), 0)))
	scaled := r.number(v) * factor
	switch named(args, 1, "method") {
	case "ceil":
		return math.Ceil(scaled) / factor, nil
	case "floor":
		return math.Floor(scaled) / factor, nil
	}
	return math.Floor(scaled+0.5) / factor, nil
}

var (
	leadingInteger = regexp.MustCompile(`^[-+]?\d+`)
	leadingFloat   = regexp.MustCompile(`^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?`)
)

func toInteger(r *run, v any, args []any) (any, error) {
	return leading(r, leadingInteger, v, args), nil
}

func toFloat(r *run, v any, args []any) (any, error) {
	return leading(r, leadingFloat, v, args), nil
}

// leading is the number that a text begins with, or what is given for when there is none.
func leading(r *run, number *regexp.Regexp, v any, args []any) any {
	found := number.FindString(strings.TrimLeft(r.str(v), spaces))
	if f, err := strconv.ParseFloat(found, 64); err == nil {
		return f
	}
	return arg(args, 0)
}
