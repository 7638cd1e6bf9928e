package cli

import (
	"encoding/json"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// show prints a value as JSON or YAML, or as text has it.
func show(env *Env, format string, v any, text func()) error {
	switch format {
	case "json":
		encoder := json.NewEncoder(env.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(v)
	case "yaml":
		out, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = env.Out.Write(out)
		return err
	}
	text()
	return nil
}

// when writes a time for people, in their own zone.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

func whenever(t *time.Time) string {
	if t == nil {
		return ""
	}
	return when(*t)
}

// shortDigest is as much of a digest as people compare.
func shortDigest(digest string) string {
	algorithm, hex, ok := strings.Cut(digest, ":")
	if !ok || len(hex) <= 12 {
		return digest
	}
	return algorithm + ":" + hex[:12]
}

// shortCommit is as much of a commit as people compare.
func shortCommit(commit string) string {
	if len(commit) > 12 {
		return commit[:12]
	}
	return commit
}

// releaseText is a release in a cell.
func releaseText(r *api.Release) string {
	switch {
	case r == nil:
		return ""
	case r.Version != "":
		return r.Version + " (" + shortDigest(r.Digest) + ")"
	default:
		return shortDigest(r.Digest)
	}
}

// healthText colours a state of health.
func (e *Env) healthText(h api.HealthState) string {
	return e.mood(string(h), h == api.Healthy, h == api.Progressing)
}

// mood colours a word: green where all is well, yellow where it may become so, red otherwise.
func (e *Env) mood(word string, well, open bool) string {
	paint := painter(e.Colour)
	switch {
	case word == "":
		return ""
	case well:
		return paint(green, word)
	case open:
		return paint(yellow, word)
	}
	return paint(red, word)
}

// page prints a title and, below it, what is known, leaving out what is empty.
func (e *Env) page(title string, pairs ...string) {
	e.printf("%s\n\n", painter(e.Colour)(bold, title))
	t := newTable(e.Out)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			t.row("  "+pairs[i], pairs[i+1])
		}
	}
	t.flush()
}

// orNone says that a list is empty.
func (e *Env) orNone(n int, none string) bool {
	if n == 0 {
		e.printf("%s\n", none)
	}
	return n == 0
}
