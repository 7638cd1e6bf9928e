package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-dev/slipway/internal/server/access"
)

// Span is a stretch of time; either end may be open.
type Span struct {
	From time.Time `query:"from" doc:"from this moment on"`
	To   time.Time `query:"to" doc:"before this moment"`
}

func (s Span) text() string {
	return s.From.Format(time.RFC3339Nano) + "/" + s.To.Format(time.RFC3339Nano)
}

// DecisionsQuery narrows the list of decisions down.
type DecisionsQuery struct {
	PageQuery
	Span
	Team        string `query:"team" maxLength:"63"`
	Application string `query:"application" maxLength:"63"`
	Environment string `query:"environment" maxLength:"63"`
	Outcome     string `query:"outcome" enum:"allowed,refused,broken glass,reviewed,rolled back,withdrawn"`
	Subject     string `query:"subject" maxLength:"135" doc:"image digest"`
}

// DecisionPath is the decision of the path.
type DecisionPath struct {
	Index uint64 `path:"index" doc:"place in the log"`
}

// GatesChangePath is the change of gates of the path.
type GatesChangePath struct {
	Number int64 `path:"number" minimum:"1" doc:"of its pull request"`
}

func (a *API) registerAudit() {
	back := a.back.Audit
	g := a.group("audit", "audit log", back != nil)
	handle(g, route{"GET /audit/decisions", "list-decisions",
		"List the decisions on one's teams' applications, the newest first", http.StatusOK},
		func(ctx context.Context, by access.Principal, in *DecisionsQuery) (List[DecisionSummary], error) {
			q := DecisionQuery{Team: in.Team, Application: in.Application, Environment: in.Environment,
				Outcome: Outcome(in.Outcome), Subject: in.Subject, From: in.From, To: in.To}
			query := []string{q.Team, q.Application, q.Environment, string(q.Outcome), q.Subject, in.text()}
			return paged(in.PageQuery, query, func(p Page) (List[DecisionSummary], error) {
				return back.Decisions(ctx, visible(by), q, p)
			})
		})
	handle(g, route{"GET /audit/decisions/{index}", "get-decision",
		"Show a decision, with the proof that it is in the log", http.StatusOK},
		func(ctx context.Context, by access.Principal, in *DecisionPath) (Decision, error) {
			d, err := back.Decision(ctx, in.Index)
			if err == nil && d.Path == "" && !visible(by).Includes(d.Team) {
				// Whoever may not see it is not told that it exists.
				return Decision{}, fmt.Errorf("decision %d: %w", in.Index, ErrNotFound)
			}
			return d, err
		})
	handle(g, route{"GET /audit/findings", "list-findings", "List what runs or was merged without a decision",
		http.StatusOK},
		func(ctx context.Context, by access.Principal, in *PageQuery) (List[Finding], error) {
			return paged(*in, nil, func(p Page) (List[Finding], error) { return back.Findings(ctx, visible(by), p) })
		})
	handle(g, route{"GET /audit/running", "list-running", "List the images that run in governed environments, as the cluster says",
		http.StatusOK},
		func(ctx context.Context, by access.Principal, in *PageQuery) (List[RunningImage], error) {
			return paged(*in, nil, func(p Page) (List[RunningImage], error) { return back.Running(ctx, visible(by), p) })
		})
	handle(g, route{"GET /audit/checkpoint", "get-checkpoint", "Show the log's signed head", http.StatusOK},
		func(ctx context.Context, _ access.Principal, _ *Empty) (Checkpoint, error) {
			return back.Checkpoint(ctx)
		})
	download(g, route{"GET /audit/export", "export-audit", "Export the log, for `slipway audit verify`", http.StatusOK},
		"application/zip", "slipway-audit.zip",
		func(_ context.Context, _ access.Principal, in *Span) (func(context.Context, io.Writer) error, error) {
			return func(ctx context.Context, to io.Writer) error { return back.Export(ctx, ExportQuery(*in), to) }, nil
		})
	a.registerPolicies()
}

func (a *API) registerPolicies() {
	back := a.back.Policies
	g := a.group("audit", "gates", back != nil)
	handle(g, route{"POST /policies/test", "test-policy", "Replay past promotions against changed gates", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *Body[PolicyTest]) (PolicyReport, error) {
			if !in.Body.From.Before(in.Body.To) {
				return PolicyReport{}, fmt.Errorf("body.from is not before body.to: %w", ErrInvalid)
			}
			return back.Test(ctx, in.Body)
		})
	handle(g, route{"POST /policies/changes", "propose-gates", "Ask for a change of gates: opens its pull request",
		http.StatusCreated},
		func(ctx context.Context, by access.Principal, in *Body[NewGatesChange]) (GatesChange, error) {
			return back.Propose(ctx, actor(by), in.Body)
		})
	handle(g, route{"GET /policies/changes", "list-gates-changes", "List the changes of gates, the newest first", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *PageQuery) (List[GatesChangeSummary], error) {
			return paged(*in, nil, func(p Page) (List[GatesChangeSummary], error) { return back.GatesChanges(ctx, p) })
		})
	handle(g, route{"GET /policies/changes/{number}", "get-gates-change", "Show a change of gates with the gates that it has to pass",
		http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *GatesChangePath) (GatesChange, error) {
			return back.GatesChange(ctx, in.Number)
		})
}

// download registers a route that answers with a file. open checks the request before anything is
// sent. Where writing fails after the first byte, the connection is cut, so that nobody takes half a
// file for a whole one.
func download[I any](g group, r route, contentType, name string,
	open func(context.Context, access.Principal, *I) (func(context.Context, io.Writer) error, error)) {
	op := g.operation(r)
	op.Responses = map[string]*huma.Response{"200": {
		Description: "The file",
		Content: map[string]*huma.MediaType{contentType: {
			Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	huma.Register(g.api.huma, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		if g.absent != nil {
			return nil, problemOf(ctx, g.absent)
		}
		p, _ := access.From(ctx)
		write, err := open(ctx, p, in)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hctx huma.Context) {
			to := &file{w: hctx.BodyWriter().(http.ResponseWriter), contentType: contentType, name: name}
			err := write(ctx, to)
			switch {
			case err == nil:
				to.begin() // an empty file is one too
			case !to.begun:
				problemOf(ctx, err).Write(to.w)
			default:
				_ = problemOf(ctx, err) // puts the cause into the log
				panic(http.ErrAbortHandler)
			}
		}}, nil
	})
}

// filePatience is how long a client may take to accept one piece of a file.
const filePatience = 30 * time.Second

// file is a download; its headers go out with the first byte.
type file struct {
	w                 http.ResponseWriter
	contentType, name string
	begun             bool
}

func (f *file) begin() {
	if f.begun {
		return
	}
	f.begun = true
	h := f.w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
	f.w.WriteHeader(http.StatusOK)
}

// Write sends a piece.
func (f *file) Write(p []byte) (int, error) {
	f.begin()
	_ = http.NewResponseController(f.w).SetWriteDeadline(time.Now().Add(filePatience))
	return f.w.Write(p)
}
