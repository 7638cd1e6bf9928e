package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func ask(t *testing.T, s *service, method, target string) (int, map[string]string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	var body map[string]string
	if w.Header().Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s %s: %s: %q", method, target, err, w.Body)
		}
	}
	return w.Code, body
}

func TestService(t *testing.T) {
	for _, tc := range []struct {
		method, target string
		status         int
		key, want      string
	}{
		{"GET", "/", 200, "greeting", "Hello, world!"},
		{"GET", "/?name=Ada", 200, "greeting", "Hello, Ada!"},
		{"GET", "/?name=" + url.QueryEscape(`"<b>"`), 200, "greeting", `Hello, "<b>"!`},
		{"GET", "/?name=" + strings.Repeat("x", 101), 400, "error", "the name is longer than 100 bytes"},
		{"GET", "/healthz", 200, "status", "ok"},
		{"GET", "/nothing", 404, "", ""},
		{"POST", "/", 405, "", ""},
	} {
		status, body := ask(t, newService(slog.New(slog.DiscardHandler)), tc.method, tc.target)
		if status != tc.status || body[tc.key] != tc.want {
			t.Errorf("%s %s: %d %v, want %d and %q", tc.method, tc.target, status, body, tc.status, tc.want)
		}
	}
}

func TestService_IsReadyWhenItSaysSo(t *testing.T) {
	s := newService(slog.New(slog.DiscardHandler))
	if status, _ := ask(t, s, "GET", "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("before it is ready: %d", status)
	}
	s.ready.Store(true)
	if status, _ := ask(t, s, "GET", "/readyz"); status != http.StatusOK {
		t.Errorf("when it is ready: %d", status)
	}
}

func TestService_LogsRequestsButNotProbes(t *testing.T) {
	var log bytes.Buffer
	s := newService(slog.New(slog.NewJSONHandler(&log, nil)))
	ask(t, s, "GET", "/healthz")
	if log.Len() > 0 {
		t.Errorf("a probe is logged: %s", &log)
	}
	ask(t, s, "GET", "/nothing")
	var line struct {
		Path   string
		Status int
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Path != "/nothing" || line.Status != 404 {
		t.Errorf("%v %+v: %s", err, line, &log)
	}
}
