package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/session"
	"github.com/slipway-dev/slipway/internal/server/token"
)

// SessionPath is the session of the path.
type SessionPath struct {
	Session string `path:"session" maxLength:"64" doc:"the session's ID"`
}

// TokenPath is the token of the path.
type TokenPath struct {
	Token string `path:"token" maxLength:"64" doc:"the token's ID"`
}

func (a *API) registerMe() {
	g := a.group("identity", "", true)
	handle(g, route{"GET /me", "get-me", "Show who is calling", http.StatusOK}, a.me)
	handle(g, route{"GET /me/sessions", "list-my-sessions", "List the browsers in which one is signed in",
		http.StatusOK}, a.mySessions)
	act(g, route{"DELETE /me/sessions/{session}", "end-my-session", "Sign one's browser out", http.StatusNoContent},
		func(ctx context.Context, by access.Principal, in *SessionPath) error {
			n, err := a.identity.Sessions.EndAll(ctx, by.ID, in.Session)
			if err == nil && n == 0 {
				err = fmt.Errorf("session %s: %w", in.Session, ErrNotFound)
			}
			return err
		})
}

func (a *API) me(ctx context.Context, by access.Principal, _ *Empty) (Me, error) {
	me := Me{Actor: actor(by), Email: by.Email, Grants: by.Grants.Strings(), Expires: optional(by.Expires)}
	if by.Session == "" {
		return me, nil
	}
	all, err := a.identity.Sessions.List(ctx, by.ID)
	if err != nil {
		return Me{}, err
	}
	i := slices.IndexFunc(all, func(r session.Record) bool { return r.ID == by.Session })
	if i < 0 {
		return Me{}, fmt.Errorf("session %s: %w", by.Session, ErrNotFound) // ended this very moment
	}
	me.Session, me.CSRFToken = by.Session, a.identity.Sessions.WriteToken(all[i])
	me.Idle = optional(a.identity.Sessions.Until(all[i]))
	return me, nil
}

func (a *API) mySessions(ctx context.Context, by access.Principal, _ *Empty) (Sessions, error) {
	all, err := a.identity.Sessions.List(ctx, by.ID)
	out := Sessions{Items: []Session{}}
	for _, r := range all {
		out.Items = append(out.Items, Session{ID: r.ID, Current: r.ID == by.Session, Created: r.Created, Seen: r.Seen,
			Ends: r.Ends, Client: r.Client, Agent: r.Agent})
	}
	return out, err
}

func (a *API) registerTokens() {
	g := a.group("identity", "", true)
	handle(g, route{"GET /me/tokens", "list-my-tokens", "List one's tokens and command lines", http.StatusOK},
		func(ctx context.Context, by access.Principal, in *PageQuery) (List[Token], error) {
			return a.tokens(ctx, *in, by.ID)
		})
	handle(g, route{"POST /me/tokens", "create-token", "Make an API token; its secret is shown once",
		http.StatusCreated}, a.createToken)
	act(g, route{"DELETE /me/tokens/{token}", "revoke-my-token", "Revoke one's token", http.StatusNoContent},
		func(ctx context.Context, by access.Principal, in *TokenPath) error {
			return a.revoke(ctx, by, by.ID, in.Token)
		})
	handle(g, route{"GET /tokens", "list-tokens", "List everyone's tokens", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *TokensQuery) (List[Token], error) {
			return a.tokens(ctx, in.PageQuery, in.Person)
		})
	act(g, route{"DELETE /tokens/{token}", "revoke-token", "Revoke anyone's token", http.StatusNoContent},
		func(ctx context.Context, by access.Principal, in *TokenPath) error {
			return a.revoke(ctx, by, "", in.Token)
		})
}

// TokensQuery narrows the list of tokens down.
type TokensQuery struct {
	PageQuery
	Person string `query:"person" maxLength:"64" doc:"ID of the owner"`
}

func (a *API) tokens(ctx context.Context, q PageQuery, person string) (List[Token], error) {
	return paged(q, []string{person}, func(p Page) (List[Token], error) {
		records, err := a.identity.Tokens.Tokens(ctx, person, p.After, p.Limit+1)
		if err != nil {
			return List[Token]{}, err
		}
		return more(records, p, func(r token.Record) string { return r.ID }, tokenOf), nil
	})
}

// more makes a page of what was asked for with one item more than the page holds.
func more[R, T any](records []R, p Page, key func(R) string, convert func(R) T) List[T] {
	var l List[T]
	for i, r := range records {
		if i == p.Limit {
			l.Next = key(records[i-1])
			break
		}
		l.Items = append(l.Items, convert(r))
	}
	return l
}

func tokenOf(r token.Record) Token {
	t := Token{ID: r.ID, Kind: string(r.Kind), Name: r.Name, Person: r.Person, Scopes: r.Scopes.Strings(),
		State:   TokenGood,
		Created: r.Created, Expires: r.Expires, Used: optional(r.Used), Revoked: optional(r.Revoked), RevokedBy: r.RevokedBy}
	switch r.Good(time.Now()) {
	case token.ErrRevoked:
		t.State = TokenRevoked
	case token.ErrExpired:
		t.State = TokenExpired
	}
	return t
}

func (a *API) createToken(ctx context.Context, by access.Principal, in *Body[NewToken]) (CreatedToken, error) {
	scopes, err := access.ParseGrants(in.Body.Scopes)
	if err != nil {
		return CreatedToken{}, fmt.Errorf("body.scopes: %w: %w", err, ErrInvalid)
	}
	record, secret, err := a.identity.Tokens.Create(ctx, by, token.Request{
		Kind: token.API, Name: in.Body.Name, Scopes: scopes, Lifetime: time.Duration(in.Body.Days) * 24 * time.Hour})
	if err != nil {
		return CreatedToken{}, err
	}
	a.identity.Log.InfoContext(ctx, "token made", "token", record.ID, "owner", by.ID, "scopes", scopes.Strings(),
		"expires", record.Expires)
	return CreatedToken{tokenOf(record), secret}, nil
}

func (a *API) revoke(ctx context.Context, by access.Principal, person, id string) error {
	n, err := a.identity.Tokens.Revoke(ctx, person, id, by.Username)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("there is no good token %s: %w", id, ErrNotFound)
	}
	a.identity.Log.InfoContext(ctx, "token revoked", "token", id, "by", by.ID)
	return nil
}
