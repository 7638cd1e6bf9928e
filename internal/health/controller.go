package health

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-dev/slipway/internal/kube"
)

// How much of controllers' logs is looked at, and shown.
const (
	controllerLines = 300
	controllerShown = 3
)

// complaints looks for what controllers say about an object of a kind that is not Kubernetes'
// own: lines of errors in the logs of the unit that defines the kind. Those that name the object
// come first; others are only given when none does.
func (w *walk) complaints(ctx context.Context, live *unstructured.Unstructured) []string {
	u, ok := w.definer(live.GroupVersionKind())
	if !ok {
		return nil
	}
	var naming, others []string
	for _, obj := range u.Objects {
		pods, _ := podsOf(ctx, w.Kube, obj)
		for _, pod := range pods {
			for _, container := range pod.Spec.Containers {
				text, err := w.Kube.Log(ctx, pod.Namespace, pod.Name, container.Name, false, controllerLines)
				if err != nil {
					continue
				}
				from := fmt.Sprintf("log of %s: ", kube.ID{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name})
				for _, line := range errorLines(text) {
					if strings.Contains(line, live.GetName()) {
						naming = append(naming, from+oneLine(line))
					} else {
						others = append(others, from+oneLine(line))
					}
				}
			}
		}
	}
	if len(naming) == 0 {
		naming = others
	}
	return naming[max(0, len(naming)-controllerShown):]
}

// definer is the unit that holds the definition of a kind, and so most likely its controller.
func (w *walk) definer(gvk schema.GroupVersionKind) (Unit, bool) {
	for _, u := range w.Units {
		for _, o := range u.Objects {
			if o.GetKind() != "CustomResourceDefinition" {
				continue
			}
			group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
			kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
			if group == gvk.Group && kind == gvk.Kind {
				return u, true
			}
		}
	}
	return Unit{}, false
}

var (
	errorLine = regexp.MustCompile(`(?i)\b(error|fail(ed|ure)?|fatal|panic|denied|cannot|unable)\b|^E\d{4} `)
	// moment is what differs between two lines that say the same: times and counters.
	moment = regexp.MustCompile(`\d+`)
)

// errorLines are the lines of a log that tell of errors, each once, at its last place.
func errorLines(log string) []string {
	var lines []string
	seen := map[string]bool{}
	all := strings.Split(log, "\n")
	for i := len(all) - 1; i >= 0; i-- {
		key := moment.ReplaceAllString(all[i], "")
		if errorLine.MatchString(all[i]) && !seen[key] {
			seen[key] = true
			lines = append(lines, all[i])
		}
	}
	slices.Reverse(lines)
	return lines
}
