package store

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func serve(t *testing.T) (*Store, *httptest.Server) {
	t.Helper()
	s := open(t, t.TempDir())
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	return s, srv
}

func get(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestHandler_AnOrdinaryClientPulls(t *testing.T) {
	s, srv := serve(t)
	d := put(t, s, "content", "quay.io/a/b:v1")
	ref, err := name.ParseReference(strings.TrimPrefix(srv.URL, "http://") + "/quay.io/a/b:v1")
	if err != nil {
		t.Fatal(err)
	}
	image, err := remote.Image(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := image.Digest(); err != nil || got != d.Digest {
		t.Errorf("got %s, %v; want %s", got, err, d.Digest)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	r, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if body, err := io.ReadAll(r); err != nil || string(body) != "content" {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestHandler_Manifests(t *testing.T) {
	s, srv := serve(t)
	d := put(t, s, "content", "docker.io/library/busybox:1", "quay.io/a/b:v1", "127.0.0.1:5000/cc:v1")
	for path, want := range map[string]int{
		"/v2/library/busybox/manifests/1?ns=docker.io":                  200,
		"/v2/library/busybox/manifests/1?ns=registry-1.docker.io":       200,
		"/v2/a/b/manifests/v1?ns=quay.io":                               200,
		"/v2/cc/manifests/v1?ns=127.0.0.1:5000":                         200,
		"/v2/quay.io/a/b/manifests/v1":                                  200,
		"/v2/a/b/manifests/" + d.Digest.String() + "?ns=quay.io":        200,
		"/v2/a/b/manifests/v1":                                          404,
		"/v2/a/b/manifests/v2?ns=quay.io":                               404,
		"/v2/a/b/manifests/v1?ns=docker.io":                             404,
		"/v2/a/b/manifests/sha256:" + strings.Repeat("0", 64):           404,
		"/v2/a/b/manifests/" + layerOf(t, s, "quay.io/a/b:v1").String(): 404, // a blob, but no manifest
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			resp, body := get(t, method, srv.URL+path)
			if resp.StatusCode != want {
				t.Errorf("%s %s: got %d, want %d", method, path, resp.StatusCode, want)
				continue
			}
			if want != 200 {
				continue
			}
			if got := resp.Header.Get("Content-Type"); got != string(d.MediaType) {
				t.Errorf("%s %s: content type %q", method, path, got)
			}
			if got := resp.Header.Get("Docker-Content-Digest"); got != d.Digest.String() {
				t.Errorf("%s %s: digest %q", method, path, got)
			}
			if resp.ContentLength != d.Size || (method == http.MethodHead) != (body == "") {
				t.Errorf("%s %s: length %d, body %q", method, path, resp.ContentLength, body)
			}
		}
	}
}

func TestHandler_BlobsByRange(t *testing.T) {
	s, srv := serve(t)
	put(t, s, "content", "quay.io/a/b:v1")
	url := srv.URL + "/v2/a/b/blobs/" + layerOf(t, s, "quay.io/a/b:v1").String()
	if resp, body := get(t, http.MethodGet, url); resp.StatusCode != 200 || body != "content" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	if resp, body := get(t, http.MethodGet, url, "Range", "bytes=3-"); resp.StatusCode != 206 || body != "tent" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
	if resp, _ := get(t, http.MethodHead, url); resp.StatusCode != 200 || resp.ContentLength != 7 {
		t.Errorf("got %d with length %d", resp.StatusCode, resp.ContentLength)
	}
}

func TestHandler_OtherPaths(t *testing.T) {
	s, srv := serve(t)
	put(t, s, "content", "quay.io/a/b:v1", "quay.io/a/b:v2")
	for path, want := range map[string]int{
		"/v2/":                      200,
		"/v2/quay.io/a/b/tags/list": 200,
		"/v2/quay.io/a/c/tags/list": 404,
		"/":                         404,
		"/v2/a/b/blobs/sha256:../../../index.json":         404,
		"/v2/a/b/blobs/sha256:..%2f..%2f..%2findex.json":   404,
		"/v2/a/b/blobs/..%2f..%2findex.json":               404,
		"/v2/../../etc/passwd/manifests/v1":                404,
		"/v2/a/b/blobs/sha512:" + strings.Repeat("0", 128): 404,
		"/v2/a/b/uploads/x":                                404,
	} {
		if resp, _ := get(t, http.MethodGet, srv.URL+path); resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", path, resp.StatusCode, want)
		}
	}
	if _, body := get(t, http.MethodGet, srv.URL+"/v2/a/b/tags/list?ns=quay.io"); !strings.Contains(body, `["v1","v2"]`) {
		t.Errorf("tags: got %s", body)
	}
}

func TestHandler_IsReadOnly(t *testing.T) {
	_, srv := serve(t)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if resp, _ := get(t, method, srv.URL+"/v2/a/b/blobs/uploads/"); resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d", method, resp.StatusCode)
		}
	}
}

func TestHandler_SeesNewImagesWithoutRestart(t *testing.T) {
	s, srv := serve(t)
	url := srv.URL + "/v2/a/b/manifests/v1?ns=quay.io"
	if resp, _ := get(t, http.MethodGet, url); resp.StatusCode != 404 {
		t.Fatalf("got %d", resp.StatusCode)
	}
	put(t, open(t, s.Dir()), "content", "quay.io/a/b:v1")
	if resp, _ := get(t, http.MethodGet, url); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestHandler_ListsReferrers(t *testing.T) {
	s, srv := serve(t)
	d := put(t, s, "content", "quay.io/a/b:v1")
	if err := s.Attach(t.Context(), d, "application/x", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	url := srv.URL + "/v2/a/b/referrers/" + d.Digest.String()
	if resp, body := get(t, http.MethodGet, url); resp.StatusCode != 200 || !strings.Contains(body, "application/x") {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
	if _, body := get(t, http.MethodGet, url+"?artifactType=application/y"); strings.Contains(body, "application/x") {
		t.Errorf("the filter lets through %s", body)
	}
}
