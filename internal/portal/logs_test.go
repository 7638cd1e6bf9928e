package portal

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// podOf is a pod with one container, which runs unless waiting.
func podOf(name string, restarts int32, waiting bool) corev1.Pod {
	status := corev1.ContainerStatus{Name: "app", RestartCount: restarts}
	if !waiting {
		status.State.Running = &corev1.ContainerStateRunning{}
	}
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)},
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{status}}}
}

// A log that is followed goes on with the pods of the next release, and with containers that were started again, each once.
func TestFollow_GoesOnWithWhatComesLater(t *testing.T) {
	rounds := [][]corev1.Pod{
		{podOf("old", 0, false), podOf("new", 0, true)},
		{podOf("old", 0, false), podOf("new", 0, false)},
		{podOf("new", 0, false)},
		{podOf("new", 1, false)},
	}
	var mu sync.Mutex
	var got []string
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f := follower{
		look: func(context.Context) ([]corev1.Pod, error) {
			mu.Lock()
			defer mu.Unlock()
			now := rounds[0]
			if len(rounds) > 1 {
				rounds = rounds[1:]
			}
			return now, nil
		},
		read: func(ctx context.Context, c running, q api.LogQuery, emit func(api.LogLine) error) {
			text := "the end"
			if q.Tail == 0 {
				text = "all"
			}
			_ = emit(api.LogLine{Source: c.key(), Text: text})
			<-ctx.Done() // the stream stays open
		},
		again: time.Millisecond,
	}
	err := f.follow(ctx, api.LogQuery{Tail: 5, Follow: true}, func(l api.LogLine) error {
		if got = append(got, l.Source+" "+l.Text); len(got) == 3 {
			return context.Canceled // the client goes away
		}
		return nil
	})
	slices.Sort(got)
	if want := []string{"new/app/0 all", "new/app/1 all", "old/app/0 the end"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
}
