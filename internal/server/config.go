package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	strictjson "sigs.k8s.io/json"

	"github.com/slipway-dev/slipway/internal/portal/config"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/limits"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Config is the server's configuration file, YAML. Every path is a file's or a directory's; secrets
// stand in files of their own, never here.
type Config struct {
	// Listen is where the server answers, host:port; the gateway in front of it speaks TLS.
	Listen string `json:"listen,omitempty"`
	// MetricsListen is where Prometheus asks; empty for nowhere.
	MetricsListen string `json:"metricsListen,omitempty"`
	// PublicURL is how people reach the server: HTTPS, or HTTP on this machine's loopback.
	PublicURL string `json:"publicURL"`
	// DataDir holds the database. It must outlive the process.
	DataDir string `json:"dataDir"`
	// CookieKeyFile holds keys of 32 random bytes in base64, one a line, the newest first.
	CookieKeyFile string           `json:"cookieKeyFile"`
	OIDC          OIDCConfig       `json:"oidc"`
	Kubernetes    KubernetesConfig `json:"kubernetes,omitempty"`
	Sessions      SessionConfig    `json:"sessions,omitempty"`
	Tokens        TokenConfig      `json:"tokens,omitempty"`
	Limits        LimitConfig      `json:"limits,omitempty"`
	// TrustedProxies are networks (CIDR) whose X-Forwarded-For is believed.
	TrustedProxies []string `json:"trustedProxies,omitempty"`
	// Roles give roles to groups and service accounts.
	Roles []access.Binding `json:"roles,omitempty"`
	// Platform is the platform that the server stands on; a server without one answers only what needs none.
	Platform *config.Platform `json:"platform,omitempty"`
}

// OIDCConfig is the identity provider.
type OIDCConfig struct {
	// Issuer is the provider's URL, exactly as its tokens name it.
	Issuer string `json:"issuer"`
	// ClientID is the name under which the provider knows the server, or "@" and the path of a file
	// that holds it, for providers that make up the name.
	ClientID string `json:"clientID"`
	// ClientSecretFile holds the client's secret.
	ClientSecretFile string `json:"clientSecretFile"`
	// CAFile holds certificates (PEM) that the provider's may come from, besides the system's.
	CAFile      string   `json:"caFile,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	GroupsClaim string   `json:"groupsClaim,omitempty"`
	// Audiences are other clients whose tokens are taken from callers.
	Audiences []string `json:"audiences,omitempty"`
}

// KubernetesConfig is the cluster whose service accounts may call.
type KubernetesConfig struct {
	// Audience is what their tokens must be made for; empty lets none in.
	Audience string `json:"audience,omitempty"`
}

// SessionConfig is how long people stay signed in.
type SessionConfig struct {
	Idle     Duration `json:"idle,omitempty"`
	Absolute Duration `json:"absolute,omitempty"`
}

// TokenConfig bounds tokens.
type TokenConfig struct {
	// Lifetime is the longest of an API token, CommandLine how long `slipway login` lasts.
	Lifetime    Duration `json:"lifetime,omitempty"`
	CommandLine Duration `json:"commandLine,omitempty"`
	// PerPerson is how many good tokens one person may have.
	PerPerson int `json:"perPerson,omitempty"`
}

// LimitConfig bounds what one client may ask.
type LimitConfig struct {
	// Client bounds an address, Caller a token or else somebody who is signed in, Guess whoever uses the routes of
	// signing in, Failures an address whose credentials are refused.
	Client   limits.Rate `json:"client,omitempty"`
	Caller   limits.Rate `json:"caller,omitempty"`
	Guess    limits.Rate `json:"guess,omitempty"`
	Failures limits.Rate `json:"failures,omitempty"`
	// BodyBytes bounds a request's body.
	BodyBytes int64 `json:"bodyBytes,omitempty"`
	// Timeout is how long an answer may take.
	Timeout Duration `json:"timeout,omitempty"`
	// Streams is how many streams one caller may have open.
	Streams int `json:"streams,omitempty"`
}

// Duration is a Go duration as text, "30m".
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	*d = Duration(value)
	return err
}

// MarshalText writes a duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Defaults is a configuration with everything that has a default. The lifetimes of sessions are
// those of OWASP ASVS 4.0.3, 3.3.2.
func Defaults() Config {
	return Config{
		Listen: ":8080", MetricsListen: ":9090",
		OIDC:     OIDCConfig{Scopes: []string{"openid", "profile", "email", "groups"}, GroupsClaim: "groups"},
		Sessions: SessionConfig{Idle: Duration(30 * time.Minute), Absolute: Duration(12 * time.Hour)},
		Tokens:   TokenConfig{Lifetime: Duration(365 * 24 * time.Hour), CommandLine: Duration(12 * time.Hour), PerPerson: 50},
		Limits: LimitConfig{
			Client: limits.Rate{PerSecond: 100, Burst: 400}, Caller: limits.Rate{PerSecond: 50, Burst: 200},
			Guess: limits.Rate{PerSecond: 0.5, Burst: 30}, Failures: limits.Rate{PerSecond: 0.2, Burst: 20},
			BodyBytes: 1 << 20, Timeout: Duration(30 * time.Second), Streams: 12,
		},
	}
}

// DecodeConfig reads a configuration file over the defaults. The error is of type spec.Errors. What
// is missing or does not fit is found by New, once flags and environment have had their say.
func DecodeConfig(file string, data []byte) (Config, *spec.Document, error) {
	c := Defaults()
	d, found := spec.Parse(file, data)
	if d == nil {
		return c, nil, spec.AsError(found)
	}
	text, err := json.Marshal(d.Tree)
	if err != nil {
		return c, d, fmt.Errorf("%s: %w", file, err)
	}
	strict, err := strictjson.UnmarshalStrict(text, &c)
	for _, e := range strict {
		f := spec.Finding{File: file, Message: e.Error()}
		var at strictjson.FieldError
		if errors.As(e, &at) {
			f = d.AtKey(at.FieldPath(), "", "is not known here")
		}
		found = append(found, f)
	}
	if err != nil {
		found = append(found, spec.Finding{File: file, Message: err.Error()})
	}
	return c, d, spec.AsError(found)
}
