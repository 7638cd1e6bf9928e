package promotions

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-dev/slipway/internal/promotion"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// metrics count what is decided, and tell how things stand when they are asked.
type metrics struct {
	p         *Promotions
	decisions *prometheus.CounterVec
	waivers   prometheus.Counter

	open, unreviewed, size, published *prometheus.Desc
	findings                          *prometheus.Desc
}

func newMetrics(p *Promotions) *metrics {
	return &metrics{p: p,
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "slipway_decisions_total",
			Help: "Decisions that were made since the server began, by outcome and environment."}, []string{"outcome", "environment"}),
		waivers: prometheus.NewCounter(prometheus.CounterOpts{Name: "slipway_gates_waived_total",
			Help: "Waivers of gates that were given since the server began."}),
		open: prometheus.NewDesc("slipway_promotions", "Promotions that are not over, by state.", []string{"state"}, nil),
		unreviewed: prometheus.NewDesc("slipway_broken_glass_unreviewed",
			"Promotions whose glass was broken, and at which no second person has looked.", nil, nil),
		size: prometheus.NewDesc("slipway_log_decisions", "Decisions in the log.", nil, nil),
		findings: prometheus.NewDesc("slipway_findings",
			"What runs or was merged without a decision, and broken glass that nobody answers for, by kind and environment.",
			[]string{"kind", "environment"}, nil),
		published: prometheus.NewDesc("slipway_log_published_decisions",
			"Decisions that the newest published checkpoint commits to.", nil, nil),
	}
}

// Collectors are the metrics.
func (p *Promotions) Collectors() []prometheus.Collector { return []prometheus.Collector{p.metrics} }

func (m *metrics) decided(o promotion.Outcome, environment string) {
	m.decisions.WithLabelValues(string(o), environment).Inc()
}

func (m *metrics) waived() { m.waivers.Inc() }

// Describe implements prometheus.Collector.
func (m *metrics) Describe(to chan<- *prometheus.Desc) {
	m.decisions.Describe(to)
	m.waivers.Describe(to)
	for _, d := range []*prometheus.Desc{m.open, m.unreviewed, m.size, m.findings, m.published} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(to chan<- prometheus.Metric) {
	m.decisions.Collect(to)
	m.waivers.Collect(to)
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	states := map[api.PromotionState]int{api.PromotionOpen: 0, api.PromotionAllowed: 0, api.PromotionMerged: 0,
		api.PromotionFailed: 0}
	unreviewed := 0
	for _, v := range m.p.views() {
		if _, counts := states[v.State]; counts {
			states[v.State]++
		}
		if v.Unreviewed {
			unreviewed++
		}
	}
	for state, n := range states {
		gauge(m.open, float64(n), string(state))
	}
	gauge(m.unreviewed, float64(unreviewed))
	gauge(m.size, float64(m.p.o.Log.Checkpoint().Size))
	found := map[[2]string]int{}
	m.p.mu.Lock()
	for _, f := range m.p.found {
		found[[2]string{string(f.Kind), f.Environment}]++
	}
	m.p.mu.Unlock()
	for of, n := range found {
		gauge(m.findings, float64(n), of[0], of[1])
	}
	if l, ok := m.p.o.Log.(publishes); ok {
		c, _ := l.Published()
		gauge(m.published, float64(c.Size))
	}
}
