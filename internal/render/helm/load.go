package helm

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"
)

// maxChart bounds what a chart may hold, in bytes: the limit that Helm sets for packed charts.
const maxChart = 100 << 20

// chartFiles are the files that describe a chart, the better first: some projects publish a
// template that their release process completes.
var chartFiles = []string{"Chart.yaml", "Chart.template.yaml"}

// load reads the chart. Without an overlay that is Helm's own loader; with one, Chart.yaml is
// what stands there, or in its template, or nothing, with the overlay on top.
func load(r Release) (*chart.Chart, error) {
	if len(r.Chart) == 0 {
		c, err := loader.LoadDir(r.Dir)
		if err != nil {
			return nil, fmt.Errorf("chart %s: load: %w", r.label(), err)
		}
		return c, nil
	}
	var files []*loader.BufferedFile
	described := map[string][]byte{}
	size := int64(0)
	err := filepath.WalkDir(r.Dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is not a regular file", name)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if size += int64(len(data)); size > maxChart {
			return fmt.Errorf("it holds more than %d MiB", maxChart>>20)
		}
		rel, err := filepath.Rel(r.Dir, name)
		if err != nil {
			return err
		}
		if rel = filepath.ToSlash(rel); slices.Contains(chartFiles, rel) {
			described[rel] = data
			return nil
		}
		files = append(files, &loader.BufferedFile{Name: rel, Data: data})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("chart %s: read: %w", r.label(), err)
	}
	metadata := map[string]any{}
	for _, name := range chartFiles {
		if data, ok := described[name]; ok {
			if err := yaml.Unmarshal(data, &metadata); err != nil {
				return nil, fmt.Errorf("chart %s: %s: %w", r.label(), name, err)
			}
			break
		}
	}
	merge(metadata, r.Chart)
	data, err := yaml.Marshal(metadata)
	if err != nil {
		return nil, fmt.Errorf("chart %s: Chart.yaml: %w", r.label(), err)
	}
	c, err := loader.LoadFiles(append(files, &loader.BufferedFile{Name: "Chart.yaml", Data: data}))
	if err != nil {
		return nil, fmt.Errorf("chart %s: load: %w", r.label(), err)
	}
	return c, nil
}

// merge puts over into base, maps into maps.
func merge(base, over map[string]any) {
	for k, v := range over {
		if m, ok := v.(map[string]any); ok {
			if b, isMap := base[k].(map[string]any); isMap {
				merge(b, m)
				continue
			}
		}
		base[k] = v
	}
}

// deepCopy copies values, which the engine changes while it merges them with defaults.
func deepCopy(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = copyValue(v)
	}
	return out
}

func copyValue(v any) any {
	switch t := v.(type) {
	case map[string]any:
		return deepCopy(t)
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = copyValue(e)
		}
		return out
	}
	return v
}
