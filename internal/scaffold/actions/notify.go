package actions

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// Notification is what a step tells people.
type Notification struct {
	Title, Info, Link, Severity string
	// Recipients are references of people and groups; none means everyone that the notifier reaches.
	Recipients []string
}

// Notifier tells people, as far as the run may.
type Notifier interface {
	Notify(ctx context.Context, n Notification) error
}

// Notify is Backstage's notification:send (@backstage/plugin-scaffolder-backend-module-notifications).
func Notify(notifier Notifier) []scaffold.Action {
	n := notifying{notifier}
	return []scaffold.Action{{ID: "notification:send", Description: "Tells people something.",
		Input: input("notification:send"), Outputs: []string{}, Run: n.send, Preview: previewNotify}}
}

type notifying struct{ notifier Notifier }

func notification(c *scaffold.Call) (Notification, bool, error) {
	var in struct {
		Recipients, Title, Info, Link, Severity string
		EntityRefs                              []string
		Optional                                bool
	}
	if err := c.Decode(&in); err != nil {
		return Notification{}, false, err
	}
	if in.Recipients == "entity" && len(in.EntityRefs) == 0 {
		return Notification{}, in.Optional, fmt.Errorf("entityRefs: required where recipients is entity")
	}
	return Notification{in.Title, in.Info, in.Link, in.Severity, in.EntityRefs}, in.Optional, nil
}

func previewNotify(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	n, optional, err := notification(c)
	if err == nil {
		c.Logf("would tell %s: %s", recipients(n), n.Title)
	} else if optional {
		c.Logf("%s", err)
		err = nil
	}
	return nil, err
}

func recipients(n Notification) string {
	if len(n.Recipients) == 0 {
		return "everyone"
	}
	return strings.Join(n.Recipients, ", ")
}

// send is not taken back by an undone run: what was told was told. A step that is run again after an
// interruption may tell it twice.
func (n notifying) send(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	what, optional, err := notification(c)
	if err == nil {
		err = n.notifier.Notify(ctx, what)
	}
	if err != nil && optional {
		c.Logf("nobody was told: %s", err)
		err = nil
	}
	if err == nil {
		c.Logf("told %s: %s", recipients(what), what.Title)
	}
	return nil, err
}
