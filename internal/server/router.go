package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/guard"
	"github.com/slipway-dev/slipway/internal/server/observe"
	"github.com/slipway-dev/slipway/internal/server/problem"
)

// router is the standard library's mux with the guard before every route. It remembers its routes,
// so that a test can hold them against the access table and the API's description.
type router struct {
	mux      *http.ServeMux
	guard    *guard.Guard
	patterns []string
	wrong    error
}

func newRouter(g *guard.Guard) *router { return &router{mux: http.NewServeMux(), guard: g} }

// HandleFunc registers a guarded route; what is wrong is kept for err.
func (r *router) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	guarded, err := r.guard.Wrap(pattern, http.HandlerFunc(handler))
	if err != nil {
		r.wrong = errors.Join(r.wrong, err)
		return
	}
	r.mux.Handle(pattern, guarded)
	r.patterns = append(r.patterns, pattern)
}

// ServeHTTP serves a request.
func (r *router) ServeHTTP(w http.ResponseWriter, request *http.Request) { r.mux.ServeHTTP(w, request) }

// err says which routes could not be registered, and which rules have no route.
func (r *router) err() error {
	wrong := r.wrong
	have := map[string]bool{}
	for _, p := range r.patterns {
		have[p] = true
	}
	for pattern := range access.Table {
		if !have[pattern] {
			wrong = errors.Join(wrong, errors.New("the access table has a rule for "+pattern+", which is no route"))
		}
	}
	return wrong
}

// unmatched answers below /api/ where no route matches: the path is unknown, or only the method.
func (r *router) unmatched(w http.ResponseWriter, request *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := request.Clone(request.Context())
		probe.Method = method
		if _, pattern := r.mux.Handler(probe); strings.HasPrefix(pattern, method+" ") {
			allowed = append(allowed, method)
		}
	}
	id := observe.From(request.Context()).ID
	if len(allowed) > 0 {
		problem.New(http.StatusMethodNotAllowed, request.Method+" is not allowed here", "use "+strings.Join(allowed, " or ")).
			With("Allow", strings.Join(allowed, ", ")).About(id).Write(w)
		return
	}
	problem.New(http.StatusNotFound, "there is no route "+request.URL.Path,
		"the routes are listed in /api/openapi.json").About(id).Write(w)
}
