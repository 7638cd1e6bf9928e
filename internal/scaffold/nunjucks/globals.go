package nunjucks

import "fmt"

// globals are the functions that every template knows.
var globals = map[string]*function{
	"range":  {name: "range", call: numbers},
	"cycler": {name: "cycler", call: cycler},
	"joiner": {name: "joiner", call: joiner},
}

// GlobalNames are the names that every template knows, sorted.
func GlobalNames() []string { return sortedKeys(globals) }

// numbers is range(stop), range(start, stop) or range(start, stop, step).
func numbers(r *run, args []any) (any, error) {
	start, stop, step := 0.0, r.number(arg(args, 0)), 1.0
	if _, undef := arg(args, 1).(undefined); !undef {
		start, stop = stop, r.number(args[1])
	}
	if given := arg(args, 2); truthy(given) {
		step = r.number(given)
	}
	if step != step || step == 0 {
		return nil, fmt.Errorf("range: the step is not a number")
	}
	out := []any{}
	for n := start; step > 0 && n < stop || step < 0 && n > stop; n += step {
		r.step(r.offset)
		r.spend(itemBytes)
		out = append(out, n)
	}
	return &list{items: out}, nil
}

// cycler gives its arguments in turn, by next().
func cycler(_ *run, args []any) (any, error) {
	at := -1
	o := newObject()
	o.set("current", nil)
	o.set("reset", &function{name: "reset", call: func(*run, []any) (any, error) {
		at = -1
		o.set("current", nil)
		return undefined{}, nil
	}})
	o.set("next", &function{name: "next", call: func(*run, []any) (any, error) {
		if at++; at >= len(args) {
			at = 0
		}
		o.set("current", arg(args, at))
		return o.get("current"), nil
	}})
	return o, nil
}

// joiner gives nothing the first time it is called, and then a separator.
func joiner(r *run, args []any) (any, error) {
	separator := ","
	if given := arg(args, 0); truthy(given) {
		separator = r.str(given)
	}
	first := true
	return &function{name: "joiner", call: func(*run, []any) (any, error) {
		if first {
			first = false
			return "", nil
		}
		return separator, nil
	}}, nil
}
