package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/fault"
)

// Resolve makes the plan of a defaulted platform: a tool for each capability, everything those
// tools require, an order, and all contract values. It is a pure function: the same arguments
// give the same plan. All errors come back at once, as [Errors] of the types in this package.
func Resolve(p v1alpha1.Platform, c *catalog.Catalog, env Environment) (Plan, error) {
	if env.Provider == "" {
		env.Provider = p.Spec.Cluster.Provider
	}
	if env.Provider == v1alpha1.ProviderEmbedded {
		env.PodCIDR = cmp.Or(env.PodCIDR, p.Spec.Cluster.Embedded.PodCIDR)
		env.ServiceCIDR = cmp.Or(env.ServiceCIDR, p.Spec.Cluster.Embedded.ServiceCIDR)
	}
	out := Plan{Name: p.Metadata.Name, Domain: p.Spec.Domain, Environment: env, Platform: p}
	ch := choose(p, c, env.Provider)
	errs := ch.errs
	needs := ch.dependencies()
	early := needs.closure(ch.toolsFor(slices.Concat(foundation, handOver)))
	order, circles := needs.order(early)
	errs = append(errs, circles...)

	given := map[string]map[string]any{}
	for tool := range needs {
		values, wrong := givenValues(p, c.Tools[tool].Tool, ch.capabilitiesOf(tool))
		given[tool] = values
		errs = append(errs, wrong...)
	}
	packages, wrong := packageUnits(p, needs, early)
	if errs = append(errs, wrong...); len(errs) > 0 {
		return Plan{}, fault.Invalid(errs.orNil(), "see the tools and their values with `slipway tools`")
	}

	outputs := map[string]map[string]any{}
	broken := map[string]bool{} // what needs a broken tool would only repeat its error
	for _, name := range order {
		if slices.ContainsFunc(needs[name], func(t string) bool { return broken[t] }) {
			broken[name] = true
			continue
		}
		unit := Unit{Name: name, Kind: KindTool, Capabilities: ch.capabilitiesOf(name), Bootstrap: early[name], After: needs[name]}
		unit, wrong := out.evaluate(unit, c.Tools[name].Tool, c, given[name], ch.inputs(name, outputs))
		errs = append(errs, wrong...)
		broken[name] = len(wrong) > 0
		for _, capability := range unit.Capabilities {
			outputs[capability] = unit.Outputs[capability]
		}
		out.Units = append(out.Units, unit)
	}
	if len(errs) > 0 {
		return Plan{}, fault.Invalid(errs.orNil(), "the catalogue is at fault; see `slipway tools lint`")
	}
	for _, unit := range packages {
		if unit.Package.Expressions { // a package may ask for anything that the platform gives
			unit.Inputs = outputs
		}
		out.Units = append(out.Units, unit)
	}
	return out, nil
}

// evaluate fills a unit from its tool.
func (p Plan) evaluate(u Unit, tool v1alpha1.Tool, c *catalog.Catalog, given map[string]any, inputs map[string]map[string]any) (Unit, Errors) {
	failed := func(path string, err error) Errors {
		e := &evaluation{}
		e.failed(path, err)
		errs := make(Errors, len(e.errs))
		for i := range e.errs {
			errs[i] = &ExpressionError{Tool: u.Name, Err: e.errs[i]}
		}
		return errs
	}
	u.Version, u.Namespace, u.Inputs = tool.Spec.Version, tool.Spec.Namespace, inputs
	u.Components = slices.Compact(slices.Sorted(slices.Values(tool.Spec.Components)))
	u.Supply = supplyHash(c, u.Components)

	values, err := evaluateMap(p.scopeFor(u, "values", "outputs"), tool.Spec.Values)
	if err != nil {
		return u, failed("spec.values", err)
	}
	u.Values = merged(values, given)

	provides := map[string]any{}
	for capability, provision := range tool.Spec.Provides {
		provides[capability] = map[string]any{"outputs": orEmpty(provision.Outputs)}
	}
	provided, err := evaluateMap(p.scopeFor(u, "outputs"), provides)
	if err != nil {
		return u, failed("spec.provides", err)
	}
	var errs Errors
	u.Outputs = map[string]map[string]any{}
	for _, capability := range slices.Sorted(maps.Keys(provided)) {
		provision, _ := provided[capability].(map[string]any)
		outputs, _ := provision["outputs"].(map[string]any)
		u.Outputs[capability] = outputs
		if contract, known := c.Capabilities[capability]; known {
			errs = append(errs, checkContract(u.Name, capability, contract, outputs)...)
		}
	}

	scope, err := Scope(p, u)
	if err != nil {
		return u, append(errs, failed("", err)...)
	}
	evaluated, err := evaluateTool(scope, tool)
	if err != nil {
		return u, append(errs, failed("", err)...)
	}
	evaluated.Spec.Provides = make(map[string]v1alpha1.Provision, len(u.Outputs))
	for capability, outputs := range u.Outputs {
		evaluated.Spec.Provides[capability] = v1alpha1.Provision{Outputs: outputs}
	}
	evaluated.Spec.Values = u.Values
	u.Tool, u.URL = &evaluated, evaluated.Spec.URL
	return u, errs
}

// scopeFor is the unit's scope without some variables: those that are being evaluated.
func (p Plan) scopeFor(u Unit, without ...string) func() (*expr.Scope, error) {
	return func() (*expr.Scope, error) {
		vars := Vars(p, u)
		for _, name := range without {
			delete(vars, name)
		}
		return expr.New(vars)
	}
}

func evaluateMap(scope func() (*expr.Scope, error), m map[string]any) (map[string]any, error) {
	s, err := scope()
	if err != nil {
		return nil, err
	}
	v, err := s.Value(orEmpty(m))
	if err != nil {
		return nil, err
	}
	out, _ := v.(map[string]any)
	return out, nil
}

// toolsFor are the chosen tools of some capabilities.
func (ch *chooser) toolsFor(capabilities []string) []string {
	var out []string
	for _, capability := range capabilities {
		if tool, ok := ch.chosen[capability]; ok {
			out = append(out, tool)
		}
	}
	return out
}

// capabilitiesOf are the capabilities for which a tool was chosen, sorted.
func (ch *chooser) capabilitiesOf(tool string) []string {
	var out []string
	for capability, chosen := range ch.chosen {
		if chosen == tool {
			out = append(out, capability)
		}
	}
	slices.Sort(out)
	return out
}

// inputs are the outputs of the capabilities that a tool requires and others provide.
func (ch *chooser) inputs(tool string, outputs map[string]map[string]any) map[string]map[string]any {
	in := map[string]map[string]any{}
	for _, r := range ch.catalog.Tools[tool].Spec.Requires {
		if provider, ok := ch.chosen[r.Capability]; ok && provider != tool {
			in[r.Capability] = orEmpty(outputs[r.Capability])
		}
	}
	return in
}

// packageUnits are the platform's packages, by name, after everything that Slipway itself
// brings up.
func packageUnits(p v1alpha1.Platform, tools graph, early map[string]bool) ([]Unit, Errors) {
	var units []Unit
	var errs Errors
	taken := map[string]bool{}
	for tool := range tools {
		taken[tool] = true
	}
	after := slices.Sorted(maps.Keys(early))
	for i, pkg := range p.Spec.Packages {
		if taken[pkg.Name] {
			errs = append(errs, &DuplicateNameError{Name: pkg.Name, Index: i})
		}
		taken[pkg.Name] = true
		namespace := pkg.Namespace
		if namespace == "" {
			namespace = pkg.Name
		}
		units = append(units, Unit{Name: pkg.Name, Kind: KindPackage, Namespace: namespace, After: after, Package: &pkg})
	}
	slices.SortStableFunc(units, func(a, b Unit) int { return cmp.Compare(a.Name, b.Name) })
	return units, errs
}
