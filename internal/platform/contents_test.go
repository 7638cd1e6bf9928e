package platform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/render"
)

func TestContentChanges_ShowFilesAndHideSecrets(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"page.yaml":   "kind: ConfigMap\ndata: {page: hello}\n",
		"secret.yaml": "kind: Secret\nstringData: {password: hunter2}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := &Line{dir: Dir(t.TempDir())}
	changes, err := l.contentChanges([]render.Content{{Repository: "app_manifests", Dir: dir, Unit: "app"}})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, c := range changes {
		paths = append(paths, string(c.Kind)+" "+c.Unit+" "+c.Path)
		if strings.Contains(c.Diff, "hunter2") {
			t.Errorf("%s shows a Secret's value:\n%s", c.Path, c.Diff)
		}
	}
	if got, want := strings.Join(paths, ", "), "added app app_manifests/page.yaml, added app app_manifests/secret.yaml"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	if !strings.Contains(changes[0].Diff, "hello") {
		t.Errorf("the change is not shown:\n%s", changes[0].Diff)
	}
}
