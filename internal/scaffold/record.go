package scaffold

import (
	"bytes"
	"encoding/json"
)

// DecodeRun reads a record that was stored as JSON. Whole numbers stay whole.
func DecodeRun(text []byte) (*Run, error) {
	var run Run
	if err := json.Unmarshal(text, &run); err != nil {
		return nil, err
	}
	// Values of any type are read once more, with their numbers as they stand.
	var loose struct {
		Values map[string]any
		Output map[string]any
		User   struct{ Entity map[string]any }
		Steps  []struct{ Output map[string]any }
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&loose); err != nil {
		return nil, err
	}
	run.Values, run.Output = whole(loose.Values), whole(loose.Output)
	run.User.Entity = whole(loose.User.Entity)
	for i := range run.Steps {
		run.Steps[i].Output = whole(loose.Steps[i].Output)
	}
	return &run, nil
}

// whole turns the numbers of an object into int64 where they are whole, and into float64 otherwise.
func whole(m map[string]any) map[string]any {
	for key, v := range m {
		m[key] = wholeValue(v)
	}
	return m
}

func wholeValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		return whole(v)
	case []any:
		for i := range v {
			v[i] = wholeValue(v[i])
		}
	}
	return v
}
