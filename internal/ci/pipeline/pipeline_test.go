package pipeline

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	upstream "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	"github.com/slipway-dev/slipway/internal/evidence/registry"
)

const file = `FROM r.example/go:1 AS source
COPY . .

FROM source AS Test
RUN go test ./...

FROM source AS build
RUN go build -o /out

FROM r.example/static:1
COPY --from=build /out /out
`

func TestForTests_EndsWithTheStageOfTests(t *testing.T) {
	part, ok := forTests(file)
	if !ok || !strings.HasSuffix(part, "RUN go test ./...\n") || !strings.HasPrefix(part, "FROM r.example/go:1 AS source") {
		t.Errorf("%t %q", ok, part)
	}
	if _, ok := forTests("FROM a\nRUN test\n"); ok {
		t.Error("found a stage of tests where there is none")
	}
}

func TestWithoutTests_LeavesOutOnlyWhatNobodyNeeds(t *testing.T) {
	if got := withoutTests(file); strings.Contains(got, "go test") || !strings.Contains(got, "go build") || len(stages(got)) != 3 {
		t.Errorf("%s", got)
	}
	for name, kept := range map[string]string{
		"another stage stands on it":     strings.Replace(file, "FROM source AS build", "FROM test AS build", 1),
		"another stage copies from it":   strings.Replace(file, "--from=build", "--from=test", 1),
		"a stage is named by its number": strings.Replace(file, "--from=build", "--from=2", 1),
		"a mount is from a number":       strings.Replace(file, "RUN go build", "RUN --mount=type=bind,from=1 go build", 1),
		"it is the last one":             "FROM a AS x\nFROM x AS test\nRUN y\n",
		"there is none":                  "FROM a\n",
	} {
		if got := withoutTests(kept); got != kept {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestBases_AreTheImagesFromElsewhere(t *testing.T) {
	got := bases(file + "FROM --platform=linux/amd64 x/y:2\nFROM scratch\nFROM ${base}\nFROM Build\n")
	if want := []string{"r.example/go:1", "r.example/static:1", "x/y:2"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestMeaningful_FindsTheLineThatSaysWhy(t *testing.T) {
	for want, output := range map[string]string{
		"service_test.go:20: got 500": "--- FAIL: TestX (0.00s)\n    service_test.go:20: got 500\nFAIL\nFAIL\tshop/hello\t0.004s\nFAIL\n" +
			"subprocess exited with status 1\nsubprocess exited with status 1\nError: building at STEP \"RUN go vet ./... && go test ./...\": exit status 1\n",
		"./main.go:7:2: undefined: x":                            "# shop/hello\n./main.go:7:2: undefined: x\nsubprocess exited with status 1\nError: building at STEP \"RUN go build\": exit status 1\n",
		"AssertionError: 1 != 2":                                 "Traceback (most recent call last):\n  File \"t.py\"\nAssertionError: 1 != 2\n\n------\nRan 3 tests in 0.01s\n\nFAILED (failures=1)\nerror: exit status 1\n",
		"fatal: unable to access 'https://git.example/a/b.git/'": "fatal: unable to access 'https://ada:secret@git.example/a/b.git/'\n",
		"exit status 3":                                          "\nexit status 3\n\n",
		"":                                                       "\n \n",
		"red":                                                    "\x1b[31mred\x1b[0m\nFAIL\n",
	} {
		if got := Meaningful(output); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := []rune(Meaningful(strings.Repeat("ü", 1000))); len(got) != maxLine {
		t.Errorf("%d runes", len(got))
	}
}

func TestPassed_NamesTheTestsThatRunnersReport(t *testing.T) {
	for output, want := range map[string][]string{
		"?   \tx\t[no test files]\nok  \tshop/hello\t0.004s\nok  \tshop/hello/y\t(cached)\n": {"shop/hello", "shop/hello/y"},
		"✔ answers (3.1ms)\n✔ refuses (1ms)\n":                                               {"answers", "refuses"},
		"....\nRan 4 tests\nOK\n":                                                            {"stage test"},
	} {
		if got := passed(output); !slices.Equal(got, want) {
			t.Errorf("%q: %q", output, got)
		}
	}
}

// lists puts a program in the place of the one that lists what images hold: it sees that it gets one image by its
// name, and nothing else that is secret.
func lists(t *testing.T, dir string) {
	t.Helper()
	const script = `#!/bin/sh
case "$2" in *team/shop@sha256:*) ;; *) echo "an image called $2" >&2; exit 1 ;; esac
[ "$(ls "$1/blobs/sha256" | wc -l)" = 4 ] || { echo "not the files of one image" >&2; exit 1; }
cat <<END
{"spdxVersion": "SPDX-2.3", "name": "shop", "creationInfo": {"created": "2026-01-02T03:04:05Z", "creators": ["Tool: syft-1"]}, "packages": [
{"name": "shop", "primaryPackagePurpose": "CONTAINER", "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:oci/shop"}]},
{"name": "left", "versionInfo": "1.2.3", "licenseDeclared": "MIT", "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/left@1.2.3"}]}]}
END
`
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, lister), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
}

func TestPushAndAttest_GiveEvidenceThatHolds(t *testing.T) {
	server := httptest.NewServer(upstream.New(upstream.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for p, text := range map[string]string{"login/username": "slipway\n", "login/password": "secret", "key": string(evidencetest.PrivateKey(t, "builder"))} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, p)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, p), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	image, err := random.Image(1024, 2)
	if err != nil {
		t.Fatal(err)
	}
	lists(t, dir)
	var out bytes.Buffer
	commit := strings.Repeat("a1", 20)
	j := Job{CloneURL: "https://git.example/team/shop.git", Commit: commit, Branch: "main", Image: strings.TrimPrefix(server.URL, "http://") + "/team/shop",
		Run: "shop-1", RunURL: "https://console.example/1", Builder: "https://ci.example", Work: dir, RegistryLogin: filepath.Join(dir, "login"),
		Key: filepath.Join(dir, "key"), Out: &out}
	path, err := layout.Write(j.result(resultImage), empty.Index)
	if err == nil {
		err = path.AppendImage(image)
	}
	if err == nil {
		err = j.Push(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	digest, err := os.ReadFile(j.result(resultDigest))
	if err != nil {
		t.Fatal(err)
	}
	j.Digest = string(digest)
	j.Tests = fmt.Sprintf(`{"ran":true,"passed":["shop/hello"],"dockerfile":%q}`, evidence.DigestOf([]byte(file)))
	j.Inputs = fmt.Sprintf(`[{"uri":"oci://r.example/go:1","digest":{"sha256":%q}}]`, evidence.DigestOf(nil).Hex())
	for range 2 { // as when the first time was cut short at its very end
		if err := j.Attest(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	repository, err := name.NewRepository(j.Image)
	if err != nil {
		t.Fatal(err)
	}
	found, err := evidence.Collect(t.Context(), registry.New(repository), evidencetest.Keyring(t, evidencetest.Key(t, "builder", evidence.Builder)),
		evidence.Digest(digest), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Signatures) != 1 || len(found.Rejected) != 0 || len(found.Tests) != 1 || len(found.SBOMs) == 0 || len(found.Provenance) == 0 {
		t.Fatalf("%+v", found)
	}
	if p := found.Provenance[0].Value; p.Commit != commit || p.Repository != "https://git.example/team/shop" || p.Builder != j.Builder ||
		p.Ref != "refs/heads/main" || p.Invocation != "shop-1" || len(p.Inputs) != 1 {
		t.Errorf("%+v", p)
	}
	if r := found.Tests[0].Value; r.Result != evidence.Passed || r.PassedTests != 1 || r.URL != j.RunURL {
		t.Errorf("%+v", r)
	}
	var held []string
	for _, p := range found.SBOMs[0].Value.Packages {
		held = append(held, p.PURL+" "+p.License)
	}
	if want := []string{"pkg:oci/shop ", "pkg:npm/left@1.2.3 MIT"}; !slices.Equal(held, want) || !strings.Contains(out.String(), "The image holds 1 packages") {
		t.Errorf("%q, want %q\n%s", held, want, out.String())
	}
	if strings.Contains(out.String(), "secret") {
		t.Error("the log tells the password")
	}
}

func TestAttest_SignsNothingThatItCannotRead(t *testing.T) {
	j := Job{Image: "r.example/team/shop", Digest: "sha256:short", Key: filepath.Join(t.TempDir(), "missing"), Out: io.Discard}
	if err := j.Attest(t.Context()); err == nil || !strings.Contains(err.Error(), "the builder's key") {
		t.Error(err)
	}
}

func TestClone_RefusesWhatIsNoCommit(t *testing.T) {
	for _, j := range []Job{{Commit: "main", CloneURL: "https://x"}, {Commit: strings.Repeat("a", 40), CloneURL: "ext::sh -c id"}} {
		j.Out = io.Discard
		if err := j.Clone(t.Context()); err == nil {
			t.Errorf("%+v", j)
		}
	}
}

func TestForget_RemovesTheApplicationsFolderAlone(t *testing.T) {
	j := Job{Cache: t.TempDir(), Out: io.Discard}
	for _, dir := range []string{"sales/shop/releases/go-mod/x", "sales/other", "crm/shop"} {
		if err := os.MkdirAll(filepath.Join(j.Cache, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"", ".", "sales", "/etc/x", "../x/y", "sales/..", "sales/../crm", "a/b/c"} {
		j.Folder = folder
		if err := j.Forget(t.Context()); err == nil {
			t.Errorf("%q was removed", folder)
		}
	}
	for range 2 {
		for _, j.Folder = range []string{"sales/shop", "crm/shop"} {
			if err := j.Forget(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	left, err := filepath.Glob(filepath.Join(j.Cache, "*", "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "other" {
		t.Error(left, err)
	}
}

func TestPatiently_WaitsForARegistryAndNotForARefusal(t *testing.T) {
	var said bytes.Buffer
	j, calls := Job{Out: &said}, 0
	err := j.patiently(t.Context(), func() error {
		if calls++; calls < 3 {
			return io.ErrUnexpectedEOF
		}
		return nil
	})
	if err != nil || calls != 3 || !strings.Contains(said.String(), "unexpected EOF") {
		t.Errorf("%d calls, %v: %s", calls, err, said.String())
	}
	calls = 0
	err = j.patiently(t.Context(), func() error {
		calls++
		return &transport.Error{StatusCode: http.StatusForbidden}
	})
	if err == nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}
