package build

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// zipped makes a zip file, which wheels and many Maven artifacts are.
func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// stub puts a program of that name first on PATH; $FILE in its script is a file with content.
func stub(t *testing.T, name, script string, content []byte) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "content")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\nset -eu\nFILE="+file+"\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// pip is a stand-in that leaves the wheel and the list of what was required.
const pip = `while [ $# -gt 0 ]; do case "$1" in --dest) dest=$2;; --requirement) list=$2;; esac; shift; done
mkdir -p "$dest"; cp "$FILE" "$dest/x-1-manylinux2014_x86_64.whl"; cp "$list" "$FILE.list"
`

const wheelSpec = `
description: x
version: "1"
layers:
  - wheel: {package: x, version: "1", sha256: {manylinux2014_x86_64: "aa", manylinux2014_aarch64: "bb"}, copy: {/bin/x: x.data/scripts/x}}
`

func TestWheel_CopiesAndDemandsItsHash(t *testing.T) {
	stub(t, "python3", pip, zipped(t, map[string]string{"x.data/scripts/x": "#!/bin/sh\n"}))
	dir, image, err := made(t, wheelSpec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(filepath.Join(dir, "bin/x")); err != nil || fi.Mode().Perm() != 0o755 {
		t.Errorf("x: %v", err)
	}
	if p := image.Packages(); len(p) != 1 || p[0].PURL != "pkg:pypi/x@1" || p[0].SHA256 != "aa" {
		t.Errorf("the packages are %v", p)
	}
	list, err := os.ReadFile(filepath.Join(strings.Split(os.Getenv("PATH"), ":")[0], "content.list"))
	if err != nil || string(list) != "x==1 --hash=sha256:aa --hash=sha256:bb\n" {
		t.Errorf("pip was asked for %q, %v", list, err)
	}
}

func TestWheel_CantWriteOutside(t *testing.T) {
	stub(t, "python3", pip, zipped(t, map[string]string{"../../evil": "x"}))
	if _, _, err := made(t, wheelSpec, nil); err == nil || !strings.Contains(err.Error(), "evil") {
		t.Errorf("got %v", err)
	}
}

func TestMaven_ChecksTheArtifact(t *testing.T) {
	content := zipped(t, map[string]string{"dist/lib/a.jar": "a"})
	stub(t, "mvn", `for a in "$@"; do case "$a" in -DoutputDirectory=*) dest=${a#*=};; esac; done
mkdir -p "$dest"; cp "$FILE" "$dest/dist-1.2.zip"
`, content)
	sum := sha256.Sum256(content)
	spec := func(sum string) string {
		return "description: x\nversion: '1'\nlayers: [{maven: {artifact: 'org.x:dist:zip:1.2', sha256: '" + sum + "', copy: {/opt/x: dist}}}]\n"
	}
	dir, image, err := made(t, spec(hex.EncodeToString(sum[:])), nil)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "opt/x/lib/a.jar")); err != nil || string(data) != "a" {
		t.Errorf("got %q, %v", data, err)
	}
	if got := purls(image); got != "pkg:maven/org.x/dist@1.2" {
		t.Errorf("the packages are %s", got)
	}
	if _, _, err := made(t, spec(strings.Repeat("0", 64)), nil); err == nil || !strings.Contains(err.Error(), "the recipe demands") {
		t.Errorf("got %v", err)
	}
}

func TestNPM_RunsTheBuildWithItsTools(t *testing.T) {
	// A stand-in for npm that installs a tool "greet".
	stub(t, "npm", `case "$*" in *greet@1.0.0*) ;; *) exit 9;; esac
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/.bin"; printf '#!/bin/sh\necho "$WORD $1" > out.txt\n' > "$2/node_modules/.bin/greet"; chmod +x "$2/node_modules/.bin/greet"
`, nil)
	const spec = `
description: x
version: "1"
layers:
  - npm: {tools: {greet: 1.0.0}, env: {WORD: hello}, run: [[greet, you]], copy: {/srv/out.txt: out.txt, /srv/own: own.txt}}
`
	dir, _, err := made(t, spec, map[string]string{"own.txt": "own"})
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]string{"srv/out.txt": "hello you\n", "srv/own": "own"} {
		if data, err := os.ReadFile(filepath.Join(dir, p)); err != nil || string(data) != want {
			t.Errorf("%s: got %q, %v", p, data, err)
		}
	}
}
