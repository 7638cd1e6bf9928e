package hostshare

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testHost(t *testing.T, forwarding string) Host {
	t.Helper()
	dir := t.TempDir()
	h := Host{Dir: filepath.Join(dir, "run"), Forwarding: filepath.Join(dir, "ip_forward"),
		MountPoints: []string{filepath.Join(dir, "kubelet"), filepath.Join(dir, "cni")}}
	write(t, h.Forwarding, forwarding)
	return h
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func claim(t *testing.T, h Host, platform string) (release func()) {
	t.Helper()
	release, err := h.Claim(context.Background(), platform, "/state/"+platform)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	return release
}

func wantForwarding(t *testing.T, h Host, want string) {
	t.Helper()
	got, err := os.ReadFile(h.Forwarding)
	if err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("forwarding is %q (%v), want %q", got, err, want)
	}
}

func TestRestore_OnlyTheLastPlatformPutsTheHostBack(t *testing.T) {
	ctx := context.Background()
	h := testHost(t, "0\n")
	releaseA, releaseB := claim(t, h, "a"), claim(t, h, "b")
	wantForwarding(t, h, "1")

	releaseA()
	if err := h.Restore(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	wantForwarding(t, h, "1")
	releaseB()
	if err := h.Restore(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	wantForwarding(t, h, "0")
	for _, path := range append(h.MountPoints, h.Dir) {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is still there (%v)", path, err)
		}
	}
}

func TestRestore_LeavesAloneWhatWasThereBefore(t *testing.T) {
	h := testHost(t, "1\n")
	if err := os.Mkdir(h.MountPoints[0], 0o755); err != nil {
		t.Fatal(err)
	}
	claim(t, h, "a")()
	write(t, filepath.Join(h.MountPoints[1], "theirs"), "x")
	if err := h.Restore(context.Background(), "a"); err != nil {
		t.Fatal(err)
	}
	wantForwarding(t, h, "1\n"[:1])
	for _, path := range h.MountPoints {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestRestore_AfterACrashStillKnowsTheFormerValue(t *testing.T) {
	h := testHost(t, "0")
	claim(t, h, "a")() // its supervisor was killed: nothing restored
	claim(t, h, "a")()
	if err := h.Restore(context.Background(), "a"); err != nil {
		t.Fatal(err)
	}
	wantForwarding(t, h, "0")
}

func TestClaim_NamesWhoRunsThePlatform(t *testing.T) {
	h := testHost(t, "1")
	release := claim(t, h, "a")
	if _, err := h.Claim(context.Background(), "a", "/elsewhere"); err == nil || !strings.Contains(err.Error(), "/state/a") {
		t.Errorf("second claim: %v, want an error that names /state/a", err)
	}
	if dir, running := h.Owner("a"); dir != "/state/a" || !running {
		t.Errorf("Owner = %q, %v", dir, running)
	}
	release()
	if _, running := h.Owner("a"); running {
		t.Error("runs after release")
	}
}
