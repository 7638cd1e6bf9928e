package access

// promotions is the path of an application's promotions.
const promotions = "/api/v1/teams/{team}/applications/{application}/promotions"

// Table is the rule of every route, by its pattern on the server's mux. A route that is not here
// cannot be registered, and a rule without a route fails a test.
var Table = map[string]Rule{
	// Health, the API's description, and the files of the web interface.
	"GET /healthz":          public,
	"GET /readyz":           public,
	"GET /api/openapi.json": public,
	"/api/":                 public, // answers what no route matches
	"/":                     public,

	// Signing in and out. The callback and the device flow carry their own secrets.
	"GET /auth/login":            guess(public),
	"GET /auth/callback":         guess(public),
	"POST /auth/logout":          inPerson(signedIn),
	"POST /api/v1/device/code":   guess(small(public)),
	"POST /api/v1/device/token":  guess(small(public)),
	"POST /api/v1/device/revoke": guess(small(public)),
	"GET /api/v1/device/requests/{code}": guess(
		inPerson(signedIn)),
	"POST /api/v1/device/requests/{code}/decision": guess(small(
		inPerson(signedIn))),

	// Oneself. A command line may see and revoke tokens, and make none: that would outlast it.
	"GET /api/v1/me":                       signedIn,
	"GET /api/v1/me/sessions":              inPerson(signedIn),
	"DELETE /api/v1/me/sessions/{session}": inPerson(signedIn),
	"GET /api/v1/me/tokens":                byPeople(signedIn),
	"POST /api/v1/me/tokens":               small(inPerson(signedIn)),
	"DELETE /api/v1/me/tokens/{token}":     byPeople(signedIn),

	// People and tokens of others.
	"GET /api/v1/people":                         onPlatform(Auditor),
	"GET /api/v1/people/{person}":                onPlatform(Auditor),
	"PUT /api/v1/people/{person}/access":         small(inPerson(onPlatform(PlatformAdmin))),
	"GET /api/v1/tokens":                         onPlatform(Auditor),
	"DELETE /api/v1/tokens/{token}":              inPerson(onPlatform(PlatformAdmin)),
	"DELETE /api/v1/people/{person}/credentials": inPerson(onPlatform(PlatformAdmin)),

	// The software catalogue is open to everyone with a role.
	"GET /api/v1/catalog/entities":                           anywhere(Viewer),
	"GET /api/v1/catalog/entities/{kind}/{namespace}/{name}": anywhere(Viewer),
	"GET /api/v1/catalog/search":                             anywhere(Viewer),
	"GET /api/v1/catalog/graph":                              anywhere(Viewer),
	"POST /api/v1/teams/{team}/catalog":                      small(inTeam(Developer)),
	"DELETE /api/v1/teams/{team}/catalog":                    inTeam(Developer),

	// Templates and their runs.
	"GET /api/v1/templates":                                  anywhere(Viewer),
	"GET /api/v1/templates/{namespace}/{name}":               anywhere(Viewer),
	"POST /api/v1/templates/{namespace}/{name}/dry-run":      anywhere(Developer),
	"GET /api/v1/teams/{team}/template-runs":                 inTeam(Viewer),
	"POST /api/v1/teams/{team}/template-runs":                inTeam(Developer),
	"GET /api/v1/teams/{team}/template-runs/{run}":           inTeam(Viewer),
	"GET /api/v1/teams/{team}/template-runs/{run}/events":    long(inTeam(Viewer)),
	"GET /api/v1/applications":                               anywhere(Viewer),
	"POST /api/v1/teams/{team}/applications":                 inTeam(Developer),
	"GET /api/v1/teams/{team}/applications/{application}":    inTeam(Viewer),
	"GET /api/v1/environments":                               anywhere(Viewer),
	"POST /api/v1/teams/{team}/environments":                 small(inTeam(Developer)),
	"GET /api/v1/teams/{team}/environments/{environment}":    inTeam(Viewer),
	"DELETE /api/v1/teams/{team}/environments/{environment}": inTeam(Developer),
	"DELETE /api/v1/teams/{team}/applications/{application}": inTeam(Developer),
	// Logs may hold what a program should not have written; reading them is a developer's work.
	"GET /api/v1/teams/{team}/applications/{application}/logs": long(inTeam(Developer)),

	// Promotions.
	"GET /api/v1/promotions":                              anywhere(Viewer),
	"POST " + promotions:                                  small(inTeam(Developer)),
	"GET " + promotions + "/{number}":                     inTeam(Viewer),
	"POST " + promotions + "/{number}/waivers":            small(byPeople(inTeam(Approver))),
	"POST " + promotions + "/{number}/break-glass":        small(byPeople(inTeam(Approver))),
	"POST " + promotions + "/{number}/break-glass/review": small(byPeople(inTeam(Approver))),

	// The audit log. Decisions are narrowed to the caller's teams; an export is whole.
	"GET /api/v1/audit/decisions":         anywhere(Viewer),
	"GET /api/v1/audit/decisions/{index}": anywhere(Viewer),
	"GET /api/v1/audit/findings":          anywhere(Viewer),
	"GET /api/v1/audit/running":           anywhere(Viewer),
	"GET /api/v1/audit/checkpoint":        anywhere(Viewer),
	"GET /api/v1/audit/export":            long(onPlatform(Auditor)),
	"POST /api/v1/policies/test":          onPlatform(Auditor),
	// Gates concern all; whoever promotes may ask for others, and who runs the platform approves, in a review.
	"POST /api/v1/policies/changes":         anywhere(Developer),
	"GET /api/v1/policies/changes":          anywhere(Viewer),
	"GET /api/v1/policies/changes/{number}": anywhere(Viewer),

	// The platform.
	"GET /api/v1/platform/capabilities": anywhere(Viewer),
	"GET /api/v1/platform/health":       anywhere(Viewer),
	"GET /api/v1/events":                long(anywhere(Viewer)),

	// Webhooks prove themselves by their signature, which the receiver checks.
	"POST /api/v1/webhooks/{source}": public,
}

var (
	public   = Rule{Public: true}
	signedIn = Rule{}
)

func anywhere(role Role) Rule   { return Rule{Role: role, In: Anywhere} }
func inTeam(role Role) Rule     { return Rule{Role: role, In: InTeam} }
func onPlatform(role Role) Rule { return Rule{Role: role, In: OnPlatform} }

func inPerson(r Rule) Rule {
	r.By = InPerson
	return r
}

func byPeople(r Rule) Rule {
	r.By = People
	return r
}

func guess(r Rule) Rule {
	r.Strict = true
	return r
}

func long(r Rule) Rule {
	r.Long = true
	return r
}

// small bodies are a few names and a reason.
func small(r Rule) Rule {
	r.BodyBytes = 16 << 10
	return r
}
