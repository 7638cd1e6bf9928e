package argoworkflows

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/ci"
)

// place is where a step runs: the workflow's step whose pod it is in, and the container.
type place struct{ step, pod, container string }

// places are the steps in their order, as the template has them. The results of a set of containers come from the one
// that is called main, so that pushing is called that there.
var places = []place{
	{"clone", "build", "clone"}, {"test", "build", "test"}, {"build", "build", "build"}, {"push", "build", "main"}, {"attest", "attest", "main"},
}

// workflow is what is read of a Workflow (pkg/apis/workflow/v1alpha1 of Argo Workflows 3.7).
type workflow struct {
	Status struct {
		Phase, Message        string
		StartedAt, FinishedAt *time.Time
		Nodes                 map[string]node
	}
}

type node struct {
	Name, DisplayName, Type, Phase, Message string
	StartedAt, FinishedAt                   *time.Time
	Outputs                                 struct {
		Parameters []struct{ Name, Value string }
	}
}

func runsOf(items []unstructured.Unstructured, q ci.Query) []ci.Run {
	var out []ci.Run
	for i := range items {
		if r, err := runOf(&items[i]); err == nil && (q.Branch == "" || r.Branch == q.Branch) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b ci.Run) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.Number, a.Number), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// runOf reads a workflow that Start made.
func runOf(object *unstructured.Unstructured) (ci.Run, error) {
	r := ci.Run{ID: object.GetName(), Phase: ci.Pending, Created: object.GetCreationTimestamp().UTC()}
	text := object.GetAnnotations()[annotationSpec]
	if text == "" {
		return r, fmt.Errorf("%s: %w", object.GetName(), errNotOurs)
	}
	if err := json.Unmarshal([]byte(text), &r.Spec); err != nil {
		return r, fmt.Errorf("%s: %w: %w", object.GetName(), errNotOurs, err)
	}
	r.Number, _ = strconv.Atoi(object.GetLabels()[labelNumber])
	var w workflow
	data, err := json.Marshal(map[string]any{"status": object.Object["status"]})
	if err == nil {
		err = json.Unmarshal(data, &w)
	}
	if err != nil {
		return r, fmt.Errorf("read workflow %s: %w", object.GetName(), err)
	}
	r.Started, r.Finished = at(w.Status.StartedAt), at(w.Status.FinishedAt)
	cancelled, asked := object.GetAnnotations()[annotationCancel]
	switch w.Status.Phase {
	case "Running":
		r.Phase = ci.Running
	case "Succeeded":
		r.Phase = ci.Succeeded
	case "Failed", "Error":
		r.Phase = ci.Failed
		if asked {
			r.Phase, r.Reason = ci.Cancelled, cancelled
		}
	}
	r.Steps = steps(w, r)
	if r.Phase == ci.Failed {
		r.Reason = reason(w, r.Steps)
	}
	if build, ok := w.pod("build"); ok && r.Phase == ci.Succeeded {
		for _, p := range build.Outputs.Parameters {
			if p.Name == "digest" {
				r.Digest = r.Image + "@" + strings.TrimSpace(p.Value)
			}
		}
	}
	return r, nil
}

func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// pod is the node of a step's pod.
func (w workflow) pod(step string) (node, bool) {
	for _, n := range w.Status.Nodes {
		if n.Type == "Pod" && n.DisplayName == step {
			return n, true
		}
	}
	return node{}, false
}

// container is the node of a container in a step's pod: that of the pod where it is the only one.
func (w workflow) container(p place) (node, bool) {
	pod, ok := w.pod(p.pod)
	if !ok || p.pod == "attest" {
		return pod, ok
	}
	for _, n := range w.Status.Nodes {
		if n.Type == "Container" && n.Name == pod.Name+"."+p.container {
			return n, true
		}
	}
	return node{}, false
}

// steps reads how the steps go. The containers of a pod start together and wait for each other: a step has begun when
// the one before it has ended.
func steps(w workflow, r ci.Run) []ci.Step {
	var out []ci.Step
	begun, failed := r.Started, false
	for i, p := range places {
		s := ci.Step{Name: p.step, Phase: ci.Pending}
		n, there := w.container(p)
		first := i == 0 || out[i-1].Phase == ci.Succeeded
		switch {
		case !there || !first || failed:
		case n.Phase == "Succeeded":
			s.Phase = ci.Succeeded
		case n.Phase == "Failed" || n.Phase == "Error":
			s.Phase, failed = ci.Failed, true
		case n.Phase == "Running":
			s.Phase = ci.Running
		}
		if s.Phase != ci.Pending {
			s.Started = begun
			if own := at(n.StartedAt); own.After(begun) {
				s.Started = own
			}
		}
		if s.Phase == ci.Succeeded || s.Phase == ci.Failed {
			s.Finished = at(n.FinishedAt)
			begun = s.Finished
		}
		if s.Phase == ci.Failed {
			s.Message = message(n.Message)
		}
		if r.Phase.Done() && !s.Phase.Done() {
			s.Phase = ci.Cancelled
		}
		out = append(out, s)
	}
	return out
}

// exit is what the controller puts before a container's own message.
var exit = regexp.MustCompile(`^(?:[\w-]+: )?\w+ \(exit code (\d+)\)(?::\s*(.*))?$`)

// message is what a node says, in words for a person.
func message(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	m := exit.FindStringSubmatch(text)
	switch {
	case strings.Contains(text, "OOMKilled ("):
		return "it needs more memory than a build may have"
	case m == nil:
		return text
	case m[2] != "":
		return m[2]
	}
	return "it ended with exit code " + m[1]
}

// reason says in one line why a run failed.
func reason(w workflow, all []ci.Step) string {
	for _, s := range all {
		if s.Phase == ci.Failed {
			return s.Name + ": " + cmp.Or(s.Message, "it failed")
		}
	}
	for _, step := range []string{"build", "attest"} {
		if n, ok := w.pod(step); ok && n.Message != "" {
			return message(n.Message)
		}
	}
	return cmp.Or(message(w.Status.Message), "the workflow failed without saying why")
}
