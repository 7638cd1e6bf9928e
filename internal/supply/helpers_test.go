package supply

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/progress"
)

// recipe makes a recipe from the body of its spec, with files beside it.
func recipe(t *testing.T, name, spec string, beside map[string]string) catalog.Recipe {
	t.Helper()
	r := catalog.Recipe{}
	r.Metadata.Name = name
	if err := yaml.UnmarshalStrict([]byte(spec), &r.Spec); err != nil {
		t.Fatal(err)
	}
	dir := fstest.MapFS{"recipe.yaml": {Data: []byte(spec)}}
	for p, text := range beside {
		dir[p] = &fstest.MapFile{Data: []byte(text)}
	}
	var err error
	if r.Digest, err = catalog.Digest(dir); err != nil {
		t.Fatal(err)
	}
	r.FS = dir
	return r
}

// events collects what is reported.
type events struct {
	mu  sync.Mutex
	all []progress.Event
}

func (e *events) Report(v progress.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, v)
}

// states gives each task's last state.
func (e *events) states() map[string]progress.State {
	e.mu.Lock()
	defer e.mu.Unlock()
	last := map[string]progress.State{}
	for _, v := range e.all {
		last[v.Task] = v.State
	}
	return last
}

func (e *events) saw(message string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range e.all {
		if strings.Contains(v.Message, message) {
			return true
		}
	}
	return false
}

func newSupplier(t *testing.T, cache, mode string, recipes ...catalog.Recipe) (*Supplier, *events) {
	t.Helper()
	s, err := OpenStore(filepath.Join(cache, "store"))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]catalog.Recipe{}
	for _, r := range recipes {
		byName[r.Metadata.Name] = r
	}
	e := &events{}
	supplier, err := New(Options{Store: s, Recipes: byName, CacheDir: cache, Mode: mode, Report: e})
	if err != nil {
		t.Fatal(err)
	}
	return supplier, e
}

// bring supplies recipes and waits for them.
func bring(t *testing.T, s *Supplier, recipes ...string) error {
	t.Helper()
	run := s.Start(t.Context(), recipes)
	defer run.Close()
	var all error
	for _, r := range recipes {
		all = errors.Join(all, run.Wait(t.Context(), r))
	}
	return all
}

func decide(t *testing.T, s *Supplier, recipes ...string) string {
	t.Helper()
	decisions, err := s.Decide(t.Context(), recipes)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, d := range decisions {
		words = append(words, d.Recipe+":"+string(d.Action))
	}
	return strings.Join(words, " ")
}
