package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

var small = fstest.MapFS{
	"index.html":       {Data: []byte("first")},
	"about.html":       {Data: []byte("about")},
	"guide/index.html": {Data: []byte("guide")},
	"style.css":        {Data: []byte("body {}")},
	"404.html":         {Data: []byte("gone")},
}

func ask(t *testing.T, files fs.FS, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	s, err := newSite(files)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestSite_FindsPages(t *testing.T) {
	for _, tc := range []struct {
		method, target string
		status         int
		body, kind     string
	}{
		{"GET", "/", 200, "first", "text/html; charset=utf-8"},
		{"GET", "/about", 200, "about", "text/html; charset=utf-8"},
		{"GET", "/about.html", 200, "about", "text/html; charset=utf-8"},
		{"GET", "/guide/", 200, "guide", "text/html; charset=utf-8"},
		{"GET", "/style.css", 200, "body {}", "text/css; charset=utf-8"},
		{"HEAD", "/", 200, "", "text/html; charset=utf-8"},
		{"GET", "/nothing", 404, "gone", "text/html; charset=utf-8"},
		{"GET", "/../main.go", 404, "gone", "text/html; charset=utf-8"},
		{"GET", "/healthz", 200, "ok\n", ""},
		{"GET", "/readyz", 503, "not ready\n", ""},
		{"POST", "/", 405, "only GET and HEAD are answered\n", ""},
	} {
		w := ask(t, small, tc.method, tc.target)
		if w.Code != tc.status || w.Body.String() != tc.body || tc.kind != "" && w.Header().Get("Content-Type") != tc.kind {
			t.Errorf("%s %s: %d %q %s", tc.method, tc.target, w.Code, w.Body, w.Header().Get("Content-Type"))
		}
	}
}

func TestSite_SendsPagesOnlyOnce(t *testing.T) {
	tag := ask(t, small, "GET", "/").Header().Get("ETag")
	if w := ask(t, small, "GET", "/", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

var (
	link  = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	title = regexp.MustCompile(`<title>[^<]+</title>`)
)

// TestPages looks at the pages themselves: each has a language and a title, and its links lead somewhere.
func TestPages(t *testing.T) {
	pages, err := fs.Sub(embedded, "site")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSite(pages)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.find("/"); !ok {
		t.Error("there is no first page, site/index.html")
	}
	for name, p := range s.pages {
		if path.Ext(name) != ".html" {
			continue
		}
		text := string(p.data)
		if !strings.Contains(text, `<html lang="`) || !title.MatchString(text) {
			t.Errorf("%s has no language or no title", name)
		}
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(found[1], "#")
			if target == "" || strings.Contains(target, ":") {
				continue // on this page, or elsewhere
			}
			if !strings.HasPrefix(target, "/") {
				target = path.Join(path.Dir(name), target)
			}
			if _, ok := s.find(target); !ok {
				t.Errorf("%s has a link to %s, which is not there", name, found[1])
			}
		}
	}
}
