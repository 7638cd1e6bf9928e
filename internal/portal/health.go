package portal

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	sigyaml "sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/health"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// Health is how a release does in an environment.
type Health struct {
	Environment string `json:"environment"`
	Application string `json:"application"`
	// Release is the release's name, Image its image by digest.
	Release string          `json:"release"`
	Image   string          `json:"image"`
	State   api.HealthState `json:"state"`
	// Reason is the root cause where it is not healthy, Evidence what shows it.
	Reason   string   `json:"reason,omitempty"`
	Evidence []string `json:"evidence,omitempty"`
	// Since is when the state began, Placed when the release was first seen there.
	Since  time.Time `json:"since"`
	Placed time.Time `json:"placed"`
}

// healths are the healths of all that is placed. They are kept in a file, so that a soak time is not counted
// anew when the server starts again; what nobody watched meanwhile counts by what it is found to be.
type healths struct {
	kube   *kube.Client
	source *repository
	events *events
	log    *slog.Logger
	now    func() time.Time
	file   string
	woken  alarm
	// moved is told when a state or a release has changed; it must not wait.
	moved func()

	mu  sync.Mutex
	all map[string]Health
}

func openHealths(dir string, p *Portal) (*healths, error) {
	h := &healths{kube: p.applications.kube, source: p.environments, events: p.events, log: p.log, now: p.now, woken: newAlarm(),
		file: filepath.Join(dir, "health.json"), all: map[string]Health{}}
	text, err := os.ReadFile(h.file)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &h.all); err != nil {
		p.log.Warn("what was known of health is lost; soak times begin anew", "file", h.file, "cause", err.Error())
		h.all = map[string]Health{}
	}
	return h, nil
}

func healthKey(environment, application string) string { return environment + "/" + application }

// of is how an application does in an environment.
func (h *healths) of(environment, application string) Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, ok := h.all[healthKey(environment, application)]
	if !ok {
		return Health{Environment: environment, Application: application, State: api.Unknown}
	}
	return found
}

// Health is how an application does in an environment; the state is unknown where nobody watches.
func (p *Portal) Health(environment, application string) Health {
	if p.delivery == nil {
		return Health{Environment: environment, Application: application, State: api.Unknown}
	}
	return p.delivery.health.of(environment, application)
}

// Rounds of looking: quick while something is on its way, slow otherwise.
const (
	quick = 2 * time.Second
	slow  = 15 * time.Second
	// patience is how long something may be on its way before its cause is looked for.
	patience = 15 * time.Second
)

// watchHealth looks at all that is placed, until ctx ends.
func (d *delivery) watchHealth(ctx context.Context) error {
	for {
		wait := slow
		if d.health.round(ctx) {
			wait = quick
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-d.health.woken:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// round looks once; moving says that something is on its way.
func (h *healths) round(ctx context.Context) (moving bool) {
	s, err := h.source.now()
	if err != nil {
		return true
	}
	now := map[string]Health{}
	for environment, placed := range s.state.Placed {
		for application, r := range placed {
			found := h.look(ctx, s, environment, application, r)
			if ctx.Err() != nil {
				return false
			}
			moving = moving || found.State == api.Progressing
			now[healthKey(environment, application)] = found
			h.tell(s, h.of(environment, application), found)
		}
	}
	if h.keep(now) && h.moved != nil {
		h.moved()
	}
	return moving
}

// releaseCondition is true of an object that is the release's.
const releaseCondition = "object.metadata.?annotations[?'" + app.AnnotationRelease + "'].orValue('') == release"

// look finds how a release does.
func (h *healths) look(ctx context.Context, s *snapshot, environment, application string, r v1alpha1.Release) Health {
	before := h.of(environment, application)
	out := Health{Environment: environment, Application: application, Release: r.Metadata.Name, Image: r.Spec.Image,
		Placed: h.now().UTC()}
	if before.Release == out.Release {
		out.Placed = before.Placed
	}
	unit := health.Unit{Name: application, Objects: objectsOf(s, environment, application),
		Ready: []v1alpha1.ReadyCheck{{Condition: releaseCondition}}, Vars: map[string]any{"release": r.Metadata.Name}}
	found := health.Check(ctx, h.kube, []health.Unit{unit})[0]
	out.State, out.Reason = states[found.State], found.Reason
	young := h.now().Sub(out.Placed) < patience
	if out.State == api.Missing && young {
		out.State = api.Progressing
	}
	if out.State != api.Healthy && !young {
		h.explain(ctx, unit, &out)
	}
	out.Since = h.now().UTC()
	if before.Release == out.Release && before.State == out.State {
		out.Since = before.Since
	}
	return out
}

var states = map[health.State]api.HealthState{health.Ready: api.Healthy, health.Progressing: api.Progressing,
	health.Failed: api.Degraded, health.Missing: api.Missing}

// explain puts the root cause in the place of the symptom.
func (h *healths) explain(ctx context.Context, unit health.Unit, out *Health) {
	causes, err := health.Explorer{Kube: h.kube, Units: []health.Unit{unit}}.Why(ctx, unit.Name)
	if err != nil || len(causes) == 0 {
		return
	}
	root := causes[0].Root()
	out.Reason, out.Evidence = root.Subject+": "+root.Finding, root.Evidence
}

// tell says that a state has changed.
func (h *healths) tell(s *snapshot, before, now Health) {
	if before.State == now.State && before.Release == now.Release {
		return
	}
	team := s.state.Applications[now.Application].Spec.Team
	summary := fmt.Sprintf("%s in %s is %s", now.Application, now.Environment, now.State)
	if now.State != api.Healthy && now.Reason != "" {
		summary += ": " + now.Reason
	}
	h.events.tell(api.Event{Type: "deployment." + string(now.State), Team: team, Application: now.Application,
		Environment: now.Environment, Subject: "/teams/" + team + "/applications/" + now.Application, Summary: summary})
}

// keep remembers what was found, in the file where a state changed, and says whether one did.
func (h *healths) keep(now map[string]Health) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	same := maps.EqualFunc(h.all, now, func(a, b Health) bool { return a.State == b.State && a.Release == b.Release })
	h.all = now
	if same {
		return false
	}
	text, err := json.Marshal(now)
	if err == nil {
		err = replace(h.file, text)
	}
	if err != nil {
		h.log.Error("remember healths", "cause", err.Error())
	}
	return true
}

// replace writes a file so that a crash leaves the old one or the new one.
func replace(file string, text []byte) error {
	beside := file + ".new"
	if err := os.WriteFile(beside, text, 0o600); err != nil {
		return err
	}
	return os.Rename(beside, file)
}

// RunningImage is an image that runs in an environment's namespace.
type RunningImage struct {
	Namespace, Environment, Application, Pod string
	// Asked is the image that the pod asks for, Image what the node calls what runs, and Digest that one's digest
	// ("sha256:..."), empty where it does not run yet.
	Asked, Image, Digest string
}

// Running lists the images that run in the namespaces of some environments.
func (p *Portal) Running(ctx context.Context, environments []string) ([]RunningImage, error) {
	c := p.applications.kube
	if c == nil {
		return nil, fmt.Errorf("list what runs: this server reaches no cluster: %w", api.ErrUnavailable)
	}
	namespaces, err := c.Core.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: app.LabelEnvironment})
	if err != nil {
		return nil, fmt.Errorf("list the environments' namespaces: %w", err)
	}
	var out []RunningImage
	for _, n := range namespaces.Items {
		if !slices.Contains(environments, n.Labels[app.LabelEnvironment]) {
			continue
		}
		pods, err := c.Core.CoreV1().Pods(n.Name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("list the pods of %s: %w", n.Name, err)
		}
		for _, pod := range pods.Items {
			for _, one := range imagesOf(pod) {
				one.Namespace, one.Environment, one.Pod = n.Name, n.Labels[app.LabelEnvironment], pod.Name
				one.Application = cmp.Or(n.Labels[app.LabelApplication], pod.Labels[app.LabelApplication])
				out = append(out, one)
			}
		}
	}
	return out, nil
}

func imagesOf(pod corev1.Pod) []RunningImage {
	asked := map[string]string{}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		asked[c.Name] = c.Image
	}
	for _, c := range pod.Spec.EphemeralContainers {
		asked[c.Name] = c.Image
	}
	var out []RunningImage
	for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses) {
		one := RunningImage{Asked: asked[s.Name], Image: s.Image}
		if _, digest, ok := strings.Cut(s.ImageID, "@"); ok {
			one.Digest = digest
		} else if strings.HasPrefix(s.ImageID, "sha256:") {
			one.Digest = s.ImageID
		}
		out = append(out, one)
	}
	return out
}

// toJSON is YAML as JSON; nothing where it is none.
func toJSON(data []byte) []byte {
	text, err := sigyaml.YAMLToJSON(data)
	if err != nil {
		return nil
	}
	return text
}
