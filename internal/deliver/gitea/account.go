package gitea

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
)

const (
	// tokenLife is after how long a token is made anew.
	tokenLife = 30 * 24 * time.Hour
	// overlap is how long the token before stays valid at least: longer than what still works with it.
	overlap = time.Hour
)

// botDomain ends the mail addresses of the users that EnsureAccount made, and of nobody else's.
const botDomain = "@noreply.invalid"

// scopes are the server's words for rights (models/auth/access_token_scope.go, 1.26): writing includes reading.
var scopes = map[string]string{
	v1alpha1.RightReadCode: "read:repository", v1alpha1.RightWriteCode: "write:repository",
	v1alpha1.RightReadPackages: "read:package", v1alpha1.RightWritePackages: "write:package",
	v1alpha1.RightEverything: "all",
}

// EnsureAccount keeps accounts as users whom nobody signs in as: their password is random and forgotten, and what
// they work with are access tokens, named by their purpose and when they were made.
func (s *Server) EnsureAccount(ctx context.Context, a deliver.Account, known deliver.Login) (deliver.Login, error) {
	c, err := s.client(ctx)
	if err != nil {
		return deliver.Login{}, err
	}
	if err := s.answers(c); err != nil {
		return deliver.Login{}, err
	}
	var want []string
	for _, right := range a.Rights {
		scope, ok := scopes[right]
		if !ok {
			return deliver.Login{}, fmt.Errorf("the server knows no right %q", right)
		}
		want = append(want, scope)
	}
	slices.Sort(want)
	if err := s.ensureBot(c, a); err != nil {
		return deliver.Login{}, fmt.Errorf("make the account %s: %w", a.Name, err)
	}
	tokens, err := s.tokens(ctx, a)
	if err != nil {
		return deliver.Login{}, err
	}
	current := slices.IndexFunc(tokens, func(t token) bool {
		return known.Username == a.Name && t.LastEight != "" && strings.HasSuffix(known.Password, t.LastEight)
	})
	now := time.Now()
	var keep []int64
	if current >= 0 {
		t := tokens[current]
		keep = append(keep, t.ID)
		slices.Sort(t.Scopes)
		if slices.Equal(t.Scopes, want) && now.Before(t.Created.Add(tokenLife)) {
			known.Renew = t.Created.Add(tokenLife)
			if now.Before(t.Created.Add(overlap)) { // what was replaced last may still be at work
				return known, nil
			}
			return known, s.forget(ctx, a, tokens, keep)
		}
	}
	var made token
	err = s.call(ctx, http.MethodPost, "/users/"+url.PathEscape(a.Name)+"/tokens",
		map[string]any{"name": a.Purpose + " " + now.UTC().Format(time.RFC3339Nano), "scopes": want}, &made)
	if err != nil {
		return deliver.Login{}, fmt.Errorf("make a token of %s: %w", a.Name, err)
	}
	login := deliver.Login{Username: a.Name, Password: made.Token, Renew: now.Add(tokenLife)}
	return login, s.forget(ctx, a, tokens, keep)
}

// ensureBot makes the user where it is missing. One that is no administrator reaches only what it is given, not what
// every user may.
func (s *Server) ensureBot(c *sdk.Client, a deliver.Account) error {
	user, res, err := c.GetUserInfo(a.Name)
	if status(res) == http.StatusNotFound {
		no, hidden := false, sdk.VisibleTypeLimited
		user, res, err = c.AdminCreateUser(sdk.CreateUserOption{Username: a.Name, FullName: "Slipway: " + a.Name, Email: a.Name + botDomain,
			Password: rand.Text() + rand.Text(), MustChangePassword: &no, Visibility: &hidden})
		if status(res) == http.StatusUnprocessableEntity { // made by somebody else meanwhile
			user, _, err = c.GetUserInfo(a.Name)
		}
	}
	if err != nil {
		return err
	}
	restricted := !a.Administrator
	if user.IsAdmin == a.Administrator && user.Restricted == restricted {
		return nil
	}
	no, none := a.Administrator, 0
	option := sdk.EditUserOption{LoginName: a.Name, Admin: &a.Administrator, Restricted: &restricted, AllowCreateOrganization: &no}
	if restricted {
		option.MaxRepoCreation = &none
	}
	_, err = c.AdminEditUser(a.Name, option)
	return err
}

// token is an access token; the secret itself is told only when it is made.
type token struct {
	ID        int64     `json:"id"`
	Name      string    `json:"name"`
	Token     string    `json:"sha1"`
	LastEight string    `json:"token_last_eight"`
	Scopes    []string  `json:"scopes"`
	Created   time.Time `json:"created_at"`
}

// tokens lists those of an account that have its purpose.
func (s *Server) tokens(ctx context.Context, a deliver.Account) ([]token, error) {
	const size = 50
	var all []token
	for page := 1; ; page++ {
		var some []token
		if err := s.call(ctx, http.MethodGet, fmt.Sprintf("/users/%s/tokens?page=%d&limit=%d", url.PathEscape(a.Name), page, size), nil, &some); err != nil {
			return nil, fmt.Errorf("list the tokens of %s: %w", a.Name, err)
		}
		for _, t := range some {
			if strings.HasPrefix(t.Name, a.Purpose+" ") {
				all = append(all, t)
			}
		}
		if len(some) < size {
			return all, nil
		}
	}
}

// forget ends tokens, but for those that are kept.
func (s *Server) forget(ctx context.Context, a deliver.Account, tokens []token, keep []int64) error {
	var errs []error
	for _, t := range tokens {
		if slices.Contains(keep, t.ID) {
			continue
		}
		if err := s.call(ctx, http.MethodDelete, fmt.Sprintf("/users/%s/tokens/%d", url.PathEscape(a.Name), t.ID), nil, nil); err != nil {
			errs = append(errs, fmt.Errorf("end a token of %s: %w", a.Name, err))
		}
	}
	return errors.Join(errs...)
}

// call is for what the SDK has only for one's own account.
func (s *Server) call(ctx context.Context, method, path string, body, into any) error {
	var text io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.access.URL+"/api/v1"+path, text)
	if err != nil {
		return err
	}
	req.SetBasicAuth(s.access.Username, s.access.Password)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.access.HTTP.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s: %s", res.Status, strings.TrimSpace(string(answer)))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
