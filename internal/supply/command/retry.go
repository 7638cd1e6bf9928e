package command

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// tries is how often a download is begun before its failure counts.
const tries = 5

// final are what the clients say when trying again can't help.
var final = []string{
	"checksum mismatch", "SECURITY ERROR", "missing go.sum entry", "updates to go.mod needed", "unknown revision",
	"404 not found", "410 gone", "do not match the hashes", "No matching distribution", "Unable to locate package",
	"has no installation candidate", "Version '", "no space left on device", "ETARGET", "E404", "no required module provides",
}

// RunRetrying is Run for programs that download: what may be the network's fault is tried
// again with growing pauses. note, which may be nil, is told about each pause.
func RunRetrying(ctx context.Context, c Command, note func(string)) ([]byte, error) {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 2 * time.Second
	b.MaxInterval = 30 * time.Second
	return backoff.Retry(ctx, func() ([]byte, error) {
		out, err := Run(ctx, c)
		var failed *Error
		if err != nil && (!errors.As(err, &failed) || isFinal(failed.Output)) {
			return nil, backoff.Permanent(err)
		}
		return out, err
	}, backoff.WithBackOff(b), backoff.WithMaxTries(tries), backoff.WithNotify(func(_ error, pause time.Duration) {
		if note != nil {
			note(name(c.Args) + " failed; trying again in " + pause.Round(time.Second).String())
		}
	}))
}

func isFinal(output string) bool {
	text := strings.ToLower(output)
	for _, f := range final {
		if strings.Contains(text, strings.ToLower(f)) {
			return true
		}
	}
	return false
}
