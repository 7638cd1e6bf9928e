package scaffold

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// world is what the actions of these tests change: things by name, each with how often it was made.
type world struct {
	things map[string]int
	// broken are names that cannot be made, stuck ones that cannot be removed.
	broken, stuck map[string]bool
	log           []string
	// during is called while a thing is made, after it has been made.
	during func(name string)
}

func newWorld() *world {
	return &world{things: map[string]int{}, broken: map[string]bool{}, stuck: map[string]bool{}}
}

// make is an action that makes a thing exactly once, however often it is interrupted.
func (w *world) make(ctx context.Context, c *Call) (map[string]any, error) {
	name, _ := c.Input["name"].(string)
	c.Logf("make %s", name)
	if len(c.Made) == 0 {
		if w.things[name] > 0 {
			return nil, fmt.Errorf("%s is there", name)
		}
		if _, err := c.Making(ctx, "thing "+name, map[string]string{"name": name}); err != nil {
			return nil, err
		}
	}
	if w.broken[name] {
		return nil, errors.Join(fmt.Errorf("%s cannot be made", name), c.Withdraw(ctx, 0))
	}
	if w.things[name] == 0 { // an interrupted attempt may have made it
		w.things[name]++
		w.log = append(w.log, "+"+name)
	}
	if w.during != nil {
		w.during(name)
	}
	if err := c.Certain(ctx, 0); err != nil {
		return nil, err
	}
	if err := ended(ctx); err != nil {
		return nil, err
	}
	return map[string]any{"id": "id-" + name, "extra": c.Input["extra"]}, nil
}

func (w *world) undo(_ context.Context, made Made) error {
	name := made.Detail["name"]
	if w.stuck[name] {
		return errors.New("it is stuck")
	}
	if w.things[name] > 0 {
		delete(w.things, name)
		w.log = append(w.log, "-"+name)
	}
	return nil
}

func (w *world) actions() []Action {
	making := makeAction(w.make)
	making.Undo = w.undo
	return []Action{making,
		{ID: "test:write", Local: true, Outputs: []string{"path"}, Input: `{"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}, "content": {}}}`,
			Run: func(_ context.Context, c *Call) (map[string]any, error) {
				path := c.Input["path"].(string)
				before, _ := c.Workspace.Read(path) // appending shows a step that is done twice
				return map[string]any{"path": path}, c.Workspace.Write(File{Path: path, Data: append(slices.Clone(before.Data), fmt.Sprint(c.Input["content"])...)})
			}},
		{ID: "test:panic", Run: func(context.Context, *Call) (map[string]any, error) { panic("oh") }},
	}
}

// rig is a runner with all that belongs to it.
type rig struct {
	*Runner
	world  *world
	store  *MemoryStore
	events []string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w, store := newWorld(), NewMemoryStore()
	r := &rig{world: w, store: store}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r.Runner = &Runner{Registry: registry(t, w.actions()...), Store: store,
		Now: func() time.Time { now = now.Add(time.Second); return now },
		Report: func(e Event) {
			r.events = append(r.events, strings.TrimSpace(e.Step+" "+e.Kind+" "+e.Text))
		},
		Environment: Environment{Parameters: map[string]any{"registry": "reg.local"}, Secrets: map[string]string{"TOKEN": "platform-secret"}},
	}
	return r
}

func (r *rig) begin(t *testing.T, template *Template, values map[string]any) *Run {
	t.Helper()
	run, err := r.New(context.Background(), Request{ID: "run-1", Template: template, Values: values, User: User{Ref: "user:default/ada"}, Owner: "group:default/team"})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// finish executes a run to its end and gives it as it is stored.
func (r *rig) finish(t *testing.T, run *Run, template *Template, secrets map[string]string) *Run {
	t.Helper()
	if err := r.Execute(context.Background(), run, template, secrets); err != nil {
		t.Fatal(err)
	}
	stored, err := r.store.Load(context.Background(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func phases(run *Run) string {
	var out []string
	for _, s := range run.Steps {
		out = append(out, s.ID+":"+string(s.Phase))
	}
	return strings.Join(out, " ")
}

func TestRun_PassesValuesFromStepToStep(t *testing.T) {
	r := newRig(t)
	template := decode(t, head+`  parameters:
    properties:
      name: {type: string}
      list: {type: array, items: {type: string}, default: [x, y, z]}
      on: {type: boolean, default: false}
  steps:
    - id: one
      action: test:make
      input:
        name: ${{ parameters.name }}
        extra: {list: "${{ parameters.list }}", text: "n=${{ parameters.list | length }}", gone: "${{ parameters.nothing }}", empty: "", where: "${{ environment.parameters.registry }}"}
    - id: off
      if: ${{ parameters.on }}
      action: test:make
      input: {name: never}
    - id: no-list
      if: ${{ [] }}
      action: test:make
      input: {name: never}
    - id: each-one
      each: ${{ parameters.list }}
      if: ${{ each.value != 'y' }}
      action: test:make
      input: {name: "${{ steps.one.output.id }}-${{ each.key }}-${{ each.value }}"}
    - action: test:write
      each: {b: 1, a: 2}
      input: {path: "${{ each.key }}.txt", content: "${{ each.value }}"}
  output:
    ids: ${{ steps['each-one'].output.id }}
    off: ${{ steps.off.output.id }}
    task: ${{ context.task.id }} by ${{ user.ref }}
`)
	run := r.finish(t, r.begin(t, template, map[string]any{"name": "shop"}), template, nil)
	if run.Phase != Done || run.Error != "" || run.Ended.IsZero() {
		t.Fatalf("%s: %s", run.Phase, run.Error)
	}
	if got, want := phases(run), "one:done off:skipped no-list:skipped each-one:done step-5:done"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	extra := run.Steps[0].Output["extra"]
	if diff := cmp.Diff(map[string]any{"list": []any{"x", "y", "z"}, "text": "n=3", "where": "reg.local"}, extra); diff != "" {
		t.Error(diff)
	}
	want := map[string]any{"ids": []any{"id-id-shop-0-x", "id-id-shop-2-z"}, "task": "run-1 by user:default/ada"}
	if diff := cmp.Diff(want, run.Output); diff != "" {
		t.Error(diff)
	}
	files, err := r.store.Files(context.Background(), run.ID, run.Snapshot)
	if err != nil || len(files) != 2 || files[0].Path != "a.txt" || string(files[0].Data) != "2" {
		t.Errorf("%v %v", files, err)
	}
	if diff := cmp.Diff(map[string]int{"shop": 1, "id-shop-0-x": 1, "id-shop-2-z": 1}, r.world.things); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(r.events, "each-one log skipped for 1: the condition is not met") || r.events[0] != "started template:default/shop" || r.events[len(r.events)-1] != "done" {
		t.Errorf("%q", r.events)
	}
}

func TestNew_RefusesWrongValuesAndWrongTemplates(t *testing.T) {
	r := newRig(t)
	template := decode(t, head+"  parameters: {required: [name], properties: {name: {type: string}}}\n  steps: [{action: test:make, input: {name: x}}]\n")
	if _, err := r.New(context.Background(), Request{ID: "a", Template: template}); err == nil || err.Error() != "name: required, but missing" {
		t.Error(err)
	}
	template = decode(t, head+"  steps: [{action: test:mkae, input: {name: x}}]\n")
	if _, err := r.New(context.Background(), Request{ID: "a", Template: template}); err == nil || !strings.Contains(err.Error(), `did you mean "test:make"?`) {
		t.Error(err)
	}
}

// Secrets reach actions' inputs, and nothing else: neither the record, nor the log, nor an error, nor a condition.
func TestRun_KeepsSecrets(t *testing.T) {
	r := newRig(t)
	template := decode(t, head+`  steps:
    - id: one
      if: ${{ not secrets.PASSWORD }}
      action: test:make
      input: {name: "is ${{ secrets.PASSWORD }} and ${{ environment.secrets.TOKEN }}"}
  output: {leak: "${{ secrets.PASSWORD }}"}
`)
	secrets := map[string]string{"PASSWORD": "tops3cret"}
	r.world.broken["is tops3cret and platform-secret"] = true
	run := r.finish(t, r.begin(t, template, nil), template, secrets)
	if run.Phase != Failed || run.Error != "step one: is *** and *** cannot be made" {
		t.Errorf("%s %q", run.Phase, run.Error)
	}
	text := fmt.Sprintf("%+v %q", run, r.events)
	if strings.Contains(text, "tops3cret") || strings.Contains(text, "platform-secret") {
		t.Errorf("a secret is out: %s", text)
	}
}

const three = head + `  steps:
    - {id: a, action: test:make, input: {name: a}}
    - {id: b, action: test:write, input: {path: f, content: b}}
    - {id: c, action: test:make, input: {name: c}}
    - {id: d, action: test:make, each: [1, 2, 3], input: {name: "d${{ each.value }}"}}
    - {id: e, action: test:make, input: {name: e}}
`

func TestFailure_IsUndoneBackwards(t *testing.T) {
	r := newRig(t)
	template := decode(t, three)
	r.world.broken["d3"] = true
	run := r.finish(t, r.begin(t, template, nil), template, nil)
	if run.Phase != Failed || run.Error != "step d: d3 cannot be made" || len(run.Remains) > 0 {
		t.Errorf("%s %q %v", run.Phase, run.Error, run.Remains)
	}
	if got, want := phases(run), "a:done b:done c:done d:failed e:waiting"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if diff := cmp.Diff([]string{"+a", "+c", "+d1", "+d2", "-d2", "-d1", "-c", "-a"}, r.world.log); diff != "" {
		t.Error(diff)
	}
	for _, m := range run.Made {
		if !m.Undone {
			t.Errorf("%+v", m)
		}
	}
}

func TestFailure_SaysWhatRemains(t *testing.T) {
	r := newRig(t)
	template := decode(t, three)
	r.world.broken["e"], r.world.stuck["c"] = true, true
	run := r.finish(t, r.begin(t, template, nil), template, nil)
	if diff := cmp.Diff([]Remainder{{What: "thing c", Why: "it is stuck"}}, run.Remains); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"c": 1}, r.world.things); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(r.events, "c remains thing c: it is stuck") {
		t.Errorf("%q", r.events)
	}
}

func TestFailure_OfAnExpressionHasItsPlace(t *testing.T) {
	r := newRig(t)
	template := decode(t, head+"  steps:\n    - id: a\n      action: test:make\n      input:\n        name: ok ${{ parameters.x.y() }}\n        size: 1\n")
	run := r.finish(t, r.begin(t, template, nil), template, nil)
	if want := "step a: template.yaml:11:36: spec.steps[0].input.name: parameters.x.y cannot be called: it is undefined"; run.Error != want {
		t.Errorf("%q, want %q", run.Error, want)
	}
}

func TestFailure_OfAnInputIsSaidByField(t *testing.T) {
	r := newRig(t)
	template := decode(t, head+"  parameters: {properties: {n: {}}}\n  steps:\n    - id: a\n      action: test:make\n      input:\n        name: ${{ parameters.n }}\n")
	run := r.finish(t, r.begin(t, template, map[string]any{"n": int64(5)}), template, nil)
	if want := "step a: template.yaml:12:15: spec.steps[0].input.name: must be of type string, is number"; run.Error != want {
		t.Errorf("%q, want %q", run.Error, want)
	}
}

func TestFailure_OfAnActionThatPanicsEndsTheRunAlone(t *testing.T) {
	r := newRig(t)
	template := decode(t, head+"  steps: [{id: a, action: test:make, input: {name: a}}, {id: b, action: test:panic}]\n")
	run := r.finish(t, r.begin(t, template, nil), template, nil)
	if run.Phase != Failed || run.Error != "step b: the action broke down: oh" || len(r.world.things) > 0 {
		t.Errorf("%s %q %v", run.Phase, run.Error, r.world.things)
	}
}

func TestCancelled_IsUndone(t *testing.T) {
	r := newRig(t)
	template := decode(t, three)
	ctx, cancel := context.WithCancelCause(context.Background())
	r.world.during = func(name string) {
		if name == "d1" {
			cancel(ErrCancelled)
		}
	}
	run := r.begin(t, template, nil)
	if err := r.Execute(ctx, run, template, nil); err != nil {
		t.Fatal(err)
	}
	if run.Phase != Failed || run.Error != "step d: cancelled" || len(r.world.things) > 0 {
		t.Errorf("%s %q %v", run.Phase, run.Error, r.world.things)
	}
}

// A server that stops leaves the run as it is; the next one goes on with it.
func TestStopped_GoesOnLater(t *testing.T) {
	r := newRig(t)
	template := decode(t, three)
	ctx, cancel := context.WithCancel(context.Background())
	r.world.during = func(name string) {
		if name == "d2" {
			cancel()
		}
	}
	if err := r.Execute(ctx, r.begin(t, template, nil), template, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	stored, err := r.store.Load(context.Background(), "run-1")
	if err != nil || stored.Phase != Running {
		t.Fatal(stored, err)
	}
	r.world.during = nil
	run := r.finish(t, stored, template, nil)
	if run.Phase != Done {
		t.Errorf("%s %q", run.Phase, run.Error)
	}
	if diff := cmp.Diff([]string{"+a", "+c", "+d1", "+d2", "+d3", "+e"}, r.world.log); diff != "" {
		t.Error(diff)
	}
}

// killed is a store that dies at the nth time something is written: that one is stored or not, and nothing after it.
type killed struct {
	*MemoryStore
	left   int
	stores bool
}

var errKilled = errors.New("killed")

func (k *killed) dies() (stored bool, err error) {
	if k.left--; k.left > 0 {
		return true, nil
	}
	return k.left == 0 && k.stores, errKilled
}

func (k *killed) Save(ctx context.Context, run *Run) error {
	stored, err := k.dies()
	if stored {
		err = errors.Join(k.MemoryStore.Save(ctx, run), err)
	}
	return err
}

func (k *killed) SaveFiles(ctx context.Context, run string, snapshot int, files []File) error {
	stored, err := k.dies()
	if stored {
		err = errors.Join(k.MemoryStore.SaveFiles(ctx, run, snapshot, files), err)
	}
	return err
}

// TestKilled_AtAnyMoment kills the process at every single write to the store, and goes on from what
// is stored: every thing is made exactly once, or a failing run leaves nothing, however it is cut.
func TestKilled_AtAnyMoment(t *testing.T) {
	for _, fails := range []bool{false, true} {
		for _, stores := range []bool{false, true} {
			for n := 1; ; n++ {
				if again := killedAt(t, n, stores, fails); !again {
					if n < 15 {
						t.Fatalf("only %d writes", n)
					}
					break
				}
			}
		}
	}
}

// killedAt says whether there was an nth write to be killed at.
func killedAt(t *testing.T, n int, stores, fails bool) bool {
	t.Helper()
	r := newRig(t)
	template := decode(t, three)
	if fails {
		r.world.broken["e"] = true
	}
	run := r.begin(t, template, nil)
	dying := &killed{MemoryStore: r.store, left: n, stores: stores}
	r.Store = dying
	err := r.Execute(context.Background(), run, template, nil)
	if err == nil {
		return false
	}
	if !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	r.Store = r.store
	stored, err := r.store.Load(context.Background(), "run-1")
	if err != nil {
		t.Fatal(err)
	}
	run = r.finish(t, stored, template, nil)
	label := fmt.Sprintf("killed at write %d (stored: %t, failing: %t)", n, stores, fails)
	if fails {
		if run.Phase != Failed || len(r.world.things) > 0 || len(run.Remains) > 0 {
			t.Errorf("%s: %s %v %v", label, run.Phase, r.world.things, run.Remains)
		}
		return true
	}
	if run.Phase != Done {
		t.Errorf("%s: %s: %s", label, run.Phase, run.Error)
	}
	if diff := cmp.Diff([]string{"+a", "+c", "+d1", "+d2", "+d3", "+e"}, r.world.log); diff != "" {
		t.Errorf("%s: %s", label, diff)
	}
	files, err := r.store.Files(context.Background(), run.ID, run.Snapshot)
	if err != nil || len(files) != 1 || string(files[0].Data) != "b" {
		t.Errorf("%s: %v %v", label, files, err)
	}
	return true
}

func TestExecute_DoesNotGoOnWithAnotherTemplate(t *testing.T) {
	r := newRig(t)
	template := decode(t, three)
	ctx, cancel := context.WithCancel(context.Background())
	r.world.during = func(string) { cancel() }
	if err := r.Execute(ctx, r.begin(t, template, nil), template, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	r.world.during = nil
	stored, err := r.store.Load(context.Background(), "run-1")
	if err != nil {
		t.Fatal(err)
	}
	run := r.finish(t, stored, decode(t, three+"# changed\n"), nil)
	if run.Phase != Failed || run.Error != ErrTemplateChanged.Error() || len(r.world.things) > 0 {
		t.Errorf("%s %q %v", run.Phase, run.Error, r.world.things)
	}
}

func TestExecute_OfARunThatIsOverDoesNothing(t *testing.T) {
	r := newRig(t)
	template := decode(t, three)
	run := r.finish(t, r.begin(t, template, nil), template, nil)
	before := len(r.events)
	if again := r.finish(t, run, template, nil); again.Phase != Done || len(r.events) != before || r.world.things["a"] != 1 {
		t.Errorf("%+v", again)
	}
}

func TestPreview_TouchesNothing(t *testing.T) {
	r := newRig(t)
	template := decode(t, head+`  parameters: {properties: {name: {type: string}}}
  steps:
    - {id: a, action: test:make, input: {name: "${{ parameters.name }} ${{ secrets.PASSWORD }}"}}
    - {id: b, action: test:write, each: [x, y], input: {path: "${{ each.value }}", content: "${{ steps.a.output.id }}"}}
    - {id: c, if: false, action: test:make, input: {name: never}}
  output: {id: "${{ steps.a.output.id }}", paths: "${{ steps.b.output.path }}"}
`)
	p, err := r.Preview(context.Background(), Request{ID: "p", Template: template, Values: map[string]any{"name": "shop"}, Secrets: map[string]string{"PASSWORD": "tops3cret"}})
	if err != nil {
		t.Fatal(err)
	}
	want := &Preview{
		Steps: []StepPreview{
			{ID: "a", Name: "test:make", Action: "test:make", Outside: true, Inputs: []map[string]any{{"name": "shop ***"}}, Output: map[string]any{"id": "<id of a>"}},
			{ID: "b", Name: "test:write", Action: "test:write", Inputs: []map[string]any{{"path": "x", "content": "<id of a>"}, {"path": "y", "content": "<id of a>"}},
				Output: map[string]any{"path": []any{"x", "y"}}},
			{ID: "c", Name: "test:make", Action: "test:make", Skipped: true},
		},
		Files:  []File{{Path: "x", Data: []byte("<id of a>")}, {Path: "y", Data: []byte("<id of a>")}},
		Output: map[string]any{"id": "<id of a>", "paths": []any{"x", "y"}},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
	if len(r.world.things)+len(r.events) > 0 {
		t.Errorf("%v %v", r.world.things, r.events)
	}
	if _, err := r.store.Load(context.Background(), "p"); err == nil {
		t.Error("a preview was stored")
	}
}

func TestRegistry_RefusesWhatCannotWork(t *testing.T) {
	if _, err := NewRegistry(Action{ID: "a"}, Action{ID: "a"}); err == nil {
		t.Error("an action is there twice")
	}
	if _, err := NewRegistry(Action{ID: "a", Input: `{"type": "strin"}`}); err == nil {
		t.Error("a wrong schema is taken")
	}
}

// The core knows no clock, no network and no cluster: they come from outside.
func TestCore_IsPure(t *testing.T) {
	for _, dir := range []string{".", "nunjucks"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) < 5 {
			t.Fatal(len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range parsed.Imports {
				path := strings.Trim(i.Path.Value, `"`)
				if strings.HasPrefix(path, "k8s.io/") || slices.Contains([]string{"net", "net/http", "os", "os/exec", "math/rand", "math/rand/v2"}, path) {
					t.Errorf("%s imports %s", file, path)
				}
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Sleep", "After", "NewTimer", "NewTicker"}, s.Sel.Name) {
						t.Errorf("%s uses time.%s", file, s.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func TestDecodeRun_KeepsWholeNumbers(t *testing.T) {
	store := NewMemoryStore()
	run := &Run{ID: "x", Values: map[string]any{"big": int64(9007199254740993), "half": 0.5, "list": []any{int64(1), map[string]any{"n": int64(2)}}},
		Steps: []StepRecord{{ID: "a", Output: map[string]any{"n": int64(3)}}}, User: User{Entity: map[string]any{"n": int64(4)}}}
	if err := store.Save(context.Background(), run); err != nil {
		t.Fatal(err)
	}
	got, err := store.Load(context.Background(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(run, got); diff != "" {
		t.Error(diff)
	}
}
