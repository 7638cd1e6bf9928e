package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// Limits of a tree: what is larger can't be stored by etcd, or is a mistake.
const (
	maxObjectSize = 3 << 20 // YAML; etcd's limit of 1.5 MiB counts a denser encoding
	maxObjects    = 20_000
)

// CollisionError says that two sources give the same object.
type CollisionError struct {
	Object kube.ID
	First  string // unit and source of the one
	Second string // and of the other
}

// Error names the object and both sources.
func (e *CollisionError) Error() string {
	return fmt.Sprintf("%s is given twice: by %s and by %s", e.Object, e.First, e.Second)
}

// label puts the platform's and the unit's name on each object itself, not on what it selects
// or makes.
func (r *renderer) label(context.Context) error {
	for _, u := range r.units {
		for _, o := range u.objects {
			addLabels(o, map[string]string{LabelPlatform: r.plan.Name, LabelUnit: u.Name})
		}
	}
	return nil
}

// placed is an object with its place in the tree.
type placed struct {
	unit, folder, name string
	object             manifest.Object
}

// tree gives each object its file.
func (r *renderer) tree(ctx context.Context) (Tree, error) {
	all, err := r.collect()
	if err != nil {
		return Tree{}, err
	}
	paths := uniquePaths(all)
	out := Tree{Contents: r.contents, Files: make([]File, len(all))}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range all {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			data, err := r.encode(p.object)
			out.Files[i] = File{Path: paths[i], Unit: p.unit, Object: p.object.Unstructured, Data: data}
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return Tree{}, err
	}
	out.sort()
	return out, nil
}

// collect lists all objects and finds those that are given twice.
func (r *renderer) collect() ([]placed, error) {
	var all []placed
	for _, u := range r.units {
		for _, o := range u.objects {
			all = append(all, placed{u.Name, u.folder(), fileName(o), o})
		}
	}
	for _, a := range r.applications {
		all = append(all, placed{"", ApplicationsFolder, a.unit, a.object})
	}
	if len(all) > maxObjects {
		return nil, fmt.Errorf("the platform renders to %d objects, more than %d", len(all), maxObjects)
	}
	given := map[kube.ID]string{}
	for _, p := range all {
		id := kube.IDOf(p.object.Unstructured)
		by := fmt.Sprintf("%s (%s)", p.folder, p.object.Source)
		if first, twice := given[id]; twice {
			return nil, fault.Invalid(&CollisionError{Object: id, First: first, Second: by},
				"leave one of them out; a tool can leave out what its sources give with spec.drop")
		}
		given[id] = by
	}
	return all, nil
}

func (r *renderer) encode(o manifest.Object) ([]byte, error) {
	normalize(o.Object)
	data, err := r.encodeCached(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Source, err)
	}
	if len(data) > maxObjectSize {
		return nil, fmt.Errorf("%s: %s has %d bytes; Kubernetes can't store objects of more than about %d",
			o.Source, kube.IDOf(o.Unstructured), len(data), maxObjectSize/2)
	}
	return data, nil
}

// normalize makes whole numbers integers, as they are when the file is read back.
func normalize(v any) any {
	switch t := v.(type) {
	case map[string]any:
		for k, e := range t {
			t[k] = normalize(e)
		}
	case []any:
		for i, e := range t {
			t[i] = normalize(e)
		}
	case float64:
		if t == math.Trunc(t) && math.Abs(t) < 1<<53 {
			return int64(t)
		}
	}
	return v
}

// uniquePaths gives each object a path: its folder and name, and a hash of its identity where
// several different objects of the folder have one name (kinds of the same name in two groups).
func uniquePaths(all []placed) []string {
	count := map[string]int{}
	for _, p := range all {
		count[p.folder+"/"+p.name]++
	}
	out := make([]string, len(all))
	for i, p := range all {
		out[i] = p.folder + "/" + p.name
		if count[out[i]] > 1 {
			out[i] += "-" + shortHash(kube.IDOf(p.object.Unstructured))
		}
		out[i] += ".yaml"
	}
	return out
}

// longestName bounds file names, far below the 255 bytes of common file systems.
const longestName = 120

var notInFileName = regexp.MustCompile(`[^a-z0-9.-]+`)

// fileName is "<kind>-<namespace>-<name>", shortened with a hash where it is long or where it
// does not show the name exactly (names of roles may hold colons).
func fileName(o manifest.Object) string {
	parts := []string{strings.ToLower(o.GetKind())}
	if ns := o.GetNamespace(); ns != "" {
		parts = append(parts, ns)
	}
	plain := strings.Join(append(parts, o.GetName()), "-")
	name := notInFileName.ReplaceAllString(strings.ToLower(plain), "-")
	if name == plain && len(name) <= longestName {
		return name
	}
	if len(name) > longestName {
		name = strings.TrimRight(name[:longestName], "-.")
	}
	return name + "-" + shortHash(kube.IDOf(o.Unstructured))
}

func shortHash(id kube.ID) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{id.Group, id.Kind, id.Namespace, id.Name}, "\x00")))
	return hex.EncodeToString(sum[:4])
}
