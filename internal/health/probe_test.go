package health_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/health"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
)

func toolServer(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/version", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("X-Part", "a")
		w.Header().Add("X-Part", "b")
		_, _ = io.WriteString(w, `{"version": "1.2"}`)
	})
	mux.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "all is well") })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/text", http.StatusFound) })
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "root" || p != "secret" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
		}
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Method+" "+r.Header.Get("X-Ask")+" "+string(data))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func prober(server *httptest.Server) health.Prober {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "admin"},
		Data: map[string][]byte{"username": []byte("root"), "password": []byte("secret")}}
	return health.Prober{HTTP: server.Client(), Kube: &kube.Client{Core: fake.NewClientset(secret)}}
}

func TestProbe(t *testing.T) {
	server := toolServer(t)
	tests := []struct {
		name   string
		probe  v1alpha1.Probe
		reason string // part of the reason; "" means it succeeds
	}{
		{"JSON condition", v1alpha1.Probe{URL: "/version", Condition: "body.version.startsWith('1.') && status == 200"}, ""},
		{"JSON condition that does not hold", v1alpha1.Probe{URL: "/version", Condition: "body.version == '2'"}, `does not meet "body.version == '2'": {"version": "1.2"}`},
		{"headers in lower case, joined", v1alpha1.Probe{URL: "/version", Condition: "headers['x-part'] == 'a, b'"}, ""},
		{"text body", v1alpha1.Probe{URL: "/text", Condition: "body.contains('well')"}, ""},
		{"field that is missing", v1alpha1.Probe{URL: "/version", Condition: "body.nothing == 1"}, "no such key: nothing"},
		{"unwanted status", v1alpha1.Probe{URL: "/none"}, "answers 404, not 200: 404 page not found"},
		{"wanted status", v1alpha1.Probe{URL: "/none", Status: 404}, ""},
		{"a redirect is an answer of its own", v1alpha1.Probe{URL: "/moved", Status: 302}, ""},
		{"login from a Secret", v1alpha1.Probe{URL: "/login", BasicAuth: "ns/admin"}, ""},
		{"no login", v1alpha1.Probe{URL: "/login"}, "answers 401, not 200: who are you?"},
		{"login from a Secret that is missing", v1alpha1.Probe{URL: "/login", BasicAuth: "ns/none"}, `read the login in Secret ns/none: secrets "none" not found`},
		{"method, body and headers", v1alpha1.Probe{URL: "/echo", Method: "POST", Body: "x", Headers: map[string]string{"X-Ask": "y"}, Condition: "body == 'POST y x'"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.probe.URL = server.URL + tt.probe.URL
			got := prober(server).Probe(t.Context(), "tool", tt.probe)
			switch {
			case tt.reason == "" && !got.OK:
				t.Errorf("failed: %s", got.Reason)
			case tt.reason != "" && (got.OK || !strings.Contains(got.Reason, tt.reason)):
				t.Errorf("ok = %v, reason = %q, want %q", got.OK, got.Reason, tt.reason)
			}
		})
	}
}

func planWith(probe v1alpha1.Probe) plan.Plan {
	return plan.Plan{Units: []plan.Unit{{Name: "tool", Tool: &v1alpha1.Tool{Spec: v1alpha1.ToolSpec{Probes: []v1alpha1.Probe{probe}}}}, {Name: "package"}}}
}

func TestProber_WaitCallsUntilTheToolAnswers(t *testing.T) {
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) < 3 {
			http.Error(w, "starting", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	waited := ""
	report := progress.Func(func(e progress.Event) {
		if e.State == progress.Waiting {
			waited = e.Message
		}
	})
	p := health.Prober{HTTP: server.Client()}
	if err := p.Wait(t.Context(), planWith(v1alpha1.Probe{Name: "answers", URL: server.URL}), report, "probe"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(waited, "answers 503, not 200: starting") {
		t.Errorf("said to wait for %q", waited)
	}
}

func TestProber_WaitEndsWithTheLastFailure(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	p := health.Prober{HTTP: server.Client()}
	err := p.Wait(ctx, planWith(v1alpha1.Probe{Name: "answers", URL: server.URL}), progress.Discard, "probe")
	if err == nil || !strings.Contains(err.Error(), "tool: answers: ") || !strings.Contains(err.Error(), "answers 404, not 200") {
		t.Errorf("error = %v", err)
	}
}
