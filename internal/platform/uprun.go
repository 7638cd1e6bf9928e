package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/slipway-dev/slipway/internal/cluster/pki"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/endpoint"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/health"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
	"github.com/slipway-dev/slipway/internal/step"
	"github.com/slipway-dev/slipway/internal/supply"
)

// readyLimit is how long a unit may take to become ready once its images are there; it ends what
// would wait for ever, and the error says what was missing.
const readyLimit = 10 * time.Minute

// upRun is one `up` under way: what its steps hand to each other. A step reads only what steps
// before it have written.
type upRun struct {
	*Line
	report   progress.Reporter
	supplier *supply.Supplier
	images   *supply.Run
	ca       deliver.CA
	before   delivered

	client    *kube.Client // written by startCluster
	tree      render.Tree  // written by renderTree
	digest    string
	unchanged bool
	commit    string            // written by push
	touched   map[string]bool   // the same: units that the push changed, nil for all
	contents  map[string]string // the same: commits of packages' contents, by repository URL

	former []deliver.Person // written by formerPeople

	seen sync.Map // units that were seen to be well and left alone, by name
}

func newUpRun(ctx context.Context, l *Line, report progress.Reporter) (*upRun, error) {
	u := &upRun{Line: l, report: report}
	if _, err := readJSON(l.dir.delivered(), &u.before); err != nil {
		return nil, err
	}
	var err error
	if u.ca, err = l.authority(); err != nil {
		return nil, err
	}
	if u.supplier, err = l.supplier(report); err != nil {
		return nil, err
	}
	u.images = u.supplier.Start(ctx, l.components())
	return u, nil
}

func (u *upRun) close() { u.images.Close() }

// waitImages waits for the images of components, which only an embedded node takes from here.
func (u *upRun) waitImages(ctx context.Context, t *progress.Task, components []string) error {
	if !u.embedded() {
		return nil
	}
	for _, c := range components {
		if u.thereSoon(ctx, c) {
			continue
		}
		t.Wait("waits for the image " + c)
		if err := u.images.Wait(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// thereSoon says whether an image is there, or comes before a person would notice.
func (u *upRun) thereSoon(ctx context.Context, component string) bool {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	return u.images.Wait(ctx, component) == nil
}

// startCluster starts the embedded node as soon as its programs are there, or connects to the
// existing cluster.
func (u *upRun) startCluster(ctx context.Context, t *progress.Task) (string, error) {
	message := "connected"
	if !u.embedded() {
		if err := u.foreign().Check(ctx); err != nil {
			return "", err
		}
	} else {
		if err := u.waitImages(ctx, t, nodeComponents); err != nil {
			return "", err
		}
		t.Update("unpack the node's programs")
		if err := u.supplier.Extract(ctx, nodeComponents[0], u.dir.programs()); err != nil {
			return "", err
		}
		t.Update("start")
		if err := u.node(u.report).Up(ctx); err != nil {
			return "", err
		}
		message = "the Kubernetes API answers"
	}
	client, err := u.connect()
	u.client = client
	return message, err
}

// renderTree renders every unit and compares the result with what was delivered last.
func (u *upRun) renderTree(ctx context.Context, t *progress.Task) (string, error) {
	tree, err := u.Render(ctx, progress.Func(func(e progress.Event) {
		if e.State == progress.Running {
			t.Update(strings.TrimPrefix(e.Task, "render/") + ": " + e.Message)
		}
	}))
	if err != nil {
		return "", err
	}
	u.tree, u.digest = tree, digest(tree)
	u.unchanged = u.digest == u.before.Tree && u.before.Commit != ""
	if u.unchanged {
		return fmt.Sprintf("%d objects, unchanged", len(tree.Files)), nil
	}
	return fmt.Sprintf("%d objects", len(tree.Files)), nil
}

// digest is over everything that is delivered.
func digest(tree render.Tree) string {
	h := sha256.New()
	for _, f := range tree.Files {
		fmt.Fprintf(h, "%s\x00%d\x00", f.Path, len(f.Data))
		h.Write(f.Data)
	}
	for _, c := range tree.Contents {
		fmt.Fprintf(h, "%s\x00%s\x00", c.Repository, c.Digest)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// install applies a bootstrap unit and waits until it is ready. A unit that is as it was
// delivered, and well, is left alone.
func (u *upRun) install(unit plan.Unit) func(context.Context, *progress.Task) (string, error) {
	return func(ctx context.Context, t *progress.Task) (string, error) {
		if err := u.waitImages(ctx, t, unit.Components); err != nil {
			return "", err
		}
		if u.unchanged && u.well(ctx, unit) && !u.due(ctx, unit) {
			return "", step.Skip("unchanged")
		}
		if err := u.takeChangedImages(ctx, t); err != nil {
			return "", err
		}
		if err := u.runtimeObjects(ctx, t, unit); err != nil {
			return "", err
		}
		if err := u.apply(ctx, t, unit); err != nil {
			return "", err
		}
		return u.waitReady(ctx, t, unit)
	}
}

// apply applies a unit's objects.
func (u *upRun) apply(ctx context.Context, t *progress.Task, unit plan.Unit) error {
	objects := u.tree.Unit(unit.Name).ApplyOrder()
	t.Update(fmt.Sprintf("apply %d objects", len(objects)))
	client, objects, err := deliver.ForEngine(u.client, u.plan, unit, objects)
	if err != nil {
		return err
	}
	return deliver.Apply(ctx, client, u.Name(), objects, t)
}

// prepare makes what a unit needs before the delivery tool brings it: its images and the Secrets
// that are not in Git. A tool that is new to the platform is applied too, so that it starts while
// those are still coming that bring it later, and so that others can register with it.
func (u *upRun) prepare(unit plan.Unit) func(context.Context, *progress.Task) (string, error) {
	return func(ctx context.Context, t *progress.Task) (string, error) {
		if err := u.waitImages(ctx, t, unit.Components); err != nil {
			return "", err
		}
		if u.unchanged && u.well(ctx, unit) && !u.due(ctx, unit) {
			return "", step.Skip("unchanged")
		}
		if err := u.takeChangedImages(ctx, t); err != nil {
			return "", err
		}
		if err := u.runtimeObjects(ctx, t, unit); err != nil {
			return "", err
		}
		if unit.Tool == nil || !u.isNew(ctx, unit) {
			return "images and secrets are there", nil
		}
		if err := u.apply(ctx, t, unit); err != nil {
			return "", err
		}
		return "applied", nil
	}
}

// isNew says whether the delivery tool has not been given a unit yet.
func (u *upRun) isNew(ctx context.Context, unit plan.Unit) bool {
	if u.before.Commit == "" {
		return true
	}
	application, ok := deliver.Applications(u.tree)[unit.Name]
	if !ok {
		return false
	}
	_, err := u.client.Get(ctx, application)
	return apierrors.IsNotFound(err)
}

// due says whether a login of a unit is to be made anew. Where that can't be told, making it will tell.
func (u *upRun) due(ctx context.Context, unit plan.Unit) bool {
	if unit.Tool == nil {
		return false
	}
	due, err := u.runtime().Due(ctx, unit.Namespace, unit.Tool.Spec.Runtime, time.Now())
	return due || err != nil
}

func (u *upRun) runtimeObjects(ctx context.Context, t *progress.Task, unit plan.Unit) error {
	if unit.Tool == nil || len(unit.Tool.Spec.Runtime) == 0 {
		return nil
	}
	t.Update("make secrets")
	ctx, cancel := limit(ctx, readyLimit)
	defer cancel()
	return u.runtime().Ensure(ctx, unit.Namespace, unit.Tool.Spec.Runtime, t)
}

func (u *upRun) runtime() deliver.Runtime {
	return deliver.Runtime{Client: u.client, Platform: u.Name(), CA: u.ca, Identity: func(ctx context.Context) (deliver.IdentityProvider, error) {
		return deliver.OpenIdentity(ctx, u.client, u.plan, u.adapters.Identity, u.http(u.ca.Certificate))
	}, Server: func(ctx context.Context, capability string) (deliver.GitServer, error) {
		return deliver.OpenServer(ctx, u.client, u.plan, capability, u.adapters.Git, u.http(u.ca.Certificate))
	}}
}

// formerPeople reads who is known to the identity provider from before, where another takes its place:
// while that one still runs.
func (u *upRun) formerPeople(ctx context.Context, t *progress.Task) (string, error) {
	ref, ok := deliver.IdentityOf(u.plan)
	before := u.before.Identity
	if !ok || before.Tool == "" || before.Tool == ref.Tool {
		return "", step.Skip("people sign in by the same tool as before")
	}
	t.Update("ask " + before.Tool + " who is there")
	asking, cancel := limit(ctx, formerLimit)
	defer cancel()
	var err error
	_ = wait.PollUntilContextCancel(asking, time.Second, true, func(ctx context.Context) (bool, error) {
		var provider deliver.IdentityProvider
		if provider, err = before.Open(ctx, u.client, u.adapters.Identity, u.http(u.ca.Certificate)); err == nil {
			u.former, err = provider.People(ctx)
		}
		return !errors.Is(err, deliver.ErrNotYet), nil
	})
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case err != nil: // whoever leaves a broken provider must get away from it
		return fmt.Sprintf("nobody is carried over from %s (%v); list people in spec.people", before.Tool, err), nil
	}
	return fmt.Sprintf("%d people of %s are carried over, with their groups", len(u.former), before.Tool), nil
}

// formerLimit is how long the former identity provider may take to answer.
const formerLimit = time.Minute

// people makes those who run the platform, those whom its file lists, and those whom a former identity
// provider knew, known to the identity provider.
func (u *upRun) people(ctx context.Context, t *progress.Task) (string, error) {
	if p := u.provider(capabilityIdentity); p == nil && len(u.record.Platform.Spec.People) == 0 {
		return "", step.Skip("this platform has no identity provider")
	}
	if u.unchanged && u.before.People == u.peopleDigest() {
		return "", step.Skip("unchanged")
	}
	ctx, cancel := limit(ctx, readyLimit)
	defer cancel()
	people, left := deliver.Merged(u.record.Platform.Spec.People, u.former)
	if err := u.runtime().EnsurePeople(ctx, u.plan, people, t); err != nil {
		return "", err
	}
	message := fmt.Sprintf("%d people and the administrator are known", len(people))
	if len(left) > 0 {
		message += "; not carried over, since first passwords are kept by names of small letters, digits and hyphens: " + strings.Join(left, ", ")
	}
	return message, nil
}

// peopleDigest tells whether the list of people has changed.
func (u *upRun) peopleDigest() string {
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(u.record.Platform.Spec.People) // a hash takes everything
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// well says whether a unit is ready right now.
func (u *upRun) well(ctx context.Context, unit plan.Unit) bool {
	for _, h := range health.Check(ctx, u.client, u.healthUnits(unit.Name)) {
		if h.State != health.Ready {
			return false
		}
	}
	u.seen.Store(unit.Name, true)
	return true
}

// waitReady waits until all objects of a unit are ready.
func (u *upRun) waitReady(ctx context.Context, t *progress.Task, unit plan.Unit) (string, error) {
	ctx, cancel := limit(ctx, readyLimit)
	defer cancel()
	units := u.healthUnits(unit.Name)
	if err := health.Wait(ctx, u.client, units, relay(t), "unit"); err != nil {
		return "", fault.Hint(err, "slipway why "+unit.Name)
	}
	return fmt.Sprintf("%d objects ready", len(units[0].Objects)), nil
}

func (u *upRun) healthUnits(name string) []health.Unit {
	for _, h := range health.Units(u.plan, u.tree) {
		if h.Name == name {
			return []health.Unit{h}
		}
	}
	return []health.Unit{{Name: name}}
}

// check waits until a unit is ready, whoever applies it, and until its probes pass.
func (u *upRun) check(unit plan.Unit) func(context.Context, *progress.Task) (string, error) {
	return func(ctx context.Context, t *progress.Task) (string, error) {
		if _, ok := u.seen.Load(unit.Name); !ok {
			if _, err := u.waitReady(ctx, t, unit); err != nil {
				return "", err
			}
		}
		only := u.plan
		only.Units = []plan.Unit{unit}
		ctx, cancel := limit(ctx, readyLimit)
		defer cancel()
		prober := health.Prober{HTTP: u.http(u.ca.Certificate), Kube: u.client}
		if err := prober.Wait(ctx, only, relay(t), "probe"); err != nil {
			return "", fault.Hint(err, "slipway why "+unit.Name)
		}
		probes := 0
		if unit.Tool != nil {
			probes = len(unit.Tool.Spec.Probes)
		}
		return fmt.Sprintf("ready, %d probes passed", probes), nil
	}
}

// remember notes what was delivered: the next `up` has nothing to do if nothing changes.
func (u *upRun) remember(ctx context.Context) error {
	decisions, err := u.supplier.Decide(ctx, u.components())
	if err != nil {
		return err
	}
	lock, err := u.newLock(ctx, decisions)
	if err != nil {
		return err
	}
	if err := plan.WriteLock(u.lockPath(), lock); err != nil {
		return fault.Hint(err, "make the directory of the Platform file writable: the lock belongs beside it")
	}
	identity, _ := deliver.IdentityOf(u.plan)
	return writeJSON(u.dir.delivered(), delivered{Tree: u.digest, People: u.peopleDigest(), Commit: u.commit, Identity: identity, Time: time.Now().UTC()})
}

// explain adds what a person can do about a failed step.
func (u *upRun) explain(err error) error {
	if hint, _ := fault.Of(err); hint != "" || errors.Is(err, context.Canceled) {
		return err
	}
	return fault.Hint(err, "run the same command again: it goes on where it stopped; `slipway why` looks for the cause")
}

// limit ends a wait; the cause says why.
func limit(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("not within %s", d))
}

// relay shows what a stage reports about itself as the message of one task.
func relay(t *progress.Task) progress.Reporter {
	return progress.Func(func(e progress.Event) {
		switch e.State {
		case progress.Waiting:
			t.Wait(e.Message)
		case progress.Running:
			t.Update(e.Message)
		}
	})
}

// authority makes the platform's CA where it is missing, and reads what else is trusted.
func (l *Line) authority() (deliver.CA, error) {
	cert, key, err := pki.EnsureCA(l.dir.ca(), l.Name())
	if err != nil {
		return deliver.CA{}, err
	}
	trusted, err := l.trustedBundles()
	if err != nil {
		return deliver.CA{}, err
	}
	return deliver.CA{Certificate: cert, Key: key, Trusted: trusted, Public: publicRoots()}, nil
}

// http reaches the platform's pages from this host.
func (l *Line) http(ca []byte) *http.Client {
	return &http.Client{Transport: endpoint.Transport(l.plan.Domain, l.gatewayAddress(), ca), Timeout: 30 * time.Second}
}
