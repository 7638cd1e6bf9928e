package scaffold

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/scaffold/nunjucks"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Check finds what would go wrong in a template when it runs: unknown actions, filters and fields,
// references to steps that have not run, schemas that are none, and mistakes in its skeletons, as far as
// the template's origin has them. Each finding has its line. What is a mistake but leaves the template able to
// run, an output that nobody makes for example, is a warning.
func (r *Registry) Check(t *Template) []Finding {
	c := &checker{registry: r, template: t, done: map[string]*registered{}}
	c.found = append(c.found, t.checkPages()...)
	c.parameters = t.parameters()
	for i, s := range t.Steps {
		c.step(i, s)
	}
	c.tree("spec.output", t.Output, scope{output: true})
	return sorted(c.found)
}

type checker struct {
	registry   *Registry
	template   *Template
	parameters []string
	// done are the steps before the one that is looked at; an action may be unknown.
	done  map[string]*registered
	found []Finding
}

func (c *checker) mistake(path, suggestion, message string, args ...any) {
	c.found = append(c.found, c.template.at(path, suggestion, message, args...))
}

func (c *checker) warning(path, suggestion, message string, args ...any) {
	c.found = append(c.found, c.template.warn(path, suggestion, message, args...))
}

// fields are those of a step.
var fields = []string{"action", "each", "id", "if", "input", "name"}

func (c *checker) step(i int, s Step) {
	if slices.ContainsFunc(c.template.Steps[:i], func(other Step) bool { return other.ID == s.ID }) {
		c.mistake(s.path+".id", "", "another step has the ID %q already", s.ID)
	}
	tree, _ := c.template.doc.Tree.(map[string]any)["spec"].(map[string]any)["steps"].([]any)[i].(map[string]any)
	for _, key := range sortedKeys(tree) {
		if !slices.Contains(fields, key) && !strings.Contains(key, ":") {
			c.warning(fieldpath.Child(s.path, key), spec.Nearest(key, fields), "a step has no such field")
		}
	}
	action, err := c.registry.action(s.Action)
	var unknown *UnknownActionError
	if errors.As(err, &unknown) && s.Action != "" {
		c.mistake(s.path+".action", unknown.Near, "%s", err)
	}
	here := scope{step: s.ID, each: s.Each != nil}
	c.tree(s.path+".each", s.Each, scope{step: s.ID})
	c.tree(s.path+".if", s.If, here)
	c.tree(s.path+".input", s.Input, here)
	if action != nil {
		c.input(s, action)
	}
	c.done[s.ID] = action
}

// input compares a step's input with the action's schema, as far as it does not depend on values.
func (c *checker) input(s Step, a *registered) {
	path := s.path + ".input"
	properties, _ := a.tree["properties"].(map[string]any)
	for _, key := range sortedKeys(s.Input) {
		if _, known := properties[key]; !known && properties != nil {
			c.warning(fieldpath.Child(path, key), spec.Nearest(key, sortedKeys(properties)), "%s has no such input", s.Action)
		}
	}
	required, _ := a.tree["required"].([]any)
	for _, item := range required {
		if name, _ := item.(string); s.Input[name] == nil {
			c.mistake(path, "", "%s needs %q", s.Action, name)
		}
	}
	for key, property := range properties {
		schema, _ := property.(map[string]any)
		if v, there := s.Input[key]; there && v != nil {
			c.literal(fieldpath.Child(path, key), v, schema)
		}
	}
	if a.Check != nil {
		origin := c.template.Origin
		at := func(path, suggestion, message string) Finding { return c.template.at(path, suggestion, "%s", message) }
		call := CheckCall{Input: s.Input, Path: path, Files: origin.Files, Dir: origin.Dir, At: at}
		c.found = append(c.found, a.Check(call)...)
	}
}

// literal compares the type of a value that holds no expression with its schema.
func (c *checker) literal(path string, v any, schema map[string]any) {
	if text, ok := v.(string); ok && strings.Contains(text, VariableStart) {
		return
	}
	wanted, ok := schema["type"].(string)
	if !ok || wanted == typeOf(v) || wanted == "number" && typeOf(v) == "integer" {
		return
	}
	c.mistake(path, "", "must be of type %s, is %s", wanted, typeOf(v))
}

// typeOf is a value's type in JSON Schema's words.
func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case int64:
		return "integer"
	case float64:
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// scope is where in a template an expression stands.
type scope struct {
	step   string // "" in spec.output
	each   bool
	output bool
}

// tree looks at every string of a value.
func (c *checker) tree(path string, v any, in scope) {
	switch v := v.(type) {
	case string:
		c.text(path, v, in)
	case map[string]any:
		for _, key := range sortedKeys(v) {
			c.tree(fieldpath.Child(path, key), v[key], in)
		}
	case []any:
		for i, item := range v {
			c.tree(fieldpath.Item(path, i), item, in)
		}
	}
}

func (c *checker) text(path, text string, in scope) {
	parsed, err := c.registry.env.Parse(path, text)
	if err != nil {
		var wrong *nunjucks.Error
		if errors.As(err, &wrong) {
			c.inside(path, text, wrong.Line, wrong.Column, said(near(wrong), false, "%s", wrong.Message))
		}
		return
	}
	for _, ref := range parsed.References() {
		c.reference(path, text, ref, in)
	}
}

// near is what was probably meant by an unknown name.
func near(err error) string {
	var unknown *nunjucks.UnknownError
	if errors.As(err, &unknown) {
		return spec.Nearest(unknown.Name, unknown.Known)
	}
	return ""
}

// inside notes a mistake inside a string.
func (c *checker) inside(path, text string, line, column int, f Finding) {
	f.File, f.Path = c.template.doc.File, path
	f.Line, f.Column = c.template.locate(path, text, line, column)
	c.found = append(c.found, f)
}

// said is a finding whose place is yet to be found.
func said(suggestion string, warning bool, message string, args ...any) Finding {
	return Finding{Finding: spec.Finding{Message: fmt.Sprintf(message, args...), Suggestion: suggestion}, Warning: warning}
}

// roots are the names that expressions know.
var roots = []string{"context", "each", "environment", "parameters", "secrets", "steps", "user"}

func (c *checker) reference(path, text string, ref nunjucks.Reference, in scope) {
	note := func(suggestion string, warning bool, message string, args ...any) {
		c.inside(path, text, ref.Line, ref.Column, said(suggestion, warning, message, args...))
	}
	name := ref.Path[0]
	switch ref.Kind {
	case "filter":
		if names := c.registry.env.FilterNames(); !slices.Contains(names, name) {
			note(spec.Nearest(name, names), false, "no filter is called %q", name)
		}
		return
	case "test":
		if names := nunjucks.TestNames(); !slices.Contains(names, name) {
			note(spec.Nearest(name, names), false, "no test is called %q", name)
		}
		return
	}
	switch {
	case name == "steps":
		c.stepReference(ref, in, note)
	case name == "parameters":
		if len(ref.Path) > 1 && !slices.Contains(c.parameters, ref.Path[1]) {
			note(spec.Nearest(ref.Path[1], c.parameters), true, "the template has no parameter %q", ref.Path[1])
		}
	case name == "each" && !in.each:
		note("", in.output, `"each" is known only in a step that has it`)
	case !slices.Contains(roots, name) && name != "undefined" && !slices.Contains(nunjucks.GlobalNames(), name):
		note(spec.Nearest(name, roots), in.output, "%q is not known here", name)
	}
}

// stepReference looks at steps.ID.output.NAME.
func (c *checker) stepReference(ref nunjucks.Reference, in scope, note func(string, bool, string, ...any)) {
	if len(ref.Path) < 2 {
		return
	}
	id := ref.Path[1]
	action, done := c.done[id]
	switch {
	case id == in.step:
		note("", false, "the step %q cannot use its own output", id)
		return
	case !done && slices.ContainsFunc(c.template.Steps, func(s Step) bool { return s.ID == id }):
		note("", false, "the step %q runs later than this one", id)
		return
	case !done:
		// A template whose output names a missing step still does its work.
		note(c.nearStep(id), in.output, "there is no step %q", id)
		return
	}
	if len(ref.Path) > 2 && ref.Path[2] != "output" {
		note("output", in.output, "a step has no %q", ref.Path[2])
		return
	}
	if action == nil || action.Outputs == nil || len(ref.Path) < 4 {
		return
	}
	if name := ref.Path[3]; !slices.Contains(action.Outputs, name) {
		note(spec.Nearest(name, action.Outputs), true, "%s has no output %q", action.ID, name)
	}
}

// nearStep is the step that was probably meant. A hyphen in steps.create-repo is a minus: what
// stands before it is looked for too.
func (c *checker) nearStep(id string) string {
	ids := sortedKeys(c.done)
	for _, candidate := range ids {
		if strings.HasPrefix(candidate, id+"-") {
			return "steps['" + candidate + "']"
		}
	}
	return spec.Nearest(id, ids)
}
