package portal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// below is the platform below: its tools, as the delivery tool finds them.
type below struct {
	*delivery
	tools map[string]v1alpha1.Tool
	// scope is what a tool's URL is evaluated in.
	scope *expr.Scope
	// pages are those of workloads, by name: text by text.
	pages sync.Map
}

func newBelow(d *delivery, o Options) (*below, error) {
	c := o.Config
	scope, err := expr.New(map[string]any{"platform": map[string]any{"name": c.Name, "domain": c.Domain,
		"scheme": cmp.Or(c.Scheme, "https"), "portSuffix": c.PortSuffix}})
	if err != nil {
		return nil, err
	}
	return &below{delivery: d, tools: o.Tools, scope: scope}, nil
}

// page is the page of a tool's own interface that a person opens; empty where it has none.
func (b *below) page(tool v1alpha1.Tool) string {
	v, err := b.scope.Value(tool.Spec.URL)
	if err != nil {
		b.log.Warn("a tool's page cannot be shown", "tool", tool.Metadata.Name, "error", err)
		return ""
	}
	text, _ := v.(string)
	return text
}

// pageOf is the page of an application in an environment, in the delivery tool's own interface.
func (b *below) pageOf(name string) string {
	if known, ok := b.pages.Load(name); ok {
		return known.(string)
	}
	page := ""
	tool := b.tools[b.tool.Tool]
	if d := tool.Spec.Delivery; d != nil && d.Page != "" {
		scope, err := expr.New(map[string]any{"unit": map[string]any{"name": name}})
		if err == nil {
			var v any
			v, err = scope.Value(d.Page)
			if path, ok := v.(string); ok {
				page = b.page(tool) + path
			}
		}
		if err != nil {
			b.log.Warn("a workload's page cannot be shown", "tool", b.tool.Tool, "error", err)
		}
	}
	b.pages.Store(name, page)
	return page
}

// links are the ways into the tools that an application is built, kept and delivered by.
func (b *below) links(ctx context.Context) []api.Link {
	units, err := b.units(ctx)
	if err != nil {
		b.log.WarnContext(ctx, "the tools cannot be linked", "error", err)
	}
	var out []api.Link
	for _, capability := range []string{"delivery", "workflow", "ci", "registry", "observability"} {
		for _, u := range units {
			_, provides := u.tool.Spec.Provides[capability]
			address := b.page(u.tool)
			known := slices.ContainsFunc(out, func(l api.Link) bool { return l.URL == address })
			if provides && address != "" && !known {
				out = append(out, api.Link{URL: address, Title: u.tool.Metadata.Name, Type: capability})
			}
		}
	}
	return out
}

// unitState is how a tool is.
type unitState struct {
	tool   v1alpha1.Tool
	state  api.HealthState
	reason string
}

// units are the tools that are delivered, by name.
func (b *below) units(ctx context.Context) ([]unitState, error) {
	example, err := b.object(workload{name: "example", kind: workloadApplication})
	if err != nil {
		return nil, err
	}
	mapping, err := b.kube.Mapping(example.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	list, err := b.kube.Dynamic.Resource(mapping.Resource).Namespace(example.GetNamespace()).
		List(ctx, metav1.ListOptions{LabelSelector: "!" + labelWorkload})
	if err != nil {
		return nil, fmt.Errorf("list the platform's tools: %w", err)
	}
	var out []unitState
	for i := range list.Items {
		if tool, ok := b.tools[list.Items[i].GetName()]; ok {
			out = append(out, b.unit(tool, &list.Items[i]))
		}
	}
	slices.SortFunc(out, func(x, y unitState) int { return strings.Compare(x.tool.Metadata.Name, y.tool.Metadata.Name) })
	return out, nil
}

// unit is how the delivery tool finds a tool.
func (b *below) unit(tool v1alpha1.Tool, live *unstructured.Unstructured) unitState {
	out := unitState{tool: tool, state: api.Progressing}
	status, err := deliver.StatusOf(&b.engine, live)
	if err != nil {
		return unitState{tool: tool, state: api.Unknown, reason: err.Error()}
	}
	well, err := expr.Bool(b.engine.Condition, map[string]any{"object": live.Object, "revision": ""})
	switch {
	case err == nil && well:
		out.state = api.Healthy
	case status.Message != "":
		out.state, out.reason = api.Degraded, status.Message
	case !status.Synced:
		out.reason = "it is not yet as Git says"
	default:
		out.reason = "what it runs is not ready"
	}
	return out
}

// Capabilities lists what the platform can do, and by which tool. Where a tool stands beside one that can do the
// same among other things, it is the one that was chosen.
func (b *below) Capabilities(ctx context.Context) ([]api.Capability, error) {
	units, err := b.units(ctx)
	if err != nil {
		return nil, err
	}
	chosen := map[string]unitState{}
	for _, u := range units {
		for name := range u.tool.Spec.Provides {
			if other, there := chosen[name]; !there || len(u.tool.Spec.Provides) < len(other.tool.Spec.Provides) {
				chosen[name] = u
			}
		}
	}
	out := []api.Capability{}
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		u := chosen[name]
		one := api.Capability{Name: name, Tool: u.tool.Metadata.Name, Description: u.tool.Spec.Description,
			Version: u.tool.Spec.Version, State: u.state, Reason: u.reason, Links: []api.Link{}}
		if address := b.page(u.tool); address != "" {
			one.Links = append(one.Links, api.Link{URL: address, Title: "Open " + u.tool.Metadata.Name})
		}
		if u.tool.Spec.Website != "" {
			one.Links = append(one.Links, api.Link{URL: u.tool.Spec.Website, Title: "Website", Type: "website"})
		}
		out = append(out, one)
	}
	return out, nil
}

// Health is the platform's: that of its tools.
func (b *below) Health(ctx context.Context) (api.Health, error) {
	units, err := b.units(ctx)
	if err != nil {
		return api.Health{}, err
	}
	out := api.Health{State: api.Healthy, Checks: []api.HealthCheck{}, At: b.delivery.now().UTC()}
	for _, u := range units {
		check := api.HealthCheck{Name: u.tool.Metadata.Name, State: u.state, Reason: u.reason}
		if u.state != api.Healthy {
			check.Hint = "slipway why " + u.tool.Metadata.Name
		}
		if worse(u.state, out.State) {
			out.State = u.state
		}
		out.Checks = append(out.Checks, check)
	}
	return out, nil
}
