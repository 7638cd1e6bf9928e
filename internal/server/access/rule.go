package access

import "fmt"

// Where says in which team a rule wants its role.
type Where string

// The places of a rule.
const (
	// Anywhere is satisfied by the role in any team; what is shown is then narrowed to those.
	Anywhere Where = "any team"
	// InTeam wants the role in the team of the path's {team}.
	InTeam Where = "the path's team"
	// OnPlatform wants the role on the whole platform.
	OnPlatform Where = "the platform"
)

// Callers says which kinds of principals a rule lets in.
type Callers string

// The callers of a rule.
const (
	// Anyone who is signed in.
	Anyone Callers = ""
	// People, at the command line too, but no API token and no workload.
	People Callers = "people"
	// InPerson is for what could be used to get lasting access: only who signed in at the provider,
	// in a browser or with the provider's own token.
	InPerson Callers = "in person"
)

func (c Callers) admit(k Kind) bool {
	switch c {
	case People:
		return k == Person || k == CommandLine
	case InPerson:
		return k == Person
	default:
		return true
	}
}

// Rule is what a route asks of its caller.
type Rule struct {
	// Public routes ask for nothing; whatever credential comes along is not looked at.
	Public bool
	// Role is what is needed; empty means that being signed in is enough.
	Role Role
	In   Where
	// By narrows down with what sort of credential the caller may come.
	By Callers
	// Strict puts a route below the tight rate limit against guessing.
	Strict bool
	// Long routes stream, and end by their own rules instead of the request timeout.
	Long bool
	// BodyBytes bounds the request's body; 0 means the server's usual bound.
	BodyBytes int64
}

// Denial says why a rule refuses a caller.
type Denial struct {
	Rule      Rule
	Team      string
	Principal Principal
}

// Error names what is missing.
func (d *Denial) Error() string {
	if !d.Rule.By.admit(d.Principal.Kind) {
		return fmt.Sprintf("this is for people who signed in themselves; the credential is of kind %s", d.Principal.Kind)
	}
	switch d.Rule.In {
	case InTeam:
		return fmt.Sprintf("%s has not the role %s in team %s", d.Principal.Username, d.Rule.Role, d.Team)
	case OnPlatform:
		return fmt.Sprintf("%s has not the role %s on the whole platform", d.Principal.Username, d.Rule.Role)
	default:
		return fmt.Sprintf("%s has the role %s in no team", d.Principal.Username, d.Rule.Role)
	}
}

// Check says whether p may use a route; team is the value of the path's {team}. The error is a
// *Denial. Public routes are not asked about.
func (r Rule) Check(p Principal, team string) error {
	denial := &Denial{Rule: r, Team: team, Principal: p}
	if !r.By.admit(p.Kind) {
		return denial
	}
	if r.Role == "" {
		return nil
	}
	allowed := false
	switch r.In {
	case Anywhere:
		allowed = p.Grants.HasAnywhere(r.Role)
	case InTeam:
		allowed = ValidTeam(team) && p.Grants.Has(r.Role, team)
	case OnPlatform:
		allowed = p.Grants.Has(r.Role, "")
	}
	if !allowed {
		return denial
	}
	return nil
}

// Text is the rule in words, for the API's description.
func (r Rule) Text() string {
	if r.Public {
		return "public"
	}
	text := "signed in"
	switch {
	case r.Role != "" && r.In == OnPlatform:
		text = fmt.Sprintf("%s on the platform", r.Role)
	case r.Role != "":
		text = fmt.Sprintf("%s in %s", r.Role, r.In)
	}
	switch r.By {
	case People:
		text += ", people only"
	case InPerson:
		text += ", in person"
	}
	return text
}
