package generate

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/schemas"
)

const root = "../../../.."

func TestSchemas_AreFresh(t *testing.T) {
	for _, kind := range Kinds {
		want, err := Schema(root, kind)
		if err != nil {
			t.Fatal(err)
		}
		got, err := schemas.Read(kind)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), string(want)); diff != "" {
			t.Errorf("schemas/%s differs from the types; run go generate ./internal/spec\n%s", schemas.FileName(kind), diff)
		}
	}
}

// Editors show descriptions, and a schema that lets unknown fields pass finds no typing errors.
func TestSchemas_DescribeTypesAndForbidUnknownFields(t *testing.T) {
	for _, kind := range Kinds {
		data, err := schemas.Read(kind)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			Defs map[string]struct {
				Type                 string          `json:"type"`
				Description          string          `json:"description"`
				AdditionalProperties json.RawMessage `json:"additionalProperties"`
			} `json:"$defs"`
			Description string `json:"description"`
		}
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatal(err)
		}
		if s.Description == "" {
			t.Errorf("%s has no description", kind)
		}
		for name, d := range s.Defs {
			if d.Description == "" {
				t.Errorf("%s: %s has no description", kind, name)
			}
			if string(d.AdditionalProperties) != "false" {
				t.Errorf("%s: %s lets unknown fields pass", kind, name)
			}
		}
	}
}
