package argoworkflows

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clientfake "k8s.io/client-go/kubernetes/fake"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/ci"
)

func engine() *Engine {
	return New(Options{Namespace: "ci", Dynamic: fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{workflows: "WorkflowList"})})
}

func spec() ci.Spec {
	return ci.Spec{Application: "hello", Team: "shop", Repository: forge.Repository{Owner: "shop", Name: "hello"}, CloneURL: "https://git.example/shop/hello.git",
		Commit: strings.Repeat("ab", 20), Branch: "main", Release: true, Image: "registry.example/shop/hello", Attempt: 1}
}

// ended gives a run the status that a real one had in the end.
func ended(t *testing.T, e *Engine, id, file string) ci.Run {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var status struct{ Status map[string]any }
	if err := json.Unmarshal(data, &status); err != nil {
		t.Fatal(err)
	}
	w, err := e.resource().Get(t.Context(), id, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.Object["status"] = status.Status
	if _, err := e.resource().Update(t.Context(), w, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	runs, err := e.List(t.Context(), ci.Query{Team: "shop", Application: "hello"})
	if err != nil || len(runs) != 1 {
		t.Fatal(runs, err)
	}
	return runs[0]
}

func TestEngine_StartsARunOnce(t *testing.T) {
	e := engine()
	first, err := e.Start(t.Context(), spec())
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Start(t.Context(), spec())
	if err != nil || again.ID != first.ID || again.Number != 1 || first.Spec != spec() || first.Phase != ci.Pending {
		t.Errorf("%+v %v", again, err)
	}
	retry := spec()
	retry.Attempt = 2
	second, err := e.Start(t.Context(), retry)
	if err != nil || second.ID == first.ID || second.Number != 2 {
		t.Errorf("%+v %v", second, err)
	}
}

func TestEngine_ReadsARunThatSucceeded(t *testing.T) {
	e := engine()
	run, err := e.Start(t.Context(), spec())
	if err != nil {
		t.Fatal(err)
	}
	got := ended(t, e, run.ID, "succeeded.json")
	if got.Phase != ci.Succeeded || !strings.HasPrefix(got.Digest, "registry.example/shop/hello@sha256:") || len(got.Digest) < 90 || got.Reason != "" {
		t.Errorf("%+v", got)
	}
	var names []string
	for _, s := range got.Steps {
		names = append(names, s.Name)
		if s.Phase != ci.Succeeded || s.Finished.Before(s.Started) {
			t.Errorf("%+v", s)
		}
	}
	if !slices.Equal(names, []string{"clone", "test", "build", "push", "attest"}) {
		t.Error(names)
	}
}

func TestEngine_SaysInOneLineWhyARunFailed(t *testing.T) {
	e := engine()
	run, err := e.Start(t.Context(), spec())
	if err != nil {
		t.Fatal(err)
	}
	got := ended(t, e, run.ID, "failed.json")
	if got.Phase != ci.Failed || !strings.HasPrefix(got.Reason, "test: Error: committing container") {
		t.Errorf("%s %q", got.Phase, got.Reason)
	}
	var phases []ci.Phase
	for _, s := range got.Steps {
		phases = append(phases, s.Phase)
	}
	if want := []ci.Phase{ci.Succeeded, ci.Failed, ci.Cancelled, ci.Cancelled, ci.Cancelled}; !slices.Equal(phases, want) {
		t.Error(phases)
	}
}

func TestEngine_CancelledRunIsNotAFailedOne(t *testing.T) {
	e := engine()
	run, err := e.Start(t.Context(), spec())
	if err == nil {
		err = e.Cancel(t.Context(), run.ID, "a newer commit was pushed")
	}
	if err != nil {
		t.Fatal(err)
	}
	w, err := e.resource().Get(t.Context(), run.ID, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if shutdown, _, _ := unstructured.NestedString(w.Object, "spec", "shutdown"); shutdown != "Terminate" {
		t.Errorf("shutdown is %q", shutdown)
	}
	if got := ended(t, e, run.ID, "failed.json"); got.Phase != ci.Cancelled || got.Reason != "a newer commit was pushed" {
		t.Errorf("%s %q", got.Phase, got.Reason)
	}
	if err := e.Cancel(t.Context(), "absent", ""); err != nil {
		t.Error(err)
	}
}

func TestMessage_IsWhatAPersonReads(t *testing.T) {
	for text, want := range map[string]string{
		"clone: Error (exit code 2): ":                       "it ended with exit code 2",
		"test: Error (exit code 1): x_test.go:3: got (a): b": "x_test.go:3: got (a): b",
		"main: OOMKilled (exit code 137)":                    "it needs more memory than a build may have",
		"pod deleted":                                        "pod deleted",
	} {
		if got := message(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRead_LeavesOutWhatTheEngineWrites(t *testing.T) {
	var got []string
	err := read(strings.NewReader("2026-01-02T03:04:05.6Z ok\n2026-01-02T03:04:06Z time=\"x\" level=info msg=\"y\" argo=true error=\"<nil>\"\n2026-01-02T03:04:07Z \n"),
		func(l ci.LogLine) error { got = append(got, l.Text); return nil })
	if err != nil || !slices.Equal(got, []string{"ok", ""}) {
		t.Errorf("%q %v", got, err)
	}
	stop := errors.New("enough")
	if err := read(strings.NewReader("a\nb\n"), func(ci.LogLine) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	if err := engine().Logs(context.Background(), "x", "absent", false, nil); !errors.Is(err, ErrNoLog) {
		t.Error(err)
	}
}

// What is removed are the application's runs alone, and its folder of the cache is cleared by a workflow that is no run.
// A pod that has no node yet has an empty log, by the API server; that is not the log of a step.
func TestEngine_AStepThatHasNotBegunHasNoLog(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "x-build-1", Namespace: "ci", Labels: map[string]string{"workflows.argoproj.io/workflow": "x"},
		Annotations: map[string]string{"workflows.argoproj.io/node-name": "x[0].build"}}}
	logs := func(state corev1.ContainerState) (lines []string, err error) {
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "clone", State: state}}
		e := engine()
		e.Core = clientfake.NewClientset(pod)
		err = e.Logs(t.Context(), "x", "clone", false, func(l ci.LogLine) error {
			lines = append(lines, l.Text)
			return nil
		})
		return lines, err
	}
	if lines, err := logs(corev1.ContainerState{}); !errors.Is(err, ErrNoLog) {
		t.Errorf("before it has begun: %q, %v", lines, err)
	}
	if lines, err := logs(corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}); err != nil || len(lines) != 1 {
		t.Errorf("while it runs: %q, %v", lines, err)
	}
}

func TestEngine_ForgetsAnApplication(t *testing.T) {
	e := engine()
	other := spec()
	other.Application = "other"
	for _, s := range []ci.Spec{spec(), other} {
		if _, err := e.Start(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Forget(t.Context(), "shop", "hello"); err != nil {
		t.Fatal(err)
	}
	left, err := e.List(t.Context(), ci.Query{})
	if err != nil || len(left) != 1 || left[0].Application != "other" {
		t.Errorf("%+v %v", left, err)
	}
	all, err := e.resource().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(all.Items) != 2 {
		t.Fatalf("%+v %v", all, err)
	}
	for _, w := range all.Items {
		parameters, _, _ := unstructured.NestedSlice(w.Object, "spec", "arguments", "parameters")
		if w.GetGenerateName() == "forget-" && parameters[0].(map[string]any)["value"] != "shop/hello" {
			t.Errorf("%v", parameters)
		}
	}
}
