package portal

import (
	"cmp"
	"context"
	"strings"

	"github.com/slipway-dev/slipway/internal/scaffold/actions"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// notifier tells the run's team, among the events that its members see; nobody else hears of it.
type notifier struct{ *Portal }

func (n notifier) Notify(ctx context.Context, what actions.Notification) error {
	summary := what.Title
	if what.Info != "" {
		summary += ": " + what.Info
	}
	if len(what.Recipients) > 0 {
		summary += " (for " + strings.Join(what.Recipients, ", ") + ")"
	}
	n.events.tell(api.Event{Type: "notification." + cmp.Or(what.Severity, "normal"), Team: TeamOf(ctx), Summary: summary})
	return nil
}
