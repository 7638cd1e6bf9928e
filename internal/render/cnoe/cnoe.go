// Package cnoe rewrites references to local content in packages written for CNOE's idpbuilder:
// there a field repoURL of "cnoe://PATH" means the directory PATH beside the manifest, put into
// a Git repository of its own (https://cnoe.io/docs/idpbuilder). The field may stand anywhere in
// an object, so that single and multiple sources, templates and nested generators are all the
// same here. The package reads no files; internal/render/pack calls it.
package cnoe

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Scheme begins a reference to local content.
const Scheme = "cnoe://"

const field = "repoURL"

// HasRepository says whether an object refers to a Git repository at all, by whatever URL: such
// objects are what a package of this kind consists of.
func HasRepository(object map[string]any) bool {
	found := false
	_ = walk(object, "", func(map[string]any, string, string) error {
		found = true
		return nil
	})
	return found
}

// References lists the paths that an object refers to, without the scheme, cleaned, sorted, each once.
func References(object map[string]any) []string {
	var out []string
	_ = walk(object, "", func(_ map[string]any, _, url string) error {
		if ref, ok := strings.CutPrefix(url, Scheme); ok {
			out = append(out, clean(ref))
		}
		return nil
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// Rewrite replaces each reference in object by what repository gives for its cleaned path. An
// error names the field.
func Rewrite(object map[string]any, repository func(ref string) (url string, err error)) error {
	return walk(object, "", func(in map[string]any, at, url string) error {
		ref, ok := strings.CutPrefix(url, Scheme)
		if !ok {
			return nil
		}
		rewritten, err := repository(clean(ref))
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		in[field] = rewritten
		return nil
	})
}

// clean makes "manifests/", "./manifests" and "/manifests" the same; "" is the manifest's own directory.
func clean(ref string) string {
	return path.Clean(strings.TrimPrefix(ref, "/"))
}

// walk calls visit for every text field repoURL below v, in a fixed order.
func walk(v any, at string, visit func(in map[string]any, at, url string) error) error {
	switch t := v.(type) {
	case map[string]any:
		if url, ok := t[field].(string); ok {
			if err := visit(t, strings.TrimPrefix(at+"."+field, "."), url); err != nil {
				return err
			}
		}
		keys := make([]string, 0, len(t))
		for k := range t {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			if err := walk(t[k], strings.TrimPrefix(at+"."+k, "."), visit); err != nil {
				return err
			}
		}
	case []any:
		for i, e := range t {
			if err := walk(e, fmt.Sprintf("%s[%d]", at, i), visit); err != nil {
				return err
			}
		}
	}
	return nil
}
