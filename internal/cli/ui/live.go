package ui

import (
	"io"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/slipway-dev/slipway/internal/progress"
)

// frame is how often the live tree is drawn anew.
const frame = 120 * time.Millisecond

// live draws the tree of tasks in place. The program that draws runs beside the work; events
// reach it through a board behind a lock, so that a slow terminal never holds the work up.
type live struct {
	mu    sync.Mutex
	board *board
	title string
	width int
	out   io.Writer
	prog  *tea.Program
	ended chan struct{}
	once  sync.Once
}

func newLive(out io.Writer, title string) *live {
	l := &live{board: newBoard(time.Now()), title: title, width: 80, out: out, ended: make(chan struct{})}
	// Without input nothing is asked of the terminal, whose answers nobody would read.
	l.prog = tea.NewProgram(&tree{live: l, width: 80, height: 24},
		tea.WithOutput(out), tea.WithInput(nil), tea.WithoutSignalHandler())
	go func() {
		defer close(l.ended)
		// The work goes on without its picture if the terminal can't be drawn on.
		_, _ = l.prog.Run()
	}()
	return l
}

// Report takes the event into the picture.
func (l *live) Report(e progress.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.board.apply(e)
}

// Close takes the moving picture away and writes the tree a last time, whole, however high the
// terminal is; it stays in the scrollback.
func (l *live) Close() {
	l.once.Do(func() {
		l.prog.Send(last{})
		<-l.ended
		l.mu.Lock()
		defer l.mu.Unlock()
		text := draw(l.board, picture{title: l.title, width: l.width, final: true, now: time.Now()})
		_, _ = io.WriteString(colorprofile.NewWriter(l.out, os.Environ()), text)
	})
}

type (
	redraw struct{}
	last   struct{}
)

// tree is bubbletea's model: everything that is shown comes from the board.
type tree struct {
	live          *live
	width, height int
	final         bool
}

func tick() tea.Cmd { return tea.Tick(frame, func(time.Time) tea.Msg { return redraw{} }) }

// Init starts the drawing.
func (m *tree) Init() tea.Cmd { return tick() }

// Update takes the terminal's size, the next frame, and the end.
func (m *tree) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if msg.Width == 0 {
			break // a terminal that does not know its size
		}
		m.width, m.height = msg.Width, msg.Height
		m.live.mu.Lock()
		m.live.width = msg.Width
		m.live.mu.Unlock()
	case redraw:
		return m, tick()
	case last:
		m.final = true
		return m, tea.Quit
	}
	return m, nil
}

// View draws the board.
func (m *tree) View() tea.View {
	if m.final {
		return tea.NewView("")
	}
	m.live.mu.Lock()
	defer m.live.mu.Unlock()
	return tea.NewView(draw(m.live.board, picture{title: m.live.title, width: m.width, height: m.height, now: time.Now()}))
}
