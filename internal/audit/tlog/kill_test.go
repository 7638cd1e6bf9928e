package tlog

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
)

// victim names the folder of the log that this process, started by a test, is to append to until it is killed.
const victim = "SLIPWAY_TEST_LOG_DIR"

// TestOpen_AfterBeingKilled kills a process that appends, again and again: whatever it had acknowledged must be there,
// and appending all of it once more must add nothing twice.
func TestOpen_AfterBeingKilled(t *testing.T) {
	if dir := os.Getenv(victim); dir != "" {
		appendForever(t, dir)
		return
	}
	dir := t.TempDir()
	const rounds, each = 3, 12
	for range rounds {
		acknowledged := killAfter(t, dir, each)
		l := openLog(t, options(t, dir))
		for _, n := range acknowledged {
			if _, found := l.Find(fmt.Sprintf("promotion-%d/allowed", n)); !found {
				t.Errorf("decision %d was acknowledged and is lost", n)
			}
		}
		appendAll(t, l, 0, len(acknowledged)) // all from the first one on
		closeLog(t, l)
	}
	l := openLog(t, options(t, dir))
	exported, err := audit.Export(t.Context(), l, audittest.Trust(t))
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(exported, audittest.Trust(t), audit.Known{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Error(f)
	}
	if report.Entries < rounds*each {
		t.Errorf("the log has %d entries", report.Entries)
	}
}

// appendForever appends what is not there yet, several decisions at once, and says so.
func appendForever(t *testing.T, dir string) {
	l := openLog(t, options(t, dir))
	const writers = 4
	out := make(chan int)
	for w := range writers {
		go func() {
			for n := w; ; n += writers {
				if _, err := l.Append(t.Context(), audittest.Envelope(t, n)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				out <- n
			}
		}()
	}
	for n := range out {
		fmt.Println("acknowledged", n)
	}
}

// killAfter starts the victim, kills it after so many decisions that were new, and gives all that it acknowledged.
func killAfter(t *testing.T, dir string, each int) []int {
	t.Helper()
	known := 0
	l := openLog(t, options(t, dir))
	known = int(l.Checkpoint().Size)
	closeLog(t, l)

	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), victim+"="+dir)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var acknowledged []int
	lines := bufio.NewScanner(output)
	for len(acknowledged) < known+each && lines.Scan() {
		var n int
		if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d", &n); err == nil {
			acknowledged = append(acknowledged, n)
		}
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal("kill " + strconv.Itoa(command.Process.Pid) + ": " + err.Error())
	}
	_ = command.Wait() // it was killed
	if len(acknowledged) < known+each {
		t.Fatalf("it ended by itself after %d decisions", len(acknowledged))
	}
	return acknowledged
}
