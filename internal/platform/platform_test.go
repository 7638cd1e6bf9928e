package platform

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
	"github.com/slipway-dev/slipway/internal/step"
)

// world is a home and a working directory of a test.
func world(t *testing.T) (Home, string) {
	t.Helper()
	return Home{State: filepath.Join(t.TempDir(), "state"), Cache: filepath.Join(t.TempDir(), "cache")}, t.TempDir()
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func platformFile(name string) string {
	return "apiVersion: slipway.dev/v1alpha1\nkind: Platform\nmetadata: {name: " + name + "}\n"
}

func TestOpen_ChoosesThePlatform(t *testing.T) {
	h, dir := world(t)
	open := func(s Selection) *Line {
		t.Helper()
		l, err := Open(t.Context(), h, dir, s)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if got := open(Selection{}).Name(); got != defaultBlueprint {
		t.Errorf("without anything: %s, want the blueprint %s", got, defaultBlueprint)
	}
	write(t, filepath.Join(dir, "platform.yaml"), platformFile("here"))
	if got := open(Selection{}).Name(); got != "here" {
		t.Errorf("with ./platform.yaml: %s", got)
	}
	write(t, filepath.Join(dir, "other/some.yaml"), platformFile("there"))
	if got := open(Selection{File: "other/some.yaml"}).Name(); got != "there" {
		t.Errorf("with -f: %s", got)
	}
	l := open(Selection{Blueprint: "starter", Name: "mine"})
	if l.Name() != "mine" || l.plan.Domain != "mine.localhost" {
		t.Errorf("with --blueprint and --name: %s at %s", l.Name(), l.plan.Domain)
	}
	if _, err := os.Stat(h.State); !os.IsNotExist(err) {
		t.Errorf("looking has left something behind in %s (%v)", h.State, err)
	}
}

func TestOpen_RefusesWhatIsNotThere(t *testing.T) {
	h, dir := world(t)
	for name, s := range map[string]Selection{
		"file":      {File: "missing.yaml"},
		"blueprint": {Blueprint: "missing"},
		"name":      {Name: "Not_A_Name"},
	} {
		if _, err := Open(t.Context(), h, dir, s); err == nil {
			t.Errorf("%s: no error", name)
		} else if _, code := fault.Of(err); code != fault.ExitInvalid {
			t.Errorf("%s: exit code %d for %v", name, code, err)
		}
	}
}

func TestOpen_WhatCannotBeResolvedHasItsLine(t *testing.T) {
	h, dir := world(t)
	write(t, filepath.Join(dir, "platform.yaml"), platformFile("here")+"spec:\n  capabilities:\n    git:\n      tool: nonsense\n")
	_, err := Open(t.Context(), h, dir, Selection{})
	if err == nil || !strings.Contains(err.Error(), "platform.yaml:7:") || !strings.Contains(err.Error(), "spec.capabilities.git.tool") {
		t.Fatalf("got %v", err)
	}
}

// remember makes a platform one that has been brought up.
func remember(t *testing.T, h Home, dir, name string) {
	t.Helper()
	l, err := Open(t.Context(), h, dir, Selection{Blueprint: "starter", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(string(l.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := l.remember(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestFind_ChoosesAmongThoseThatAreUp(t *testing.T) {
	h, dir := world(t)
	if _, err := Find(t.Context(), h, dir, Selection{}); err == nil || !strings.Contains(err.Error(), "no platform has been brought up") {
		t.Errorf("with none: %v", err)
	}
	remember(t, h, dir, "one")
	if l, err := Find(t.Context(), h, dir, Selection{}); err != nil || l.Name() != "one" {
		t.Errorf("with one: %v", err)
	}
	remember(t, h, dir, "two")
	if _, err := Find(t.Context(), h, dir, Selection{}); err == nil || !strings.Contains(err.Error(), "one, two") {
		t.Errorf("with two: %v", err)
	}
	if l, err := Find(t.Context(), h, dir, Selection{Name: "two"}); err != nil || l.Name() != "two" {
		t.Errorf("with two and a name: %v", err)
	}
	if _, err := Find(t.Context(), h, dir, Selection{Name: "three"}); err == nil || !strings.Contains(err.Error(), "has not been brought up") {
		t.Errorf("with a name that is none: %v", err)
	}
}

func TestRemember_PortsStayAsTheyWereChosen(t *testing.T) {
	h, dir := world(t)
	remember(t, h, dir, "one")
	first, err := Find(t.Context(), h, dir, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), h, dir, Selection{Blueprint: "starter", Name: "one"})
	if err != nil || again.plan.Environment.Port != first.plan.Environment.Port {
		t.Fatalf("port %d, then %d (%v)", first.plan.Environment.Port, again.plan.Environment.Port, err)
	}
}

func TestClaim_TheSecondIsToldWhoHoldsIt(t *testing.T) {
	d := Dir(t.TempDir())
	release, err := d.claim("one")
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.claim("one")
	var busy *BusyError
	if !errors.As(err, &busy) || busy.Holder.PID != os.Getpid() {
		t.Fatalf("got %v", err)
	}
	if hint, _ := fault.Of(err); hint == "" {
		t.Error("no next step")
	}
	release()
	release, err = d.claim("one")
	if err != nil {
		t.Fatalf("after its release: %v", err)
	}
	release()
}

func TestSteps_TheOrderOfAnUp(t *testing.T) {
	h, dir := world(t)
	l, err := Open(t.Context(), h, dir, Selection{Blueprint: "starter"})
	if err != nil {
		t.Fatal(err)
	}
	up := &upRun{Line: l}
	steps := up.steps()
	for i := range steps {
		steps[i].Run = func(context.Context, *progress.Task) (string, error) { return "", nil }
	}
	var mu sync.Mutex
	var ended []string
	err = step.Run(t.Context(), steps, progress.Func(func(e progress.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.State == progress.Done {
			ended = append(ended, e.Task)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) int {
		i := slices.Index(ended, name)
		if i < 0 {
			t.Fatalf("no step %s in %v", name, ended)
		}
		return i
	}
	tool := func(capability string) string { return stepTools + "/" + l.provider(capability).Name }
	for _, order := range [][2]string{
		{stepCluster, tool("dns")},
		{stepRender, tool("dns")},
		{tool("gateway"), tool("git")},
		{tool("storage"), tool("git")},
		{tool("git"), tool("delivery")},
		{tool("git"), stepRepository},
		{tool("workflow"), stepRepository},
		{stepRepository, stepHandOver},
		{tool("delivery"), stepHandOver},
		{stepHandOver, stepChecks + "/" + l.provider("git").Name},
	} {
		if at(order[0]) > at(order[1]) {
			t.Errorf("%s comes after %s", order[0], order[1])
		}
	}
}

func TestSteps_WhatCopiesASecretComesAfterWhoMakesIt(t *testing.T) {
	h, dir := world(t)
	l, err := Open(t.Context(), h, dir, Selection{Blueprint: "starter"})
	if err != nil {
		t.Fatal(err)
	}
	after := map[string][]string{}
	for _, s := range (&upRun{Line: l}).steps() {
		after[s.Name] = s.After
	}
	tool := func(capability string) string { return stepTools + "/" + l.provider(capability).Name }
	for _, order := range [][2]string{
		{tool("git"), tool("ci")},          // its login at the Git server
		{tool("ci"), tool("portal")},       // the builder's public key
		{tool("identity"), tool("portal")}, // its registration
	} {
		if !slices.Contains(after[order[1]], order[0]) {
			t.Errorf("%s waits for %v only, and not for %s", order[1], after[order[1]], order[0])
		}
	}
}

func TestCompare_SaysWhatHappensToEachUnit(t *testing.T) {
	p := plan.Plan{Units: []plan.Unit{
		{Name: "new", Version: "1"}, {Name: "changed", Version: "2"}, {Name: "same", Version: "3"},
	}}
	units, files := compare(p, []render.Change{
		{Kind: render.Added, Path: "tools/new/a.yaml", Unit: "new"},
		{Kind: render.Changed, Path: "tools/changed/a.yaml", Unit: "changed", Diff: "-a\n+b\n"},
		{Kind: render.Removed, Path: "tools/gone/a.yaml", Unit: "gone"},
	}, map[string]bool{"changed": true, "same": true, "gone": true})
	want := map[string]string{"new": Added, "changed": Changed, "same": Unchanged, "gone": Removed}
	for _, u := range units {
		if u.Action != want[u.Name] {
			t.Errorf("%s is %s, want %s", u.Name, u.Action, want[u.Name])
		}
	}
	if len(units) != len(want) || len(files) != 3 {
		t.Errorf("%d units, %d files", len(units), len(files))
	}
	c := Changes{Plan: p, Units: units, Files: files}
	if got, want := c.Sentence(), "1 units to add, 1 to change, 1 to remove; 1 objects to add, 1 to change, 1 to remove"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if (Changes{}).Pending() || (Changes{}).Sentence() != "nothing would change" {
		t.Error("nothing is not nothing")
	}
}

func TestMermaid_DrawsOnlyDirectOrder(t *testing.T) {
	c := Changes{Plan: plan.Plan{Units: []plan.Unit{
		{Name: "a", Version: "1", Capabilities: []string{"dns"}},
		{Name: "b-c", After: []string{"a"}},
		{Name: "end", After: []string{"a", "b-c"}},
	}}}
	want := `flowchart LR
  u_a["a 1<br/>dns"]
  u_b_c["b-c"]
  u_end["end"]
  u_a --> u_b_c
  u_b_c --> u_end
`
	if got := c.Mermaid(); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParseStat_ANameMayHoldAnything(t *testing.T) {
	p, ok := parseStat(7, "7 (a) b (c)) S 3 7 7 0")
	if !ok || p.parent != 3 || p.name != "a) b (c)" {
		t.Fatalf("got %+v, %v", p, ok)
	}
	if _, ok := parseStat(7, "nonsense"); ok {
		t.Fatal("nonsense was read")
	}
}

func TestMemoryBelow_CountsChildren(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	found := slices.ContainsFunc(descendants(os.Getpid()), func(p process) bool { return p.pid == child.Process.Pid })
	if !found {
		t.Error("the child is not among the descendants")
	}
	if m := memoryBelow(os.Getpid()); m.Total == 0 {
		t.Error("no memory was measured")
	}
}

func TestWriteTail(t *testing.T) {
	for _, c := range []struct {
		lines int
		want  string
	}{{0, "1\n2\n3"}, {1, "3"}, {2, "2\n3"}, {9, "1\n2\n3"}} {
		var out strings.Builder
		if err := writeTail(strings.NewReader("1\n2\n3"), c.lines, &out); err != nil || out.String() != c.want {
			t.Errorf("%d lines: got %q, want %q (%v)", c.lines, out.String(), c.want, err)
		}
	}
}

func TestWaitForEdit_SeesAnEditOfAPackage(t *testing.T) {
	h, dir := world(t)
	write(t, filepath.Join(dir, "app/a.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	write(t, filepath.Join(dir, "platform.yaml"), platformFile("here")+"spec:\n  packages: [{name: app, path: app}]\n")
	l, err := Open(t.Context(), h, dir, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	watching := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- l.WaitForEdit(t.Context(), func() { close(watching) }) }()
	<-watching
	write(t, filepath.Join(dir, "unrelated.txt"), "x")
	write(t, filepath.Join(dir, "app/a.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
