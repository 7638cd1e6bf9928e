package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
)

// Prober makes the HTTP calls that prove the tools' contracts.
type Prober struct {
	HTTP *http.Client // reaches the platform, see package endpoint
	Kube *kube.Client // for the Secrets of probes with BasicAuth
}

// ProbeResult is the outcome of one probe.
type ProbeResult struct {
	Unit       string  `json:"unit"`
	Probe      string  `json:"probe"`
	Capability string  `json:"capability,omitempty"`
	URL        string  `json:"url"`
	OK         bool    `json:"ok"`
	Reason     string  `json:"reason,omitempty"` // why it is not OK
	Seconds    float64 `json:"seconds"`
}

const (
	probeTimeout = 10 * time.Second
	bodyLimit    = 1 << 20 // bytes of an answer that are looked at
	bodyShown    = 120     // characters of an answer in a reason
)

// Check makes every probe of every tool in the plan once, side by side; results stand in the
// plan's order.
func (p Prober) Check(ctx context.Context, pl plan.Plan) []ProbeResult {
	var (
		results []ProbeResult
		group   sync.WaitGroup
	)
	probes := probesOf(pl)
	results = make([]ProbeResult, len(probes))
	for i, probe := range probes {
		group.Go(func() { results[i] = p.Probe(ctx, probe.unit, probe.Probe) })
	}
	group.Wait()
	return results
}

type unitProbe struct {
	unit string
	v1alpha1.Probe
}

func probesOf(pl plan.Plan) []unitProbe {
	var probes []unitProbe
	for _, u := range pl.Units {
		if u.Tool == nil {
			continue
		}
		for _, probe := range u.Tool.Spec.Probes {
			probes = append(probes, unitProbe{u.Name, probe})
		}
	}
	return probes
}

// Wait repeats every probe until it succeeds, or ctx ends: then the error says the last failure
// of each. Each probe is a task of its own below prefix.
func (p Prober) Wait(ctx context.Context, pl plan.Plan, report progress.Reporter, prefix string) error {
	var (
		mu       sync.Mutex
		failures []error
		group    sync.WaitGroup
	)
	for _, probe := range probesOf(pl) {
		group.Go(func() {
			task := progress.Start(report, prefix+"/"+probe.unit+": "+probe.Name, "calling "+probe.URL, 0)
			if err := p.wait(ctx, probe, task); err != nil {
				mu.Lock()
				failures = append(failures, err)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

func (p Prober) wait(ctx context.Context, probe unitProbe, task *progress.Task) error {
	last := "it was not called"
	for {
		result := p.Probe(ctx, probe.unit, probe.Probe)
		switch {
		case result.OK:
			return task.End("answers as it must", nil)
		case ctx.Err() == nil: // a failure because time ran out says nothing new
			last = result.Reason
			task.Wait(probe.URL + ": " + last)
		}
		select {
		case <-ctx.Done():
			return task.End("", fmt.Errorf("%s: %s: %s: %s (%w)", probe.unit, probe.Name, probe.URL, last, context.Cause(ctx)))
		case <-time.After(round):
		}
	}
}

// Probe makes one call.
func (p Prober) Probe(ctx context.Context, unit string, probe v1alpha1.Probe) ProbeResult {
	result := ProbeResult{Unit: unit, Probe: probe.Name, Capability: probe.Capability, URL: probe.URL}
	begun := time.Now()
	err := p.call(ctx, probe)
	result.Seconds = time.Since(begun).Seconds()
	if err != nil {
		result.Reason = oneLine(err.Error())
		return result
	}
	result.OK = true
	return result
}

func (p Prober) call(ctx context.Context, probe v1alpha1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := p.request(ctx, probe)
	if err != nil {
		return err
	}
	client := *p.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	want := probe.Status
	if want == 0 {
		want = http.StatusOK
	}
	if response.StatusCode != want {
		return fmt.Errorf("answers %d, not %d%s", response.StatusCode, want, begin(raw))
	}
	if probe.Condition == "" {
		return nil
	}
	ok, err := expr.Bool(probe.Condition, map[string]any{
		"status": response.StatusCode, "headers": headers(response.Header), "body": body(raw),
	})
	if err != nil {
		return fmt.Errorf("%w%s", err, begin(raw))
	}
	if !ok {
		return fmt.Errorf("the answer does not meet %q%s", probe.Condition, begin(raw))
	}
	return nil
}

func (p Prober) request(ctx context.Context, probe v1alpha1.Probe) (*http.Request, error) {
	method := probe.Method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, probe.URL, strings.NewReader(probe.Body))
	if err != nil {
		return nil, err
	}
	for name, value := range probe.Headers {
		request.Header.Set(name, value)
	}
	if probe.BasicAuth == "" {
		return request, nil
	}
	namespace, name, ok := strings.Cut(probe.BasicAuth, "/")
	if !ok {
		return nil, fmt.Errorf("basicAuth %q is not namespace/name of a Secret", probe.BasicAuth)
	}
	secret, err := p.Kube.Core.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the login in Secret %s: %w", probe.BasicAuth, err)
	}
	request.SetBasicAuth(string(secret.Data["username"]), string(secret.Data["password"]))
	return request, nil
}

// headers are a response's headers by lower-case name; several of one name are joined by ", ".
func headers(h http.Header) map[string]any {
	all := make(map[string]any, len(h))
	for name, values := range h {
		all[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return all
}

// body is the decoded JSON where raw is JSON, else the text.
func body(raw []byte) any {
	var value any
	if json.Unmarshal(raw, &value) == nil {
		return value
	}
	return string(raw)
}

// begin shows how an answer begins, for error texts.
func begin(raw []byte) string {
	text := strings.Join(strings.Fields(string(raw)), " ")
	if text == "" {
		return ""
	}
	if len(text) > bodyShown {
		text = text[:bodyShown] + "..."
	}
	return ": " + text
}
