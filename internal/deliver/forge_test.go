package deliver_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/deliver/memgit"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

func tree(pairs ...string) render.Tree {
	var t render.Tree
	for i := 0; i < len(pairs); i += 2 {
		t.Files = append(t.Files, render.File{Path: pairs[i], Data: []byte(pairs[i+1])})
	}
	return t
}

// onServer gives the platform repository's files, read by a host that has no copy of it.
func onServer(t *testing.T, server deliver.GitServer) map[string]string {
	t.Helper()
	remote, err := server.EnsureRepository(t.Context(), render.RepositoryOwner, render.RepositoryName, true)
	if err != nil {
		t.Fatal(err)
	}
	r, err := deliver.OpenRepository(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Push(t.Context(), remote, deliver.Content{Owned: []string{}}); err != nil {
		t.Fatal(err)
	}
	files, _, _, err := r.Delivered()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		got[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestForge_PushTreeHoldsUnitsBack(t *testing.T) {
	server := &memgit.Server{}
	forge := &deliver.Forge{Server: server, Dir: t.TempDir()}
	push := func(tree render.Tree, hold ...string) deliver.Pushed {
		t.Helper()
		pushed, err := forge.PushTree(t.Context(), tree, hold...)
		if err != nil {
			t.Fatal(err)
		}
		return pushed
	}
	push(tree("applications/a.yaml", "1", "tools/a/x.yaml", "1", "applications/b.yaml", "1", "tools/b/x.yaml", "1"), "b")
	if got := onServer(t, server); len(got) != 2 || got["tools/a/x.yaml"] != "1" {
		t.Errorf("with b held back the server has %q", got)
	}
	push(tree("applications/a.yaml", "1", "tools/a/x.yaml", "1", "applications/b.yaml", "1", "tools/b/x.yaml", "1"))
	push(tree("applications/a.yaml", "2", "tools/a/x.yaml", "2", "applications/b.yaml", "2"), "b")
	want := map[string]string{"applications/a.yaml": "2", "tools/a/x.yaml": "2", "applications/b.yaml": "1", "tools/b/x.yaml": "1"}
	if got := onServer(t, server); !mapsEqual(got, want) {
		t.Errorf("the server has %q, want %q", got, want)
	}
}

func mapsEqual(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

func TestForge_PushTreeTellsWhatItPutsBack(t *testing.T) {
	server := &memgit.Server{}
	forge := &deliver.Forge{Server: server, Dir: t.TempDir()}
	wanted := tree("tools/a/x.yaml", "rendered", "tools/a/y.yaml", "rendered")
	if _, err := forge.PushTree(t.Context(), wanted); err != nil {
		t.Fatal(err)
	}
	server.Commit(t, render.RepositoryOwner+"/"+render.RepositoryName, "somebody@example.com",
		map[string]string{"tools/a/x.yaml": "by hand", "tools/a/y.yaml": "rendered", "notes.md": "by hand"})
	pushed, err := forge.PushTree(t.Context(), wanted)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"tools/a/x.yaml"}; !slices.Equal(pushed.Overwritten, want) {
		t.Errorf("overwritten = %q, want %q", pushed.Overwritten, want)
	}
	if got := onServer(t, server); got["notes.md"] != "by hand" || got["tools/a/x.yaml"] != "rendered" {
		t.Errorf("the server has %q", got)
	}
}

func TestForge_PushContentsKeepsExecutableFilesAndRemovesDeletedOnes(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("manifests/a.yaml", "1", 0o644)
	write("run.sh", "#!/bin/sh", 0o755)
	server := &memgit.Server{}
	forge := &deliver.Forge{Server: server, Dir: t.TempDir()}
	contents := []render.Content{{Unit: "pack", Repository: "pack-manifests", Dir: dir}}
	if _, err := forge.PushContents(t.Context(), contents); err != nil {
		t.Fatal(err)
	}
	if mode := server.Mode(t, render.RepositoryOwner+"/pack-manifests", "run.sh"); mode != "0100755" {
		t.Errorf("mode of run.sh = %s", mode)
	}
	if err := os.Remove(filepath.Join(dir, "run.sh")); err != nil {
		t.Fatal(err)
	}
	pushed, err := forge.PushContents(t.Context(), contents)
	if err != nil {
		t.Fatal(err)
	}
	if got := pushed["pack-manifests"].Removed; !slices.Equal(got, []string{"run.sh"}) {
		t.Errorf("removed %q", got)
	}
}

func platformWithGit(adapter string) (plan.Plan, *kube.Client) {
	p := plan.Plan{Name: "p", Units: []plan.Unit{
		{Name: "forge", Capabilities: []string{"git"}, Outputs: map[string]map[string]any{"git": {"url": "https://git.example.com", "admin": "ns/admin"}},
			Tool: &v1alpha1.Tool{Spec: v1alpha1.ToolSpec{Adapter: adapter}}},
		{Name: "engine", Capabilities: []string{"delivery"}, Outputs: map[string]map[string]any{"delivery": {"url": "https://engine.example.com"}},
			Tool: &v1alpha1.Tool{Spec: v1alpha1.ToolSpec{Delivery: &v1alpha1.Delivery{WebhookPath: "/api/webhook", WebhookSecret: "ns/engine/hook.secret"}}}},
	}}
	secret := func(name string, data map[string][]byte) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}, Data: data}
	}
	return p, &kube.Client{Core: fake.NewClientset(
		secret("admin", map[string][]byte{"username": []byte("root"), "password": []byte("pw")}),
		secret("engine", map[string][]byte{"hook.secret": []byte("s3cret")}))}
}

func TestOpenForge_UsesTheToolsAdapterAndLogin(t *testing.T) {
	p, c := platformWithGit("memory")
	var access deliver.GitAccess
	servers := deliver.GitServers{"memory": func(a deliver.GitAccess) (deliver.GitServer, error) {
		access = a
		return &memgit.Server{}, nil
	}}
	forge, err := deliver.OpenForge(t.Context(), c, p, servers, nil, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if access.URL != "https://git.example.com" || access.Username != "root" || access.Password != "pw" {
		t.Errorf("access = %+v", access)
	}
	if _, err := forge.PushTree(t.Context(), tree("tools/a", "1")); err != nil {
		t.Fatal(err)
	}
	if err := forge.Hook(t.Context(), c, p); err != nil {
		t.Fatal(err)
	}
	hooks := forge.Server.(*memgit.Server).Webhooks()
	want := deliver.Webhook{URL: "https://engine.example.com/api/webhook", Secret: "s3cret"}
	if len(hooks) != 1 || hooks[0] != want {
		t.Errorf("hooks = %+v, want %+v", hooks, want)
	}
}

func TestOpenForge_SaysWhichAdapterIsMissing(t *testing.T) {
	p, c := platformWithGit("unknown")
	_, err := deliver.OpenForge(t.Context(), c, p, deliver.GitServers{}, nil, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), `no adapter "unknown"`) {
		t.Fatalf("error = %v", err)
	}
	if hint, _ := fault.Of(err); hint == "" {
		t.Error("the error has no hint")
	}
}

// late is a server that answers only the third time.
type late struct {
	*memgit.Server
	calls int
}

func (l *late) EnsureRepository(ctx context.Context, owner, name string, private bool) (deliver.Remote, error) {
	if l.calls++; l.calls < 3 {
		return deliver.Remote{}, fmt.Errorf("log in: %w", deliver.ErrNotYet)
	}
	return l.Server.EnsureRepository(ctx, owner, name, private)
}

func TestForge_WaitsForAServerThatStillStarts(t *testing.T) {
	waited := ""
	task := progress.Start(progress.Func(func(e progress.Event) {
		if e.State == progress.Waiting {
			waited = e.Message
		}
	}), "push", "", 0)
	forge := &deliver.Forge{Server: &late{Server: &memgit.Server{}}, Dir: t.TempDir(), Task: task}
	if _, err := forge.PushTree(t.Context(), tree("tools/a", "1")); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(waited, "does not answer yet") {
		t.Errorf("said to wait for %q", waited)
	}
}

func TestForge_RefreshLearnsWhatOthersDelivered(t *testing.T) {
	server := &memgit.Server{}
	first := &deliver.Forge{Server: server, Dir: t.TempDir()}
	if _, err := first.PushTree(t.Context(), tree("tools/a/x.yaml", "1")); err != nil {
		t.Fatal(err)
	}
	second := &deliver.Forge{Server: server, Dir: t.TempDir()}
	if err := second.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	repository, err := deliver.TreeRepository(second.Dir)
	if err != nil {
		t.Fatal(err)
	}
	files, _, ok, err := repository.Delivered()
	if err != nil || !ok {
		t.Fatalf("delivered: %v, %v", ok, err)
	}
	if data, err := fs.ReadFile(files, "tools/a/x.yaml"); err != nil || string(data) != "1" {
		t.Errorf("tools/a/x.yaml = %q, %v", data, err)
	}
}
