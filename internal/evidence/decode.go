package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	kjson "sigs.k8s.io/json"
)

// DecodeError is about bytes that are not what they should be.
type DecodeError struct {
	// What was decoded: "envelope", "statement", "provenance".
	What string
	Err  error
}

func (e *DecodeError) Error() string { return e.What + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

func decodeErrorf(what, format string, args ...any) error {
	return &DecodeError{What: what, Err: fmt.Errorf(format, args...)}
}

// decode reads JSON whose unknown fields are left alone, as in-toto's parsing rules want. Names count
// with their case, so that no two readers can see different values.
func decode(what string, data []byte, into any) error {
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, into); err != nil {
		return &DecodeError{What: what, Err: err}
	}
	return nil
}

// decodeStrict reads JSON of Slipway's own formats, in which unknown and repeated fields are errors.
func decodeStrict(what string, data []byte, into any) error {
	strict, err := kjson.UnmarshalStrict(data, into)
	if err == nil {
		err = errors.Join(strict...)
	}
	if err != nil {
		return &DecodeError{What: what, Err: err}
	}
	return nil
}

// encode writes JSON in one line, with texts as they are. The same value gives the same bytes.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
