package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/device"
	"github.com/slipway-dev/slipway/internal/server/limits"
	"github.com/slipway-dev/slipway/internal/server/observe"
	"github.com/slipway-dev/slipway/internal/server/people"
	"github.com/slipway-dev/slipway/internal/server/session"
	"github.com/slipway-dev/slipway/internal/server/token"
)

// Prefix begins the path of every route of the API.
const Prefix = "/api/v1"

// Version is the API's own; it changes where a client could break.
const Version = "1.0.0"

// Identity is what the routes about people need.
type Identity struct {
	Sessions *session.Sessions
	Tokens   *token.Tokens
	People   *people.Registry
	Devices  *device.Flow
	Roles    *access.Mapping
	// PublicURL is how people reach the server, without a slash at its end.
	PublicURL string
	// Log takes what security depends on: tokens made and revoked, people shut out.
	Log *slog.Logger
}

// Streams bound what streams.
type Streams struct {
	// Each is how many streams one caller may have, Lifetime how long one lasts before the client
	// has to come again and show that it still may.
	Each     int
	Lifetime time.Duration
	// Beat is how often an idle stream shows that it is alive.
	Beat time.Duration
	// Draining ends all streams when it is done, so that the server can stop.
	Draining context.Context
	Metrics  *observe.Metrics
}

// API is the routes, registered on a mux.
type API struct {
	huma     huma.API
	back     Backends
	identity Identity
	streams  Streams
	places   *limits.Places
}

// New registers every route of the API on mux, which guards them.
func New(mux humago.Mux, back Backends, identity Identity, streams Streams) *API {
	a := &API{back: back, identity: identity, streams: streams, places: limits.NewPlaces(streams.Each)}
	a.huma = humago.New(mux, config())
	for _, register := range []func(){
		a.registerMe, a.registerTokens, a.registerPeople, a.registerDevice,
		a.registerCatalog, a.registerTemplates, a.registerApplications, a.registerEnvironments,
		a.registerPromotions, a.registerAudit, a.registerPlatform, a.registerWebhooks,
	} {
		register()
	}
	return a
}

// config is the part of the description that no route gives.
func config() huma.Config {
	c := huma.DefaultConfig("Slipway", Version)
	// The description is served by the server itself, and nothing else of huma's.
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.Info.Description = "The API of `slipway server`. Errors are problem details (RFC 9457) with the cause in " +
		"`detail` and the next step in `hint`. Lists come in pages; `next` is the cursor of the next one. What a " +
		"route asks of its caller stands in `x-slipway-access`."
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	c.Tags = []*huma.Tag{
		{Name: "identity", Description: "Oneself, other people, tokens, signing in at the command line"},
		{Name: "catalog", Description: "The software catalogue"},
		{Name: "templates", Description: "Golden-path templates and their runs"},
		{Name: "applications", Description: "Applications and their logs"},
		{Name: "environments", Description: "Where applications run"},
		{Name: "promotions", Description: "Releases on their way, with gates and evidence"},
		{Name: "audit", Description: "Decisions, checkpoints, findings, policy tests"},
		{Name: "platform", Description: "Capabilities, health, events, webhooks"},
	}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: "__Host-slipway-session",
			Description: "A browser's session, from /auth/login. Writes need the header X-CSRF-Token."},
		"bearer": {Type: "http", Scheme: "bearer",
			Description: "An API token (slpw_...), a token of the identity provider, or a Kubernetes service account's token " +
				"for the server's audience."},
	}
	return c
}

// Document is the OpenAPI description as JSON.
func (a *API) Document() ([]byte, error) {
	text, err := json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI description: %w", err)
	}
	return append(text, '\n'), nil
}

// Patterns are the routes in the description, as patterns of the mux, in no order.
func (a *API) Patterns() []string {
	var out []string
	for path, item := range a.huma.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
			http.MethodDelete: item.Delete, http.MethodPatch: item.Patch, http.MethodHead: item.Head,
			http.MethodOptions: item.Options,
		} {
			if op != nil {
				out = append(out, method+" "+path)
			}
		}
	}
	return out
}

// group is routes with one backend behind them.
type group struct {
	api *API
	tag string
	// absent answers where the server has no such backend.
	absent error
}

func (a *API) group(tag, what string, there bool) group {
	g := group{api: a, tag: tag}
	if !there {
		g.absent = notConfigured(what)
	}
	return g
}

// route describes an operation in short: "GET /me", its ID, a sentence and, where it is not 200 or
// 204, the status of success.
type route struct {
	pattern, id, summary string
	status               int
}

// operation is the route with what the access table says about it.
func (g group) operation(r route) huma.Operation {
	method, path, _ := strings.Cut(r.pattern, " ")
	path = Prefix + path
	op := huma.Operation{
		OperationID: r.id, Method: method, Path: path, Summary: r.summary, Tags: []string{g.tag}, DefaultStatus: r.status,
		// The guard has bounded the body and read it; huma's own deadline would stay on the
		// connection and end the request while it is being answered.
		BodyReadTimeout: -1, MaxBodyBytes: -1,
	}
	rule := access.Table[method+" "+path]
	op.Extensions = map[string]any{"x-slipway-access": rule.Text()}
	op.Security = []map[string][]string{}
	if !rule.Public {
		op.Security = []map[string][]string{{"session": {}}, {"bearer": {}}}
	}
	return op
}

// output is what huma wants around a body.
type output[T any] struct{ Body T }

// handle registers a route whose handler gets the caller and the input, and gives the body.
func handle[I, T any](g group, r route, h func(context.Context, access.Principal, *I) (T, error)) {
	huma.Register(g.api.huma, g.operation(r), func(ctx context.Context, in *I) (*output[T], error) {
		if g.absent != nil {
			return nil, problemOf(ctx, g.absent)
		}
		p, _ := access.From(ctx)
		body, err := h(ctx, p, in)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return &output[T]{body}, nil
	})
}

// act registers a route that answers with no body.
func act[I any](g group, r route, h func(context.Context, access.Principal, *I) error) {
	if r.status == 0 {
		r.status = http.StatusNoContent
	}
	huma.Register(g.api.huma, g.operation(r), func(ctx context.Context, in *I) (*struct{}, error) {
		if g.absent != nil {
			return nil, problemOf(ctx, g.absent)
		}
		p, _ := access.From(ctx)
		if err := h(ctx, p, in); err != nil {
			return nil, problemOf(ctx, err)
		}
		return nil, nil
	})
}

// visible are the teams whose things a caller may see.
func visible(p access.Principal) Teams {
	names, all := p.Grants.Teams(access.Viewer)
	return Teams{All: all, Names: names}
}

// optional is a time that may be missing.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Empty is the input of a route that needs none.
type Empty struct{}
