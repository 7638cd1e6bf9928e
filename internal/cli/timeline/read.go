package timeline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/slipway-dev/slipway/internal/progress"
)

// Read reads events, one JSON object a line. Lines that are not about a task, such as the summary
// at the end, are passed over, and so is a last line that was cut off by a kill.
func Read(r io.Reader) ([]progress.Event, error) {
	var events []progress.Event
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read events: %w", err)
		}
		last := err != nil
		if line = bytes.TrimSpace(line); len(line) > 0 {
			var e progress.Event
			if err := json.Unmarshal(line, &e); err != nil && !last {
				return nil, fmt.Errorf("read events: line %d is not an event: %w", n, err)
			}
			if e.Task != "" && !e.Time.IsZero() {
				events = append(events, e)
			}
		}
		if last {
			break
		}
	}
	if len(events) == 0 {
		return nil, errors.New("read events: there are none")
	}
	return events, nil
}
