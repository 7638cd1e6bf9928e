package argoworkflows

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/internal/ci"
)

// ErrNoLog says that a step's log is not there: the step does not exist, has not begun, or its pod is gone.
var ErrNoLog = errors.New("there is no log")

// maxLine is how long a line of a log may be, in bytes; what is longer is cut.
const maxLine = 64 << 10

// again is how often it is looked whether a step has begun, for who follows its log.
const again = 500 * time.Millisecond

// Logs implements [ci.Engine].
func (e *Engine) Logs(ctx context.Context, run, step string, follow bool, emit func(ci.LogLine) error) error {
	i := slices.IndexFunc(places, func(p place) bool { return p.step == step })
	if i < 0 {
		return fmt.Errorf("step %q: %w", step, ErrNoLog)
	}
	for {
		stream, err := e.open(ctx, run, places[i], follow)
		if err == nil {
			return errors.Join(read(stream, emit), stream.Close())
		}
		if !errors.Is(err, ErrNoLog) || !follow {
			return err
		}
		w, getErr := e.get(ctx, run)
		if getErr != nil || w == nil {
			return errors.Join(err, getErr)
		}
		if r, runErr := runOf(w); runErr != nil || r.Phase.Done() {
			return errors.Join(err, runErr)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(again):
		}
	}
}

// open opens the log of a step's container.
func (e *Engine) open(ctx context.Context, run string, p place, follow bool) (io.ReadCloser, error) {
	pods, err := e.Core.CoreV1().Pods(e.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "workflows.argoproj.io/workflow=" + run})
	if err != nil {
		return nil, fmt.Errorf("find the pod of %s: %w", run, err)
	}
	for _, pod := range pods.Items {
		// "RUN[0].build", see util/template of Argo Workflows
		if !strings.HasSuffix(pod.Annotations["workflows.argoproj.io/node-name"], "."+p.pod) {
			continue
		}
		// Of a pod that has no node yet the API server gives an empty log, which would look like a step that said nothing.
		if !begun(pod, p.container) {
			return nil, fmt.Errorf("%s of %s: %w", p.step, run, ErrNoLog)
		}
		stream, err := e.Core.CoreV1().Pods(e.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{
			Container: p.container, Follow: follow, Timestamps: true,
		}).Stream(ctx)
		if apierrors.IsBadRequest(err) || apierrors.IsNotFound(err) { // the container has not started
			return nil, fmt.Errorf("%s of %s: %w: %w", p.step, run, ErrNoLog, err)
		}
		return stream, err
	}
	return nil, fmt.Errorf("%s of %s: %w", p.step, run, ErrNoLog)
}

// begun says whether a container of a pod runs, or has run.
func begun(pod corev1.Pod, container string) bool {
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
		return s.Name == container && (s.State.Running != nil || s.State.Terminated != nil)
	})
}

// read gives the lines of a log with timestamps, without those that the engine's own program writes.
func read(from io.Reader, emit func(ci.LogLine) error) error {
	lines := bufio.NewReaderSize(from, maxLine)
	for {
		part, long, err := lines.ReadLine()
		raw := string(part) // the next read takes its place
		for long && err == nil {
			_, long, err = lines.ReadLine()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		stamp, text, _ := strings.Cut(raw, " ")
		t, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			t, text = time.Time{}, raw
		}
		if strings.HasPrefix(text, "time=") && strings.Contains(text, " argo=true") {
			continue
		}
		if err := emit(ci.LogLine{Time: t.UTC(), Text: text}); err != nil {
			return err
		}
	}
}
