package render

import (
	"bytes"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// ChangeKind says what happens to an object.
type ChangeKind string

// Kinds of changes.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
)

// Change is a difference between two trees.
type Change struct {
	Kind   ChangeKind `json:"kind"`
	Path   string     `json:"path"`
	Unit   string     `json:"unit,omitempty"`
	Object kube.ID    `json:"object"`
	// Diff is a unified diff of the two texts; of a Secret it shows no values.
	Diff string `json:"diff"`
}

// Diff says what leads from old to t, sorted by path.
func (t Tree) Diff(old Tree) []Change {
	var out []Change
	i, j := 0, 0
	for i < len(old.Files) || j < len(t.Files) {
		switch {
		case j == len(t.Files) || i < len(old.Files) && old.Files[i].Path < t.Files[j].Path:
			out = append(out, change(Removed, old.Files[i], old.Files[i].Data, nil))
			i++
		case i == len(old.Files) || t.Files[j].Path < old.Files[i].Path:
			out = append(out, change(Added, t.Files[j], nil, t.Files[j].Data))
			j++
		default:
			if !bytes.Equal(old.Files[i].Data, t.Files[j].Data) {
				out = append(out, change(Changed, t.Files[j], old.Files[i].Data, t.Files[j].Data))
			}
			i, j = i+1, j+1
		}
	}
	return out
}

func change(kind ChangeKind, f File, before, after []byte) Change {
	from, to := "a/"+f.Path, "b/"+f.Path
	switch kind {
	case Added:
		from = "/dev/null"
	case Removed:
		to = "/dev/null"
	}
	if f.Object.GetKind() == "Secret" {
		before, after = masked(before, after)
	}
	return Change{Kind: kind, Path: f.Path, Unit: f.Unit, Object: f.ID(),
		Diff: string(diff.Diff(from, before, to, after))}
}

// masked replaces the values of a Secret's two states: a diff may end up in a log. It still
// shows which keys change.
func masked(before, after []byte) (maskedBefore, maskedAfter []byte) {
	old, fresh := secret(before), secret(after)
	for _, field := range []string{"data", "stringData"} {
		had, _ := old[field].(map[string]any)
		has, _ := fresh[field].(map[string]any)
		for k, v := range had {
			if w, both := has[k]; both && w != v {
				had[k], has[k] = "(hidden, before)", "(hidden, after)"
			}
		}
		for _, values := range []map[string]any{had, has} {
			for k, v := range values {
				if v != "(hidden, before)" && v != "(hidden, after)" {
					values[k] = "(hidden)"
				}
			}
		}
	}
	return text(old), text(fresh)
}

// secret decodes a rendered Secret; nil where there is none.
func secret(data []byte) map[string]any {
	objects, err := manifest.Decode("", data)
	if err != nil || len(objects) != 1 {
		return nil
	}
	return objects[0].Object
}

func text(object map[string]any) []byte {
	if object == nil {
		return nil
	}
	out, err := manifest.Encode(object)
	if err != nil {
		return nil
	}
	return out
}
