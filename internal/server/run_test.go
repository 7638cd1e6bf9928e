package server

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/apitest"
)

// running is a server that Run runs.
type running struct {
	main, metrics string
	stop          context.CancelFunc
	done          chan error
}

// run runs the fixture's server on listeners of its own.
func (f *fixture) run(t testing.TB) *running {
	t.Helper()
	o := f.options
	o.Config.DataDir = t.TempDir()
	o.Config.Listen, o.Config.MetricsListen = "127.0.0.1:0", "127.0.0.1:0"
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.notice = 0
	l, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{"http://" + l.Main.Addr().String(), "http://" + l.Metrics.Addr().String(), cancel, make(chan error, 1)}
	go func() { r.done <- s.Run(ctx, l) }()
	t.Cleanup(cancel)
	return r
}

func TestRun_FinishesWhatItAnswersBeforeItStops(t *testing.T) {
	slow := &slowTest{begun: make(chan struct{}), finish: make(chan struct{})}
	f := start(t, func(o *Options) { o.Backends = api.Backends{Policies: slow, Events: &apitest.World{}} })
	r := f.run(t)
	ann := f.as(user("ann", "auditors"))
	ann.want(http.StatusOK, "GET", r.main+"/readyz", nil)
	answers := make(chan answer, 1)
	go func() {
		a, err := ann.try("POST", r.main+"/api/v1/policies/test", api.PolicyTest{Gates: "x", From: apitest.Noon, To: apitest.Noon.Add(1)})
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}()
	<-slow.begun
	r.stop()
	// It has stopped listening once nobody can connect.
	for {
		c, err := net.Dial("tcp", strings.TrimPrefix(r.main, "http://"))
		if err != nil {
			break
		}
		_ = c.Close()
	}
	select {
	case err := <-r.done:
		t.Fatal("it stopped while a request was being answered:", err)
	default:
	}
	close(slow.finish)
	if a := <-answers; a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
	if err := <-r.done; err != nil {
		t.Error(err)
	}
}

func TestRun_MetricsAreElsewhere(t *testing.T) {
	f := start(t)
	findings := prometheus.NewGauge(prometheus.GaugeOpts{Name: "slipway_findings", Help: "x"})
	f.options.Collectors = []prometheus.Collector{findings}
	r := f.run(t)
	ada := f.as(user("ada"))
	ada.want(http.StatusOK, "GET", r.main+"/api/v1/me", nil)
	f.anonymous().want(http.StatusUnauthorized, "GET", r.main+"/api/v1/me", nil)
	f.anonymous().do("BREW", r.main+"/api/v1/me", nil)
	text := string(f.anonymous().want(http.StatusOK, "GET", r.metrics+"/metrics", nil).body)
	for _, want := range []string{
		`slipway_http_requests_total{code="200",method="GET",route="GET /api/v1/me"} 1`,
		`slipway_http_requests_total{code="401",method="GET",route="GET /api/v1/me"} 1`,
		`slipway_http_requests_total{code="405",method="other",route="/api/"} 1`,
		`slipway_http_refused_total{reason="no credential"} 1`, `slipway_build_info{version="test"} 1`, "slipway_findings 0",
		"slipway_http_request_duration_seconds_bucket", "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if a := f.anonymous().get(r.main + "/metrics"); strings.Contains(string(a.body), "slipway_build_info") {
		t.Error("the metrics are public")
	}
}

func TestRun_AddressInUse(t *testing.T) {
	f := start(t)
	o := f.options
	o.Config.DataDir, o.Config.Listen = t.TempDir(), f.front.Listener.Addr().String()
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Listen(); err == nil {
		t.Error("it listens where somebody else does")
	}
}

func TestReady_NamesWhatIsNot(t *testing.T) {
	bad := errors.New("connection refused to 10.0.0.9")
	f := start(t, func(o *Options) {
		o.Ready = map[string]func(context.Context) error{"index": func(context.Context) error { return bad }}
	})
	a := f.anonymous().want(http.StatusServiceUnavailable, "GET", "/readyz", nil)
	if string(a.body) != "index is not ready\n" || !strings.Contains(f.log.String(), "10.0.0.9") {
		t.Errorf("%s", a.body)
	}
	f.anonymous().want(http.StatusOK, "GET", "/healthz", nil)
	bad = nil
	f.anonymous().want(http.StatusOK, "GET", "/readyz", nil)
	f.server.drain()
	f.anonymous().want(http.StatusServiceUnavailable, "GET", "/readyz", nil)
}

func TestLog_HoldsNoSecrets(t *testing.T) {
	f := start(t)
	ada := user("ada", "payments:developers")
	browser := f.signIn(ada)
	token, line, bearer := f.apiToken(t, ada, "viewer"), f.commandLine(t, ada), f.bearer(ada)
	for _, secret := range []string{token, line, bearer} {
		f.with(secret).get("/api/v1/me?access_token=" + secret)
	}
	callback := f.browser().beginLogin("/")
	_, query, _ := strings.Cut(callback, "?")
	log := f.log.String()
	_, cookie, _ := strings.Cut(browser.cookie(t), "=")
	for name, secret := range map[string]string{"API token": token, "command line's token": line, "ID token": bearer,
		"cookie":     cookie,
		"CSRF token": browser.header.Get("X-Csrf-Token"), "query": query} {
		if secret == "" || strings.Contains(log, secret) {
			t.Errorf("the log holds the %s", name)
		}
	}
	for _, want := range []string{`"msg":"signed in"`, `"msg":"token made"`, `"msg":"command line signed in"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}

// collector takes traces as OTLP over HTTP has it, and keeps their spans.
type collector struct {
	mu    sync.Mutex
	spans []*tracev1.Span
	about []string // services
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var batch collectorv1.ExportTraceServiceRequest
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(text, &batch)
	}
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(w, "this is no export of traces", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range batch.ResourceSpans {
		for _, a := range of.Resource.Attributes {
			if a.Key == "service.name" {
				c.about = append(c.about, a.Value.GetStringValue())
			}
		}
		for _, s := range of.ScopeSpans {
			c.spans = append(c.spans, s.Spans...)
		}
	}
}

func TestTraces_OffUntilAnEndpointIsSet(t *testing.T) {
	got := &collector{}
	listener := httptest.NewServer(got)
	defer listener.Close()
	for _, on := range []bool{false, true} {
		f := start(t, func(o *Options) {
			if on {
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", listener.URL)
				o.Getenv = os.Getenv
			}
		})
		f.as(user("ada")).want(http.StatusOK, "GET", "/api/v1/me?secret=42", nil)
		f.anonymous().want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
		f.anonymous().want(http.StatusOK, "GET", "/healthz", nil)
		if err := f.server.traces.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		got.mu.Lock()
		var names []string
		for _, s := range got.spans {
			names = append(names, s.Name)
			if text := s.String(); strings.Contains(text, "secret=42") || !strings.Contains(f.log.String(), hex.EncodeToString(s.TraceId)) {
				t.Errorf("the span says a secret, or no line of the log names its trace: %s", text)
			}
		}
		got.mu.Unlock()
		var want []string
		if on {
			want = []string{"GET /api/v1/me", "GET /api/v1/me"}
		}
		if !slices.Equal(names, want) {
			t.Errorf("with an endpoint %v: the spans are %q", on, names)
		}
		if strings.Contains(f.log.String(), `"trace":"`) != on {
			t.Errorf("with an endpoint %v, the log names a trace: %v", on, !on)
		}
	}
	if !slices.Equal(slices.Compact(got.about), []string{"slipway-server"}) {
		t.Errorf("the spans are of %q", got.about)
	}
}

// serverEnv makes the test binary a server with the configuration file that it names.
const serverEnv = "SLIPWAY_TEST_SERVER"

func TestMain(m *testing.M) {
	if file := os.Getenv(serverEnv); file != "" {
		serveForTest(file)
	}
	os.Exit(m.Run())
}

// TestServer_KilledAtAnyMomentKnowsEveryoneStill runs the server as a process of its own, kills it
// without warning while tokens are being made, and starts it again: sessions, tokens and whoever was
// shut out must be as they were said to be.
func TestServer_KilledAtAnyMomentKnowsEveryoneStill(t *testing.T) {
	f := start(t)
	p := newProcess(t, f)
	p.start()
	root, ada := f.as(user("root", "admins")), f.signIn(user("ada", "payments:developers"))
	var shut api.Me
	f.as(user("mallory", "payments:developers")).want(http.StatusOK, "GET", "/api/v1/me", nil).json(t, &shut)
	root.want(http.StatusOK, "PUT", "/api/v1/people/"+shut.ID+"/access", api.Access{Reason: "left"})
	var good, revoked []string
	for round := range 3 {
		tokens := make(chan string, 100)
		go p.makeTokens(f.as(user("dan", "payments:developers")), tokens)
		for range 3 + 4*round {
			good = append(good, <-tokens)
		}
		p.kill()
		for s := range tokens { // what was said before the end counts too
			good = append(good, s)
		}
		p.start()
		ada.want(http.StatusOK, "GET", "/api/v1/me", nil)
		ada.want(http.StatusNotFound, "DELETE", "/api/v1/me/tokens/t-none", nil)
		f.as(user("mallory", "payments:developers")).want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
		for _, s := range good {
			f.with(s).want(http.StatusOK, "GET", "/api/v1/me", nil)
		}
		f.anonymous().want(http.StatusOK, "POST", "/api/v1/device/revoke", "token="+good[0])
		revoked, good = append(revoked, good[0]), good[1:]
		for _, s := range revoked {
			f.with(s).want(http.StatusUnauthorized, "GET", "/api/v1/me", nil)
		}
	}
}

// process is a server in a process of its own, at the fixture's address.
type process struct {
	f      *fixture
	t      *testing.T
	config string
	cmd    *exec.Cmd
}

func newProcess(t *testing.T, f *fixture) *process {
	t.Helper()
	c := f.options.Config
	c.Listen, c.MetricsListen, c.DataDir = f.front.Listener.Addr().String(), "", t.TempDir()
	c.Tokens.PerPerson = 1000
	p := &process{f: f, t: t, config: f.file("server.yaml", yamlOf(t, c))}
	f.front.Close() // the process answers in its place
	t.Cleanup(p.kill)
	return p
}

func (p *process) start() {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(self)
	p.cmd.Env = append(os.Environ(), serverEnv+"="+p.config)
	out, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			p.t.Fatalf("the server ended: %s", line)
		}
		if strings.Contains(line, `"msg":"listening"`) {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
}

// kill ends the process as a power cut would: nothing is told to it.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

// makeTokens makes tokens until the server is gone.
func (p *process) makeTokens(c *caller, to chan<- string) {
	defer close(to)
	for {
		a, err := c.try("POST", "/api/v1/me/tokens", api.NewToken{Name: "x", Scopes: []string{"viewer"}, Days: 1})
		if err != nil {
			return
		}
		var made api.CreatedToken
		if a.status != http.StatusCreated {
			p.t.Errorf("%d %s", a.status, a.body)
			return
		}
		a.json(p.t, &made)
		to <- made.Secret
	}
}

// serveForTest is the whole process.
func serveForTest(file string) {
	fail := func(err error) {
		if err != nil {
			_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
			os.Exit(1)
		}
	}
	text, err := os.ReadFile(file)
	fail(err)
	config, doc, err := DecodeConfig(file, text)
	fail(err)
	s, err := New(context.Background(), Options{Config: config, Document: doc, Getenv: os.Getenv, Version: "test",
		Log: processLog()})
	fail(err)
	var l Listeners
	for range 100 { // the address may be busy for a moment after the process before
		if l, err = s.Listen(); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	fail(err)
	fail(s.Run(context.Background(), l))
}
