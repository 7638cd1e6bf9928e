package client

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// elsewhere are the operations that a client of this kind does not call, and why.
var elsewhere = map[string]string{
	"begin-device":          "the command line's login speaks OAuth's device flow",
	"redeem-device":         "the same",
	"get-device-request":    "people confirm codes in a browser",
	"decide-device-request": "the same",
	"list-my-sessions":      "sessions are browsers'",
	"end-my-session":        "the same",
	"list-people":           "administration is the web interface's",
	"get-person":            "the same",
	"set-access":            "the same",
	"end-credentials":       "the same",
	"list-tokens":           "the same",
	"revoke-token":          "the same",
	"receive-webhook":       "it takes a sender's signature, not a person's token",
}

type operation struct {
	id         string
	parameters []string
	body       string
}

// document gives the operations of the OpenAPI description by method and path.
func document(t *testing.T) map[string]operation {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name, In string }
			RequestBody struct{ Content map[string]any }
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]operation{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			o := operation{id: op.OperationID}
			for _, p := range op.Parameters {
				if p.In != "path" {
					o.parameters = append(o.parameters, p.Name)
				}
			}
			for kind := range op.RequestBody.Content {
				o.body = kind
			}
			out[strings.ToUpper(method)+" "+path] = o
		}
	}
	return out
}

// recorder answers every call with nothing much, and notes what was called.
type recorder struct{ calls []*http.Request }

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	r.calls = append(r.calls, q)
	text := `{"items":[]}`
	if strings.HasSuffix(q.URL.Path, "/events") || strings.HasSuffix(q.URL.Path, "/logs") {
		text = "event: end\ndata: {}\n\n"
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)),
		Request: q}, nil
}

// callEverything makes each call of the client, with everything that can be said in it.
func callEverything(t *testing.T, c *Client) {
	ctx, now := t.Context(), time.Now()
	template := api.TemplateRef{Namespace: "ns", Name: "tpl"}
	entity := api.EntityRef{Kind: "component", Namespace: "ns", Name: "thing"}
	ref := PromotionRef{"t", "a", 7}
	var errs []error
	add := func(_ any, err error) { errs = append(errs, err) }
	add(c.Me(ctx))
	add(Collect(c.Tokens(ctx), 0))
	add(c.CreateToken(ctx, api.NewToken{}))
	add(nil, c.RevokeToken(ctx, "id"))
	add(nil, c.SignOut(ctx, "token"))
	add(Collect(c.Entities(ctx, api.EntityQuery{Kind: "1", Type: "2", Namespace: "3", Owner: "4", System: "5",
		Lifecycle: "6", Tag: "7", Text: "8"}), 0))
	add(c.Entity(ctx, entity))
	add(Collect(c.Search(ctx, "x"), 0))
	add(c.Graph(ctx, entity, 2))
	add(c.Register(ctx, "t", "address"))
	add(nil, c.Unregister(ctx, "t", "address"))
	add(Collect(c.Templates(ctx), 0))
	add(c.Template(ctx, template))
	add(c.DryRun(ctx, template, nil))
	add(c.StartRun(ctx, "t", api.NewRun{}))
	add(Collect(c.Runs(ctx, "t"), 0))
	add(c.Run(ctx, "t", "r"))
	add(nil, c.WatchRun(ctx, "t", "r", nil))
	add(Collect(c.Applications(ctx), 0))
	add(c.CreateApplication(ctx, "t", api.NewApplication{}))
	add(c.Application(ctx, "t", "a"))
	add(c.DeleteApplication(ctx, "t", "a", api.DeleteApplication{KeepRepository: true}))
	add(nil, c.Logs(ctx, "t", "a", api.LogQuery{Source: api.BuildLogs, Environment: "e", Container: "c", Build: "b",
		Tail: 3, Follow: true}, nil))
	add(Collect(c.Environments(ctx), 0))
	add(c.CreateEnvironment(ctx, "t", api.NewEnvironment{}))
	add(c.Environment(ctx, "t", "e"))
	add(c.DeleteEnvironment(ctx, "t", "e"))
	add(Collect(c.Promotions(ctx, api.PromotionQuery{Team: "t", Application: "a", To: "e", State: api.PromotionOpen,
		Waiting: "me"}), 0))
	add(c.OpenPromotion(ctx, "t", "a", api.NewPromotion{}))
	add(c.Promotion(ctx, ref))
	add(c.Waive(ctx, ref, api.NewWaiver{}))
	add(c.BreakGlass(ctx, ref, "reason"))
	add(c.Review(ctx, ref, api.NewReview{}))
	add(Collect(c.Decisions(ctx, api.DecisionQuery{Team: "t", Application: "a", Environment: "e", Outcome: api.Refused,
		Subject: "s", From: now, To: now}), 0))
	add(c.Decision(ctx, 7))
	add(Collect(c.Findings(ctx), 0))
	add(c.Checkpoint(ctx))
	add(nil, c.Export(ctx, api.ExportQuery{From: now, To: now}, io.Discard))
	add(c.TestPolicy(ctx, api.PolicyTest{}))
	add(Collect(c.Running(ctx), 0))
	add(c.ProposeGates(ctx, api.NewGatesChange{}))
	add(Collect(c.GatesChanges(ctx), 0))
	add(c.GatesChange(ctx, 43))
	add(c.Capabilities(ctx))
	add(c.Health(ctx))
	add(nil, c.Events(ctx, nil))
	for i, err := range errs {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
}

// TestClient_CallsWhatTheDescriptionHas holds each request that the client can make against the OpenAPI description:
// path and method, the names of all parameters, the kind of body; and that no operation is left out unnamed.
func TestClient_CallsWhatTheDescriptionHas(t *testing.T) {
	operations := document(t)
	r := &recorder{}
	callEverything(t, New(Options{Server: "https://x.example.test", Transport: r}))
	called := map[string]bool{}
	for _, q := range r.calls {
		at := operationOf(operations, q)
		o, ok := operations[at]
		if !ok {
			t.Errorf("the description has no %s %s", q.Method, q.URL.Path)
			continue
		}
		called[o.id] = true
		for name := range q.URL.Query() {
			if !slices.Contains(o.parameters, name) {
				t.Errorf("%s: there is no parameter %q, only %q", o.id, name, o.parameters)
			}
		}
		if kind := q.Header.Get("Content-Type"); kind != o.body {
			t.Errorf("%s: the body is %q, not %q", o.id, kind, o.body)
		}
	}
	for at, o := range operations {
		_, left := elsewhere[o.id]
		switch {
		case !called[o.id] && !left:
			t.Errorf("nothing calls %s (%s), and it is not said why", o.id, at)
		case called[o.id] && left:
			t.Errorf("%s is called, and said not to be", o.id)
		}
	}
	for id := range elsewhere {
		if !slices.ContainsFunc(mapValues(operations), func(o operation) bool { return o.id == id }) {
			t.Errorf("the description has no %s", id)
		}
	}
}

func mapValues(m map[string]operation) []operation {
	var out []operation
	for _, o := range m {
		out = append(out, o)
	}
	return out
}

// operationOf finds the operation that a request is for; literal paths win over those with places.
func operationOf(operations map[string]operation, q *http.Request) string {
	literal := q.Method + " " + q.URL.Path
	if _, ok := operations[literal]; ok {
		return literal
	}
	for at := range operations {
		pattern := regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllString(regexp.QuoteMeta(at), `[^/]+`)
		if regexp.MustCompile("^" + pattern + "$").MatchString(literal) {
			return at
		}
	}
	return literal
}

// TestRoutes_AreNamedAsInTheDescription keeps the table's own names right, which errors and readers rely on.
func TestRoutes_AreNamedAsInTheDescription(t *testing.T) {
	operations := document(t)
	for _, r := range []route{getMe, listMyTokens, createToken, revokeToken, revokeDevice, listEntities, getEntity,
		searchEntities, getGraph, listTemplates, getTemplate, dryRun, listRuns, startRun, getRun, watchRun,
		listApplications, createApplication, getApplication, deleteApplication, watchLogs, listEnvironments,
		createEnvironment, getEnvironment, deleteEnvironment, listPromotions, openPromotion, getPromotion, waiveGate,
		breakGlass, reviewGlass, listDecisions, getDecision, listFindings, getCheckpoint, exportAudit, testPolicy,
		listRunning, proposeGates, listGates, getGates,
		listCapabilities, getHealth, watchEvents} {
		if o := operations[r.method+" "+api.Prefix+r.path]; o.id != r.id {
			t.Errorf("%s %s is called %q in the description, not %q", r.method, r.path, o.id, r.id)
		}
	}
}
