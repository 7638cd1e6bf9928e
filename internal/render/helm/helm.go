// Package helm renders a chart directory into plain objects with Helm's own loader and template
// engine. It never speaks to a cluster, a repository or DNS: `lookup` answers nothing, and a
// chart whose output is different each time is an error. Used for tools' charts and packages.
package helm

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// KubeVersion is the Kubernetes version that charts are told they run on.
const KubeVersion = "v1.34.3"

// Release says which chart is rendered, and with what.
type Release struct {
	Dir       string // the chart's directory
	Name      string
	Namespace string
	Values    map[string]any
	// Chart overlays Chart.yaml, for charts whose published source holds a template of it.
	Chart map[string]any
	// APIVersions are group/versions, and group/version/kinds, that the cluster has besides
	// Kubernetes' own.
	APIVersions []string
	// Label names the chart in errors; its directory where empty.
	Label string
}

func (r Release) label() string {
	if r.Label != "" {
		return r.Label
	}
	return r.Dir
}

// UnstableError says that a chart renders to something else each time.
type UnstableError struct {
	Chart string
	// Objects are those that differed, such as "Secret web/admin".
	Objects []string
}

// Error names the chart and the objects.
func (e *UnstableError) Error() string {
	return fmt.Sprintf("chart %s: rendering it twice gives two results for %s", e.Chart, strings.Join(e.Objects, ", "))
}

// Render gives the chart's objects: its CRDs, then its templates in the order of their names.
// Hooks that run on installation are ordinary objects here; tests and hooks that only run on
// upgrade, rollback or deletion are left out.
func Render(r Release) ([]manifest.Object, error) {
	first, err := render(r)
	if err != nil {
		return nil, err
	}
	second, err := render(r)
	if err != nil {
		return nil, err
	}
	if unstable := differing(first, second); len(unstable) > 0 {
		return nil, fault.Hint(&UnstableError{r.label(), unstable},
			"the chart uses a random function or the clock: give the value it generates in the chart's values, "+
				"or name a Secret that exists")
	}
	return first, nil
}

func render(r Release) ([]manifest.Object, error) {
	c, err := load(r)
	if err != nil {
		return nil, err
	}
	if err := checkDependencies(c, r); err != nil {
		return nil, err
	}
	values := chartutil.Values(deepCopy(r.Values))
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		return nil, fmt.Errorf("chart %s: dependencies: %w", r.label(), err)
	}
	capabilities, err := capabilities(r.APIVersions)
	if err != nil {
		return nil, err
	}
	if want := c.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, KubeVersion) {
		return nil, fmt.Errorf("chart %s: needs Kubernetes %s, the platform has %s", r.label(), want, KubeVersion)
	}
	full, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{
		Name: r.Name, Namespace: r.Namespace, Revision: 1, IsInstall: true,
	}, capabilities)
	if err != nil {
		return nil, fmt.Errorf("chart %s: values: %w", r.label(), err)
	}
	files, err := new(engine.Engine).Render(c, full)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", r.label(), err)
	}
	return objects(r, c, files)
}

// capabilities copies Helm's defaults, whose slice is shared, and adds to them.
func capabilities(apiVersions []string) (*chartutil.Capabilities, error) {
	version, err := chartutil.ParseKubeVersion(KubeVersion)
	if err != nil {
		return nil, fmt.Errorf("parse Kubernetes version: %w", err)
	}
	c := chartutil.DefaultCapabilities.Copy()
	c.KubeVersion = *version
	c.APIVersions = append(slices.Clone(c.APIVersions), apiVersions...)
	return c, nil
}

// glued finds documents that a template's trimmed white space put onto the line of their marker;
// Helm's own splitter takes them so.
var glued = regexp.MustCompile(`(?m)^---([^\s-])`)

func objects(r Release, c *chart.Chart, files map[string]string) ([]manifest.Object, error) {
	var out []manifest.Object
	for _, crd := range c.CRDObjects() {
		objects, err := manifest.Decode(fmt.Sprintf("chart %s: %s", r.label(), crd.Filename), crd.File.Data)
		if err != nil {
			return nil, err
		}
		out = append(out, objects...)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		base := path.Base(name)
		if strings.TrimSpace(text) == "" || strings.HasPrefix(base, "_") || base == "NOTES.txt" {
			continue
		}
		// the engine prefixes names with the chart's: "web/templates/service.yaml"
		_, inside, _ := strings.Cut(name, "/")
		decoded, err := manifest.Decode(fmt.Sprintf("chart %s: %s (rendered)", r.label(), inside), []byte(glued.ReplaceAllString(text, "---\n$1")))
		if err != nil {
			return nil, err
		}
		for _, o := range decoded {
			if keepHook(o) {
				out = append(out, o)
			}
		}
	}
	return out, nil
}

// hookAnnotations are Helm's; a GitOps engine may act on them too, so they leave with the hooks.
var hookAnnotations = []string{"helm.sh/hook", "helm.sh/hook-weight", "helm.sh/hook-delete-policy", "helm.sh/hook-output-log-policy"}

// keepHook says whether an object is wanted, and makes an installation hook an ordinary object.
func keepHook(o manifest.Object) bool {
	annotations := o.GetAnnotations()
	hook, isHook := annotations["helm.sh/hook"]
	if !isHook {
		return true
	}
	keep := false
	for event := range strings.SplitSeq(hook, ",") {
		switch strings.TrimSpace(event) {
		case "pre-install", "post-install", "crd-install":
			keep = true
		case "test", "test-success", "test-failure":
			return false
		}
	}
	for _, a := range hookAnnotations {
		delete(annotations, a)
	}
	if len(annotations) == 0 {
		annotations = nil
	}
	o.SetAnnotations(annotations)
	return keep
}

func differing(a, b []manifest.Object) []string {
	var out []string
	for i := range a {
		if i >= len(b) || !reflect.DeepEqual(a[i].Object, b[i].Object) {
			out = append(out, strings.TrimPrefix(a[i].GetKind()+" "+a[i].GetNamespace()+"/"+a[i].GetName(), "/"))
		}
	}
	if len(b) > len(a) {
		for _, o := range b[len(a):] {
			out = append(out, o.GetKind()+" "+o.GetName())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func checkDependencies(c *chart.Chart, r Release) error {
	have := map[string]bool{}
	for _, d := range c.Dependencies() {
		have[d.Name()] = true
	}
	var missing []string
	for _, d := range c.Metadata.Dependencies {
		if !have[d.Name] {
			missing = append(missing, d.Name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fault.Hint(fmt.Errorf("chart %s: its charts/ folder lacks the dependencies %s", r.label(), strings.Join(missing, ", ")),
		"run: helm dependency build "+filepath.Clean(r.Dir))
}
