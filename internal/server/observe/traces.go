package observe

import (
	"context"
	"fmt"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// Traces make a span of each request, and send them where an endpoint is set.
type Traces struct{ provider *trace.TracerProvider }

// endpoints are the variables that turn traces on (OpenTelemetry Protocol Exporter, "Endpoint
// Configuration").
var endpoints = []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}

// NewTraces reads OpenTelemetry's own environment variables. Without an endpoint there are no traces,
// and nothing is sent anywhere.
func NewTraces(ctx context.Context, getenv func(string) string, version string) (*Traces, error) {
	on := false
	for _, name := range endpoints {
		on = on || getenv(name) != ""
	}
	if !on {
		return &Traces{}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithFromEnv(), resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "slipway-server"), attribute.String("service.version",
			version)))
	if err != nil {
		return nil, fmt.Errorf("set up traces: %w", err)
	}
	return &Traces{trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))}, nil
}

// Handler makes a span of each request, named later by its route.
func (t *Traces) Handler(next http.Handler) http.Handler {
	if t.provider == nil {
		return next
	}
	return otelhttp.NewHandler(next, "request",
		otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		// Callers are outside: their spans are linked to, not continued.
		otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return true }),
		otelhttp.WithFilter(func(r *http.Request) bool { return r.URL.Path != "/healthz" && r.URL.Path != "/readyz" }))
}

// Name names the span of a request by its route.
func Name(ctx context.Context, route string) { oteltrace.SpanFromContext(ctx).SetName(route) }

// Close sends what is left.
func (t *Traces) Close(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
