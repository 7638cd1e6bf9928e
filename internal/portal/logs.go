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
	pods, err := a.kube.Core.CoreV1().Pods(app.Namespace(e, one)).List(ctx, metav1.ListOptions{
		LabelSelector: app.LabelApplication + "=" + name + "," + app.LabelEnvironment + "=" + q.Environment})
	if err != nil {
		return fmt.Errorf("list the pods of %s in %s: %w", name, q.Environment, err)
	}
	return a.follow(ctx, pods.Items, q, emit)
}

// follow emits the logs of containers side by side where they are followed, else one after the other.
func (a *applications) follow(ctx context.Context, pods []corev1.Pod, q api.LogQuery, emit func(api.LogLine) error) error {
	var mu sync.Mutex
	one := func(line api.LogLine) error {
		mu.Lock()
		defer mu.Unlock()
		return emit(line)
	}
	var all sync.WaitGroup
	for _, pod := range pods {
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			if q.Container != "" && c.Name != q.Container {
				continue
			}
			if !q.Follow {
				a.container(ctx, pod, c.Name, q, one)
				continue
			}
			all.Go(func() { a.container(ctx, pod, c.Name, q, one) })
		}
	}
	all.Wait()
	return nil
}

// container emits a container's log. One that has none yet says why, in a line of its own.
func (a *applications) container(ctx context.Context, pod corev1.Pod, name string, q api.LogQuery, emit func(api.LogLine) error) {
	options := &corev1.PodLogOptions{Container: name, Follow: q.Follow, Timestamps: true}
	if q.Tail > 0 {
		tail := int64(q.Tail)
		options.TailLines = &tail
	}
	source := pod.Name + "/" + name
	stream, err := a.kube.Core.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
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
