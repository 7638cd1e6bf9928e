package health

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/slipway-dev/slipway/internal/kube"
)

// warningsShown is how many warnings about one object are told.
const warningsShown = 3

// warnings gives what events warn of about an object, the newest first.
func warnings(ctx context.Context, c *kube.Client, namespace string, uid types.UID) []string {
	list, err := c.Core.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.uid=" + string(uid) + ",type=" + corev1.EventTypeWarning,
	})
	if err != nil {
		return nil
	}
	slices.SortFunc(list.Items, func(a, b corev1.Event) int { return eventTime(b).Compare(eventTime(a)) })
	var lines []string
	for _, event := range list.Items {
		line := fmt.Sprintf("%s: %s", event.Reason, oneLine(event.Message))
		if slices.Contains(lines, line) {
			continue
		}
		if lines = append(lines, line); len(lines) == warningsShown {
			break
		}
	}
	return lines
}

func eventTime(e corev1.Event) time.Time {
	if !e.LastTimestamp.IsZero() {
		return e.LastTimestamp.Time
	}
	if !e.EventTime.IsZero() {
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}
