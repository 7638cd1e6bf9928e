package ui

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/slipway-dev/slipway/internal/progress"
)

// picture says how the tree is drawn.
type picture struct {
	title         string
	width, height int
	final         bool // the last one: it may be higher than the terminal
	now           time.Time
}

var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

var (
	faint  = lipgloss.NewStyle().Faint(true)
	strong = lipgloss.NewStyle().Bold(true)
	green  = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	yellow = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
	red    = lipgloss.NewStyle().Foreground(lipgloss.Color("1"))
)

// draw gives the tree's text. Finished groups are one line; of unfinished ones, what runs,
// waits and has failed is shown, and what has ended as far as there is room.
func draw(b *board, p picture) string {
	head := clock(p.now.Sub(b.begun))
	if left := b.remaining(p.now); left >= 10*time.Second && !p.final {
		head += ", about " + short(left) + " to go"
	}
	lines := []string{strong.Render(p.title) + "  " + faint.Render(head)}
	room := p.height - 2
	if p.final {
		room = 1 << 20
	}
	open := room - 1 - len(b.groups())
	for _, g := range b.groups() {
		lines = append(lines, heading(g, p))
		if s := g.state(); s == progress.Done || s == progress.Skipped {
			continue
		}
		shown := fit(g.tasks, open)
		open -= len(shown)
		for _, t := range shown {
			lines = append(lines, "  "+row(t, p))
		}
		if n := len(g.tasks) - len(shown); n > 0 && !p.final {
			lines = append(lines, faint.Render(fmt.Sprintf("    … %d more", n)))
			open--
		}
	}
	for i, l := range lines {
		lines[i] = ansi.Truncate(l, p.width, "…")
	}
	return strings.Join(lines, "\n") + "\n"
}

// fit chooses the tasks that are shown in n lines: those that have ended give way first, then
// those that wait, and the order stays.
func fit(tasks []*task, n int) []*task {
	if len(tasks) <= n {
		return tasks
	}
	keep := map[*task]bool{}
	for _, wanted := range [][]progress.State{{progress.Failed}, {progress.Running}, {progress.Waiting}, {progress.Done, progress.Skipped}} {
		for _, t := range tasks {
			for _, s := range wanted {
				if t.state == s && len(keep) < n-1 {
					keep[t] = true
				}
			}
		}
	}
	var out []*task
	for _, t := range tasks {
		if keep[t] {
			out = append(out, t)
		}
	}
	return out
}

func heading(g group, p picture) string {
	text := strong.Render(fmt.Sprintf("%-10s", g.name))
	switch {
	case len(g.tasks) > 0:
		text += faint.Render(fmt.Sprintf(" %d/%d", g.done(), len(g.tasks)))
		if g.own != nil && g.own.message != "" {
			text += " " + g.own.message
		}
	case g.own != nil:
		text += " " + g.own.message
	}
	return mark(g.state(), p.now) + " " + text + "  " + faint.Render(short(g.span(p.now)))
}

func row(t *task, p picture) string {
	text := fmt.Sprintf("%-22s %s", t.name, t.message)
	if t.state == progress.Waiting || t.state == progress.Skipped {
		text = faint.Render(text)
	}
	return mark(t.state, p.now) + " " + text + "  " + faint.Render(timing(t, p.now))
}

func mark(s progress.State, now time.Time) string {
	switch s {
	case progress.Done:
		return green.Render("✓")
	case progress.Skipped:
		return faint.Render("-")
	case progress.Failed:
		return red.Render("✗")
	case progress.Running:
		return yellow.Render(spinner[int(now.UnixMilli()/frame.Milliseconds())%len(spinner)])
	default:
		return faint.Render("·")
	}
}
