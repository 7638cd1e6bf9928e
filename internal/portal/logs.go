package portal

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// Logs emits an application's log.
func (a *applications) Logs(ctx context.Context, team, name string, q api.LogQuery, emit func(api.LogLine) error) error {
	s, one, err := a.find(team, name)
	if err != nil {
		return err
	}
	if q.Source == api.BuildLogs {
		if a.builds == nil {
			return fmt.Errorf("this platform builds nothing: %w", api.ErrNotFound)
		}
		return a.builds.BuildLogs(ctx, team, name, q.Build, q, emit)
	}
	if a.kube == nil {
		return fmt.Errorf("this server reaches no cluster: %w", api.ErrUnavailable)
	}
	if q.Environment == "" {
		if pipeline := s.state.Pipeline(name); len(pipeline) > 0 {
			q.Environment = pipeline[0].Metadata.Name
		}
	}
	e, there := s.state.Environments[q.Environment]
	if !there || !app.Open(e, one) {
		return fmt.Errorf("environment %q of %s: %w", q.Environment, name, api.ErrNotFound)
	}
	look := func(ctx context.Context) ([]corev1.Pod, error) {
		pods, err := a.kube.Core.CoreV1().Pods(app.Namespace(e, one)).List(ctx, metav1.ListOptions{
			LabelSelector: app.LabelApplication + "=" + name + "," + app.LabelEnvironment + "=" + q.Environment})
		if err != nil {
			return nil, fmt.Errorf("list the pods of %s in %s: %w", name, q.Environment, err)
		}
		return pods.Items, nil
	}
	if q.Follow {
		return follower{look, a.container, podsAgain}.follow(ctx, q, emit)
	}
	pods, err := look(ctx)
	if err != nil {
		return err
	}
	for _, c := range containersOf(pods, q.Container) {
		a.container(ctx, c, q, emit)
	}
	return nil
}

// running is a container of a pod, and how often it was started again.
type running struct {
	pod      corev1.Pod
	name     string
	restarts int32
	started  bool
}

// key tells a container from its successors.
func (r running) key() string { return fmt.Sprintf("%s/%s/%d", r.pod.UID, r.name, r.restarts) }

// containersOf are the containers of pods, or those of one name.
func containersOf(pods []corev1.Pod, name string) []running {
	var out []running
	for _, pod := range pods {
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			if name != "" && c.Name != name {
				continue
			}
			one := running{pod: pod, name: c.Name}
			for _, s := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
				if s.Name == c.Name {
					one.restarts, one.started = s.RestartCount, s.State.Running != nil || s.State.Terminated != nil
				}
			}
			out = append(out, one)
		}
	}
	return out
}

// podsAgain is how often new pods are looked for while a log is followed.
const podsAgain = 2 * time.Second

// follower emits the logs of containers side by side.
type follower struct {
	look func(context.Context) ([]corev1.Pod, error)
	read func(context.Context, running, api.LogQuery, func(api.LogLine) error)
	// again is how often it looks.
	again time.Duration
}

// follow goes on until ctx ends, also with what comes later, as with a new release or the next run of a job.
func (f follower) follow(ctx context.Context, q api.LogQuery, emit func(api.LogLine) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var mu sync.Mutex
	one := func(line api.LogLine) error {
		mu.Lock()
		defer mu.Unlock()
		err := emit(line)
		if err != nil { // the client is gone
			cancel()
		}
		return err
	}
	var all sync.WaitGroup
	defer func() { cancel(); all.Wait() }()
	tick := time.NewTicker(f.again)
	defer tick.Stop()
	followed := map[string]bool{}
	for now := q; ; now.Tail = 0 { // of what is new, all
		pods, err := f.look(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%w: %w", err, api.ErrUnavailable) // the client comes again
		}
		for _, c := range containersOf(pods, q.Container) {
			if !c.started || followed[c.key()] {
				continue
			}
			followed[c.key()] = true
			query := now
			all.Go(func() { f.read(ctx, c, query, one) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// container emits a container's log. One that has none yet says why, in a line of its own.
func (a *applications) container(ctx context.Context, c running, q api.LogQuery, emit func(api.LogLine) error) {
	options := &corev1.PodLogOptions{Container: c.name, Follow: q.Follow, Timestamps: true}
	if q.Tail > 0 {
		tail := int64(q.Tail)
		options.TailLines = &tail
	}
	source := c.pod.Name + "/" + c.name
	stream, err := a.kube.Core.CoreV1().Pods(c.pod.Namespace).GetLogs(c.pod.Name, options).Stream(ctx)
	if err != nil {
		_ = emit(api.LogLine{Source: source, Text: "(no log: " + err.Error() + ")"})
		return
	}
	defer func() { _ = stream.Close() }()
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		line := api.LogLine{Source: source, Text: lines.Text()}
		if stamp, text, ok := strings.Cut(line.Text, " "); ok {
			if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
				line.At, line.Text = optional(at), text
			}
		}
		if emit(line) != nil { // the client is gone
			return
		}
	}
}

// maxLine is the longest line of a log that is shown, in bytes.
const maxLine = 1 << 20
