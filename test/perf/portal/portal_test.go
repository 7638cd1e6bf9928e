// Package portal measures the portal's server under many clients: a process of its own, with a software catalogue of
// 10,000 entities, asked over loopback by 200 clients at once. It is no test: it fails where an answer is wrong, never
// where one is slow.
//
//	go test -run '^$' -bench API -benchtime 40000x ./test/perf/portal
package portal

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/server"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/index"
	"github.com/slipway-dev/slipway/internal/server/index/backend"
	"github.com/slipway-dev/slipway/internal/server/limits"
	"github.com/slipway-dev/slipway/internal/server/oidctest"
)

const (
	// clients is how many ask at once.
	clients = 200
	// teams and each make 10,000 entities.
	teams = 100
	each  = 100
	// asServer names the variables by which the process knows that it is the server.
	asServer = "SLIPWAY_PERF_SERVER"
	issuer   = "SLIPWAY_PERF_ISSUER"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(asServer); dir != "" {
		if err := serve(dir, os.Getenv(issuer)); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is the server's process: it prints its address once it listens.
func serve(dir, issuer string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	x, _, err := index.Open(ctx, filepath.Join(dir, "index"))
	if err != nil {
		return err
	}
	defer x.Close()
	for n := range teams {
		if err := fill(ctx, x, n); err != nil {
			return err
		}
	}
	c := server.Defaults()
	c.Listen, c.MetricsListen, c.PublicURL = "127.0.0.1:0", "", "http://127.0.0.1"
	c.DataDir, c.CookieKeyFile = filepath.Join(dir, "data"), filepath.Join(dir, "keys")
	c.OIDC.Issuer, c.OIDC.ClientID, c.OIDC.ClientSecretFile = issuer, oidctest.ClientID, filepath.Join(dir, "secret")
	plenty := limits.Rate{PerSecond: 1e6, Burst: 1e6} // all clients are one caller here
	c.Limits.Client, c.Limits.Caller, c.Limits.Guess, c.Limits.Failures = plenty, plenty, plenty, plenty
	c.Roles = []access.Binding{{Group: "viewers", Role: access.Viewer}}
	for file, text := range map[string]string{c.CookieKeyFile: "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
		c.OIDC.ClientSecretFile: oidctest.ClientSecret} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
	}
	s, err := server.New(ctx, server.Options{Config: c, Version: "perf", Log: slog.New(slog.DiscardHandler),
		Getenv: func(string) string { return "" }, Backends: api.Backends{Catalog: backend.Catalog{Index: x}}})
	if err != nil {
		return err
	}
	l, err := s.Listen()
	if err != nil {
		return err
	}
	fmt.Println(l.Main.Addr())
	return s.Run(ctx, l)
}

// fill adds a team's services, which depend on each other and on the next team's.
func fill(ctx context.Context, x *index.Index, n int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team-%d}\nspec: {type: team, children: []}\n", n)
	for i := range each - 1 {
		fmt.Fprintf(&b, `---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: service-%[1]d-%[2]d
  title: Service %[2]d of team %[1]d
  description: Keeps the %[3]s of our customers, and tells others when they change
  tags: [go, %[3]s]
spec:
  type: service
  lifecycle: production
  owner: team-%[1]d
  dependsOn: [component:service-%[1]d-%[4]d, component:service-%[5]d-%[2]d]
`, n, i, []string{"orders", "invoices", "addresses", "preferences", "shipments"}[i%5], (i+1)%(each-1), (n+1)%teams)
	}
	location := fmt.Sprintf("team-%d/catalog-info.yaml", n)
	entities, found := entity.Decode(entity.Source{Location: location, Data: []byte(b.String())})
	if len(found) > 0 || len(entities) != each {
		return fmt.Errorf("%s: %d entities, %v", location, len(entities), found)
	}
	return x.Apply(ctx, location, "", index.Changes{Position: "1", Replace: true, Entities: entities, Rank: n})
}

// process is a server that runs.
type process struct {
	url, token string
	cmd        *exec.Cmd
}

func start(b *testing.B) *process {
	b.Helper()
	provider := oidctest.New(b, "http://127.0.0.1/auth/callback")
	p := &process{cmd: exec.CommandContext(b.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), asServer+"="+b.TempDir(), issuer+"="+provider.Issuer)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		_ = p.cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal("the server ended: ", err)
	}
	p.url = "http://" + strings.TrimSpace(address)
	person := provider.Token(b, provider.Claims(oidctest.User{Subject: "1", Username: "ada", Groups: []string{"viewers"}}))
	token, err := client.New(client.Options{Server: p.url, Token: person}).CreateToken(b.Context(),
		api.NewToken{Name: "perf", Scopes: []string{"viewer"}, Days: 1})
	if err != nil {
		b.Fatal(err)
	}
	p.token = token.Secret
	return p
}

// memory is what the server's process has resident, in MiB.
func (p *process) memory(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	kib := 0
	for line := range strings.Lines(string(text)) {
		if after, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			_, _ = fmt.Sscan(after, &kib)
		}
	}
	return float64(kib) / 1024
}

// question is one sort of request.
type question struct {
	name string
	// path is that of the n-th request.
	path func(n int64) string
}

var questions = []question{
	{"me", func(int64) string { return "/me" }},
	{"list", func(int64) string { return "/catalog/entities?limit=50" }},
	{"list-of-a-team", func(n int64) string {
		return fmt.Sprintf("/catalog/entities?kind=Component&limit=50&owner=group:default/team-%d", n%teams)
	}},
	{"entity", func(n int64) string {
		return fmt.Sprintf("/catalog/entities/component/default/service-%d-%d", n%teams, n%(each-1))
	}},
	{"search", func(n int64) string { return fmt.Sprintf("/catalog/search?q=service-%d-%d", n%teams, n%(each-1)) }},
	{"graph", func(n int64) string {
		return fmt.Sprintf("/catalog/graph?kind=component&depth=2&name=service-%d-%d", n%teams, n%(each-1))
	}},
}

// BenchmarkAPI asks each sort of question alone, and at last all of them in turn.
func BenchmarkAPI(b *testing.B) {
	p := start(b)
	b.Logf("%.0f MiB resident with 10,000 entities, before the first question", p.memory(b))
	mixed := question{"all-in-turn", func(n int64) string { return questions[n%int64(len(questions))].path(n) }}
	for _, q := range append(slices.Clone(questions), mixed) {
		b.Run(q.name, func(b *testing.B) { ask(b, p, q) })
	}
}

// ask makes b.N requests by as many clients as there are, each with a connection of its own.
func ask(b *testing.B, p *process, q question) {
	transport := &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	h := &http.Client{Transport: transport}
	var next atomic.Int64
	took := make([][]time.Duration, clients)
	var group sync.WaitGroup
	b.ResetTimer()
	for i := range clients {
		group.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				begun := time.Now()
				if err := get(b.Context(), h, p, q.path(n)); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(begun))
			}
		})
	}
	group.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.SortFunc(all, cmp.Compare[time.Duration])
	at := func(part float64) float64 { return float64(all[int(part*float64(len(all)-1))].Microseconds()) / 1000 }
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "requests/s")
	b.ReportMetric(p.memory(b), "MiB")
}

func get(ctx context.Context, h *http.Client, p *process, path string) error {
	r, err := http.NewRequestWithContext(ctx, "GET", p.url+api.Prefix+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	response, err := h.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK || !json.Valid(body):
		return fmt.Errorf("GET %s: %s: %.200s", path, response.Status, body)
	}
	return nil
}
