package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "k8s.io/apimachinery/pkg/util/json"

	"github.com/slipway-dev/slipway/internal/render/helm"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// cacher is what sources can be besides: the owner of a directory in which rendered upstream
// sources are kept, because rendering large ones takes a second and gives the same each time.
type cacher interface{ RenderCacheDir() string }

// cacheFormat changes whenever the same inputs are rendered differently.
const cacheFormat = "1"

// unchanging matches a directory of Go's module cache, which never changes: its name ends in a version.
var unchanging = regexp.MustCompile(`@v\d[^/]*$`)

// cachedObject is an object as the cache keeps it.
type cachedObject struct {
	Source string         `json:"source"`
	Object map[string]any `json:"object"`
}

// upstream renders a source that depends on nothing but a module's directory and the inputs,
// or takes what it rendered to before. A cache that can't be read or written only costs time.
func (r *renderer) upstream(moduleDir string, inputs any, render func() ([]manifest.Object, error)) ([]manifest.Object, error) {
	owner, ok := r.src.(cacher)
	if !ok || !unchanging.MatchString(filepath.ToSlash(moduleDir)) {
		return render()
	}
	key, err := json.Marshal([]any{cacheFormat, libraries(), helm.KubeVersion, moduleDir, inputs})
	if err != nil {
		return render()
	}
	sum := sha256.Sum256(key)
	name := filepath.Join(owner.RenderCacheDir(), hex.EncodeToString(sum[:])+".json")
	if objects, ok := readCache(name); ok {
		return objects, nil
	}
	objects, err := render()
	if err == nil {
		writeCache(name, objects)
	}
	return objects, err
}

// encodeCached gives an object's canonical YAML. Definitions of kinds are most of a tree's bytes
// and hardly ever change: they are found again by their content.
func (r *renderer) encodeCached(o manifest.Object) ([]byte, error) {
	owner, ok := r.src.(cacher)
	if !ok || !isDefinition(o) {
		return manifest.Encode(o.Object)
	}
	content, err := json.Marshal(o.Object)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(cacheFormat), content...))
	name := filepath.Join(owner.RenderCacheDir(), hex.EncodeToString(sum[:])+".yaml")
	if data, err := os.ReadFile(name); err == nil {
		return data, nil
	}
	data, err := manifest.Encode(o.Object)
	if err == nil {
		write(name, data)
	}
	return data, err
}

// libraries are the versions of what renders: a newer one may render differently.
func libraries() []string {
	var out []string
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			switch m.Path {
			case "helm.sh/helm/v3", "sigs.k8s.io/kustomize/api", "sigs.k8s.io/kustomize/kyaml", "go.yaml.in/yaml/v2":
				out = append(out, m.Path+"@"+m.Version)
			}
		}
	}
	return out
}

func readCache(name string) ([]manifest.Object, bool) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, false
	}
	var cached []cachedObject
	if err := kjson.Unmarshal(data, &cached); err != nil {
		return nil, false
	}
	out := make([]manifest.Object, len(cached))
	for i, c := range cached {
		out[i] = manifest.Object{Unstructured: &unstructured.Unstructured{Object: c.Object}, Source: c.Source}
	}
	return out, true
}

func writeCache(name string, objects []manifest.Object) {
	cached := make([]cachedObject, len(objects))
	for i, o := range objects {
		cached[i] = cachedObject{o.Source, o.Object}
	}
	if data, err := json.Marshal(cached); err == nil {
		write(name, data)
	}
}

// write writes beside and renames, so that no half-written file is ever read.
func write(name string, data []byte) {
	if os.MkdirAll(filepath.Dir(name), 0o755) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil && closeErr == nil {
		_ = os.Rename(f.Name(), name)
	}
}
