package expr

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// plain turns a variable into what CEL and YAML share: map[string]any, []any, string, bool,
// int64, float64 and nil. Whole floating-point numbers that came from JSON stay as they are.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool, int64, float64:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			p, err := plain(value)
			if err != nil {
				return nil, err
			}
			out[key] = p
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			p, err := plain(value)
			if err != nil {
				return nil, err
			}
			out[i] = p
		}
		return out, nil
	}
	return plainReflected(reflect.ValueOf(v))
}

// plainReflected handles the other kinds: named types, typed maps and slices.
func plainReflected(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("number %d is too large", v.Uint())
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.Slice, reflect.Array:
		out := make([]any, v.Len())
		for i := range out {
			p, err := plain(v.Index(i).Interface())
			if err != nil {
				return nil, err
			}
			out[i] = p
		}
		return out, nil
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for _, key := range v.MapKeys() {
			if key.Kind() != reflect.String {
				return nil, fmt.Errorf("a map's key is a %s, not a string", key.Kind())
			}
			p, err := plain(v.MapIndex(key).Interface())
			if err != nil {
				return nil, err
			}
			out[key.String()] = p
		}
		return out, nil
	}
	return nil, fmt.Errorf("a value of type %s cannot stand in an expression", v.Type())
}

// fromCEL turns a result into a plain tree.
func fromCEL(v ref.Val) (any, error) {
	switch v := v.(type) {
	case *types.Err:
		return nil, v
	case types.String:
		return string(v), nil
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		if uint64(v) > math.MaxInt64 {
			return nil, fmt.Errorf("number %d is too large", uint64(v))
		}
		return int64(v), nil
	case types.Double:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("%v is not a number that YAML can hold", float64(v))
		}
		return float64(v), nil
	case types.Null:
		return nil, nil
	case types.Bytes:
		return base64.StdEncoding.EncodeToString(v), nil
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil
		}
		return fromCEL(v.GetValue())
	case traits.Mapper:
		return mapFromCEL(v)
	case traits.Lister:
		out := []any{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			value, err := fromCEL(it.Next())
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		return out, nil
	}
	if s, ok := v.ConvertToType(types.StringType).(types.String); ok { // timestamps, durations
		return string(s), nil
	}
	return nil, fmt.Errorf("a result of type %s cannot stand in YAML", v.Type().TypeName())
}

func mapFromCEL(v traits.Mapper) (any, error) {
	out := map[string]any{}
	for it := v.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("a map's key is of type %s, not a string", key.Type().TypeName())
		}
		value, err := fromCEL(v.Get(key))
		if err != nil {
			return nil, err
		}
		out[string(name)] = value
	}
	return out, nil
}

// text is how a result reads inside a longer string.
func text(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case nil:
		return "", fmt.Errorf("is null, which has no text")
	}
	data, err := json.Marshal(v)
	return string(data), err
}
