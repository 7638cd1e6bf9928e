package platform

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/slipway-dev/slipway/internal/progress"
)

// Events is the file that holds the events of the last `up`, one JSON object a line.
func (l *Line) Events() string { return l.dir.events() }

// keepEvents gives a Reporter that writes every event down before it hands it on.
func (l *Line) keepEvents(to progress.Reporter) (kept progress.Reporter, end func(), err error) {
	f, err := os.OpenFile(l.dir.events(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("keep the events: %w", err)
	}
	var mu sync.Mutex
	out := json.NewEncoder(f)
	kept = progress.Func(func(e progress.Event) {
		mu.Lock()
		_ = out.Encode(e) // a full disk stops the platform elsewhere, not its record
		mu.Unlock()
		to.Report(e)
	})
	return kept, func() { _ = f.Close() }, nil
}
