package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/fault"
)

func TestRun_GivesOutput(t *testing.T) {
	var log strings.Builder
	out, err := Run(t.Context(), Command{Args: []string{"sh", "-c", "echo $WORD; echo aside >&2"}, Env: map[string]string{"WORD": "hello"}, Log: &log})
	if err != nil || string(out) != "hello\n" {
		t.Errorf("got %q, %v", out, err)
	}
	if !strings.Contains(log.String(), "hello") || !strings.Contains(log.String(), "aside") {
		t.Errorf("the log has %q", log.String())
	}
}

func TestRun_AnErrorShowsTheEndOfWhatWasSaid(t *testing.T) {
	_, err := Run(t.Context(), Command{Args: []string{"sh", "-c", "seq 100 >&2; exit 3"}})
	if err == nil || !strings.HasSuffix(err.Error(), "\n100") || strings.Contains(err.Error(), "\n50\n") {
		t.Errorf("got %v", err)
	}
	if got := ExitCode(err); got != 3 {
		t.Errorf("got exit code %d", got)
	}
}

func TestRun_AFullDiskIsRecognised(t *testing.T) {
	_, err := Run(t.Context(), Command{Args: []string{"sh", "-c", "echo 'write /x: no space left on device' >&2; exit 1"}})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}

func TestRun_AMissingProgramIsNamedWithItsPackage(t *testing.T) {
	for program, pkg := range map[string]string{"mvn": "maven", "mmdebstrap": "mmdebstrap", "go": "golang"} {
		_, err := Run(t.Context(), Command{Args: []string{program}, Env: map[string]string{"PATH": t.TempDir()}})
		var missing *MissingError
		if !errors.As(err, &missing) || missing.Package != pkg {
			t.Errorf("%s: got %v", program, err)
		}
		if hint, _ := fault.Of(err); hint != "apt-get install "+pkg {
			t.Errorf("%s: hint %q", program, hint)
		}
	}
}

func TestRun_EndsTheWholeGroupWithItsContext(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Command{Args: []string{"sh", "-c", "sleep 600 & echo $! > pid.new; mv pid.new pid; wait"}, Dir: dir})
		begun <- err
	}()
	pid := 0
	eventually(t, "the grandchild runs", func() bool {
		data, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(data)))
		}
		return err == nil
	})
	cancel()
	if err := <-begun; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	eventually(t, "the grandchild is gone", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain until " + what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestRunRetrying_TriesAgainOnlyWhereItMayHelp(t *testing.T) {
	for said, want := range map[string]string{"connection reset by peer": "2", "verifying module: checksum mismatch": "1"} {
		dir := t.TempDir()
		script := `n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n > n; [ $n -gt 1 ] || { echo "` + said + `" >&2; exit 1; }`
		_, err := RunRetrying(t.Context(), Command{Args: []string{"sh", "-c", script}, Dir: dir}, nil)
		n, _ := os.ReadFile(filepath.Join(dir, "n"))
		if got := strings.TrimSpace(string(n)); got != want || (err == nil) != (want == "2") {
			t.Errorf("%s: tried %s times, %v", said, got, err)
		}
	}
}
