package nunjucks

import (
	"context"
	"fmt"
	"strings"
)

// Limits bound the work of one rendering. A zero is replaced by the default.
type Limits struct {
	// Steps are parts of the template that are evaluated; 1,000,000 by default.
	Steps int
	// Bytes are those of all texts and lists that are made on the way; 64 MiB by default.
	Bytes int
}

const (
	defaultSteps = 1_000_000
	defaultBytes = 64 << 20
	// itemBytes is what an entry of a list or an object costs.
	itemBytes = 16
	// maxCalls bounds macros that call each other.
	maxCalls = 100
	// checkEvery is how many steps pass between looks at the context.
	checkEvery = 1024
)

// run is one rendering.
type run struct {
	ctx    context.Context
	env    *Environment
	values map[string]any // given from outside, in Go's types
	names  map[string]any // values looked up before, and those set at the top
	out    *strings.Builder
	frame  *frame
	steps  int
	bytes  int
	calls  int
	offset int // of what is being evaluated
}

// frame holds the names of the top, of a loop or of a macro.
type frame struct {
	names  map[string]any
	parent *frame
	// isolated frames are not left by "set".
	isolated bool
	// top is the outermost frame, whose names macros know too.
	top bool
}

// abort is the panic by which a rendering ends at a limit, wherever it is; render recovers it.
type abort struct{ err error }

// step counts a part of the template that is evaluated.
func (r *run) step(offset int) {
	r.offset = offset
	if r.steps--; r.steps < 0 {
		panic(abort{fmt.Errorf("the template takes more than %d steps", r.env.options.Limits.Steps)})
	}
	if r.steps%checkEvery == 0 {
		if err := context.Cause(r.ctx); err != nil {
			panic(abort{&stopped{err}})
		}
	}
}

// spend counts bytes before they are made.
func (r *run) spend(bytes int) {
	if r.bytes -= bytes; r.bytes < 0 || bytes < 0 {
		panic(abort{fmt.Errorf("the template makes more than %d MiB of text and lists", r.env.options.Limits.Bytes>>20)})
	}
}

// find is the frame that has a name; nil where none has.
func (f *frame) find(name string, forWriting bool) *frame {
	for ; f != nil; f = f.parent {
		if v, ok := f.names[name]; ok {
			if _, undef := v.(undefined); !undef {
				return f
			}
		}
		if forWriting && f.isolated {
			return nil
		}
	}
	return nil
}

// lookup is the value of a name, or undefined.
func (r *run) lookup(name string) (any, error) {
	if f := r.frame.find(name, false); f != nil {
		return f.names[name], nil
	}
	if v, ok := r.names[name]; ok {
		return v, nil
	}
	given, ok := r.values[name]
	if !ok {
		if f, ok := globals[name]; ok {
			return f, nil
		}
		if v, ok := pythonConstants[name]; ok && r.env.options.Jinja {
			return v, nil
		}
		return undefined{}, nil
	}
	v, err := inward(given)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.names[name] = v
	return v, nil
}

// pythonConstants are names that Jinja knows.
var pythonConstants = map[string]any{"True": true, "False": false, "None": nil}

// assign sets a name where it is already, or in the innermost frame.
func (r *run) assign(name string, value any) {
	if f := r.frame.find(name, true); f != nil && !r.frame.top {
		f.names[name] = value
		return
	}
	r.define(name, value)
}

// define sets a name in the innermost frame.
func (r *run) define(name string, value any) {
	r.frame.names[name] = value
	if r.frame.top {
		r.names[name] = value
	}
}

// push enters a loop's frame; the function it gives leaves it.
func (r *run) push() func() {
	outer := r.frame
	r.frame = &frame{names: map[string]any{}, parent: outer}
	return func() { r.frame = outer }
}

// captured runs statements and gives what they write.
func (r *run) captured(body []statement) (string, error) {
	outer := r.out
	r.out = &strings.Builder{}
	err := r.body(body)
	text := r.out.String()
	r.out = outer
	return text, err
}
