package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

const (
	// lookEvery is how often is looked again where no event says that something happened.
	lookEvery = 3 * time.Second
	// outage is how long a server may be away while something is waited for.
	outage = 2 * time.Minute
)

// until looks again and again until look is done or fails: when an event concerns the matter, and every few seconds. A
// server that restarts meanwhile does not end it. timeout 0 is for ever; missing says what was still missing.
func until(ctx context.Context, c *client.Client, timeout time.Duration, missing func() string,
	concerns func(api.Event) bool, look func(context.Context) (bool, error)) error {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	if timeout > 0 {
		watching, stop = context.WithTimeout(watching, timeout)
		defer stop()
	}
	wake := make(chan struct{}, 1)
	go func() {
		// Without events there is still the tick.
		_ = c.Events(watching, func(e api.Event) error {
			if concerns(e) {
				select {
				case wake <- struct{}{}:
				default:
				}
			}
			return nil
		})
	}()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var away time.Time
	for {
		done, err := look(watching)
		switch {
		case watching.Err() != nil:
		case done:
			return err
		case err == nil:
			away = time.Time{}
		case !passes(err):
			return err
		case away.IsZero():
			away = time.Now()
		case time.Since(away) > outage:
			return err
		}
		select {
		case <-watching.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fault.Hint(fmt.Errorf("not done after %s: %s", timeout, strings.TrimSpace(missing())),
				"it goes on by itself; look again later")
		case <-wake:
		case <-tick.C:
		}
	}
}

// passes says that an error may be gone when the server is back.
func passes(err error) bool {
	switch status := client.StatusOf(err); status {
	case 0:
		return !errors.Is(err, context.Canceled)
	default:
		return status >= http.StatusInternalServerError && status != http.StatusNotImplemented ||
			status == http.StatusTooManyRequests
	}
}
