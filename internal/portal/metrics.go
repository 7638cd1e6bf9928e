package portal

import "github.com/prometheus/client_golang/prometheus"

// metrics count what goes on behind the API. Labels hold only what is bounded.
type metrics struct {
	failures *prometheus.CounterVec
	calls    *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "slipway_background_failures_total",
			Help: "Attempts in the background that failed and are made again, by what was to be done."}, []string{"what"}),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "slipway_webhook_calls_total",
			Help: "Calls of the Git server, by what became of them: taken, refused (signature) or invalid."}, []string{"outcome"}),
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.failures, m.calls}
}
