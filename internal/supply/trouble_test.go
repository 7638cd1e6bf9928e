package supply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/supply/command"
)

// stub puts a program of that name first on PATH.
func stub(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

const wheelApp = `
description: a wheel
version: "1"
images: [example.com/wheel:v1]
buildOnly: true
layers:
  - wheel: {package: x, version: "1", sha256: {any: "00"}, copy: {/x: x}}
`

func TestRun_CancelledEndsItsProgramsAndLeavesNothing(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "runs")
	stub(t, "python3", "touch "+marker+"\nsleep 600 & wait\n")
	s, _ := newSupplier(t, t.TempDir(), "", recipe(t, "wheel", wheelApp, nil))
	run := s.Start(t.Context(), []string{"wheel"})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(marker); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the build does not begin")
		}
	}
	run.Close()
	if err := run.Wait(t.Context(), "wheel"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for _, dir := range []string{"work", "recipes", "layers", "store/ingest", "store/blobs/sha256"} {
		if left, err := os.ReadDir(filepath.Join(s.CacheDir, dir)); err != nil || len(left) != 0 {
			t.Errorf("left in %s: %v, %v", dir, left, err)
		}
	}
}

func TestRun_AMissingProgramIsNamedWithItsPackage(t *testing.T) {
	s, _ := newSupplier(t, t.TempDir(), "", recipe(t, "wheel", wheelApp, nil))
	t.Setenv("PATH", t.TempDir())
	err := bring(t, s, "wheel")
	var missing *command.MissingError
	if !errors.As(err, &missing) || missing.Package != "python3-pip" {
		t.Errorf("got %v", err)
	}
}

func TestRun_TwoAtOnceBuildOnce(t *testing.T) {
	cache, count := t.TempDir(), filepath.Join(t.TempDir(), "count")
	// A stand-in for pip that takes its time and leaves a wheel, which here is an empty zip file.
	stub(t, "python3", `echo run >> `+count+`
while [ "$1" != --dest ]; do shift; done
sleep 0.3; mkdir -p "$2"; printf 'PK\005\006\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000' > "$2/x.whl"
`)
	spec := strings.Replace(wheelApp, "{/x: x}", "{}", 1)
	var all sync.WaitGroup
	told := make([]*events, 2)
	for i := range 2 {
		s, e := newSupplier(t, cache, "", recipe(t, "wheel", spec, nil))
		told[i] = e
		all.Add(1)
		go func() {
			defer all.Done()
			if err := bring(t, s, "wheel"); err != nil {
				t.Error(err)
			}
		}()
	}
	all.Wait()
	if n, err := os.ReadFile(count); err != nil || string(n) != "run\n" {
		t.Errorf("pip ran %d times, %v", strings.Count(string(n), "run"), err)
	}
	if told[0].saw("another slipway (pid") == told[1].saw("another slipway (pid") {
		t.Error("want one of them told that the other is at work")
	}
}

func TestRun_WaitForWhatWasNotAskedFor(t *testing.T) {
	s, _ := newSupplier(t, t.TempDir(), "", recipe(t, "base", plainBase, nil))
	run := s.Start(t.Context(), []string{"base"})
	defer run.Close()
	if err := run.Wait(t.Context(), "other"); err == nil {
		t.Error("no error")
	}
	unknown := s.Start(t.Context(), []string{"nonsense"})
	defer unknown.Close()
	if err := unknown.Wait(t.Context(), "nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
}

func TestDecide_ARecipeThatStandsOnItselfIsAnError(t *testing.T) {
	spec := strings.Replace(plainApp, "base: base", "base: app", 1)
	s, _ := newSupplier(t, t.TempDir(), "", recipe(t, "app", spec, nil))
	if _, err := s.Decide(t.Context(), []string{"app"}); err == nil || !strings.Contains(err.Error(), "stands on itself") {
		t.Errorf("got %v", err)
	}
}

func TestExplain_AFullDiskIsNamed(t *testing.T) {
	s, _ := newSupplier(t, t.TempDir(), "")
	err := s.explain(fmt.Errorf("write x: %w", syscall.ENOSPC), t.TempDir())
	if !strings.Contains(err.Error(), "disk full: /") || !strings.Contains(err.Error(), "iB free") {
		t.Errorf("got %v", err)
	}
	if hint, _ := fault.Of(err); hint == "" {
		t.Error("no hint")
	}
	if other := errors.New("x"); s.explain(other, "/") != other {
		t.Error("another error is changed")
	}
}

func TestHostNeeds_NamesPackagesAndWhoNeedsThem(t *testing.T) {
	app := strings.Replace(plainApp, "layers:", "hostPackages: [no-such-package]\nlayers:\n  - debian: {packages: [x]}", 1)
	s, _ := newSupplier(t, t.TempDir(), v1alpha1.SupplyBuild, recipe(t, "base", plainBase, nil), recipe(t, "app", app, nil))
	only := t.TempDir() // nothing but dpkg-query
	query, err := exec.LookPath("dpkg-query")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(query, filepath.Join(only, "dpkg-query")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", only)
	needs, err := s.HostNeeds(t.Context(), []string{"app"})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, n := range needs {
		found[n.Name] = len(n.For) == 1 && n.For[0] == "app"
	}
	if !found["no-such-package"] {
		t.Errorf("got %v", needs)
	}
}
