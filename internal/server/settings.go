package server

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/guard"
	"github.com/slipway-dev/slipway/internal/server/limits"
	"github.com/slipway-dev/slipway/internal/server/seal"
	"github.com/slipway-dev/slipway/internal/spec"
)

// settings are a configuration that has been checked, with its files read.
type settings struct {
	Config
	// public is PublicURL without a slash at its end.
	public  string
	secure  bool
	trusted []netip.Prefix
	roles   *access.Mapping
	keys    *seal.Keys
	secret  string
	ca      []byte
}

// checker collects what is wrong; doc may be nil.
type checker struct {
	doc   *spec.Document
	found []spec.Finding
}

func (c *checker) add(path, message string, args ...any) {
	if c.doc == nil {
		c.found = append(c.found, spec.Finding{Path: path, Message: fmt.Sprintf(message, args...)})
		return
	}
	c.found = append(c.found, c.doc.At(path, "", message, args...))
}

// settle checks a configuration as a whole and reads the files it names. The error is of type
// spec.Errors and holds everything that is wrong.
func settle(config Config, doc *spec.Document) (settings, error) {
	s := settings{Config: config}
	c := &checker{doc: doc}
	c.addresses(config)
	s.public, s.secure = c.home("publicURL", config.PublicURL)
	if config.DataDir == "" {
		c.add("dataDir", "is missing: a directory that outlives the process")
	}
	c.provider(config.OIDC)
	c.lifetimes(config)
	c.limits(config.Limits)
	for i, network := range config.TrustedProxies {
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			c.add(fmt.Sprintf("trustedProxies[%d]", i), "%q is not a network such as 10.0.0.0/8", network)
		}
		s.trusted = append(s.trusted, prefix.Masked())
	}
	var wrong []spec.Finding
	s.roles, wrong = access.NewMapping("roles", config.Roles)
	for _, f := range wrong {
		c.add(f.Path, "%s", f.Message)
	}
	c.platform(config)
	c.files(&s)
	return s, spec.AsError(c.found)
}

func (c *checker) platform(config Config) {
	if config.Platform != nil {
		config.Platform.Check(func(path, _, message string, args ...any) { c.add("platform."+path, message, args...) })
	}
}

// CheckPlatform finds what is wrong with the section platform alone. The error is of type spec.Errors.
func (config Config) CheckPlatform() error {
	c := &checker{}
	c.platform(config)
	return spec.AsError(c.found)
}

func (c *checker) addresses(config Config) {
	for path, address := range map[string]string{"listen": config.Listen, "metricsListen": config.MetricsListen} {
		if address == "" && path == "metricsListen" {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			c.add(path, "%q is not host:port", address)
		}
	}
}

// home checks a URL at which browsers send credentials: HTTPS, or this machine's loopback.
func (c *checker) home(path, text string) (normal string, secure bool) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		c.add(path, "is missing: the URL at which people reach the server")
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path,
		"/") != "":
		c.add(path, "%q is not a URL of scheme and host alone", text)
	case !protected(u):
		c.add(path, "%q must be https; plain http is for this machine's loopback only", text)
	}
	return strings.TrimRight(text, "/"), err == nil && u.Scheme == "https"
}

func protected(u *url.URL) bool {
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	loopback := host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && loopback
}

func (c *checker) provider(o OIDCConfig) {
	u, err := url.Parse(o.Issuer)
	switch {
	case o.Issuer == "":
		c.add("oidc.issuer", "is missing: the identity provider's URL")
	case err != nil || u.Host == "" || !protected(u):
		c.add("oidc.issuer", "%q is not an https URL", o.Issuer)
	}
	if o.ClientID == "" {
		c.add("oidc.clientID", "is missing: the name under which the provider knows this server")
	}
	if !slices.Contains(o.Scopes, "openid") {
		c.add("oidc.scopes", `must hold "openid"`)
	}
	if o.GroupsClaim == "" {
		c.add("oidc.groupsClaim", "is missing: the claim that lists groups")
	}
}

func (c *checker) lifetimes(config Config) {
	within := func(path string, d Duration, least, most time.Duration) {
		if got := time.Duration(d); got < least || got > most {
			c.add(path, "%s is not between %s and %s", got, least, most)
		}
	}
	const day = 24 * time.Hour
	within("sessions.absolute", config.Sessions.Absolute, time.Minute, 30*day)
	within("sessions.idle", config.Sessions.Idle, time.Minute, max(time.Minute, time.Duration(config.Sessions.Absolute)))
	within("tokens.lifetime", config.Tokens.Lifetime, time.Hour, 10*365*day)
	within("tokens.commandLine", config.Tokens.CommandLine, time.Minute, 30*day)
	if config.Tokens.PerPerson < 1 {
		c.add("tokens.perPerson", "must be at least 1")
	}
}

func (c *checker) limits(l LimitConfig) {
	for path, r := range map[string]limits.Rate{"client": l.Client, "caller": l.Caller, "guess": l.Guess,
		"failures": l.Failures} {
		if r.PerSecond <= 0 || r.Burst < 1 {
			c.add("limits."+path, "needs perSecond above 0 and burst of at least 1")
		}
	}
	if l.BodyBytes < 1<<10 || l.BodyBytes > 64<<20 {
		c.add("limits.bodyBytes", "%d is not between 1 KiB and 64 MiB", l.BodyBytes)
	}
	if l.Timeout < Duration(time.Second) || l.Timeout > Duration(10*time.Minute) {
		c.add("limits.timeout", "%s is not between 1s and 10m0s", time.Duration(l.Timeout))
	}
	if l.Streams < 1 {
		c.add("limits.streams", "must be at least 1")
	}
}

// files reads what the configuration points to.
func (c *checker) files(s *settings) {
	var err error
	if s.CookieKeyFile == "" {
		c.add("cookieKeyFile", "is missing: a file with 32 random bytes in base64 (`openssl rand -base64 32`)")
	} else if s.keys, err = seal.Read(s.CookieKeyFile); err != nil {
		c.add("cookieKeyFile", "%s", err)
	}
	if s.OIDC.ClientSecretFile == "" {
		c.add("oidc.clientSecretFile", "is missing: a file with the client's secret")
	} else if text, err := os.ReadFile(s.OIDC.ClientSecretFile); err != nil {
		c.add("oidc.clientSecretFile", "%s", err)
	} else if s.secret = strings.TrimSpace(string(text)); s.secret == "" {
		c.add("oidc.clientSecretFile", "%s is empty", s.OIDC.ClientSecretFile)
	}
	if file, named := strings.CutPrefix(s.OIDC.ClientID, "@"); named {
		text, err := os.ReadFile(file)
		if err != nil {
			c.add("oidc.clientID", "%s", err)
		} else if s.OIDC.ClientID = strings.TrimSpace(string(text)); s.OIDC.ClientID == "" {
			c.add("oidc.clientID", "%s is empty", file)
		}
	}
	if s.OIDC.CAFile != "" {
		if s.ca, err = os.ReadFile(s.OIDC.CAFile); err != nil {
			c.add("oidc.caFile", "%s", err)
		}
	}
}

func (s settings) guardLimits() guard.Limits {
	l := s.Limits
	return guard.Limits{Client: l.Client, Caller: l.Caller, Guess: l.Guess, Failures: l.Failures,
		BodyBytes: l.BodyBytes, Timeout: time.Duration(l.Timeout)}
}
