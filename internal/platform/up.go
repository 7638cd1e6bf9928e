package platform

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/host"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/step"
)

// Names of the steps of an `up`; those of the units follow a slash.
const (
	stepCluster    = "cluster"
	stepRender     = "manifests"
	stepTools      = "tools"
	stepRepository = "repository"
	stepHandOver   = "delivery"
	stepPeople     = "people"
	stepFormer     = "people/former"
	stepChecks     = "checks"
	stepPublish    = "registry"
	stepSignIn     = "registry/node"
)

// Up brings the platform up, or up to date: it can be cancelled or killed at any moment and run
// again. It returns when every unit is ready and every probe of the contracts has passed.
func (l *Line) Up(ctx context.Context, report progress.Reporter) (Summary, error) {
	begun := time.Now()
	if err := host.Check(l.runNeeds()); err != nil {
		return Summary{}, err
	}
	release, err := l.dir.claim(l.Name())
	if err != nil {
		return Summary{}, err
	}
	defer release()
	if err := l.remember(ctx); err != nil {
		return Summary{}, err
	}
	report, closeEvents, err := l.keepEvents(report)
	if err != nil {
		return Summary{}, err
	}
	defer closeEvents()
	up, err := newUpRun(ctx, l, report)
	if err != nil {
		return Summary{}, err
	}
	defer up.close()
	if err := step.Run(ctx, up.steps(), report); err != nil {
		return Summary{}, up.explain(err)
	}
	if err := up.remember(ctx); err != nil {
		return Summary{}, err
	}
	return l.summary(time.Since(begun)), nil
}

// remember keeps what this platform is, before anything is made, so that `down` finds it even
// where this `up` does not get far.
func (l *Line) remember(ctx context.Context) error {
	if err := writeJSON(l.dir.record(), l.record); err != nil {
		return err
	}
	// The node's choices of ports and addresses hold from now on.
	if err := l.resolve(ctx, string(l.dir)); err != nil {
		return err
	}
	return writeJSON(l.dir.record(), l.record)
}

// steps is the line of an `up`: images come in the background all the while, and each step waits
// for those it needs.
func (u *upRun) steps() []step.Step {
	steps := []step.Step{
		{Name: stepCluster, Message: "prepare", Run: u.startCluster},
		{Name: stepRender, Message: "render", Run: u.renderTree},
	}
	var bootstrap, rest []string
	for _, unit := range u.plan.Units {
		if !unit.Bootstrap {
			continue
		}
		name := stepTools + "/" + unit.Name
		after := []string{stepCluster, stepRender}
		for _, a := range unit.After {
			if v := u.unit(a); v != nil && v.Bootstrap {
				after = append(after, stepTools+"/"+a)
			}
		}
		steps = append(steps, step.Step{Name: name, After: after, Message: "wait for images", Run: u.install(unit)})
		bootstrap = append(bootstrap, name)
	}
	ready := func(capability string) []string {
		if p := u.provider(capability); p != nil && p.Bootstrap {
			return []string{stepTools + "/" + p.Name}
		}
		return nil
	}
	for _, unit := range u.plan.Units {
		if unit.Bootstrap {
			continue
		}
		name := stepTools + "/" + unit.Name
		after := append([]string{stepCluster, stepRender}, u.makers(unit)...)
		steps = append(steps, step.Step{Name: name, After: after, Message: "wait for images", Run: u.prepare(unit)})
		rest = append(rest, name)
	}
	steps = append(steps,
		step.Step{Name: stepFormer, After: []string{stepCluster, stepRender}, Message: "look who is known", Run: u.formerPeople},
		// Not before every image is there: from the push on, the delivery tool starts what is new, and
		// ends what is no longer wanted.
		step.Step{Name: stepRepository, After: slices.Concat([]string{stepCluster, stepRender, stepFormer}, ready(capabilityGit), rest), Message: "push the manifests", Run: u.push},
		step.Step{Name: stepHandOver, After: append([]string{stepRepository}, bootstrap...), Message: "hand over", Run: u.handOver},
	)
	after := ready(capabilityRegistry)
	if len(after) == 0 { // it is delivered as the others are
		after = []string{stepHandOver}
	}
	if u.embedded() && u.provider(capabilityRegistry) != nil {
		steps = append(steps, step.Step{Name: stepSignIn, After: append([]string{stepCluster}, after...),
			Message: "sign the node in", Run: u.signNodeIn})
	}
	if len(u.published()) > 0 {
		steps = append(steps, step.Step{Name: stepPublish, After: append([]string{stepCluster}, after...),
			Message: "publish images to build on", Run: u.publish})
	}
	signIn := ready(capabilityIdentity)
	if signIn == nil {
		signIn = []string{stepHandOver}
	}
	steps = append(steps, step.Step{Name: stepPeople, After: append([]string{stepFormer}, signIn...), Message: "make people known", Run: u.people})
	for _, unit := range u.plan.Units {
		steps = append(steps, step.Step{Name: stepChecks + "/" + unit.Name, After: []string{stepHandOver}, Message: "check", Run: u.check(unit)})
	}
	return steps
}

// Capabilities that the line itself needs.
const (
	capabilityGit      = "git"
	capabilityDelivery = "delivery"
	capabilityIdentity = "identity"
	capabilityRegistry = "registry"
)

// makers are the steps of the units that make what a unit's run-time objects are made from: a login at the identity
// provider, an account on a server, keys of other Secrets. They may take as long as their images take to build.
func (u *upRun) makers(unit plan.Unit) []string {
	if unit.Tool == nil {
		return nil
	}
	names := map[string]bool{}
	if p := u.provider(capabilityIdentity); p != nil && registers(unit) {
		names[p.Name] = true
	}
	for _, o := range unit.Tool.Spec.Runtime {
		if o.Account == nil {
			continue
		}
		if p := u.provider(o.Account.At); p != nil {
			names[p.Name] = true
		}
	}
	for _, ref := range deliver.Sources(unit.Tool.Spec.Runtime) {
		for _, other := range u.plan.Units {
			if slices.Contains(unit.After, other.Name) && makes(other, ref) {
				names[other.Name] = true
			}
		}
	}
	delete(names, unit.Name)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, stepTools+"/"+name)
	}
	return out
}

// makes says whether a Secret is among a unit's run-time objects.
func makes(unit plan.Unit, ref deliver.KeyRef) bool {
	return unit.Tool != nil && slices.ContainsFunc(unit.Tool.Spec.Runtime, func(o v1alpha1.RuntimeObject) bool {
		return o.Kind == "Secret" && o.Name == ref.Name && cmp.Or(o.Namespace, unit.Namespace) == ref.Namespace
	})
}

// registers says whether a unit becomes a client of the identity provider before it starts.
func registers(unit plan.Unit) bool {
	return unit.Tool != nil && slices.ContainsFunc(unit.Tool.Spec.Runtime, func(o v1alpha1.RuntimeObject) bool { return o.Client != nil })
}

// Summary is what a person wants to know when the platform is up.
type Summary struct {
	Name         string     `json:"name"`
	Took         string     `json:"took"`
	Capabilities []Endpoint `json:"capabilities"`
	Next         []Command  `json:"next"`
}

// Command is a command that is worth trying.
type Command struct {
	Command string `json:"command"`
	Purpose string `json:"purpose"`
}

func (l *Line) summary(took time.Duration) Summary {
	s := Summary{Name: l.Name(), Took: took.Round(100 * time.Millisecond).String(), Capabilities: l.capabilities()}
	name := ""
	if names := l.home.Names(); len(names) > 1 || (len(names) == 1 && names[0] != l.Name()) {
		name = " --name " + l.Name()
	}
	s.Next = []Command{
		{"slipway get credentials" + name, "user names and passwords"},
		{"slipway get ca --install" + name, "trust the platform's certificates on this host"},
		{"export KUBECONFIG=$(slipway get kubeconfig --path" + name + ")", "use kubectl"},
		{"slipway status" + name, "see what runs, and how it is"},
	}
	if git := l.provider(capabilityGit); git != nil && git.URL != "" {
		s.Next = append(s.Next, Command{git.URL, "the platform's own repository is " + repositoryPath})
	}
	return s
}
