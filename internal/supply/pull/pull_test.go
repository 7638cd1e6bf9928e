package pull

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-dev/slipway/internal/supply/store"
)

// upstream is a registry on loopback whose answers a test can spoil.
type upstream struct {
	host string
	mu   sync.Mutex
	// spoil may answer itself and return true.
	spoil func(w http.ResponseWriter, r *http.Request) bool
	// asked counts the requests by method and path.
	asked map[string]int
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{asked: map[string]int{}}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		u.asked[r.Method+" "+r.URL.Path]++
		spoil := u.spoil
		u.mu.Unlock()
		if spoil == nil || !spoil(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	u.host = strings.TrimPrefix(srv.URL, "http://")
	return u
}

func (u *upstream) set(spoil func(http.ResponseWriter, *http.Request) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.spoil, u.asked = spoil, map[string]int{}
}

func (u *upstream) count(prefix string) (n int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for k, v := range u.asked {
		if strings.HasPrefix(k, prefix) {
			n += v
		}
	}
	return n
}

// push puts a random image of two layers there.
func (u *upstream) push(t *testing.T, repo string) v1.Image {
	t.Helper()
	image, err := random.Image(2048, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(u.host + "/" + repo)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	return image
}

func newPuller(t *testing.T, mirrors map[string]string) (*Puller, *store.Store) {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := New(s, mirrors)
	p.first = time.Millisecond
	return p, s
}

func blobs(t *testing.T, s *store.Store) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.Dir(), "blobs", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestPull_BringsTheImageWhole(t *testing.T) {
	u := newUpstream(t)
	want, err := u.push(t, "app:v1").Digest()
	if err != nil {
		t.Fatal(err)
	}
	p, s := newPuller(t, nil)
	for _, ref := range []string{u.host + "/app:v1", u.host + "/app@" + want.String()} {
		d, err := p.Pull(t.Context(), ref, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d.Digest != want || !s.Complete(want) {
			t.Errorf("%s: got %s", ref, d.Digest)
		}
	}
}

func TestPull_TakesThisMachinesImageOfAnIndex(t *testing.T) {
	u := newUpstream(t)
	index := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"mips", runtime.GOARCH} {
		image, err := random.Image(512, 1)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	ref, err := name.ParseReference(u.host + "/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	p, s := newPuller(t, nil)
	d, err := p.Pull(t.Context(), u.host+"/app:v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Complete(d.Digest) {
		t.Error("the image is not whole")
	}
	if n := blobs(t, s); n != 4 { // index, manifest, configuration, layer
		t.Errorf("got %d blobs, want those of one platform", n)
	}
}

func TestPull_ThroughAMirror(t *testing.T) {
	u := newUpstream(t)
	u.push(t, "cache/library/app:v1")
	p, s := newPuller(t, map[string]string{"docker.io": u.host + "/cache"})
	d, err := p.Pull(t.Context(), "app:v1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Complete(d.Digest) {
		t.Error("the image is not whole")
	}
}

func TestPull_WithCredentialsOfTheDockerConfiguration(t *testing.T) {
	u := newUpstream(t)
	u.push(t, "app:v1")
	u.set(func(w http.ResponseWriter, r *http.Request) bool {
		if user, password, ok := r.BasicAuth(); ok && user == "ada" && password == "secret" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	p, _ := newPuller(t, nil)
	if _, err := p.Pull(t.Context(), u.host+"/app:v1", nil); err == nil {
		t.Fatal("pulled without credentials")
	}
	if err := p.Probe(t.Context(), u.host+"/app:v1"); err == nil || !strings.Contains(err.Error(), "wants credentials") {
		t.Errorf("probe: got %v", err)
	}
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, u.host, base64.StdEncoding.EncodeToString([]byte("ada:secret")))
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Pull(t.Context(), u.host+"/app:v1", nil); err != nil {
		t.Error(err)
	}
}

func TestPull_TriesAgain(t *testing.T) {
	for what, spoil := range map[string]func(w http.ResponseWriter, r *http.Request){
		"too many requests": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"asked to come back": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"server error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "half")
		},
	} {
		for _, kind := range []string{"/manifests/", "/blobs/"} {
			t.Run(what+kind, func(t *testing.T) {
				u := newUpstream(t)
				image := u.push(t, "app:v1")
				want, err := image.Digest()
				if err != nil {
					t.Fatal(err)
				}
				var failures atomic.Int32
				u.set(func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.Contains(r.URL.Path, kind) || failures.Add(1) > 2 {
						return false
					}
					spoil(w, r)
					return true
				})
				p, s := newPuller(t, nil)
				d, err := p.Pull(t.Context(), u.host+"/app@"+want.String(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if !s.Complete(d.Digest) {
					t.Error("the image is not whole")
				}
			})
		}
	}
}

func TestPull_WhatIsAlwaysWrongIsAnErrorAndLeavesNothing(t *testing.T) {
	u := newUpstream(t)
	u.push(t, "app:v1")
	u.set(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		_, _ = io.WriteString(w, "something else")
		return true
	})
	p, s := newPuller(t, nil)
	if _, err := p.Pull(t.Context(), u.host+"/app:v1", nil); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Fatalf("got %v", err)
	}
	if n := blobs(t, s); n != 0 {
		t.Errorf("%d blobs are left", n)
	}
}

func TestPull_AMissingImageIsNotAskedForAgain(t *testing.T) {
	u := newUpstream(t)
	p, _ := newPuller(t, nil)
	_, err := p.Pull(t.Context(), u.host+"/app:v1", nil)
	var answer *transport.Error
	if !errors.As(err, &answer) || answer.StatusCode != http.StatusNotFound {
		t.Errorf("got %v", err)
	}
	if n := u.count("GET /v2/app/manifests/"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestPull_FetchesOnlyTheBlobsThatAreMissing(t *testing.T) {
	u := newUpstream(t)
	image := u.push(t, "app:v1")
	m, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	broken := "/blobs/" + m.Layers[1].Digest.String()
	u.set(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, broken) {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	p, _ := newPuller(t, nil)
	// One after another would leave the first layer undone when the second fails at once.
	for range 2 {
		if _, err := p.Pull(t.Context(), u.host+"/app:v1", nil); err == nil {
			t.Fatal("no error")
		}
		if p.store.HasBlob(m.Layers[0].Digest, -1) {
			break
		}
	}
	if err := p.blob(t.Context(), reference(t, u.host+"/app:v1"), m.Layers[0], func(string) {}); err != nil {
		t.Fatal(err)
	}
	u.set(nil)
	if _, err := p.Pull(t.Context(), u.host+"/app:v1", nil); err != nil {
		t.Fatal(err)
	}
	if n := u.count("GET /v2/app/blobs/" + m.Layers[0].Digest.String()); n != 0 {
		t.Errorf("the first layer was fetched %d times more", n)
	}
	if n := u.count("GET /v2/app" + broken); n != 1 {
		t.Errorf("the second layer was fetched %d times", n)
	}
}

func reference(t *testing.T, s string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestProbe_SaysWhyAnImageCantBePulled(t *testing.T) {
	u := newUpstream(t)
	u.push(t, "app:v1")
	p, _ := newPuller(t, nil)
	if err := p.Probe(t.Context(), u.host+"/app:v1"); err != nil {
		t.Error(err)
	}
	if err := p.Probe(t.Context(), u.host+"/other:v1"); err == nil || !strings.Contains(err.Error(), "has no such image") {
		t.Errorf("got %v", err)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	host := strings.TrimPrefix(gone.URL, "http://")
	gone.Close()
	for range 2 { // the second time it is remembered
		var unreachable *UnreachableError
		if err := p.Probe(t.Context(), host+"/app:v1"); !errors.As(err, &unreachable) || unreachable.Host != host {
			t.Errorf("got %v", err)
		}
	}
}

func TestProbe_ASilentRegistryIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	u := newUpstream(t)
	u.set(func(http.ResponseWriter, *http.Request) bool { <-release; return true })
	t.Cleanup(func() { close(release) })
	p, _ := newPuller(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var unreachable *UnreachableError
	if err := p.Probe(ctx, u.host+"/app:v1"); !errors.As(err, &unreachable) {
		t.Errorf("got %v", err)
	}
}
