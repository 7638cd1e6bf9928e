package store

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"sort"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// route takes apart what follows /v2/: a repository's name, what is asked of it, and which.
var route = regexp.MustCompile(`^/v2/((?:[a-z0-9._:-]+/)*[a-z0-9._-]+)/(manifests|blobs|referrers|tags)/([A-Za-z0-9._:+-]+)$`)

// Handler serves the store read-only by the OCI distribution protocol
// (https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md). Repositories bear
// their full name ("/v2/quay.io/prometheus/prometheus/..."); a client that uses this as a mirror and says
// the original host in ?ns=, as containerd does, leaves the host out of the name. Images that other
// processes add are seen at once.
func (s *Store) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "this registry is read-only")
			return
		}
		if r.URL.Path == "/v2/" || r.URL.Path == "/v2" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{}"))
			return
		}
		m := route.FindStringSubmatch(r.URL.Path)
		if m == nil {
			refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "no such path")
			return
		}
		repo := repository(m[1], r.URL.Query().Get("ns"))
		switch m[2] {
		case "manifests":
			s.serveManifest(w, r, repo, m[3])
		case "blobs":
			s.serveBlob(w, r, m[3])
		case "referrers":
			s.serveReferrers(w, r, m[3])
		default:
			s.serveTags(w, repo, m[3])
		}
	})
}

// repository gives a repository's full name; docker.io has several spellings.
func repository(name, ns string) string {
	if ns != "" {
		if ns == "registry-1.docker.io" || ns == "index.docker.io" {
			ns = "docker.io"
		}
		name = ns + "/" + name
	}
	return name
}

func (s *Store) serveManifest(w http.ResponseWriter, r *http.Request, repo, ref string) {
	full := repo + ":" + ref
	if strings.HasPrefix(ref, "sha256:") {
		full = repo + "@" + ref
	}
	d, ok := s.Resolve(full)
	if !ok {
		refuse(w, http.StatusNotFound, "MANIFEST_UNKNOWN", full+" is not in the store")
		return
	}
	w.Header().Set("Content-Type", string(d.MediaType))
	s.serveContent(w, r, d.Digest, "MANIFEST_UNKNOWN")
}

func (s *Store) serveBlob(w http.ResponseWriter, r *http.Request, digest string) {
	h, err := v1.NewHash(digest)
	if err != nil {
		refuse(w, http.StatusNotFound, "DIGEST_INVALID", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	s.serveContent(w, r, h, "BLOB_UNKNOWN")
}

// serveContent serves a blob, whole or by range. The client verifies the digest, as the protocol
// demands of it.
func (s *Store) serveContent(w http.ResponseWriter, r *http.Request, h v1.Hash, unknown string) {
	f, err := s.OpenBlob(h)
	if errors.Is(err, os.ErrNotExist) {
		refuse(w, http.StatusNotFound, unknown, h.String()+" is not in the store")
		return
	}
	if err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	defer f.Close()
	w.Header().Set("Docker-Content-Digest", h.String())
	w.Header().Set("ETag", `"`+h.String()+`"`)
	http.ServeContent(w, r, "", time.Time{}, f)
}

func (s *Store) serveReferrers(w http.ResponseWriter, r *http.Request, digest string) {
	h, err := v1.NewHash(digest)
	if err != nil {
		refuse(w, http.StatusBadRequest, "DIGEST_INVALID", err.Error())
		return
	}
	index := emptyIndex()
	if index.Manifests, err = s.Referrers(h); err != nil {
		refuse(w, http.StatusInternalServerError, "UNKNOWN", err.Error())
		return
	}
	if want := r.URL.Query().Get("artifactType"); want != "" {
		kept := index.Manifests[:0]
		for _, d := range index.Manifests {
			if d.ArtifactType == want {
				kept = append(kept, d)
			}
		}
		index.Manifests = kept
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	reply(w, string(types.OCIImageIndex), index)
}

func (s *Store) serveTags(w http.ResponseWriter, repo, list string) {
	refs, err := s.Refs()
	if err != nil || list != "list" {
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "no such path")
		return
	}
	tags := []string{}
	for _, ref := range refs {
		if tag, ok := strings.CutPrefix(ref, repo+":"); ok {
			tags = append(tags, tag)
		}
	}
	if len(tags) == 0 {
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", repo+" is not in the store")
		return
	}
	sort.Strings(tags)
	reply(w, "application/json", map[string]any{"name": repo, "tags": tags})
}

func reply(w http.ResponseWriter, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	_ = json.NewEncoder(w).Encode(body)
}

// refuse answers with an error as the protocol shapes it.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
}
