// Package gitea lets the golden path use a Gitea server: repositories, commits of several files,
// branch protection, statuses, pull requests, reviews, merges, teams, accounts and webhooks, in
// the neutral words of package forge. The server acts by it as Slipway's own account, which is
// an administrator; nobody else merges.
package gitea

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/fault"
)

// Access is how the server is reached, and by which account.
type Access struct {
	// URL is the server's root.
	URL                string
	Username, Password string
	HTTP               *http.Client
}

// Forge is a Gitea server. It is safe for concurrent use.
type Forge struct {
	access Access

	mu      sync.Mutex
	writing map[forge.Repository]*sync.Mutex // one commit at a time: the server refuses the slower of two
	read    blobs
}

// New makes the adapter. It makes no call yet.
func New(access Access) *Forge {
	access.URL = strings.TrimSuffix(access.URL, "/")
	if access.HTTP == nil {
		access.HTTP = http.DefaultClient
	}
	return &Forge{access: access, writing: map[forge.Repository]*sync.Mutex{}}
}

// client gives an API client that is bound to ctx; with as, it acts for that account, which an
// administrator may (the Sudo header).
func (f *Forge) client(ctx context.Context, as string) (*sdk.Client, error) {
	options := []sdk.ClientOption{
		sdk.SetGiteaVersion(""), // no call just to ask for the version
		sdk.SetContext(ctx),
		sdk.SetHTTPClient(f.access.HTTP),
		sdk.SetBasicAuth(f.access.Username, f.access.Password),
	}
	if as != "" {
		options = append(options, sdk.SetSudo(as))
	}
	return sdk.NewClient(f.access.URL, options...)
}

// failed says what was being done when the server answered with an error, in forge's terms
// where it has one.
func failed(res *sdk.Response, err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	what = fmt.Sprintf(what, args...)
	switch status(res) {
	case http.StatusNotFound:
		return fmt.Errorf("%s: %w: %w", what, forge.ErrNotFound, err)
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%s: %w: %w", what, forge.ErrForbidden, err)
	case http.StatusConflict:
		return fmt.Errorf("%s: %w: %w", what, forge.ErrConflict, err)
	}
	if s := status(res); (s == 0 || s >= http.StatusInternalServerError) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: the Git server: %w: %w", what, err, fault.ErrUnavailable)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// status is the HTTP status of an answer, 0 where there was none.
func status(res *sdk.Response) int {
	if res == nil || res.Response == nil {
		return 0
	}
	return res.StatusCode
}

// pages calls list for each page until there is no next one.
func pages[T any](list func(sdk.ListOptions) ([]T, *sdk.Response, error)) ([]T, *sdk.Response, error) {
	var all []T
	for page := 1; ; page++ {
		some, res, err := list(sdk.ListOptions{Page: page, PageSize: 50})
		if err != nil {
			return nil, res, err
		}
		all = append(all, some...)
		if res == nil || res.NextPage == 0 {
			return all, res, nil
		}
	}
}

// lock keeps commits to one repository apart.
func (f *Forge) lock(r forge.Repository) func() {
	f.mu.Lock()
	m := f.writing[r]
	if m == nil {
		m = &sync.Mutex{}
		f.writing[r] = m
	}
	f.mu.Unlock()
	m.Lock()
	return m.Unlock
}

func isNotFound(err error) bool { return errors.Is(err, forge.ErrNotFound) }
