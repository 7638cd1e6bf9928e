package client

import (
	"net/url"
	"strings"
)

// route is an operation of the API. A test holds the routes against the OpenAPI description.
type route struct {
	// id is the operation's name in the description.
	id, method, path string
	// doing says in errors what was being done.
	doing string
}

var (
	getMe        = route{"get-me", "GET", "/me", "ask who is calling"}
	listMyTokens = route{"list-my-tokens", "GET", "/me/tokens", "list tokens"}
	createToken  = route{"create-token", "POST", "/me/tokens", "make a token"}
	revokeToken  = route{"revoke-my-token", "DELETE", "/me/tokens/{token}", "revoke a token"}
	revokeDevice = route{"revoke-device", "POST", "/device/revoke", "sign out"}

	listEntities   = route{"list-entities", "GET", "/catalog/entities", "list the catalogue"}
	getEntity      = route{"get-entity", "GET", "/catalog/entities/{kind}/{namespace}/{name}", "show an entity"}
	searchEntities = route{"search-entities", "GET", "/catalog/search", "search the catalogue"}
	getGraph       = route{"get-graph", "GET", "/catalog/graph", "show what is around an entity"}
	register       = route{"register-entities", "POST", "/teams/{team}/catalog", "register a file of the catalogue"}
	unregister     = route{"unregister-entities", "DELETE", "/teams/{team}/catalog", "take a file out of the catalogue"}

	listTemplates = route{"list-templates", "GET", "/templates", "list templates"}
	getTemplate   = route{"get-template", "GET", "/templates/{namespace}/{name}", "show a template"}
	dryRun        = route{"dry-run-template", "POST", "/templates/{namespace}/{name}/dry-run", "try a template"}
	listRuns      = route{"list-template-runs", "GET", "/teams/{team}/template-runs", "list runs of templates"}
	startRun      = route{"run-template", "POST", "/teams/{team}/template-runs", "run a template"}
	getRun        = route{"get-template-run", "GET", "/teams/{team}/template-runs/{run}", "show a run of a template"}
	watchRun      = route{"watch-template-run", "GET", "/teams/{team}/template-runs/{run}/events",
		"watch a run of a template"}

	listApplications  = route{"list-applications", "GET", "/applications", "list applications"}
	createApplication = route{"create-application", "POST", "/teams/{team}/applications", "make an application"}
	getApplication    = route{"get-application", "GET", "/teams/{team}/applications/{application}",
		"show an application"}
	deleteApplication = route{"delete-application", "DELETE", "/teams/{team}/applications/{application}",
		"delete an application"}
	watchLogs = route{"watch-logs", "GET", "/teams/{team}/applications/{application}/logs", "read logs"}

	listEnvironments  = route{"list-environments", "GET", "/environments", "list environments"}
	createEnvironment = route{"create-environment", "POST", "/teams/{team}/environments", "make an environment"}
	getEnvironment    = route{"get-environment", "GET", "/teams/{team}/environments/{environment}",
		"show an environment"}
	deleteEnvironment = route{"delete-environment", "DELETE", "/teams/{team}/environments/{environment}",
		"delete an environment"}

	listPromotions = route{"list-promotions", "GET", "/promotions", "list promotions"}
	openPromotion  = route{"open-promotion", "POST", promotionsPath, "ask for a promotion"}
	getPromotion   = route{"get-promotion", "GET", promotionsPath + "/{number}", "show a promotion"}
	waiveGate      = route{"waive-gate", "POST", promotionsPath + "/{number}/waivers", "waive a gate"}
	breakGlass     = route{"break-glass", "POST", promotionsPath + "/{number}/break-glass", "break the glass"}
	reviewGlass    = route{"review-break-glass", "POST", promotionsPath + "/{number}/break-glass/review",
		"review a broken glass"}

	listDecisions = route{"list-decisions", "GET", "/audit/decisions", "list decisions"}
	getDecision   = route{"get-decision", "GET", "/audit/decisions/{index}", "show a decision"}
	listFindings  = route{"list-findings", "GET", "/audit/findings", "list findings"}
	getCheckpoint = route{"get-checkpoint", "GET", "/audit/checkpoint", "show the log's head"}
	exportAudit   = route{"export-audit", "GET", "/audit/export", "export the log"}
	listRunning   = route{"list-running", "GET", "/audit/running", "list what runs"}
	testPolicy    = route{"test-policy", "POST", "/policies/test", "try gates on past promotions"}
	proposeGates  = route{"propose-gates", "POST", "/policies/changes", "ask for a change of gates"}
	listGates     = route{"list-gates-changes", "GET", "/policies/changes", "list changes of gates"}
	getGates      = route{"get-gates-change", "GET", "/policies/changes/{number}", "show a change of gates"}

	listCapabilities = route{"list-capabilities", "GET", "/platform/capabilities", "list capabilities"}
	getHealth        = route{"get-health", "GET", "/platform/health", "show the platform's health"}
	watchEvents      = route{"watch-events", "GET", "/events", "watch events"}
)

const promotionsPath = "/teams/{team}/applications/{application}/promotions"

// fill puts values into the path's places.
func (r route) fill(in []string) string {
	parts := strings.Split(r.path, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") && len(in) > 0 {
			parts[i], in = url.PathEscape(in[0]), in[1:]
		}
	}
	return strings.Join(parts, "/")
}
