// Package webui serves the files of the web interface and sets the headers that tell browsers what
// pages from this server may do. The files come from outside as a file system; paths that are no
// file belong to the interface's own router and get its first page.
package webui

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/server/problem"
	"github.com/slipway-dev/slipway/internal/server/seal"
)

// index is the interface's first page.
const index = "index.html"

// NoncePlaceholder in the first page is replaced by a fresh nonce each time the page is served; the
// Content-Security-Policy then admits inline styles and scripts that carry it.
const NoncePlaceholder = "__CSP_NONCE__"

// Hashed is the folder whose files bear a digest of their content in their names, as build tools
// name them; browsers may keep those for ever.
const Hashed = "assets/"

// maxFile bounds one file, which is held in memory.
const maxFile = 8 << 20

// Files serves the interface.
type Files struct {
	files map[string]file
	// first is the first page; nil where there is no interface.
	first []byte
}

type file struct {
	content     []byte
	contentType string
	tag         string
	// packed are the same content, compressed, by Content-Encoding.
	packed map[string][]byte
}

// encodings are tried in this order; "file.br" beside "file" is file, compressed.
var encodings = []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}}

// New reads all files. A nil file system is an interface that is not there.
func New(from fs.FS) (*Files, error) {
	f := &Files{files: map[string]file{}}
	if from == nil {
		return f, nil
	}
	err := fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return f.read(from, name)
	})
	if err != nil {
		return nil, fmt.Errorf("read the web interface: %w", err)
	}
	first, ok := f.files[index]
	if !ok {
		return nil, errors.New("read the web interface: it has no " + index)
	}
	f.first = first.content
	for name := range f.files {
		f.pair(name)
	}
	return f, nil
}

func (f *Files) read(from fs.FS, name string) error {
	content, err := fs.ReadFile(from, name)
	if err != nil {
		return err
	}
	if len(content) > maxFile {
		return fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	sum := sha256.Sum256(content)
	kind := mime.TypeByExtension(path.Ext(name))
	if path.Ext(name) == ".woff2" {
		kind = "font/woff2" // RFC 8081; not among the types that Go knows without the system's list
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	f.files[name] = file{content: content, contentType: kind, tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
	return nil
}

// pair gives a file its compressed forms.
func (f *Files) pair(name string) {
	entry := f.files[name]
	for _, e := range encodings {
		if packed, ok := f.files[name+e.suffix]; ok {
			if entry.packed == nil {
				entry.packed = map[string][]byte{}
			}
			entry.packed[e.name] = packed.content
		}
	}
	f.files[name] = entry
}

// ServeHTTP serves a file, or the first page.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		problem.New(http.StatusMethodNotAllowed, r.Method+" is not allowed here", "the API is below /api/v1").
			With("Allow", "GET, HEAD").Write(w)
		return
	}
	if f.first == nil {
		problem.New(http.StatusNotFound, "this server was built without the web interface",
			"the API is described at /api/openapi.json").Write(w)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	switch entry, ok := f.files[name]; {
	case ok && name != index:
		entry.serve(w, r, name)
	case path.Ext(name) != "" && name != index:
		// What looks like a file is not a page of the interface's router.
		problem.New(http.StatusNotFound, "there is no file "+r.URL.Path,
			"load the page anew; the interface may have been updated").Write(w)
	default:
		f.page(w, r)
	}
}

// serve sends a file; browsers keep it for ever, or ask each time whether it has changed.
func (e file) serve(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("Content-Type", e.contentType)
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, Hashed) {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	content, tag := e.content, e.tag
	if e.packed != nil {
		h.Set("Vary", "Accept-Encoding")
	}
	for _, encoding := range encodings {
		if packed, ok := e.packed[encoding.name]; ok && accepts(r, encoding.name) {
			h.Set("Content-Encoding", encoding.name)
			content, tag = packed, strings.TrimSuffix(e.tag, `"`)+encoding.suffix+`"`
			break
		}
	}
	h.Set("ETag", tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// accepts reads Accept-Encoding (RFC 9110, section 12.5.3) as far as it matters here: a coding that
// is named and not refused.
func accepts(r *http.Request, coding string) bool {
	for _, part := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		weight = strings.ReplaceAll(weight, " ", "")
		return weight != "q=0" && !strings.HasPrefix(weight, "q=0.000")
	}
	return false
}

// page sends the first page with a nonce of its own; it is never kept, so that the nonce is not used twice.
func (f *Files) page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	content := f.first
	nonce := ""
	if bytes.Contains(content, []byte(NoncePlaceholder)) {
		nonce = seal.Secret()
		content = bytes.ReplaceAll(content, []byte(NoncePlaceholder), []byte(nonce))
	}
	h.Set("Content-Security-Policy", policy(nonce))
	_, _ = w.Write(content) // the browser is gone where this fails
}
