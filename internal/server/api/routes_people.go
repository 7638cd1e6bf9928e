package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/people"
)

// PersonPath is the person of the path.
type PersonPath struct {
	Person string `path:"person" maxLength:"64" doc:"the person's ID"`
}

// AccessInput is a person, and whether they may come in.
type AccessInput struct {
	PersonPath
	Body Access
}

func (a *API) registerPeople() {
	g := a.group("identity", "", true)
	handle(g, route{"GET /people", "list-people", "List who has signed in", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *PageQuery) (List[PersonSummary], error) {
			return paged(*in, nil, func(p Page) (List[PersonSummary], error) {
				records, err := a.identity.People.People(ctx, p.After, p.Limit+1)
				if err != nil {
					return List[PersonSummary]{}, err
				}
				return more(records, p, func(r people.Person) string { return r.ID }, a.summary), nil
			})
		})
	handle(g, route{"GET /people/{person}", "get-person", "Show somebody who has signed in", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *PersonPath) (Person, error) {
			return a.person(ctx, in.Person)
		})
	handle(g, route{"PUT /people/{person}/access", "set-access", "Shut somebody out, or let them in again",
		http.StatusOK}, a.setAccess)
	handle(g, route{"DELETE /people/{person}/credentials", "end-credentials",
		"Sign somebody out everywhere and revoke their tokens", http.StatusOK},
		func(ctx context.Context, by access.Principal, in *PersonPath) (Ended, error) {
			return a.endAll(ctx, by, in.Person)
		})
}

func (a *API) summary(p people.Person) PersonSummary {
	s := PersonSummary{ID: p.ID, Username: p.Username, Name: p.Name, Email: p.Email,
		Grants: a.identity.Roles.Person(p.Groups).Strings(), Seen: p.Seen}
	if p.Shut != nil {
		s.Shut = &ShutOut{By: p.Shut.By, At: p.Shut.At, Reason: p.Shut.Reason}
	}
	return s
}

func (a *API) person(ctx context.Context, id string) (Person, error) {
	p, err := a.identity.People.Person(ctx, id)
	if err != nil {
		return Person{}, unknownPerson(id, err)
	}
	sessions, err := a.identity.Sessions.List(ctx, id)
	if err != nil {
		return Person{}, err
	}
	return Person{PersonSummary: a.summary(p), Issuer: p.Issuer, Subject: p.Subject,
		Groups: append([]string{}, p.Groups...), Sessions: len(sessions)}, nil
}

func unknownPerson(id string, err error) error {
	if errors.Is(err, people.ErrUnknown) {
		return fmt.Errorf("person %s: %w", id, ErrNotFound)
	}
	return err
}

func (a *API) setAccess(ctx context.Context, by access.Principal, in *AccessInput) (Person, error) {
	var shut *people.Shut
	if !in.Body.Allowed {
		if in.Body.Reason == "" {
			return Person{}, fmt.Errorf("body.reason is needed to shut somebody out: %w", ErrInvalid)
		}
		if in.Person == by.ID {
			return Person{}, fmt.Errorf("nobody can shut themselves out: %w", ErrConflict)
		}
		shut = &people.Shut{By: by.Username, At: time.Now(), Reason: in.Body.Reason}
	}
	if err := a.identity.People.ShutPerson(ctx, in.Person, shut); err != nil {
		return Person{}, unknownPerson(in.Person, err)
	}
	a.identity.Log.WarnContext(ctx, "access of a person changed", "person", in.Person, "allowed", in.Body.Allowed,
		"by", by.ID, "reason", in.Body.Reason)
	// What they were signed in with must not come alive again when they are let in again.
	if shut != nil {
		if _, err := a.endAll(ctx, by, in.Person); err != nil {
			return Person{}, err
		}
	}
	return a.person(ctx, in.Person)
}

func (a *API) endAll(ctx context.Context, by access.Principal, person string) (Ended, error) {
	if _, err := a.identity.People.Person(ctx, person); err != nil {
		return Ended{}, unknownPerson(person, err)
	}
	sessions, err := a.identity.Sessions.EndAll(ctx, person, "")
	if err != nil {
		return Ended{}, err
	}
	tokens, err := a.identity.Tokens.Revoke(ctx, person, "", by.Username)
	if err != nil {
		return Ended{}, err
	}
	a.identity.Log.WarnContext(ctx, "credentials of a person ended", "person", person, "by", by.ID, "sessions",
		sessions, "tokens", tokens)
	return Ended{sessions, tokens}, nil
}
