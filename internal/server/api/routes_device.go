package api

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/device"
	"github.com/slipway-dev/slipway/internal/server/observe"
	"github.com/slipway-dev/slipway/internal/server/people"
	"github.com/slipway-dev/slipway/internal/server/token"
)

// OAuthError is how OAuth 2.0 says that something is wrong (RFC 6749, section 5.2); clients of the
// device flow expect it in place of a problem.
type OAuthError struct {
	Code        string `json:"error" example:"authorization_pending"`
	Description string `json:"error_description,omitempty"`

	status int
}

// Error is the code.
func (e *OAuthError) Error() string { return e.Code }

// GetStatus is the HTTP status; huma asks for it.
func (e *OAuthError) GetStatus() int {
	if e.status != 0 {
		return e.status
	}
	return http.StatusBadRequest
}

func invalidRequest(description string) error {
	return &OAuthError{Code: "invalid_request", Description: description}
}

// Form is a request in the encoding that OAuth 2.0 asks for.
type Form struct {
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"application/x-www-form-urlencoded"`
}

const formType = "application/x-www-form-urlencoded"

// formRoute registers a route of OAuth 2.0; fields are the form's, with what they mean.
func formRoute[T any](g group, r route, fields map[string]string, h func(context.Context, url.Values) (T, error)) {
	op := g.operation(r)
	registry := g.api.huma.OpenAPI().Components.Schemas
	op.Responses = map[string]*huma.Response{"400": {Description: "Why not, in OAuth's own words",
		Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[OAuthError](registry)}}}}
	huma.Register(g.api.huma, op, func(ctx context.Context, in *Form) (*output[T], error) {
		kind, _, err := mime.ParseMediaType(in.ContentType)
		if err != nil || kind != formType {
			return nil, invalidRequest("the body must be " + formType)
		}
		form, err := url.ParseQuery(string(in.RawBody))
		if err != nil {
			return nil, invalidRequest("the form cannot be read")
		}
		body, err := h(ctx, form)
		var refused *OAuthError
		switch {
		case errors.As(err, &refused):
			return nil, refused
		case err != nil:
			return nil, problemOf(ctx, err)
		}
		return &output[T]{body}, nil
	})
	// huma takes a raw body for binary; say what is in it.
	schema := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}}
	for name, meaning := range fields {
		schema.Properties[name] = &huma.Schema{Type: huma.TypeString, Description: meaning}
	}
	g.api.huma.OpenAPI().Paths[op.Path].Post.RequestBody.Content[formType] = &huma.MediaType{Schema: schema}
}

// UserCode is the code of the path, as a person typed it.
type UserCode struct {
	Code string `path:"code" maxLength:"20" doc:"the code that the command line shows" example:"BDWP-HQKR"`
}

// UserDecision is a code and the person's answer.
type UserDecision struct {
	UserCode
	Body DeviceDecision
}

func (a *API) registerDevice() {
	g := a.group("identity", "", true)
	formRoute(g, route{"POST /device/code", "begin-device", "Begin to sign a command line in (RFC 8628)", http.StatusOK},
		map[string]string{"client_id": "what asks, for the person to recognise",
			"scope": "what it asks for, as role or role:team, by spaces; empty for everything that the person may"},
		a.beginDevice)
	formRoute(g, route{"POST /device/token", "redeem-device", "Ask whether the person has confirmed (RFC 8628)",
		http.StatusOK},
		map[string]string{"grant_type": deviceGrant, "device_code": "from /device/code", "client_id": "as before"},
		a.redeemDevice)
	formRoute(g, route{"POST /device/revoke", "revoke-device", "Sign a command line out (RFC 7009)", http.StatusOK},
		map[string]string{"token": "the token that is to end"}, a.revokeDevice)
	handle(g, route{"GET /device/requests/{code}", "get-device-request", "Show what a command line asks for",
		http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *UserCode) (DeviceRequest, error) {
			r, err := a.identity.Devices.Waiting(ctx, in.Code)
			if err != nil {
				return DeviceRequest{}, unknownCode(err)
			}
			return DeviceRequest{Client: r.Client, From: r.From, Scopes: r.Scopes.Strings(), Created: r.Created,
				Expires: r.Expires}, nil
		})
	act(g, route{"POST /device/requests/{code}/decision", "decide-device-request", "Let a command line in, or not",
		http.StatusNoContent},
		func(ctx context.Context, by access.Principal, in *UserDecision) error {
			if err := a.identity.Devices.Decide(ctx, in.Code, by.ID, in.Body.Approve); err != nil {
				return unknownCode(err)
			}
			a.identity.Log.InfoContext(ctx, "command line decided on", "by", by.ID, "approved", in.Body.Approve)
			return nil
		})
}

func unknownCode(err error) error {
	if errors.Is(err, device.ErrUnknown) {
		return fault.Hint(fmt.Errorf("a command line with this code: %w", ErrNotFound),
			"compare the code with your terminal; it can be used once and for a while, so run slipway login again if it is old")
	}
	return err
}

// clientName keeps what a command line says of itself from looking like something else on the page.
var clientName = regexp.MustCompile(`^[A-Za-z0-9][-_.@ A-Za-z0-9]{0,59}$`)

func (a *API) beginDevice(ctx context.Context, form url.Values) (DeviceCodes, error) {
	client := form.Get("client_id")
	if !clientName.MatchString(client) {
		return DeviceCodes{}, &OAuthError{Code: "invalid_client", status: http.StatusUnauthorized,
			Description: "client_id must be a short name of letters, digits and -_.@"}
	}
	scopes, err := access.ParseGrants(strings.Fields(form.Get("scope")))
	if err != nil {
		return DeviceCodes{}, &OAuthError{Code: "invalid_scope", Description: err.Error()}
	}
	codes, err := a.identity.Devices.Begin(ctx, client, observe.From(ctx).Client, scopes)
	if err != nil {
		return DeviceCodes{}, err
	}
	page := a.identity.PublicURL + "/device"
	return DeviceCodes{
		DeviceCode: codes.Device, UserCode: codes.User, VerificationURI: page,
		VerificationURIComplete: page + "?" + url.Values{"code": {codes.User}}.Encode(),
		ExpiresIn:               int(device.Lifetime / time.Second), Interval: int(device.Interval / time.Second),
	}, nil
}

// deviceGrant is the grant's name (RFC 8628, section 3.4).
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

func (a *API) redeemDevice(ctx context.Context, form url.Values) (DeviceToken, error) {
	if form.Get("grant_type") != deviceGrant {
		return DeviceToken{}, &OAuthError{Code: "unsupported_grant_type",
			Description: "only " + deviceGrant + " is supported"}
	}
	request, err := a.identity.Devices.Redeem(ctx, form.Get("device_code"))
	switch {
	case errors.Is(err, device.ErrUnknown):
		return DeviceToken{}, &OAuthError{Code: "invalid_grant", Description: err.Error()}
	case errors.Is(err, device.ErrPending), errors.Is(err, device.ErrSlowDown), errors.Is(err, device.ErrDenied),
		errors.Is(err, device.ErrExpired):
		return DeviceToken{}, &OAuthError{Code: err.Error()}
	case err != nil:
		return DeviceToken{}, err
	}
	return a.deviceToken(ctx, request)
}

// deviceToken makes the token of an approved request.
func (a *API) deviceToken(ctx context.Context, request device.Request) (DeviceToken, error) {
	person, err := a.identity.People.Admitted(ctx, request.Person)
	if errors.Is(err, people.ErrShut) || errors.Is(err, people.ErrUnknown) {
		return DeviceToken{}, &OAuthError{Code: "access_denied", Description: err.Error()}
	}
	if err != nil {
		return DeviceToken{}, err
	}
	owner := access.Principal{Kind: access.CommandLine, ID: person.ID, Username: person.Username,
		Grants: a.identity.Roles.Person(person.Groups)}
	scopes := request.Scopes
	if len(scopes) == 0 {
		scopes = owner.Grants
	}
	record, secret, err := a.identity.Tokens.Create(ctx, owner, token.Request{Kind: token.CommandLine,
		Name: request.Client, Scopes: scopes})
	if _, code := fault.Of(err); code == fault.ExitInvalid {
		return DeviceToken{}, &OAuthError{Code: "access_denied", Description: err.Error()}
	}
	if err != nil {
		return DeviceToken{}, err
	}
	a.identity.Log.InfoContext(ctx, "command line signed in", "token", record.ID, "owner", person.ID, "expires",
		record.Expires)
	return DeviceToken{AccessToken: secret, TokenType: "Bearer",
		ExpiresIn: int(record.Expires.Sub(record.Created) / time.Second),
		Scope:     strings.Join(scopes.Strings(), " ")}, nil
}

func (a *API) revokeDevice(ctx context.Context, form url.Values) (Empty, error) {
	return Empty{}, a.identity.Tokens.RevokeSecret(ctx, form.Get("token"))
}
