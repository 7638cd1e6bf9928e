package actions

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing/fstest"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// MemorySource is a source for tests: folders by their addresses.
type MemorySource map[string]fstest.MapFS

// Folder gives a folder.
func (m MemorySource) Folder(_ context.Context, url string) (fs.FS, error) {
	if files, ok := m[strings.TrimRight(url, "/")]; ok {
		return files, nil
	}
	return nil, fmt.Errorf("%s: %w", url, fs.ErrNotExist)
}

// File gives a file of one of the folders.
func (m MemorySource) File(_ context.Context, url string) ([]byte, error) {
	for folder, files := range m {
		if name, ok := strings.CutPrefix(url, folder+"/"); ok {
			return fs.ReadFile(files, name)
		}
	}
	return nil, fmt.Errorf("%s: %w", url, fs.ErrNotExist)
}

// MemoryCatalogue is a catalogue for tests.
type MemoryCatalogue struct {
	mu sync.Mutex
	// Read gives the entities that a file holds, by its address.
	Read func(address string) ([]map[string]any, error)
	// Locations are the registered files.
	Locations []string
}

// Registered says whether a file is registered.
func (m *MemoryCatalogue) Registered(_ context.Context, address string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Contains(m.Locations, address), nil
}

// Register registers a file that can be read.
func (m *MemoryCatalogue) Register(_ context.Context, address string) error {
	if _, err := m.Read(address); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.Locations, address) {
		m.Locations = append(m.Locations, address)
	}
	return nil
}

// Unregister takes a file out.
func (m *MemoryCatalogue) Unregister(_ context.Context, address string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Locations = slices.DeleteFunc(m.Locations, func(l string) bool { return l == address })
	return nil
}

// Entities are those of a registered file.
func (m *MemoryCatalogue) Entities(_ context.Context, address string) ([]Entity, error) {
	entities, err := m.Read(address)
	if err != nil {
		return nil, err
	}
	out := make([]Entity, len(entities))
	for i, e := range entities {
		out[i] = entityOf(e)
	}
	return out, nil
}

func entityOf(entity map[string]any) Entity {
	metadata, _ := entity["metadata"].(map[string]any)
	out := Entity{Namespace: "default"}
	out.Kind, _ = entity["kind"].(string)
	out.Name, _ = metadata["name"].(string)
	if namespace, ok := metadata["namespace"].(string); ok {
		out.Namespace = namespace
	}
	return out
}

// Entity finds an entity of the registered files.
func (m *MemoryCatalogue) Entity(_ context.Context, ref string) (map[string]any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, address := range m.Locations {
		entities, err := m.Read(address)
		if err != nil {
			return nil, err
		}
		for _, e := range entities {
			if entityOf(e).Ref() == ref {
				return e, nil
			}
		}
	}
	return nil, ErrNoEntity
}

// MemoryCluster is a cluster for tests, and all clusters at once.
type MemoryCluster struct {
	mu sync.Mutex
	// Objects are what is there.
	Objects map[Object]map[string]any
	// Running are the pods.
	Running []Pod
	// Kinds are "group/version/kind".
	Kinds []string
	// Name is the only name, besides "", that a cluster has.
	Name string
}

// Cluster gives the cluster itself.
func (m *MemoryCluster) Cluster(_ context.Context, name string, _ scaffold.User) (Cluster, error) {
	if name != "" && name != m.Name {
		return nil, fmt.Errorf("there is no cluster %s", name)
	}
	return m, nil
}

// Prepare refuses nothing.
func (m *MemoryCluster) Prepare(context.Context, map[string]any) error { return nil }

// Exists says whether an object is there.
func (m *MemoryCluster) Exists(_ context.Context, o Object) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.Objects[o]
	return ok, nil
}

// Apply stores a manifest.
func (m *MemoryCluster) Apply(_ context.Context, manifest map[string]any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Objects == nil {
		m.Objects = map[Object]map[string]any{}
	}
	m.Objects[objectOf(manifest)] = manifest
	return nil
}

// Delete removes an object.
func (m *MemoryCluster) Delete(_ context.Context, o Object) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.Objects, o)
	return nil
}

// Serves says whether a kind is known.
func (m *MemoryCluster) Serves(_ context.Context, group, version, kind string) (bool, error) {
	return slices.Contains(m.Kinds, group+"/"+version+"/"+kind), nil
}

// Pods are the pods of a namespace.
func (m *MemoryCluster) Pods(_ context.Context, namespace string) ([]Pod, error) {
	elsewhere := func(p Pod) bool { return namespace != "" && p.Namespace != namespace }
	return slices.DeleteFunc(slices.Clone(m.Running), elsewhere), nil
}
