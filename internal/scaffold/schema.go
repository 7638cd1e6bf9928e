package scaffold

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/slipway-dev/slipway/internal/spec"
)

// problem is something that a JSON Schema finds wrong, by the steps that lead to it.
type problem struct {
	at                  []string
	message, suggestion string
}

// schema is a compiled JSON Schema.
type schema struct {
	compiled *jsonschema.Schema
	// patterns are regular expressions that only a browser can check.
	patterns []string
}

// compileSchema compiles a JSON Schema of draft 7, which Backstage uses. Nothing is loaded from elsewhere.
// The problems say what is wrong with the schema itself.
func compileSchema(text []byte) (*schema, []problem) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, []problem{{message: err.Error()}}
	}
	out := &schema{}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	c.UseLoader(nowhere{})
	c.UseRegexpEngine(out.pattern)
	const name = "slipway:parameters"
	if err := c.AddResource(name, document); err != nil {
		return nil, []problem{{message: err.Error()}}
	}
	out.compiled, err = c.Compile(name)
	var wrong *jsonschema.SchemaValidationError
	var elsewhere *jsonschema.LoadURLError
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &wrong):
		var invalid *jsonschema.ValidationError
		if errors.As(wrong.Err, &invalid) {
			return nil, problems(invalid)
		}
	}
	if errors.As(err, &elsewhere) {
		err = elsewhere.Err
	}
	return nil, []problem{{message: strings.ReplaceAll(err.Error(), name, "the schema")}}
}

// nowhere is the loader of schemas that others refer to.
type nowhere struct{}

func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("the schema refers to %s; a template's schema cannot refer to other documents", url)
}

// pattern compiles a "pattern". Go's regular expressions have no look-around; a pattern that needs it is
// checked in the browser alone.
func (s *schema) pattern(text string) (jsonschema.Regexp, error) {
	compiled, err := regexp.Compile(text)
	if err != nil {
		if !strings.Contains(text, "(?") {
			return nil, err
		}
		s.patterns = append(s.patterns, text)
		return anything(text), nil
	}
	return compiled, nil
}

// anything is a pattern that everything matches.
type anything string

func (a anything) MatchString(string) bool { return true }
func (a anything) String() string          { return string(a) }

// check says what is wrong with a value.
func (s *schema) check(value any) []problem {
	text, err := json.Marshal(value)
	if err != nil {
		return []problem{{message: err.Error()}}
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return []problem{{message: err.Error()}}
	}
	err = s.compiled.Validate(plain)
	var invalid *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &invalid):
		return problems(invalid)
	}
	return []problem{{message: err.Error()}}
}

// problems are the innermost of the causes of a validation error. Where alternatives are of several
// types, those that the value is not of say nothing.
func problems(e *jsonschema.ValidationError) []problem {
	if len(e.Causes) == 0 {
		return explain(e)
	}
	causes := e.Causes
	if _, alternatives := e.ErrorKind.(*kind.AnyOf); alternatives {
		if others := slices.DeleteFunc(slices.Clone(causes), isType); len(others) > 0 {
			causes = others
		}
	}
	var out []problem
	for _, cause := range causes {
		out = append(out, problems(cause)...)
	}
	return out
}

func isType(e *jsonschema.ValidationError) bool {
	_, ok := e.ErrorKind.(*kind.Type)
	return ok && len(e.Causes) == 0
}

// explain says in our words what the validator found.
func explain(e *jsonschema.ValidationError) []problem {
	one := func(suggestion, format string, args ...any) []problem {
		return []problem{{at: e.InstanceLocation, message: fmt.Sprintf(format, args...), suggestion: suggestion}}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		var out []problem
		for _, name := range k.Missing {
			out = append(out, problem{at: append(slices.Clone(e.InstanceLocation), name), message: "required, but missing"})
		}
		return out
	case *kind.AdditionalProperties:
		var out []problem
		for _, name := range k.Properties {
			out = append(out, problem{at: append(slices.Clone(e.InstanceLocation), name), message: "is not known here"})
		}
		return out
	case *kind.Type:
		return one("", "must be of type %s, is %s", strings.Join(k.Want, " or "), k.Got)
	case *kind.Enum:
		words := make([]string, len(k.Want))
		for i, w := range k.Want {
			words[i] = fmt.Sprint(w)
		}
		got := fmt.Sprint(k.Got)
		return one(spec.Nearest(got, words), "must be one of %s; is %q", strings.Join(words, ", "), got)
	case *kind.Const:
		return one("", "must be %v, is %v", k.Want, k.Got)
	case *kind.Pattern:
		return one("", "%q does not match %s", k.Got, k.Want)
	case *kind.MinLength:
		return one("", "must have %d characters or more, has %d", k.Want, k.Got)
	case *kind.MaxLength:
		return one("", "must have at most %d characters, has %d", k.Want, k.Got)
	}
	return one("", "%s", e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
}
