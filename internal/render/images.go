package render

import (
	"regexp"
	"slices"
)

// containerFields are the fields that hold containers in every pod specification.
var containerFields = []string{"containers", "initContainers", "ephemeralContainers"}

// containerField are the fields that hold a single container in workflows' steps.
var containerField = []string{"container", "script"}

// imageFlag finds images that a program is told by a flag: "--executor-image=host/name:tag".
var imageFlag = regexp.MustCompile(`^--?[a-zA-Z0-9.-]*image=(\S+)$`)

// imageFlagName is such a flag whose value is the next argument.
var imageFlagName = regexp.MustCompile(`^--?[a-zA-Z0-9.-]*-image$`)

// Images lists every container image that the tree's objects name, sorted: images of containers
// wherever a pod specification stands, and those given to programs by flags whose names end
// in "image".
func (t Tree) Images() []string {
	found := map[string]bool{}
	for _, f := range t.Files {
		if f.Object.GetKind() == "CustomResourceDefinition" {
			continue // schemas have fields of these names
		}
		walkImages(f.Object.Object, found)
	}
	out := make([]string, 0, len(found))
	for image := range found {
		out = append(out, image)
	}
	slices.Sort(out)
	return out
}

func walkImages(v any, found map[string]bool) {
	switch t := v.(type) {
	case map[string]any:
		for _, field := range containerFields {
			if list, ok := t[field].([]any); ok {
				for _, c := range list {
					containerImages(c, found)
				}
			}
		}
		for _, field := range containerField {
			if c, ok := t[field].(map[string]any); ok {
				containerImages(c, found)
			}
		}
		for _, e := range t {
			walkImages(e, found)
		}
	case []any:
		for _, e := range t {
			walkImages(e, found)
		}
	}
}

func containerImages(v any, found map[string]bool) {
	c, ok := v.(map[string]any)
	if !ok {
		return
	}
	if image, isText := c["image"].(string); isText && image != "" {
		found[image] = true
	}
	for _, field := range []string{"command", "args"} {
		list, _ := c[field].([]any)
		for i, e := range list {
			text, _ := e.(string)
			if m := imageFlag.FindStringSubmatch(text); m != nil {
				found[m[1]] = true
			}
			if imageFlagName.MatchString(text) && i+1 < len(list) {
				if next, isText := list[i+1].(string); isText {
					found[next] = true
				}
			}
		}
	}
}
