package manifest

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"

	yaml "go.yaml.in/yaml/v2"
)

// Encode writes a decoded tree as canonical YAML: keys sorted, two spaces, no comments. It
// gives the bytes that sigs.k8s.io/yaml gives, without the way through JSON.
func Encode(v any) ([]byte, error) { return yaml.Marshal(v) }

// decode reads one document into maps, lists, strings, booleans, int64, float64 and nil: what
// unstructured objects may hold.
func decode(text []byte, strict bool) (any, error) {
	var v any
	unmarshal := yaml.Unmarshal
	if strict {
		unmarshal = yaml.UnmarshalStrict
	}
	if err := unmarshal(text, &v); err != nil {
		return nil, err
	}
	return convert(v)
}

// convert turns what the YAML library decodes into what JSON could hold.
func convert(v any) (any, error) {
	switch t := v.(type) {
	case nil, string, bool, int64:
		return t, nil
	case int:
		return int64(t), nil
	case uint64:
		return float64(t), nil
	case float64:
		return number(t)
	case time.Time:
		return t.Format(time.RFC3339Nano), nil
	case []byte:
		return base64.StdEncoding.EncodeToString(t), nil
	case []any:
		for i, e := range t {
			c, err := convert(e)
			if err != nil {
				return nil, err
			}
			t[i] = c
		}
		return t, nil
	case map[any]any:
		out := make(map[string]any, len(t))
		for k, e := range t {
			name, err := key(k)
			if err != nil {
				return nil, err
			}
			if out[name], err = convert(e); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return nil, fmt.Errorf("a value of type %T has no place in a Kubernetes object", v)
}

// number makes whole numbers integers, as JSON does not tell them apart.
func number(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%v is no number that JSON knows", f)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f), nil
	}
	return f, nil
}

// key gives a map's key as text, as the API server's own decoder does.
func key(k any) (string, error) {
	switch t := k.(type) {
	case string:
		return t, nil
	case int:
		return strconv.Itoa(t), nil
	case int64:
		return strconv.FormatInt(t, 10), nil
	case float64:
		return strconv.FormatFloat(t, 'g', -1, 64), nil
	case bool:
		return strconv.FormatBool(t), nil
	}
	return "", fmt.Errorf("a map's key of type %T has no place in a Kubernetes object", k)
}
