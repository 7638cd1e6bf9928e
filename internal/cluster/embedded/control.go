package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/cluster/supervise"
)

// report is what the outer supervisor knows; it is what the control socket answers.
type report struct {
	// Digest of the configuration that runs.
	Digest string `json:"digest"`
	// PID of the outer supervisor and Init of the node's process 1, as the host sees them.
	PID  int `json:"pid"`
	Init int `json:"init"`
	// Since is when the outer supervisor began, InitSince when process 1 did.
	Since     time.Time `json:"since"`
	InitSince time.Time `json:"initSince"`
	// Restarts counts how often process 1 had to be started again, LastExit says why last.
	Restarts int    `json:"restarts"`
	LastExit string `json:"lastExit,omitempty"`
	// Parts as process 1 sees them; their PIDs are those inside the node.
	Parts []supervise.Status `json:"parts"`
}

// ready says that every part does its work.
func (r report) ready() bool {
	for _, p := range r.Parts {
		if p.Phase != supervise.Ready {
			return false
		}
	}
	return len(r.Parts) > 0
}

// board holds the report and wakes those who watch it.
type board struct {
	mu      sync.Mutex
	report  report
	changed chan struct{} // closed and replaced on every change
}

func newBoard(r report) *board { return &board{report: r, changed: make(chan struct{})} }

func (b *board) update(change func(*report)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.report)
	close(b.changed)
	b.changed = make(chan struct{})
}

// read gives the report and what is closed when it is no longer true.
func (b *board) read() (report, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.report, b.changed
}

// controlHandler answers on the control socket: GET /report once, GET /watch a line for each
// change, POST /stop ends the node.
func controlHandler(b *board, stop func()) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /report", func(w http.ResponseWriter, _ *http.Request) {
		r, _ := b.read()
		_ = json.NewEncoder(w).Encode(r)
	})
	mux.HandleFunc("GET /watch", func(w http.ResponseWriter, request *http.Request) {
		out := http.NewResponseController(w)
		for {
			r, changed := b.read()
			if json.NewEncoder(w).Encode(r) != nil || out.Flush() != nil {
				return
			}
			select {
			case <-changed:
			case <-request.Context().Done():
				return
			}
		}
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		stop()
	})
	return mux
}

// control speaks to a running outer supervisor.
type control struct{ client *http.Client }

func controlAt(socket string) control {
	return control{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}}}
}

func (c control) call(ctx context.Context, method, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://node"+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 != 2 {
		response.Body.Close()
		return nil, fmt.Errorf("the node's supervisor answers %s", response.Status)
	}
	return response, nil
}

// report asks once.
func (c control) report(ctx context.Context) (report, error) {
	var r report
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	response, err := c.call(ctx, http.MethodGet, "/report")
	if err != nil {
		return r, err
	}
	defer response.Body.Close()
	return r, json.NewDecoder(response.Body).Decode(&r)
}

// watch calls see with every change until see wants no more or the supervisor ends.
func (c control) watch(ctx context.Context, see func(report) (more bool)) error {
	response, err := c.call(ctx, http.MethodGet, "/watch")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for lines := json.NewDecoder(response.Body); ; {
		var r report
		if err := lines.Decode(&r); err != nil {
			return fmt.Errorf("the node's supervisor ended: %w", err)
		}
		if !see(r) {
			return nil
		}
	}
}

// stop asks the supervisor to end the node.
func (c control) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	response, err := c.call(ctx, http.MethodPost, "/stop")
	if err != nil {
		return err
	}
	return response.Body.Close()
}
