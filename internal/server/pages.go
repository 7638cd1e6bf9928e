package server

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/idp"
	"github.com/slipway-dev/slipway/internal/server/observe"
	"github.com/slipway-dev/slipway/internal/server/people"
	"github.com/slipway-dev/slipway/internal/server/session"
	"github.com/slipway-dev/slipway/internal/server/webui"
)

// pages registers what is no part of the API.
func (s *Server) pages(files *webui.Files) error {
	description, err := s.api.Document()
	if err != nil {
		return err
	}
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.HandleFunc("GET /api/openapi.json", document(description))
	s.mux.HandleFunc("/api/", s.mux.unmatched)
	s.mux.HandleFunc("GET /auth/login", s.login)
	s.mux.HandleFunc("GET "+callbackPath, s.callback)
	s.mux.HandleFunc("POST /auth/logout", s.logout)
	s.mux.HandleFunc("/", files.ServeHTTP)
	return nil
}

// document serves the API's description (media type of the OpenAPI Initiative's registration).
func document(text []byte) func(http.ResponseWriter, *http.Request) {
	sum := sha256.Sum256(text)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/vnd.oai.openapi+json")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(text) // the client is gone where this fails
	}
}

// login sends the browser to the identity provider.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	to, err := s.sessions.Begin(w, r, s.provider, r.URL.Query().Get("return"))
	if err != nil {
		s.loginFailed(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}

// callback takes the browser back from the identity provider and signs its person in.
func (s *Server) callback(w http.ResponseWriter, r *http.Request) {
	login, err := s.sessions.Finish(w, r, s.provider)
	if err != nil {
		s.loginFailed(w, r, err)
		return
	}
	person, err := s.people.Saw(r.Context(), login.Identity)
	if err != nil {
		s.loginFailed(w, r, err)
		return
	}
	// The session that the browser had before ends here.
	if before, err := s.sessions.Load(r); err == nil {
		if _, err := s.sessions.EndAll(r.Context(), before.Person, before.ID); err != nil {
			s.loginFailed(w, r, err)
			return
		}
	}
	record := observe.From(r.Context())
	made, err := s.sessions.Start(w, r, person.ID, login.IDToken, record.Client)
	if err != nil {
		s.loginFailed(w, r, err)
		return
	}
	record.Caller = person.ID
	s.metrics.SignIn("done")
	s.log.InfoContext(r.Context(), "signed in", "person", person.ID, "username", person.Username, "session", made.ID,
		"request", record.ID)
	http.Redirect(w, r, login.Return, http.StatusFound)
}

// loginPage says that a login failed; it needs nothing that the policy of such answers forbids.
var loginPage = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Signing in did not work</title></head>
<body><main><h1>Signing in did not work</h1><p>{{.Cause}}</p>{{with .Hint}}<p>Next: {{.}}</p>{{end}}
<p><a href="/auth/login">Sign in again</a></p><p><small>Request {{.Request}}</small></p></main></body></html>
`))

func (s *Server) loginFailed(w http.ResponseWriter, r *http.Request, err error) {
	record := observe.From(r.Context())
	record.Cause = err
	hint, _ := fault.Of(err)
	status, outcome, cause := http.StatusInternalServerError, "failed", "Something went wrong inside the server."
	switch {
	case errors.Is(err, people.ErrShut):
		status, outcome, cause = http.StatusForbidden, "refused", "An administrator has shut you out."
	case errors.Is(err, idp.ErrUnreachable):
		status, cause = http.StatusBadGateway, "The identity provider cannot be reached."
	case errors.Is(err, idp.ErrRefused):
		status, outcome, cause = http.StatusForbidden, "refused", "The identity provider's answer is not good."
	case hint != "":
		status, outcome, cause = http.StatusBadRequest, "refused", err.Error()
	}
	s.metrics.SignIn(outcome)
	s.log.WarnContext(r.Context(), "sign-in failed", "outcome", outcome, "cause", err.Error(), "client", record.Client,
		"request", record.ID)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// The browser is gone where this fails.
	_ = loginPage.Execute(w, map[string]string{"Cause": cause, "Hint": hint, "Request": record.ID})
}

// logout ends the session here, and says where the browser must go to end it at the provider too.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	answer := struct {
		// Redirect is where the browser is to go next.
		Redirect string `json:"redirect"`
	}{"/"}
	record, err := s.sessions.Load(r)
	switch {
	case err == nil:
		if to := s.sessions.SignOut(r.Context(), s.provider, record); to != "" {
			answer.Redirect = to
		}
		if err := s.sessions.End(w, r, record); err != nil {
			observe.From(r.Context()).Cause = err
			http.Error(w, "the session could not be ended; try again", http.StatusInternalServerError)
			return
		}
		s.log.InfoContext(r.Context(), "signed out", "person", record.Person, "session", record.ID)
	case !errors.Is(err, session.ErrNone):
		observe.From(r.Context()).Cause = err
	}
	// Clear-Site-Data takes what the web interface has stored in the browser.
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok\n") }

// readyz names what is not well; why is for the log.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.draining.Err() != nil {
		plain(w, http.StatusServiceUnavailable, "stopping\n")
		return
	}
	bad := ""
	for name, check := range s.ready {
		if err := check(r.Context()); err != nil {
			s.log.WarnContext(r.Context(), "not ready", "check", name, "cause", err.Error())
			bad += name + " is not ready\n"
		}
	}
	if bad != "" {
		plain(w, http.StatusServiceUnavailable, bad)
		return
	}
	plain(w, http.StatusOK, "ok\n")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // the client is gone where this fails
}
