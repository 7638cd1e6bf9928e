package gate

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// explain names missing values in words, with their paths behind: "the approvals (approvals)".
func explain(missing []string) string {
	const most = 5
	var out []string
	for _, path := range missing[:min(len(missing), most)] {
		if what := meaning(path); what != "" {
			path = what + " (" + path + ")"
		}
		out = append(out, path)
	}
	if more := len(missing) - most; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}

var indexes = regexp.MustCompile(`\[\d+\]`)

// meaning is what the field at a path is, "" where nobody knows.
func meaning(path string) string {
	t, what := reflect.TypeFor[Input](), ""
steps:
	for _, step := range strings.Split(indexes.ReplaceAllString(path, ""), ".") {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return ""
		}
		for _, f := range fieldsOf(t) {
			if f.name == step {
				t, what = f.of, f.what
				continue steps
			}
		}
		return ""
	}
	return what
}

// Field is one value that expressions see.
type Field struct {
	Path string // "evidence.sbom.packages[].name"
	Type string // in the expression language: "string", "list(Approval)"
	What string // in words
}

// Fields lists what expressions see, in the order of [Input], for documentation and editors.
func Fields() []Field {
	var out []Field
	list("", reflect.TypeFor[Input](), &out)
	return out
}

func list(prefix string, t reflect.Type, out *[]Field) {
	for _, f := range fieldsOf(t) {
		path := prefix + f.name
		*out = append(*out, Field{Path: path, Type: inputs.describe(f.of).String(), What: f.what})
		below := f.of
		for below.Kind() == reflect.Pointer || below.Kind() == reflect.Slice {
			if below.Kind() == reflect.Slice {
				path += "[]"
			}
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct && below != timeType {
			list(path+".", below, out)
		}
	}
}
