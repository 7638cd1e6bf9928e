package main

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
)

// page is a file as it is sent.
type page struct {
	data      []byte
	kind, tag string
}

// site holds all pages by their paths.
type site struct {
	pages map[string]page
	// ready says whether requests should come.
	ready atomic.Bool
}

// newSite reads all files of a folder.
func newSite(files fs.FS) (*site, error) {
	s := &site{pages: map[string]page{}}
	return s, fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		kind := mime.TypeByExtension(path.Ext(name))
		if kind == "" {
			kind = "application/octet-stream"
		}
		sum := sha256.Sum256(data)
		s.pages["/"+name] = page{data: data, kind: kind, tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
		return nil
	})
}

// ServeHTTP answers a request.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "same-origin")
	w.Header().Set("Content-Security-Policy", "default-src 'self'")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are answered", http.StatusMethodNotAllowed)
	case r.URL.Path == "/healthz":
		_, _ = w.Write([]byte("ok\n"))
	case r.URL.Path == "/readyz" && !s.ready.Load():
		http.Error(w, "not ready", http.StatusServiceUnavailable)
	case r.URL.Path == "/readyz":
		_, _ = w.Write([]byte("ready\n"))
	default:
		s.serve(w, r)
	}
}

// find is the page of a path: "/about/" is about/index.html, and "/about" is about.html.
func (s *site) find(name string) (page, bool) {
	if strings.HasSuffix(name, "/") {
		p, ok := s.pages[name+"index.html"]
		return p, ok
	}
	p, ok := s.pages[name]
	if !ok {
		p, ok = s.pages[name+".html"]
	}
	return p, ok
}

func (s *site) serve(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	p, ok := s.find(r.URL.Path)
	if !ok {
		if p, ok = s.pages["/404.html"]; !ok {
			http.NotFound(w, r)
			return
		}
		status = http.StatusNotFound
	}
	w.Header().Set("ETag", p.tag)
	w.Header().Set("Cache-Control", "no-cache") // kept, but asked about by its tag
	if status == http.StatusOK && r.Header.Get("If-None-Match") == p.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", p.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(p.data)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = w.Write(p.data) // the client may have gone away: there is nobody to tell then
	}
}
