package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
)

// CommandError says that a program failed.
type CommandError struct {
	Program string
	// Line is the last line of its output that says something; "" where it said nothing.
	Line string
	Err  error
}

// Error is one line.
func (e *CommandError) Error() string {
	if e.Line == "" {
		return fmt.Sprintf("%s: %v", e.Program, e.Err)
	}
	return e.Line
}

// Unwrap gives the cause.
func (e *CommandError) Unwrap() error { return e.Err }

// command is a program to be run.
type command struct {
	args []string
	dir  string
	env  []string
}

// run runs a program, shows what it prints, and gives it.
func (j Job) run(ctx context.Context, c command) (string, error) {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var kept tail
	both := io.MultiWriter(j.Out, &kept) // one for both, so that lines don't meet
	cmd.Stdout, cmd.Stderr = both, both
	err := cmd.Run()
	if err == nil {
		return kept.String(), nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return "", fmt.Errorf("run %s: %w", c.args[0], err)
	}
	return "", &CommandError{Program: c.args[0], Line: Meaningful(kept.String()), Err: err}
}

// keep is how much of a program's output is looked at for its results and for why it failed.
const keep = 256 << 10

// tail keeps the last bytes that are written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	n, err := t.Buffer.Write(p)
	if over := t.Len() - keep; over > 0 {
		t.Next(over)
	}
	return n, err
}

// noise are lines that say that something failed, not what.
var noise = regexp.MustCompile(`(?i)^(` + strings.Join([]string{
	`FAIL(ED)?(\s.*)?`, `ok\s.*`, `PASS`, `\?\s.*\[no test files\]`, `exit (status|code):? \d+\.?`, `subprocess exited with status \d+`,
	`error: (building at STEP|while running runtime|exit status).*`, `error building at STEP.*`, `make(\[\d+\])?: \*\*\*.*`, `-+`, `=+`,
	`(npm (ERR!|error).*(code|log|errno|command|path|A complete log).*)`, `time="[^"]*" level=(debug|info|warning).*`,
	`ran \d+ tests? in .*`, `STEP \d+.*`, `ℹ .*`, `# (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) .*`, `COMMIT.*`, `\[\d+/\d+\] .*`,
	`at .*[/(<].*`, `[\])}'"\^~|, ]+`,
}, "|") + `)$`)

// secrets are parts of a line that nobody else may read: a login in a URL.
var secrets = regexp.MustCompile(`(https?://)[^/@\s]+@`)

// maxLine is how long a reason may be, in runes.
const maxLine = 240

// Meaningful finds in a program's output the last line that says what is wrong; "" where there is none.
func Meaningful(output string) string {
	lines := strings.Split(output, "\n")
	last := ""
	for i := len(lines) - 1; i >= 0; i-- {
		line := strings.TrimSpace(escapes.ReplaceAllString(lines[i], ""))
		if line == "" {
			continue
		}
		if last == "" {
			last = line
		}
		if !noise.MatchString(line) {
			last = line
			break
		}
	}
	last = secrets.ReplaceAllString(last, "$1")
	if runes := []rune(last); len(runes) > maxLine {
		last = string(runes[:maxLine-1]) + "…"
	}
	return last
}

// escapes are colours and the like (ECMA-48).
var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]`)
