package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/render"
)

// Drift is an object in the cluster that is not as delivered.
type Drift struct {
	Unit    string  `json:"unit,omitempty"`
	Object  kube.ID `json:"object"`
	Missing bool    `json:"missing,omitempty"`
	// Fields are the paths that delivering again would change.
	Fields []string `json:"fields,omitempty"`
}

// String says what has drifted: "Deployment web/shop: .spec.replicas".
func (d Drift) String() string {
	if d.Missing {
		return d.Object.String() + ": is missing"
	}
	text := d.Object.String() + ": "
	const shown = 5
	for i, f := range d.Fields {
		if i == shown {
			return text + fmt.Sprintf(", and %d more", len(d.Fields)-shown)
		}
		if i > 0 {
			text += ", "
		}
		text += f
	}
	return text
}

// driftWidth is how many objects are compared at a time.
const driftWidth = 32

// Same remembers pairs of a wanted and a live object, by digest, that the API server found to
// mean the same. The zero value remembers nothing.
type Same map[string]bool

// FindDrift compares every object of tree with the cluster, sorted by unit and object. Where the
// texts differ, the API server itself says by a dry run whether delivering would change anything,
// so that defaults and other ways of writing the same value are no drift. What known holds is not
// asked again; now is what to remember for the next time.
func FindDrift(ctx context.Context, c *kube.Client, tree render.Tree, known Same) (drifts []Drift, now Same, err error) {
	live, err := listed(ctx, c, tree)
	if err != nil {
		return nil, nil, fmt.Errorf("look for drift: %w", err)
	}
	var mu sync.Mutex
	now = Same{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(driftWidth)
	for _, file := range tree.Files {
		group.Go(func() error {
			drift, same, err := driftOf(ctx, c, file, live[file.ID()], known)
			if err != nil {
				return &ObjectError{ID: file.ID(), Err: err}
			}
			mu.Lock()
			defer mu.Unlock()
			if drift != nil {
				drifts = append(drifts, *drift)
			}
			if same != "" {
				now[same] = true
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, fmt.Errorf("look for drift: %w", err)
	}
	sort.Slice(drifts, func(i, j int) bool {
		a, b := drifts[i], drifts[j]
		if a.Unit != b.Unit {
			return a.Unit < b.Unit
		}
		return a.Object.String() < b.Object.String()
	})
	return drifts, now, nil
}

// listed reads the live objects of a tree, a request for each kind. It may miss some: those that
// have lost their labels, and kinds of which there is one object only.
func listed(ctx context.Context, c *kube.Client, tree render.Tree) (map[kube.ID]*unstructured.Unstructured, error) {
	kinds := map[schema.GroupVersionKind][]render.File{}
	for _, file := range tree.Files {
		kind := file.Object.GroupVersionKind()
		kinds[kind] = append(kinds[kind], file)
	}
	var mu sync.Mutex
	live := map[kube.ID]*unstructured.Unstructured{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(driftWidth)
	for kind, files := range kinds {
		platform := files[0].Object.GetLabels()[render.LabelPlatform]
		if len(files) == 1 || platform == "" {
			continue
		}
		group.Go(func() error {
			mapping, err := c.Mapping(kind)
			if meta.IsNoMatchError(err) {
				return nil
			}
			if err != nil {
				return err
			}
			list, err := c.Dynamic.Resource(mapping.Resource).List(ctx, metav1.ListOptions{LabelSelector: render.LabelPlatform + "=" + platform})
			if err != nil {
				return fmt.Errorf("list %s: %w", mapping.Resource.Resource, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for i := range list.Items {
				live[kube.IDOf(&list.Items[i])] = &list.Items[i]
			}
			return nil
		})
	}
	return live, group.Wait()
}

// driftOf compares one object with the live one, which is read where it is nil; same is the digest
// to remember where the server had to be asked and found no drift.
func driftOf(ctx context.Context, c *kube.Client, file render.File, live *unstructured.Unstructured, known Same) (drift *Drift, same string, err error) {
	if live == nil {
		live, err = c.Get(ctx, file.Object)
	}
	if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
		return &Drift{Unit: file.Unit, Object: file.ID(), Missing: true}, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if contains(live.Object, bare(file.Object)) {
		return nil, "", nil
	}
	digest, err := pairDigest(bare(file.Object), bare(live))
	if err != nil || known[digest] {
		return nil, digest, err
	}
	wanted, err := applyOnce(ctx, c, file.Object, true)
	if err != nil {
		return nil, "", fmt.Errorf("compare: %w", err)
	}
	fields := differences("", bare(live), bare(wanted), nil)
	if len(fields) == 0 {
		return nil, digest, nil
	}
	return &Drift{Unit: file.Unit, Object: file.ID(), Fields: fields}, "", nil
}

// pairDigest identifies a wanted and a live object by their content.
func pairDigest(wanted, live map[string]any) (string, error) {
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode([]any{wanted, live}); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// bare is the object without what the server keeps about it.
func bare(obj *unstructured.Unstructured) map[string]any {
	b := obj.DeepCopy()
	unstructured.RemoveNestedField(b.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
		unstructured.RemoveNestedField(b.Object, "metadata", field)
	}
	return b.Object
}

// contains says whether live has everything that wanted says. Lists have to be of the same
// length: whether others may add to them is for the server to say.
func contains(live, wanted any) bool {
	switch w := wanted.(type) {
	case nil:
		return true
	case map[string]any:
		l, ok := live.(map[string]any)
		if !ok {
			return len(w) == 0 && live == nil
		}
		for key, value := range w {
			if !contains(l[key], value) {
				return false
			}
		}
		return true
	case []any:
		l, ok := live.([]any)
		if !ok || len(l) != len(w) {
			return len(w) == 0 && live == nil
		}
		for i := range w {
			if !contains(l[i], w[i]) {
				return false
			}
		}
		return true
	}
	return same(live, wanted)
}

// same compares single values; numbers may be of different Go types.
func same(a, b any) bool {
	if number(a) && number(b) {
		return fmt.Sprint(a) == fmt.Sprint(b)
	}
	return reflect.DeepEqual(a, b)
}

func number(v any) bool {
	switch v.(type) {
	case int, int32, int64, uint64, float32, float64:
		return true
	}
	return false
}

// differences adds the paths below path at which two values differ.
func differences(path string, a, b any, found []string) []string {
	am, aIsMap := a.(map[string]any)
	bm, bIsMap := b.(map[string]any)
	if aIsMap && bIsMap {
		keys := map[string]bool{}
		for key := range am {
			keys[key] = true
		}
		for key := range bm {
			keys[key] = true
		}
		sorted := make([]string, 0, len(keys))
		for key := range keys {
			sorted = append(sorted, key)
		}
		sort.Strings(sorted)
		for _, key := range sorted {
			found = differences(path+"."+key, am[key], bm[key], found)
		}
		return found
	}
	al, aIsList := a.([]any)
	bl, bIsList := b.([]any)
	if aIsList && bIsList && len(al) == len(bl) {
		for i := range al {
			found = differences(path+"["+strconv.Itoa(i)+"]", al[i], bl[i], found)
		}
		return found
	}
	if same(a, b) {
		return found
	}
	return append(found, path)
}
