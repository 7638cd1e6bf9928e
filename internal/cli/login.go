package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"

	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/endpoint"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/platform"
)

type loginOptions struct {
	Env    *Env
	Server string
	CAFile string
	Scopes []string
	Format string
}

func newLoginCommand(env *Env, run func(context.Context, *loginOptions) error) *cobra.Command {
	o := &loginOptions{Env: env}
	cmd := &cobra.Command{
		Use:   "login [URL]",
		Short: "Sign in to a server; the web interface asks you to confirm",
		Long: `Sign in to a server. A code is shown here; open the page that is named, sign in there, and
confirm the code. This command line then acts for you until the session ends or you log out.
Without a URL it is the portal of the platform on this machine. In scripts, set SLIPWAY_SERVER,
SLIPWAY_TOKEN and, where the platform has a CA of its own, SLIPWAY_CA_FILE instead.`,
		Example: `  slipway login
  slipway login https://console.example.com --ca-file platform-ca.crt
  slipway login --scope developer:payments`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Server = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.CAFile, "ca-file", "", "trust the certificates of `FILE` (PEM) too")
	cmd.Flags().StringArrayVar(&o.Scopes, "scope", nil, "ask for a `ROLE` or ROLE:TEAM only; may be given again")
	_ = cmd.MarkFlagFilename("ca-file", "crt", "pem")
	_ = cmd.RegisterFlagCompletionFunc("scope", completeScopes(env))
	cmd.ValidArgsFunction = completeServers(env)
	addFormat(cmd, &o.Format, "text", "json")
	return cmd
}

func newLogoutCommand(env *Env, run func(context.Context, *loginOptions) error) *cobra.Command {
	o := &loginOptions{Env: env}
	return &cobra.Command{
		Use:   "logout [URL]",
		Short: "Sign out of a server",
		Example: `  slipway logout
  slipway logout https://console.example.com`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeServers(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Server = args[0]
			}
			return run(cmd.Context(), o)
		},
	}
}

// loginCode and loginResult are what a login prints for programs: first what somebody has to confirm, then the session.
type loginCode struct {
	URL     string    `json:"url"`
	Code    string    `json:"code"`
	Expires time.Time `json:"expires"`
}

type loginResult struct {
	Server   string    `json:"server"`
	Username string    `json:"username"`
	Expires  time.Time `json:"expires"`
	Grants   []string  `json:"grants"`
}

func runLogin(ctx context.Context, o *loginOptions) error {
	known, err := readLogins(o.Env)
	if err != nil {
		return err
	}
	l, err := o.server(ctx, known)
	if err != nil {
		return err
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: l.transport(), Timeout: callPatience})
	grant := oauth2.Config{ClientID: clientName(), Scopes: o.Scopes, Endpoint: oauth2.Endpoint{
		DeviceAuthURL: l.Server + "/api/v1/device/code", TokenURL: l.Server + "/api/v1/device/token",
		AuthStyle: oauth2.AuthStyleInParams}}
	auth, err := grant.DeviceAuth(ctx)
	if err != nil {
		return l.explain("ask for a code", err)
	}
	if err := show(o.Env, o.Format, loginCode{auth.VerificationURIComplete, auth.UserCode, auth.Expiry}, func() {
		o.Env.printf("Open %s\nand confirm the code %s (it is good for %s)\n", auth.VerificationURIComplete, auth.UserCode,
			time.Until(auth.Expiry).Round(time.Minute))
	}); err != nil {
		return err
	}
	token, err := grant.DeviceAccessToken(ctx, auth)
	if err != nil {
		return l.explain("wait for the confirmation", err)
	}
	l.Token, l.Expires = token.AccessToken, token.Expiry
	me, err := l.client(o.Env).Me(ctx)
	if err != nil {
		return err
	}
	l.Username = me.Username
	known.Current, known.Servers[l.Server] = l.Server, l
	if err := known.write(o.Env); err != nil {
		return err
	}
	return show(o.Env, o.Format, loginResult{l.Server, me.Username, l.Expires, me.Grants}, func() {
		o.Env.printf("signed in as %s until %s\n", me.Username, l.Expires.Local().Format("2006-01-02 15:04"))
		if len(me.Grants) == 0 {
			o.Env.printf("you have no role in any team yet: ask whoever looks after a team to take you in, and log in again\n")
			return
		}
		o.Env.printf("you may act as %s; see `slipway app list` and `slipway template list`\n", strings.Join(me.Grants, ", "))
	})
}

func runLogout(ctx context.Context, o *loginOptions) error {
	known, err := readLogins(o.Env)
	if err != nil {
		return err
	}
	l, err := o.server(ctx, known)
	if err != nil {
		return err
	}
	if l.Token == "" {
		return fault.Hint(fmt.Errorf("this command line is not signed in to %s", l.Server), "")
	}
	// The token is forgotten here whatever the server says; the error tells where it may still be good.
	delete(known.Servers, l.Server)
	if known.Current == l.Server {
		known.Current = ""
	}
	if err := known.write(o.Env); err != nil {
		return err
	}
	if err := l.client(o.Env).SignOut(ctx, l.Token); err != nil {
		return fmt.Errorf("the token is forgotten here, but may be good until %s: %w",
			l.Expires.Local().Format("2006-01-02 15:04"), err)
	}
	o.Env.printf("signed out of %s\n", l.Server)
	return nil
}

// clientName is what the person sees who confirms.
func clientName() string {
	host, err := os.Hostname()
	if err != nil {
		return "slipway"
	}
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '.' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r &&
			r <= 'Z') {
			return r
		}
		return '-'
	}, host)
	return "slipway@" + name[:min(len(name), 50)]
}

// server gives what is known of the server that is meant: named, in the environment, the one of the
// last login, or that of the platform on this machine.
func (o *loginOptions) server(ctx context.Context, known *logins) (login, error) {
	at := cmp.Or(o.Server, o.Env.Getenv("SLIPWAY_SERVER"), known.Current)
	portal, missing := o.Env.portal(ctx, at)
	at = cmp.Or(at, portal.URL)
	u, err := url.Parse(at)
	switch {
	case at == "":
		return login{}, fault.Invalid(fmt.Errorf("no server is named, and there is none on this machine: %w", missing),
			"name its URL, or set SLIPWAY_SERVER")
	case err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return login{}, fault.Invalid(fmt.Errorf("%q is not the https URL of a server", at), "write https://HOST, as in the browser's address")
	}
	at = u.Scheme + "://" + u.Host
	l := known.Servers[at]
	l.Server = at
	if at == strings.TrimSuffix(portal.URL, "/") {
		l.CA, l.portal = string(portal.CA), portal
	}
	if file := cmp.Or(o.CAFile, o.Env.Getenv("SLIPWAY_CA_FILE")); file != "" {
		pem, err := os.ReadFile(o.Env.path(file))
		if err != nil {
			return login{}, fault.Invalid(fmt.Errorf("--ca-file: %w", err), "")
		}
		l.CA = string(pem)
	}
	return l, nil
}

func loopback(host string) bool {
	return endpoint.Below("localhost", host) || host == "127.0.0.1" || host == "::1"
}

// login is a server at which this command line is or was signed in.
type login struct {
	Server   string    `json:"server"`
	Username string    `json:"username"`
	Token    string    `json:"token"`
	Expires  time.Time `json:"expires"`
	// CA are certificates (PEM) that the server's may come from, besides the system's.
	CA string `json:"ca,omitempty"`

	// portal is that of the platform on this machine, where the server is that one.
	portal platform.Portal
}

// logins are all of them, in a file that only their owner can read.
type logins struct {
	Current string           `json:"current"`
	Servers map[string]login `json:"servers"`
}

// loginsFile follows the XDG Base Directory Specification.
func loginsFile(env *Env) (string, error) {
	dir := env.Getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home := env.Getenv("HOME")
		if home == "" {
			return "", fault.Hint(errors.New("there is no place to keep the login"), "set HOME or XDG_CONFIG_HOME")
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "slipway", "logins.json"), nil
}

func readLogins(env *Env) (*logins, error) {
	all := &logins{Servers: map[string]login{}}
	file, err := loginsFile(env)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(text, all)
	}
	if err != nil {
		return nil, fault.Hint(fmt.Errorf("read the logins: %s: %w", file, err), "remove the file and log in again")
	}
	if all.Servers == nil {
		all.Servers = map[string]login{}
	}
	return all, nil
}

// write replaces the file whole, so that it is never half of one.
func (all *logins) write(env *Env) error {
	file, err := loginsFile(env)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("keep the login: %w", err)
	}
	fresh, err := os.CreateTemp(filepath.Dir(file), ".logins-") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the login: %w", err)
	}
	_, err = fresh.Write(append(text, '\n'))
	if err = errors.Join(err, fresh.Sync(), fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep the login: %w", err), os.Remove(fresh.Name()))
	}
	return nil
}

// callPatience is how long one call may take.
const callPatience = time.Minute

// transport reaches *.localhost on this machine's loopback, whatever the resolver says (RFC 6761,
// section 6.3), and the hosts of this machine's platform where that listens.
func (l login) transport() http.RoundTripper {
	domain, address := "localhost", "127.0.0.1"
	if l.portal.Address != "" {
		domain, address = l.portal.Domain, l.portal.Address
	}
	return endpoint.Transport(domain, address, []byte(l.CA))
}

// client calls the server with the login's token.
func (l login) client(env *Env) *client.Client {
	return client.New(client.Options{Server: l.Server, Token: l.Token, Transport: l.transport(),
		UserAgent: "slipway/" + env.Version})
}

// explain says what failed with the server, and what to do about it.
func (l login) explain(doing string, err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.ErrorCode == "" {
		return client.Unreachable(l.Server, doing, err)
	}
	hint, text := "", refused.ErrorCode+" "+refused.ErrorDescription
	switch refused.ErrorCode {
	case "access_denied":
		hint, text = "log in again and confirm the code", "the login was refused"
	case "expired_token":
		hint, text = "log in again", "nobody confirmed the code in time"
	}
	return fault.Hint(fmt.Errorf("%s: %s: %s", l.Server, doing, text), hint)
}
