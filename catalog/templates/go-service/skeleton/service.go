package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// service answers requests.
type service struct {
	mux *http.ServeMux
	log *slog.Logger
	// ready says whether requests should come.
	ready atomic.Bool
}

func newService(log *slog.Logger) *service {
	s := &service{mux: http.NewServeMux(), log: log}
	s.mux.HandleFunc("GET /{$}", s.greet)
	s.mux.HandleFunc("GET /healthz", s.healthy)
	s.mux.HandleFunc("GET /readyz", s.isReady)
	return s
}

// ServeHTTP answers a request and logs it.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	recorder := &recorder{ResponseWriter: w, status: http.StatusOK}
	s.mux.ServeHTTP(recorder, r)
	if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
		return
	}
	s.log.Info("request", "method", r.Method, "path", r.URL.Path, "status", recorder.status,
		"duration", time.Since(began).String())
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// greet is where the service's own work begins.
func (s *service) greet(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("name")
	if name == "" {
		name = "world"
	}
	if len(name) > 100 {
		answer(w, http.StatusBadRequest, map[string]string{"error": "the name is longer than 100 bytes"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"greeting": "Hello, " + name + "!"})
}

// healthy says that the process is alive; one that cannot say so is restarted.
func (s *service) healthy(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"status": "ok"})
}

// isReady says whether requests should come. Look here at what the service cannot do without.
func (s *service) isReady(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		answer(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready"})
		return
	}
	answer(w, http.StatusOK, map[string]string{"status": "ready"})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// The client may have gone away: there is nobody to tell then.
	_ = json.NewEncoder(w).Encode(body)
}
