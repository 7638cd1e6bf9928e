package gate

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/slipway-dev/slipway/internal/fieldpath"
)

// provider knows the types of an [Input]'s fields, so that a policy's typing errors are found
// when it is loaded. Kubernetes' API server gives its admission policies types in the same way.
type provider struct {
	*types.Registry
	structs map[string]map[string]*types.FieldType
}

// FindStructType implements types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.structs[name]; !ok {
		return nil, false
	}
	return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
}

// FindStructFieldNames implements types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	fields, ok := p.structs[name]
	names := make([]string, 0, len(fields))
	for field := range fields {
		names = append(names, field)
	}
	slices.Sort(names)
	return names, ok
}

// FindStructFieldType implements types.Provider.
func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	f, ok := p.structs[name][field]
	return f, ok
}

// NewValue implements types.Provider: expressions make no objects.
func (p *provider) NewValue(name string, _ map[string]ref.Val) ref.Val {
	return types.NewErr("an expression cannot make a %s", name)
}

// with adds a struct type to a copy of the provider.
func (p *provider) with(name string, fields map[string]*types.Type) *provider {
	out := &provider{Registry: p.Registry, structs: map[string]map[string]*types.FieldType{}}
	for n, f := range p.structs {
		out.structs[n] = f
	}
	out.structs[name] = map[string]*types.FieldType{}
	for field, t := range fields {
		out.structs[name][field] = &types.FieldType{Type: t, GetFrom: fieldOf(field), IsSet: alwaysSet}
	}
	return out
}

// object is a struct with its fields as values of the expression language, unknown ones included.
type object struct {
	name   string
	fields map[string]ref.Val
}

func fieldOf(name string) ref.FieldGetter {
	return func(v any) (any, error) {
		switch v := v.(type) {
		case *types.Unknown:
			return v, nil // what stands in an unknown thing is not known
		case *object:
			return v.fields[name], nil
		}
		return nil, fmt.Errorf("no field %s in a %T", name, v)
	}
}

func alwaysSet(any) bool { return true } // has() is not in the language

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("a " + o.name + " cannot be converted")
}

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("a %s cannot be converted", o.name)
}

// Equal implements ref.Val; comparing objects is refused when an expression is compiled.
func (o *object) Equal(ref.Val) ref.Val { return types.NewErr("a %s cannot be compared", o.name) }

// Type implements ref.Val.
func (o *object) Type() ref.Type { return types.NewObjectType(o.name) }

// Value implements ref.Val.
func (o *object) Value() any { return o }

// field is one field of a struct, those of embedded structs included.
type field struct {
	name, what string
	index      []int
	of         reflect.Type
}

// fieldsOf lists the fields that expressions see: those that have a json name and are not left
// out when empty.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || name == "" || strings.Contains(options, "omitempty") {
			continue
		}
		out = append(out, field{name: name, what: f.Tag.Get("what"), index: f.Index, of: f.Type})
	}
	return out
}

var (
	timeType = reflect.TypeFor[time.Time]()
	inputs   = newProvider()
)

// newProvider describes the types below [Input].
func newProvider() *provider {
	registry, err := types.NewRegistry()
	if err != nil {
		panic(err) // it is given nothing that could be wrong
	}
	p := &provider{Registry: registry, structs: map[string]map[string]*types.FieldType{}}
	p.describe(reflect.TypeFor[Input]())
	return p
}

// describe gives the expression language's type for a Go type, and remembers structs.
func (p *provider) describe(t reflect.Type) *types.Type {
	switch {
	case t == timeType:
		return types.TimestampType
	case t.Kind() == reflect.Pointer:
		return p.describe(t.Elem())
	case t.Kind() == reflect.Slice:
		return types.NewListType(p.describe(t.Elem()))
	case t.Kind() == reflect.Map:
		return types.NewMapType(types.StringType, types.StringType)
	case t.Kind() == reflect.String:
		return types.StringType
	case t.Kind() == reflect.Bool:
		return types.BoolType
	case t.Kind() == reflect.Int:
		return types.IntType
	case t.Kind() == reflect.Struct:
		if _, known := p.structs[t.Name()]; !known {
			fields := map[string]*types.FieldType{}
			p.structs[t.Name()] = fields
			for _, f := range fieldsOf(t) {
				fields[f.name] = &types.FieldType{Type: p.describe(f.of), GetFrom: fieldOf(f.name), IsSet: alwaysSet}
			}
		}
		return types.NewObjectType(t.Name())
	}
	panic("gate: no expression can see a " + t.String()) // a mistake in Input, which every test meets
}

// values turns Go values into those of the expression language. Each unknown has a number of its
// own, and its path as its name.
type values struct {
	unknowns int64
}

func (b *values) unknown(path string) ref.Val {
	b.unknowns++
	return types.NewUnknown(b.unknowns, types.NewAttributeTrail(path))
}

func (b *values) of(path string, v reflect.Value) ref.Val {
	switch {
	case v.Type() == timeType:
		if t := v.Interface().(time.Time); !t.IsZero() {
			return types.Timestamp{Time: t}
		}
		return b.unknown(path)
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return b.unknown(path)
		}
		return b.of(path, v.Elem())
	case v.Kind() == reflect.Struct:
		o := &object{name: v.Type().Name(), fields: map[string]ref.Val{}}
		for _, f := range fieldsOf(v.Type()) {
			o.fields[f.name] = b.of(fieldpath.Child(path, f.name), v.FieldByIndex(f.index))
		}
		return o
	case v.Kind() == reflect.Slice:
		return b.list(path, v)
	case v.Kind() == reflect.Map:
		if v.IsNil() {
			return b.unknown(path)
		}
		return types.NewStringStringMap(inputs.Registry, v.Interface().(map[string]string))
	case v.Kind() == reflect.String:
		if v.String() == "" {
			return b.unknown(path)
		}
		return types.String(v.String())
	case v.Kind() == reflect.Bool:
		return types.Bool(v.Bool())
	}
	return types.Int(v.Int())
}

// list makes a list. One of texts that holds an empty text is unknown as a whole: membership
// in it could not be told.
func (b *values) list(path string, v reflect.Value) ref.Val {
	if v.IsNil() {
		return b.unknown(path)
	}
	out := make([]ref.Val, v.Len())
	for i := range out {
		out[i] = b.of(fieldpath.Item(path, i), v.Index(i))
		if types.IsUnknown(out[i]) {
			return b.unknown(path)
		}
	}
	return types.NewRefValList(inputs.Registry, out)
}
