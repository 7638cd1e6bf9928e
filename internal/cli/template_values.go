package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// maxValues bounds a file of values, in bytes.
const maxValues = 1 << 20

// valueFlags are a template's values as flags give them.
type valueFlags struct {
	File string
	Set  []string
}

func (v *valueFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&v.File, "values", "", "take the template's parameters from `FILE` (YAML; - for standard input)")
	cmd.Flags().StringArrayVar(&v.Set, "set", nil, "set the parameter `NAME=VALUE`, over the file; may be given again")
	_ = cmd.MarkFlagFilename("values", "yaml", "yml", "json")
}

// read gives the values. What --set gives is text where the template asks for text, and YAML otherwise.
func (v *valueFlags) read(ctx context.Context, env *Env, c *client.Client, ref api.TemplateRef) (map[string]any, error) {
	out := map[string]any{}
	if v.File != "" {
		text, err := v.file(env)
		if err == nil {
			err = yaml.UnmarshalStrict(text, &out)
		}
		if err != nil {
			return nil, fault.Invalid(fmt.Errorf("--values: %s: %w", v.File, err), "it holds the template's parameters by name")
		}
	}
	if len(v.Set) == 0 {
		return out, nil
	}
	t, err := c.Template(ctx, ref)
	if err != nil {
		return nil, err
	}
	textual := map[string]bool{}
	for _, p := range parameters(t) {
		textual[p.name] = p.textual
	}
	for _, s := range v.Set {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, fault.Invalid(fmt.Errorf("--set: %q is not NAME=VALUE", s), "")
		}
		if err := set(out, strings.Split(name, "."), value, textual[name]); err != nil {
			return nil, fault.Invalid(fmt.Errorf("--set %s: %w", name, err), "see `slipway template show "+templateText(ref)+"`")
		}
	}
	return out, nil
}

func (v *valueFlags) file(env *Env) ([]byte, error) {
	if v.File == "-" {
		return io.ReadAll(io.LimitReader(env.In, maxValues))
	}
	file := v.File
	if !filepath.IsAbs(file) {
		file = filepath.Join(env.Dir, file)
	}
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxValues {
		return nil, fmt.Errorf("it has more than %d bytes", maxValues)
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// set puts a value at a path of names.
func set(into map[string]any, path []string, value string, asText bool) error {
	for _, name := range path[:len(path)-1] {
		below, ok := into[name].(map[string]any)
		if into[name] != nil && !ok {
			return fmt.Errorf("%s is no group of values", name)
		}
		if !ok {
			below = map[string]any{}
			into[name] = below
		}
		into = below
	}
	last := path[len(path)-1]
	if last == "" {
		return errors.New("a name is empty")
	}
	if asText {
		into[last] = value
		return nil
	}
	var parsed any
	if err := yaml.Unmarshal([]byte(value), &parsed); err != nil {
		return fmt.Errorf("%q: %w", value, err)
	}
	into[last] = parsed
	return nil
}
