package actions

import (
	"github.com/slipway-dev/slipway/internal/spec"
)

// fromYAML reads the documents of a YAML text, within the bounds that any file has.
func fromYAML(name string, text []byte) ([]any, error) {
	documents, found := spec.ParseAll(name, text)
	if err := spec.AsError(found); err != nil {
		return nil, err
	}
	out := make([]any, len(documents))
	for i, d := range documents {
		out[i] = d.Tree
	}
	return out, nil
}
