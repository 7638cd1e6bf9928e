package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/apitest"
	"github.com/slipway-dev/slipway/internal/server/limits"
)

// everyone has every role.
func everyone() []string {
	return []string{"payments:developers", "payments:approvers", "auditors", "admins"}
}

// filled is a server with a world behind it.
func filled(t testing.TB, change ...func(*Options)) (*fixture, *apitest.World) {
	t.Helper()
	w := &apitest.World{}
	f := start(t, append([]func(*Options){func(o *Options) { o.Backends = w.Backends() }}, change...)...)
	return f, w
}

func TestDescription_IsUpToDate(t *testing.T) {
	got, err := api.New(http.NewServeMux(), api.Backends{}, api.Identity{}, api.Streams{}).Document()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../docs/reference/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("docs/reference/openapi.json differs from the routes; run `make generate`:\n%s", diffLines(string(want),
			string(got)))
	}
	served := start(t).anonymous().want(http.StatusOK, "GET", "/api/openapi.json", nil)
	if !bytes.Equal(served.body, got) {
		t.Error("what is served differs from the routes")
	}
}

func TestDescription_EveryRouteSaysWhatItAsks(t *testing.T) {
	d := description(t)
	for path, item := range d["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			operation := op.(map[string]any)
			rule := access.Table[strings.ToUpper(method)+" "+path]
			if operation["x-slipway-access"] != rule.Text() {
				t.Errorf("%s %s says %v, the table %s", method, path, operation["x-slipway-access"], rule.Text())
			}
			if open := len(operation["security"].([]any)) == 0; open != rule.Public {
				t.Errorf("%s %s: security %v", method, path, operation["security"])
			}
			if operation["summary"] == "" || len(operation["tags"].([]any)) != 1 {
				t.Errorf("%s %s has no summary or tag", method, path)
			}
		}
	}
}

func description(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

const promotions = "/api/v1/teams/{team}/applications/{application}/promotions"

// bodies are good requests for the routes that want one.
var bodies = map[string]any{
	"POST /api/v1/me/tokens":                              api.NewToken{Name: "x", Scopes: []string{"viewer"}, Days: 1},
	"PUT /api/v1/people/{person}/access":                  api.Access{Allowed: true},
	"POST /api/v1/templates/{namespace}/{name}/dry-run":   api.Values{Values: map[string]any{"a": 1}},
	"POST /api/v1/teams/{team}/catalog":                   api.NewRegistration{Address: "https://git.example.test/payments/x/src/branch/main/catalog-info.yaml"},
	"POST /api/v1/teams/{team}/template-runs":             api.NewRun{Template: apitest.GoService},
	"POST /api/v1/teams/{team}/applications":              api.NewApplication{Name: "orders", Template: apitest.GoService},
	"POST /api/v1/teams/{team}/environments":              api.NewEnvironment{Name: "load-test", Lifetime: "48h"},
	"POST " + promotions:                                  api.NewPromotion{From: "dev", To: "prod"},
	"POST " + promotions + "/{number}/waivers":            api.NewWaiver{Gate: "soak", Reason: "the fair is tomorrow", Until: apitest.Noon},
	"POST " + promotions + "/{number}/break-glass":        api.NewBreakGlass{Reason: "everything burns"},
	"POST " + promotions + "/{number}/break-glass/review": api.NewReview{Accepted: true, Comment: "it did burn"},
	"POST /api/v1/policies/test":                          api.PolicyTest{Gates: "gates: []", From: apitest.Noon, To: apitest.Noon.Add(time.Hour)},
	"POST /api/v1/policies/changes":                       api.NewGatesChange{Path: "policies/default.yaml", Content: "kind: GatePolicy"},
	"POST /api/v1/webhooks/{source}":                      map[string]any{"ref": "refs/heads/main"},
	"POST /api/v1/device/code":                            "client_id=slipway",
	"POST /api/v1/device/token":                           grant + "x",
	"POST /api/v1/device/revoke":                          "token=x",
	"POST /api/v1/device/requests/{code}/decision":        api.DeviceDecision{Approve: true},
}

// queries are what some routes cannot do without.
var queries = map[string]string{
	"DELETE /api/v1/teams/{team}/catalog": "?address=https://git.example.test/payments/x/src/branch/main/catalog-info.yaml",
	"GET /api/v1/catalog/search":          "?q=orders", "GET /api/v1/catalog/graph": "?kind=component&name=orders",
	"GET /api/v1/teams/{team}/applications/{application}/logs": "?tail=1",
}

// TestRoutes_AnswerAsDescribed comes to every route of the API with a good request, and holds status,
// media type and body against the OpenAPI description.
func TestRoutes_AnswerAsDescribed(t *testing.T) {
	f, _ := filled(t)
	c := f.as(user("ada", everyone()...))
	var me api.Me
	c.want(http.StatusOK, "GET", "/api/v1/me", nil).json(t, &me)
	made := map[string]string{"{person}": me.ID, "{code}": f.begin("").UserCode}
	check := newSchemas(t)
	for _, pattern := range slices.Sorted(slices.Values(f.server.api.Patterns())) {
		if pattern == "GET /api/v1/events" {
			continue // does not end; tested in stream_test.go
		}
		t.Run(pattern, func(t *testing.T) {
			method, path, _ := strings.Cut(pattern, " ")
			for name, value := range made {
				path = strings.ReplaceAll(path, name, value)
			}
			if strings.Contains(path, "{token}") {
				path = strings.ReplaceAll(path, "{token}", f.someToken(t, c))
			}
			a := c.do(method, target.Replace(path)+queries[pattern], bodies[pattern], "X-Signature", "good")
			check.answer(t, pattern, a)
		})
	}
}

func (f *fixture) someToken(t testing.TB, c *caller) string {
	t.Helper()
	var made api.CreatedToken
	c.want(http.StatusCreated, "POST", "/api/v1/me/tokens", api.NewToken{Name: "x", Scopes: []string{"viewer"},
		Days: 1}).json(t, &made)
	return made.ID
}

// schemas validates answers against the description.
type schemas struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func newSchemas(t *testing.T) *schemas {
	t.Helper()
	s := &schemas{doc: description(t), compiler: jsonschema.NewCompiler()}
	s.compiler.AssertFormat()
	if err := s.compiler.AddResource("openapi.json", s.doc); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *schemas) answer(t *testing.T, pattern string, a answer) {
	t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	operation := s.doc["paths"].(map[string]any)[path].(map[string]any)[strings.ToLower(method)].(map[string]any)
	status := fmt.Sprint(a.status)
	responses := operation["responses"].(map[string]any)
	response, ok := responses[status].(map[string]any)
	if !ok {
		if response, ok = responses["default"].(map[string]any); !ok || !strings.Contains(pattern, "{session}") {
			t.Fatalf("%d is not described: %s", a.status, a.body)
		}
		status = "default"
	}
	content, _ := response["content"].(map[string]any)
	if len(content) == 0 {
		if len(a.body) > 0 {
			t.Errorf("a body that is not described: %s", a.body)
		}
		return
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	if content[kind] == nil {
		t.Fatalf("the media type %s is not described", kind)
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	pointer := "openapi.json#/paths/" + escape(path) + "/" + strings.ToLower(method) + "/responses/" + status +
		"/content/" + escape(kind) + "/schema"
	schema, err := s.compiler.Compile(pointer)
	if err != nil {
		t.Fatal(err)
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(body); err != nil {
		t.Errorf("%v\n%s", err, a.body)
	}
}

func escape(s string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(s))
}

func TestRoutes_TellTheBackendWhoAsks(t *testing.T) {
	f, w := filled(t)
	c := f.as(user("ada", everyone()...))
	for pattern, body := range bodies {
		if strings.Contains(pattern, "{team}") || strings.Contains(pattern, "dry-run") {
			method, path, _ := strings.Cut(pattern, " ")
			c.do(method, target.Replace(path), body)
		}
	}
	c.do("DELETE", "/api/v1/teams/payments/applications/orders?keepRepository=true", nil)
	c.do("DELETE", "/api/v1/teams/payments/environments/load-test", nil)
	c.do("DELETE", "/api/v1/teams/payments/catalog?address="+url.QueryEscape("https://git.example.test/payments/x/src/branch/main/catalog-info.yaml"), nil)
	got := w.Done()
	slices.Sort(got)
	want := []string{
		"ada breaks the glass of payments/orders#1: everything burns", `ada creates environment payments/load-test for "48h"`,
		"ada creates payments/orders from go-service", "ada deletes environment payments/load-test",
		"ada deletes payments/orders keep=true",
		"ada promotes payments/orders from dev to prod",
		"ada registers https://git.example.test/payments/x/src/branch/main/catalog-info.yaml for payments", "ada reviews payments/orders#1: true",
		"ada runs go-service for payments with map[]",
		"ada tries orders with map[a:1]",
		"ada unregisters https://git.example.test/payments/x/src/branch/main/catalog-info.yaml of payments", "ada waives soak of payments/orders#1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProblems_SayCauseAndNextStep(t *testing.T) {
	f, w := filled(t)
	c := f.as(user("ada", everyone()...))
	tests := []struct {
		name, method, path string
		body               any
		status             int
		detail             string
		fields             []string
	}{
		{"unknown route", "GET", "/api/v1/nothing", nil, 404, "there is no route /api/v1/nothing", nil},
		{"outside of v1", "GET", "/api/", nil, 404, "there is no route /api/", nil},
		{"wrong method", "PATCH", "/api/v1/me", nil, 405, "PATCH is not allowed here", nil},
		{"unknown entity", "GET", "/api/v1/catalog/entities/component/default/missing", nil, 404,
			"entity component:default/missing: not found", nil},
		{"bad path", "GET", "/api/v1/teams/payments/applications/UPPER", nil, 422, "validation failed",
			[]string{"path.application"}},
		{"bad query", "GET", "/api/v1/applications?limit=0", nil, 422, "validation failed", []string{"query.limit"}},
		{"no number", "GET", "/api/v1/applications?limit=many", nil, 422, "validation failed", []string{"query.limit"}},
		{"missing query", "GET", "/api/v1/catalog/search", nil, 422, "validation failed", []string{"query.q"}},
		{"unknown field", "POST", "/api/v1/teams/payments/environments", map[string]any{"name": "x", "size": 3}, 422,
			"validation failed", []string{"body.size"}},
		{"missing field", "POST", "/api/v1/teams/payments/environments", map[string]any{}, 422, "validation failed",
			[]string{"body"}},
		{"all at once", "POST", "/api/v1/teams/payments/environments", map[string]any{"name": "X!", "lifetime": "long"},
			422, "validation failed", []string{"body.lifetime", "body.name"}},
		{"reason too short", "POST", "/api/v1/teams/payments/applications/orders/promotions/1/break-glass",
			map[string]any{"reason": "because"}, 422, "validation failed", []string{"body.reason"}},
		{"no body", "POST", "/api/v1/teams/payments/environments", nil, 400, "request body is required", nil},
		{"a scope that is none", "POST", "/api/v1/me/tokens", api.NewToken{Name: "x", Scopes: []string{"king"}, Days: 1},
			422, `body.scopes: "king": there is no role "king", only viewer, developer, approver, auditor, platform-admin`, nil},
		{"a backend's own words", "POST", "/api/v1/policies/test", api.PolicyTest{Gates: "wrong", From: apitest.Noon,
			To: apitest.Noon.Add(1)}, 422, "gates.yaml:3: no such field", nil},
		{"time backwards", "POST", "/api/v1/policies/test", api.PolicyTest{Gates: "x", From: apitest.Noon, To: apitest.Noon}, 422,
			"body.from is not before body.to", nil},
		{"wrong signature", "POST", "/api/v1/webhooks/forge", map[string]any{}, 403, "the signature of forge is wrong", nil},
		{"another's cursor", "GET", "/api/v1/applications?cursor=e30", nil, 422, "the cursor does not belong to this list",
			[]string{"query.cursor"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := c.want(tt.status, tt.method, tt.path, tt.body).problem(t)
			if p.Detail != tt.detail || p.Status != tt.status || p.Type != "about:blank" ||
				p.Title != http.StatusText(tt.status) ||
				!strings.HasPrefix(p.Instance, "urn:slipway:request:") {
				t.Errorf("%+v", p)
			}
			if p.Hint == "" {
				t.Error("there is no next step")
			}
			var fields []string
			for _, e := range p.Errors {
				fields = append(fields, e.Location)
			}
			slices.Sort(fields)
			if diff := cmp.Diff(tt.fields, slices.Compact(fields)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if a := c.do("POST", "/api/v1/teams/payments/environments", "<x/>", "Content-Type",
		"text/xml"); a.status != http.StatusUnsupportedMediaType {
		t.Errorf("XML: %d %s", a.status, a.body)
	}
	if a := c.do("PATCH", "/api/v1/me", nil); a.header.Get("Allow") != "GET" {
		t.Errorf("Allow: %q", a.header.Get("Allow"))
	}
	if a := c.do("GET", "/api/v1/teams/payments/environments", nil); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("%d, Allow: %q", a.status, a.header.Get("Allow"))
	}
	if len(w.Done()) > 0 {
		t.Errorf("a refused request reached a backend: %v", w.Done())
	}
}

func TestProblems_KeepWhatIsInsideInside(t *testing.T) {
	f, w := filled(t)
	w.Fail = fmt.Errorf("dial tcp 10.0.0.7:5432: password %q is wrong", "hunter2")
	c := f.as(user("ada", everyone()...))
	p := c.want(http.StatusInternalServerError, "POST", "/api/v1/teams/payments/environments",
		map[string]any{"name": "x"}).problem(t)
	if strings.Contains(p.Detail+p.Hint, "hunter2") || p.Instance == "" {
		t.Errorf("%+v", p)
	}
	id := strings.TrimPrefix(p.Instance, "urn:slipway:request:")
	line := logged(t, f, id)
	if !strings.Contains(fmt.Sprint(line["cause"]), "10.0.0.7:5432") || line["level"] != "ERROR" ||
		line["route"] != "POST /api/v1/teams/{team}/environments" {
		t.Errorf("%v", line)
	}
	// A value that was sent may be a secret, and is not sent back.
	a := c.want(http.StatusUnprocessableEntity, "POST", "/api/v1/teams/payments/environments",
		map[string]any{"name": "Pass Word 1"})
	if strings.Contains(string(a.body), "Pass Word 1") {
		t.Errorf("%s", a.body)
	}
	a = c.do("POST", "/api/v1/teams/payments/environments", "not json but secret", "Content-Type", "application/json")
	if a.status != http.StatusBadRequest || strings.Contains(string(a.body), "but secret") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// logged is the log's line about a request.
func logged(t *testing.T, f *fixture, id string) map[string]any {
	t.Helper()
	for line := range strings.Lines(f.log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("not a JSON line: %s", line)
		}
		if fields["request"] == id && fields["msg"] == "request" {
			return fields
		}
	}
	t.Fatalf("the log has no request %s:\n%s", id, f.log)
	return nil
}

func TestProblems_EveryRouteWithoutABackendSaysSo(t *testing.T) {
	f := start(t)
	c := f.as(user("ada", everyone()...))
	n := 0
	for _, pattern := range f.server.api.Patterns() {
		method, path, _ := strings.Cut(pattern, " ")
		if strings.Contains(path, "/me") || strings.Contains(path, "/device/") || strings.Contains(path, "/people") ||
			strings.HasPrefix(path, "/api/v1/tokens") {
			continue
		}
		p := c.want(http.StatusNotImplemented, method, target.Replace(path)+queries[pattern], bodies[pattern]).problem(t)
		if p.Hint == "" || p.Detail == "" {
			t.Errorf("%s: %+v", pattern, p)
		}
		n++
	}
	if n < 30 {
		t.Errorf("only %d routes", n)
	}
}

func TestLists_ComeInPagesThatFitTogether(t *testing.T) {
	f, _ := filled(t)
	c := f.as(user("ada", everyone()...))
	var names []string
	cursor := ""
	for pages := 0; ; pages++ {
		var l api.List[api.EntitySummary]
		c.want(http.StatusOK, "GET", "/api/v1/catalog/entities?limit=10&cursor="+cursor, nil).json(t, &l)
		for _, e := range l.Items {
			names = append(names, e.Name)
		}
		if cursor = l.Next; cursor == "" {
			if pages != 2 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
		// A cursor is good for its own list only.
		c.want(http.StatusUnprocessableEntity, "GET", "/api/v1/catalog/entities?limit=10&q=part&cursor="+cursor, nil)
		c.want(http.StatusUnprocessableEntity, "GET", "/api/v1/teams/payments/template-runs?cursor="+cursor, nil)
	}
	if len(names) != 25 || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != 25 {
		t.Errorf("%v", names)
	}
}

func TestLists_OfTokensAndPeopleComeInPages(t *testing.T) {
	f := start(t)
	ada := f.as(user("ada", everyone()...))
	for range 5 {
		f.someToken(t, ada)
	}
	for _, name := range []string{"bob", "cy", "di"} {
		f.as(user(name)).get("/api/v1/me")
	}
	for path, want := range map[string]int{"/api/v1/me/tokens": 5, "/api/v1/tokens": 5, "/api/v1/people": 4} {
		ids := map[string]bool{}
		cursor := ""
		for {
			var l api.List[struct{ ID string }]
			ada.want(http.StatusOK, "GET", path+"?limit=2&cursor="+cursor, nil).json(t, &l)
			for _, item := range l.Items {
				ids[item.ID] = true
			}
			if cursor = l.Next; cursor == "" {
				break
			}
		}
		if len(ids) != want {
			t.Errorf("%s: %d", path, len(ids))
		}
	}
}

func TestAudit_DecisionsOfOtherTeamsDoNotExist(t *testing.T) {
	f, _ := filled(t)
	vera := f.as(user("vera", "payments:viewers"))
	vera.want(http.StatusOK, "GET", "/api/v1/audit/decisions/0", nil)
	if p := vera.want(http.StatusNotFound, "GET", "/api/v1/audit/decisions/1",
		nil).problem(t); p.Detail != "decision 1: not found" {
		t.Errorf("%+v", p)
	}
	f.as(user("ann", "auditors")).want(http.StatusOK, "GET", "/api/v1/audit/decisions/1", nil)
}

func TestAudit_ExportIsWholeOrCut(t *testing.T) {
	f, _ := filled(t)
	ann := f.as(user("ann", "auditors"))
	a := ann.want(http.StatusOK, "GET", "/api/v1/audit/export", nil)
	if string(a.body) != "an archive" || a.header.Get("Content-Type") != "application/zip" ||
		a.header.Get("Content-Disposition") != `attachment; filename="slipway-audit.zip"` {
		t.Errorf("%q %v", a.body, a.header)
	}
	p := ann.want(http.StatusUnprocessableEntity, "GET", "/api/v1/audit/export?from=1999-01-01T00:00:00Z", nil).problem(t)
	if p.Hint != "begin later" {
		t.Errorf("%+v", p)
	}
	if a, err := ann.try("GET", "/api/v1/audit/export?from=2000-01-01T00:00:00Z", nil); err == nil {
		t.Errorf("half an archive passes for a whole one: %d %q", a.status, a.body)
	}
	if !strings.Contains(f.log.String(), "the disk is gone") {
		t.Error("the cause is not in the log")
	}
}

func TestServer_PanicsBecomeProblems(t *testing.T) {
	f := start(t, func(o *Options) { o.Backends = api.Backends{Catalog: panicking{}} })
	c := f.as(user("ada", everyone()...))
	p := c.want(http.StatusInternalServerError, "GET", "/api/v1/catalog/entities", nil).problem(t)
	if strings.Contains(p.Detail, "secret") || !strings.Contains(f.log.String(), "a secret of the backend") {
		t.Errorf("%+v", p)
	}
	c.want(http.StatusOK, "GET", "/api/v1/me", nil)
}

type panicking struct{ api.Catalog }

func TestServer_AnswersWithinItsTime(t *testing.T) {
	f := start(t, func(o *Options) {
		o.Backends = api.Backends{Policies: sleeping{}}
		o.Config.Limits.Timeout = Duration(time.Second)
		o.Config.Limits.Caller = limits.Rate{PerSecond: 100, Burst: 100}
	})
	p := f.as(user("ann", "auditors")).want(http.StatusGatewayTimeout, "POST", "/api/v1/policies/test",
		api.PolicyTest{Gates: "x", From: apitest.Noon, To: apitest.Noon.Add(1)}).problem(t)
	if p.Hint == "" {
		t.Errorf("%+v", p)
	}
}

func TestServer_SlowBodiesAreNotWaitedForTwice(t *testing.T) {
	// A request whose answer takes longer than huma's own read deadline must not be cut.
	f := start(t)
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write([]byte(`{"name":`))
		_ = w.CloseWithError(fmt.Errorf("gone"))
	}()
	request, err := http.NewRequest("POST", f.url+"/api/v1/teams/payments/environments", r)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+f.bearer(user("dan", "payments:developers")))
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
		t.Errorf("half a body was taken for a whole one: %d", response.StatusCode)
	}
	f.anonymous().want(http.StatusOK, "GET", "/healthz", nil)
}
