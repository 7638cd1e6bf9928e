package ui

import (
	"encoding/json"
	"io"
	"sync"

	"github.com/slipway-dev/slipway/internal/progress"
)

// Display is a Reporter with an end. Close shows what is still to be shown; after it nothing
// more is written, and the writer belongs to the caller again.
type Display interface {
	progress.Reporter
	Close()
}

// Formats of a display.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// New chooses the display: JSON events for FormatJSON, a live tree where terminal is true, and
// plain lines otherwise. title stands above the live tree.
func New(out io.Writer, format, title string, terminal bool) Display {
	switch {
	case format == FormatJSON:
		return NewJSON(out)
	case terminal:
		return newLive(out, title)
	default:
		return NewPlain(out)
	}
}

// jsonDisplay writes one event a line.
type jsonDisplay struct {
	mu  sync.Mutex
	enc *json.Encoder
}

// NewJSON gives a display that writes each event as one line of JSON.
func NewJSON(out io.Writer) Display { return &jsonDisplay{enc: json.NewEncoder(out)} }

// Report writes e. A writer that fails (a closed pipe) is not an error of the work.
func (d *jsonDisplay) Report(e progress.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.enc.Encode(e)
}

// Close does nothing: every event is already written.
func (d *jsonDisplay) Close() {}
