package plan

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// evaluateTool gives a copy of a tool with its expressions evaluated: all of the fields that
// may hold them, except values and provides, which the unit has, and the delivery's application,
// workload, repository and page, which are rendered for each unit.
func evaluateTool(scope *expr.Scope, tool v1alpha1.Tool) (v1alpha1.Tool, error) {
	e := &evaluation{scope: scope}
	out := tool
	s := &out.Spec
	evaluateField(e, "namespaceLabels", &s.NamespaceLabels)
	evaluateField(e, "sources", &s.Sources)
	evaluateField(e, "patches", &s.Patches)
	evaluateField(e, "drop", &s.Drop)
	evaluateWanted(e, "runtime", &s.Runtime, func(o v1alpha1.RuntimeObject) string { return o.When })
	evaluateField(e, "ready", &s.Ready)
	evaluateWanted(e, "probes", &s.Probes, func(p v1alpha1.Probe) string { return p.When })
	evaluateField(e, "credentials", &s.Credentials)
	evaluateField(e, "url", &s.URL)
	if s.Delivery != nil {
		delivery := *s.Delivery
		application, workload, repository, page := delivery.Application, delivery.Workload, delivery.Repository, delivery.Page
		delivery.Application, delivery.Workload, delivery.Repository, delivery.Page = nil, nil, nil, ""
		evaluateField(e, "delivery", &delivery)
		delivery.Application, delivery.Workload, delivery.Repository, delivery.Page = application, workload, repository, page
		s.Delivery = &delivery
	}
	if len(e.errs) > 0 {
		return out, e.errs
	}
	return out, nil
}

// evaluation walks Go values. Text fields stay text whatever their expression's type is;
// free-form fields take it.
type evaluation struct {
	scope *expr.Scope
	errs  expr.Errors
}

func evaluateField[T any](e *evaluation, name string, field *T) {
	out := e.value(fieldpath.Child("spec", name), reflect.ValueOf(field).Elem())
	reflect.ValueOf(field).Elem().Set(out)
}

// evaluateWanted evaluates the elements of a list whose condition is not false; the expressions of the
// others may ask for what is not there.
func evaluateWanted[T any](e *evaluation, name string, field *[]T, when func(T) string) {
	var wanted []T
	for i, each := range *field {
		at := fieldpath.Item(fieldpath.Child("spec", name), i)
		switch result := e.text(fieldpath.Child(at, "when"), when(each)); result {
		case "", "true":
			wanted = append(wanted, e.value(at, reflect.ValueOf(each)).Interface().(T))
		case "false":
		default:
			e.errs = append(e.errs, &expr.Error{Path: fieldpath.Child(at, "when"), Expression: when(each), Reason: "is " + result + ", neither true nor false"})
		}
	}
	*field = wanted
}

// value gives an evaluated copy.
func (e *evaluation) value(path string, v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		return reflect.ValueOf(e.text(path, v.String())).Convert(v.Type())
	case reflect.Interface:
		return e.free(path, v)
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(e.value(path, v.Elem()))
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(e.value(fieldpath.Item(path, i), v.Index(i)))
		}
		return out
	case reflect.Map:
		return e.mapping(path, v)
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		for i := range v.NumField() {
			out.Field(i).Set(e.value(fieldOf(path, v.Type().Field(i)), v.Field(i)))
		}
		return out
	}
	return v
}

// fieldOf extends a path by a struct's field; embedded structs add nothing.
func fieldOf(path string, f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "" {
		return path
	}
	return fieldpath.Child(path, name)
}

func (e *evaluation) mapping(path string, v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		at := fieldpath.Child(path, key.String())
		name := reflect.ValueOf(e.text(at, key.String())).Convert(v.Type().Key())
		if out.MapIndex(name).IsValid() {
			e.errs = append(e.errs, &expr.Error{Path: at, Reason: "the key becomes " + name.String() + ", which is there already"})
			continue
		}
		value := e.value(at, v.MapIndex(key))
		out.SetMapIndex(name, value)
	}
	return out
}

func (e *evaluation) text(path, s string) string {
	out, err := e.scope.String(s)
	e.failed(path, err)
	return out
}

// free evaluates a value of any type.
func (e *evaluation) free(path string, v reflect.Value) reflect.Value {
	if v.IsNil() {
		return v
	}
	out, err := e.scope.Value(v.Interface())
	e.failed(path, err)
	if out == nil {
		return reflect.Zero(v.Type())
	}
	return reflect.ValueOf(out)
}

// failed notes errors with their paths below path.
func (e *evaluation) failed(path string, err error) {
	var all expr.Errors
	var one *expr.Error
	switch {
	case err == nil:
		return
	case errors.As(err, &all):
	case errors.As(err, &one):
		all = expr.Errors{one}
	default:
		all = expr.Errors{{Reason: err.Error()}}
	}
	for _, f := range all {
		e.errs = append(e.errs, &expr.Error{Path: fieldpath.Join(path, f.Path), Expression: f.Expression, Reason: f.Reason})
	}
}
