// Package keycloak lets delivery use a Keycloak server as the platform's identity provider, by its
// admin REST API (https://www.keycloak.org/docs-api/latest/rest-api): a realm with the clients,
// people and groups that the platform wants. It is chosen by the tool's field adapter and called
// through [deliver.IdentityProvider]. It changes only what it names: what people add to the realm
// stays.
package keycloak

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/slipway-dev/slipway/internal/deliver"
)

// Name is what a tool's field adapter says to choose this adapter.
const Name = "keycloak"

// adminRealm is where administrators of the whole server sign in, and adminClient the client that
// Keycloak has for programs that do so.
const (
	adminRealm  = "master"
	adminClient = "admin-cli"
)

// Provider is one realm of a Keycloak server, used as the server's administrator.
type Provider struct {
	access      deliver.IdentityAccess
	base, realm string

	mu      sync.Mutex
	settled bool // the realm is as it should be
}

// New makes the adapter. It makes no call yet. The access's issuer is a realm's:
// BASE/realms/REALM.
func New(access deliver.IdentityAccess) (deliver.IdentityProvider, error) {
	if access.HTTP == nil {
		access.HTTP = http.DefaultClient
	}
	base, realm, ok := strings.Cut(strings.TrimSuffix(access.Issuer, "/"), "/realms/")
	if !ok || realm == "" || strings.Contains(realm, "/") {
		return nil, fmt.Errorf("the issuer %q is not of the form BASE/realms/REALM", access.Issuer)
	}
	return &Provider{access: access, base: base, realm: realm}, nil
}

// session is a token of the administrator. It is short-lived: one is taken for each call of the
// provider.
type session struct {
	*Provider
	token string
}

// open signs in, and sees to the realm once.
func (p *Provider) open(ctx context.Context) (*session, error) {
	token, err := p.signIn(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{p, token}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.settled {
		return s, nil
	}
	if err := s.ensureRealm(ctx); err != nil {
		return nil, fmt.Errorf("set up realm %s of %s: %w", p.realm, p.base, err)
	}
	p.settled = true
	return s, nil
}

// signIn tells a server that still starts from one that refuses: on the way to the first, a
// gateway may answer anything.
func (p *Provider) signIn(ctx context.Context) (string, error) {
	form := url.Values{"grant_type": {"password"}, "client_id": {adminClient}, "username": {p.access.Username}, "password": {p.access.Password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/realms/"+adminRealm+"/protocol/openid-connect/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	failed := func(err error) error {
		return fmt.Errorf("log in at %s as %s: %w", p.base, p.access.Username, err)
	}
	res, err := p.access.HTTP.Do(req)
	if err != nil {
		return "", failed(errors.Join(deliver.ErrNotYet, err))
	}
	defer res.Body.Close()
	var answer struct {
		Token       string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	err = json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&answer)
	switch {
	case err == nil && res.StatusCode == http.StatusOK && answer.Token != "":
		return answer.Token, nil
	case err == nil && answer.Error != "" && res.StatusCode < http.StatusInternalServerError:
		return "", failed(fmt.Errorf("%s: %s (%s)", res.Status, answer.Error, answer.Description))
	}
	return "", failed(fmt.Errorf("%w: it answers %s", deliver.ErrNotYet, res.Status))
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 8 << 20

// statusError is an answer that says no.
type statusError struct {
	Method, Path, Status, Message string
	Code                          int
}

func (e *statusError) Error() string {
	text := e.Method + " " + e.Path + ": " + e.Status
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

func isStatus(err error, code int) bool {
	var e *statusError
	return errors.As(err, &e) && e.Code == code
}

// call sends in (nothing where nil) below the realm's admin API and reads the answer into out,
// which may be nil. An empty path is the realm itself.
func (s *session) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	return s.callAt(ctx, method, "/admin/realms/"+url.PathEscape(s.realm)+path, query, in, out)
}

func (s *session) callAt(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	address := s.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.access.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", deliver.ErrNotYet, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode >= 300 {
		var said struct {
			Message     string `json:"errorMessage"`
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		_ = json.Unmarshal(raw, &said) // not every answer is JSON
		message := strings.TrimSpace(strings.Join([]string{said.Message, said.Error, said.Description}, " "))
		failed := &statusError{Method: method, Path: path, Status: res.Status, Message: message, Code: res.StatusCode}
		if res.StatusCode >= http.StatusInternalServerError {
			return fmt.Errorf("%w: %w", deliver.ErrNotYet, failed)
		}
		return failed
	}
	if out == nil || len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	return nil
}
