package nunjucks

// Reference is something that a template takes from outside.
type Reference struct {
	// Kind is "name", "filter" or "test".
	Kind string
	// Path is the filter's or the test's name, or a name and the keys looked up in it:
	// steps, publish, output. It ends where a key is not written out.
	Path []string
	// Called says that the last key of a name is called, as a method.
	Called bool
	// Line and Column count from 1; columns are characters.
	Line, Column int
}

// References lists what a template refers to, in the order of the source, whether or not it
// would be evaluated. Names that the template itself sets are left out.
func (t *Template) References() []Reference {
	w := &walker{template: t, own: map[string]bool{"loop": true, "caller": true}}
	w.collect = false
	w.statements(t.body)
	w.collect = true
	w.statements(t.body)
	return w.found
}

// walker visits a template twice: for the names it sets, and for what it refers to.
type walker struct {
	template *Template
	own      map[string]bool
	collect  bool
	found    []Reference
}

func (w *walker) add(kind string, offset int, called bool, path ...string) {
	if !w.collect {
		return
	}
	line, column := position(w.template.source, offset)
	w.found = append(w.found, Reference{Kind: kind, Path: path, Called: called, Line: line, Column: column})
}

func (w *walker) sets(names ...string) {
	for _, name := range names {
		w.own[name] = true
	}
}

func (w *walker) statements(all []statement) {
	for _, s := range all {
		switch s := s.(type) {
		case *output:
			w.expression(s.value)
		case *ifElse:
			w.expression(s.condition)
			w.statements(s.body)
			w.statements(s.otherwise)
		case *forLoop:
			w.sets(s.names...)
			w.expression(s.over)
			w.statements(s.body)
			w.statements(s.otherwise)
		case *set:
			w.sets(s.names...)
			w.expression(s.value)
		case *macro:
			w.sets(s.name)
			w.parameters(s.parameters)
			w.statements(s.body)
		case *switchCase:
			w.expression(s.value)
			for i := range s.cases {
				w.expression(s.cases[i])
				w.statements(s.bodies[i])
			}
			w.statements(s.otherwise)
		case *block:
			w.statements(s.body)
		}
	}
}

func (w *walker) parameters(p parameters) {
	w.sets(p.names...)
	for _, name := range p.names {
		if value, ok := p.defaults[name]; ok {
			w.expression(value)
		}
	}
}

func (w *walker) expressions(all ...expression) {
	for _, e := range all {
		if e != nil {
			w.expression(e)
		}
	}
}

func (w *walker) expression(e expression) {
	switch e := e.(type) {
	case *symbol, *lookup:
		w.path(e, false)
	case *group:
		w.expressions(e.items...)
	case *array:
		w.expressions(e.items...)
	case *dict:
		w.expressions(e.values...)
	case *slice:
		w.expressions(e.target, e.start, e.stop, e.step)
	case *call:
		w.path(e.function, true)
		w.arguments(e.arguments)
	case *filter:
		w.expression(e.value)
		w.add("filter", e.where(), false, e.name)
		w.arguments(e.arguments)
	case *test:
		w.expression(e.value)
		w.add("test", e.where(), false, e.name)
		w.arguments(e.arguments)
	case *inlineIf:
		w.expressions(e.condition, e.body, e.otherwise)
	case *binary:
		w.expressions(e.left, e.right)
	case *compare:
		w.expression(e.first)
		w.expressions(e.rest...)
	case *unary:
		w.expression(e.value)
	case *capture:
		w.statements(e.body)
	case *caller:
		w.parameters(e.parameters)
		w.statements(e.body)
	}
}

func (w *walker) arguments(a arguments) {
	w.expressions(a.positional...)
	w.expressions(a.named...)
}

// path notes a name and the keys that are looked up in it.
func (w *walker) path(e expression, called bool) {
	var keys []string
	for {
		switch at := e.(type) {
		case *lookup:
			key, isLiteral := at.key.(*literal)
			text, isText := "", false
			if isLiteral {
				text, isText = key.value.(string)
			}
			if isText {
				keys = append(keys, text)
			} else {
				keys, called = nil, false // what comes behind is not known
				w.expression(at.key)
			}
			e = at.target
		case *symbol:
			if !w.own[at.name] {
				w.add("name", at.where(), called, append([]string{at.name}, reversed(keys)...)...)
			}
			return
		default:
			w.expression(e)
			return
		}
	}
}

func reversed(keys []string) []string {
	out := make([]string, len(keys))
	for i, key := range keys {
		out[len(keys)-1-i] = key
	}
	return out
}
