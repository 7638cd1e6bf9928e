package timeline

import (
	_ "embed" // the drawing
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/progress"
)

// Sizes in pixels.
const (
	width    = 1200.0
	labels   = 230.0 // the column of names
	right    = 100.0 // room for the last bar's duration
	top      = 64.0
	row      = 18.0
	bar      = 12.0
	groupGap = 10.0
	bottom   = 34.0
	colours  = 8   // classes c0 to c7 of the drawing
	thin     = 1.5 // the narrowest bar that can be seen
)

//go:embed timeline.svg.tmpl
var drawing string

var drawn = template.Must(template.New("timeline").Parse(drawing))

// figure is what the drawing is filled with.
type figure struct {
	Title, Subtitle       string
	Width, Height         float64
	Left, Right, Top, Low float64
	Ticks                 []tick
	Groups                []band
}

type tick struct {
	X    float64
	Text string
}

type band struct {
	Class   string
	Heading *text
	Rows    []line
	Note    *text
}

type text struct {
	X, Y float64
	Text string
}

type line struct {
	Label text
	Time  text
	Bars  []rect
	Class string
}

type rect struct {
	X, Y, Width, Height float64
	Class, Tooltip      string
}

// Draw writes the chart as an SVG file that follows the reader's choice of a light or dark page.
func Draw(w io.Writer, title string, c Chart) error {
	if err := drawn.Execute(w, lay(title, c)); err != nil {
		return fmt.Errorf("draw the timeline: %w", err)
	}
	return nil
}

// lay gives everything its place.
func lay(title string, c Chart) figure {
	whole := max(c.End.Sub(c.Begin), time.Millisecond)
	scale := (width - labels - right) / whole.Seconds()
	x := func(t time.Time) float64 { return round(labels + t.Sub(c.Begin).Seconds()*scale) }
	f := figure{Title: title, Width: width, Left: labels, Right: width - right, Top: top,
		Subtitle: fmt.Sprintf("%s, from %s UTC", length(whole), c.Begin.UTC().Format("2006-01-02 15:04:05"))}
	for at := time.Duration(0); at <= whole; at += interval(whole) {
		f.Ticks = append(f.Ticks, tick{X: x(c.Begin.Add(at)), Text: mark(at)})
	}
	y := top
	for i, g := range c.Groups {
		y += groupGap
		b := band{Class: fmt.Sprintf("c%d", i%colours)}
		if len(g.Tasks) == 0 || g.Tasks[0].Name != g.Name {
			b.Heading = &text{X: 12, Y: y + bar - 2, Text: g.Name}
			if g.Skipped > 0 {
				b.Note = &text{X: labels + 4, Y: y + bar - 2, Text: skipped(g)}
			}
			y += row
		}
		for _, t := range g.Tasks {
			b.Rows = append(b.Rows, layTask(g, t, y, x))
			y += row
		}
		f.Groups = append(f.Groups, b)
	}
	f.Low, f.Height = y+groupGap/2, y+bottom
	return f
}

func layTask(g Group, t Task, y float64, x func(time.Time) float64) line {
	l := line{Class: string(t.State), Label: text{X: 12, Y: y + bar - 2, Text: t.Name}}
	if t.Name != g.Name {
		l.Label = text{X: 26, Y: y + bar - 2, Text: strings.TrimPrefix(t.Name, g.Name+"/")}
	}
	for _, s := range t.Spans {
		l.Bars = append(l.Bars, rect{X: x(s.Begin), Y: y, Width: round(max(thin, x(s.End)-x(s.Begin))), Height: bar,
			Class: string(s.State), Tooltip: tooltip(t, s)})
	}
	words := length(t.End.Sub(t.Begin))
	switch {
	case t.State == progress.Failed:
		words += " failed"
	case t.open():
		words += " not ended"
	}
	l.Time = text{X: x(t.End) + 5, Y: y + bar - 2, Text: words}
	return l
}

// tooltip is what a pointer on a bar shows.
func tooltip(t Task, s Span) string {
	const most = 6
	messages := s.Messages
	if len(messages) > most {
		messages = append(append([]string{}, messages[:most-1]...), "…", messages[len(messages)-1])
	}
	return strings.Join(append([]string{fmt.Sprintf("%s: %s %s", t.Name, s.State, length(s.End.Sub(s.Begin)))}, messages...), "\n")
}

func skipped(g Group) string {
	if len(g.Tasks) == 0 {
		return fmt.Sprintf("%d had nothing to do", g.Skipped)
	}
	return fmt.Sprintf("%d more had nothing to do", g.Skipped)
}

// interval is the distance of the axis' marks: a round one that gives about ten.
func interval(whole time.Duration) time.Duration {
	steps := []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond,
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}
	for _, s := range steps {
		if whole/s <= 12 {
			return s
		}
	}
	return steps[len(steps)-1] * (whole/steps[len(steps)-1]/12 + 1)
}

// mark is a time on the axis.
func mark(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%g s", d.Seconds())
	}
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// length is a duration for people: "0.2 s", "34 s", "2:05 min".
func length(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d.Round(time.Second) < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
}

// round keeps a tenth of a pixel.
func round(v float64) float64 { return float64(int(v*10+0.5)) / 10 }
