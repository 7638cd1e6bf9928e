package nunjucks

import (
	"context"
	"encoding/json"
	"os"
	"testing"
)

// differences are templates that this package treats otherwise than Nunjucks does, on purpose, and how.
var differences = map[string]string{
	"{% raw -%} x {%- endraw %}|": " x |", // hyphens in raw's tags are taken, not refused
}

// TestConformance compares with what Nunjucks 3.2.4 makes of the same templates; testdata/expect.cjs asks it.
func TestConformance(t *testing.T) {
	data, err := os.ReadFile("testdata/conformance.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Values map[string]any
		Cases  []struct {
			Template                        string
			Jinja, TrimBlocks, LstripBlocks bool
			Want                            string
			Fails                           bool
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 350 {
		t.Fatalf("only %d cases", len(file.Cases))
	}
	for _, c := range file.Cases {
		options := Options{VariableStart: "${{", TrimBlocks: c.TrimBlocks, LstripBlocks: c.LstripBlocks}
		if c.Jinja {
			options.VariableStart, options.Jinja = "{{", true
		}
		got, err := render(options, c.Template, file.Values)
		want, differs := differences[c.Template]
		if !differs {
			want = c.Want
		}
		switch {
		case c.Fails && !differs:
			if err == nil {
				t.Errorf("%q is rendered as %q; Nunjucks refuses it", c.Template, got)
			}
		case err != nil:
			t.Errorf("%q: %s; want %q", c.Template, err, want)
		case got != want:
			t.Errorf("%q\n got: %q\nwant: %q", c.Template, got, want)
		}
	}
}

func render(options Options, template string, values map[string]any) (string, error) {
	parsed, err := New(options).Parse("test", template)
	if err != nil {
		return "", err
	}
	return parsed.Render(context.Background(), values)
}
