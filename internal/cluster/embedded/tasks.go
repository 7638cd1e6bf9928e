package embedded

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/slipway-dev/slipway/internal/cluster/supervise"
	"github.com/slipway-dev/slipway/internal/progress"
)

// partTasks turns the parts' status into tasks, one a part.
type partTasks struct {
	to    progress.Reporter
	tasks map[string]*progress.Task
	seen  map[string]supervise.Status
	last  report
}

func newPartTasks(to progress.Reporter) *partTasks {
	return &partTasks{to: to, tasks: map[string]*progress.Task{}, seen: map[string]supervise.Status{}}
}

// see reports what has changed.
func (t *partTasks) see(r report) {
	t.last = r
	for _, p := range r.Parts {
		before, known := t.seen[p.Name]
		if known && before.Phase == p.Phase && before.Message == p.Message {
			continue
		}
		t.seen[p.Name] = p
		task := t.tasks[p.Name]
		if task == nil {
			task = progress.Start(t.to, "cluster/"+p.Name, "", 0)
			t.tasks[p.Name] = task
		}
		switch p.Phase {
		case supervise.Ready:
			_ = task.End("", nil)
		case supervise.Waiting:
			task.Wait(p.Message)
		default:
			task.Update(p.Message)
		}
	}
}

// fail ends the tasks that did not become ready: those of parts that run or died with the error's
// first line, those that never began as left out.
func (t *partTasks) fail(err error) error {
	first, _, _ := strings.Cut(err.Error(), "\n")
	for name, p := range t.seen {
		switch p.Phase {
		case supervise.Ready:
		case supervise.Failed, supervise.Starting, supervise.Unready:
			_ = t.tasks[name].End("", errors.New(first))
		default:
			t.tasks[name].Skip("not reached")
		}
	}
	return err
}

// lastLines is the end of a log for an error message: "" or the lines, each on its own.
func lastLines(path string, count int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-16<<10), io.SeekStart)
	}
	text, _ := io.ReadAll(f)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	lines = lines[max(0, len(lines)-count):]
	if len(lines) == 1 && len(lines[0]) == 0 {
		return ""
	}
	var out strings.Builder
	for _, line := range lines {
		out.WriteString("\n    ")
		out.Write(line[:min(len(line), 400)])
	}
	return out.String()
}
