package observe

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics count what the server does. Labels hold only what is bounded: routes, methods, codes.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	refused  *prometheus.CounterVec
	signIns  *prometheus.CounterVec
	streams  prometheus.Gauge
}

// NewMetrics makes metrics of their own registry; version goes to slipway_build_info.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slipway_http_requests_total", Help: "Requests answered."}, []string{"route", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "slipway_http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route", "method"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "slipway_http_requests_in_flight", Help: "Requests being served, streams included."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slipway_http_refused_total", Help: "Requests that the guard did not let through, by reason."},
			[]string{"reason"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "slipway_sign_ins_total", Help: "Sign-ins at the identity provider, by outcome."}, []string{"outcome"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "slipway_streams", Help: "Open streams of events and logs."}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "slipway_build_info", Help: "Always 1; the label says which version runs.",
		ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.duration, m.inFlight, m.refused, m.signIns, m.streams, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Add adds other parts' metrics; it fails where a name is taken.
func (m *Metrics) Add(collectors ...prometheus.Collector) error {
	for _, c := range collectors {
		if err := m.registry.Register(c); err != nil {
			return fmt.Errorf("add metrics: %w", err)
		}
	}
	return nil
}

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// methods that are counted by name; a client can invent others.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete,
	http.MethodPatch, http.MethodOptions}

func (m *Metrics) request(route, method string, code int, took time.Duration) {
	if !slices.Contains(methods, method) {
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(code)).Inc()
	m.duration.WithLabelValues(route, method).Observe(took.Seconds())
}

// Refused counts a request that the guard did not let through.
func (m *Metrics) Refused(reason string) { m.refused.WithLabelValues(reason).Inc() }

// SignIn counts a sign-in; outcome is "done", "refused" or "failed".
func (m *Metrics) SignIn(outcome string) { m.signIns.WithLabelValues(outcome).Inc() }

// Stream counts an open stream until the function it gives is called.
func (m *Metrics) Stream() (done func()) {
	m.streams.Inc()
	return m.streams.Dec
}
