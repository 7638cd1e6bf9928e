package access

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func grants(t *testing.T, texts ...string) Grants {
	t.Helper()
	gs, err := ParseGrants(texts)
	if err != nil {
		t.Fatal(err)
	}
	return gs
}

func TestRole_ApprovingIsImpliedByNothing(t *testing.T) {
	for _, r := range Roles {
		if r != Approver && r.Covers(Approver) {
			t.Errorf("%s covers approver", r)
		}
	}
}

func TestRole_CoversWhatTheTableSays(t *testing.T) {
	want := map[Role]string{
		Viewer: "viewer", Developer: "viewer developer", Approver: "viewer approver", Auditor: "viewer auditor",
		PlatformAdmin: "viewer developer auditor platform-admin",
	}
	for _, r := range Roles {
		var got []string
		for _, other := range Roles {
			if r.Covers(other) {
				got = append(got, string(other))
			}
		}
		if diff := cmp.Diff(want[r], strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", r, diff)
		}
	}
}

func TestGrants_HasOnlyWhereGranted(t *testing.T) {
	tests := []struct {
		have string
		role Role
		team string
		want bool
	}{
		{"developer:payments", Developer, "payments", true},
		{"developer:payments", Viewer, "payments", true},
		{"developer:payments", Developer, "search", false},
		{"developer:payments", Developer, "", false},
		{"developer", Developer, "search", true},
		{"developer", Developer, "", true},
		{"developer", Approver, "search", false},
		{"platform-admin", Developer, "search", true},
		{"platform-admin", Approver, "search", false},
	}
	for _, tt := range tests {
		if got := grants(t, tt.have).Has(tt.role, tt.team); got != tt.want {
			t.Errorf("%s has %s in %q: %v", tt.have, tt.role, tt.team, got)
		}
	}
}

func TestWithin_NeverGivesMoreThanEither(t *testing.T) {
	tests := []struct{ have, scopes, want string }{
		{"developer:payments", "viewer:payments", "viewer:payments"},
		{"viewer:payments", "developer:payments", ""},
		{"developer:payments developer:search", "developer", "developer:payments developer:search"},
		{"developer:payments viewer:search", "developer viewer", "developer:payments viewer:payments viewer:search"},
		{"viewer", "viewer:payments", "viewer:payments"},
		{"viewer:payments", "viewer:search", ""},
		{"platform-admin", "auditor", "auditor"},
		{"platform-admin", "approver", ""},
		{"", "viewer", ""},
	}
	for _, tt := range tests {
		have, scopes := grants(t, strings.Fields(tt.have)...), grants(t, strings.Fields(tt.scopes)...)
		got := have.Within(scopes)
		if diff := cmp.Diff(tt.want, strings.Join(got.Strings(), " ")); diff != "" {
			t.Errorf("%q within %q: %s", tt.have, tt.scopes, diff)
		}
		for _, g := range got {
			if !have.Covers(g) || !scopes.Covers(g) {
				t.Errorf("%q within %q gives %s", tt.have, tt.scopes, g)
			}
		}
	}
}

func TestMapping_GroupsBecomeRolesInTeams(t *testing.T) {
	m, found := NewMapping("roles", []Binding{
		{Group: "{team}:developers", Role: Developer},
		{Group: "{team}/approvers", Role: Approver},
		{Group: "platform.admins", Role: PlatformAdmin},
		{Group: "everyone", Role: Viewer, Team: "commons"},
		{ServiceAccount: "ci/robot", Role: Developer, Team: "payments"},
	})
	if len(found) > 0 {
		t.Fatal(found)
	}
	tests := []struct{ groups, want string }{
		{"payments:developers", "developer:payments"},
		{"payments:developers,search/approvers", "approver:search developer:payments"},
		{"platform.admins", "platform-admin"},
		{"platformXadmins", ""},
		{"everyone", "viewer:commons"},
		{"Payments:developers", ""},                   // not a team's name
		{"a:b:developers", ""},                        // nor this
		{":developers", ""},                           //
		{"payments:developers\n", ""},                 //
		{"x payments:developers", ""},                 //
		{"system:serviceaccounts:ci", ""},             // groups are no accounts
		{"ci/robot", ""},                              //
		{strings.Repeat("a", 64) + ":developers", ""}, // longer than a DNS label
	}
	for _, tt := range tests {
		got := m.Person(strings.Split(tt.groups, ","))
		if diff := cmp.Diff(tt.want, strings.Join(got.Strings(), " ")); diff != "" {
			t.Errorf("%q: %s", tt.groups, diff)
		}
	}
	if got := m.ServiceAccount("ci", "robot").Strings(); !cmp.Equal(got, []string{"developer:payments"}) {
		t.Errorf("the service account has %v", got)
	}
	if got := m.ServiceAccount("ci", "other"); len(got) > 0 {
		t.Errorf("another service account has %v", got)
	}
}

func TestMapping_RefusesWhatCannotBeMeant(t *testing.T) {
	tests := []struct {
		binding Binding
		path    string
	}{
		{Binding{Group: "a", Role: "owner"}, "roles[0].role"},
		{Binding{Role: Viewer}, "roles[0].group"},
		{Binding{Group: "a", ServiceAccount: "b/c", Role: Viewer}, "roles[0].group"},
		{Binding{Group: "{team}-{team}", Role: Viewer}, "roles[0].group"},
		{Binding{Group: "{team}", Team: "a", Role: Viewer}, "roles[0].team"},
		{Binding{Group: "a", Team: "A b", Role: Viewer}, "roles[0].team"},
		{Binding{ServiceAccount: "robot", Role: Viewer}, "roles[0].serviceAccount"},
		{Binding{Group: "a", Team: "b", Role: PlatformAdmin}, "roles[0].role"},
		{Binding{Group: "{team}:admins", Role: PlatformAdmin}, "roles[0].role"},
	}
	for _, tt := range tests {
		_, found := NewMapping("roles", []Binding{tt.binding})
		if len(found) != 1 || found[0].Path != tt.path {
			t.Errorf("%+v: %v", tt.binding, found)
		}
	}
}

func TestRule_TeamMustBeATeam(t *testing.T) {
	admin := Principal{Kind: Person, Username: "ada", Grants: grants(t, "platform-admin", "developer")}
	for _, team := range []string{"", "Payments", "a/b", "..", strings.Repeat("a", 64)} {
		if err := inTeam(Developer).Check(admin, team); err == nil {
			t.Errorf("team %q is let through", team)
		}
	}
	if err := inTeam(Developer).Check(admin, "payments"); err != nil {
		t.Error(err)
	}
}

func TestRule_CredentialsThatLastCannotMakeOthers(t *testing.T) {
	for _, kind := range []Kind{Token, Workload, CommandLine} {
		p := Principal{Kind: kind, Grants: grants(t, "platform-admin", "approver")}
		if err := Table["POST /api/v1/me/tokens"].Check(p, ""); err == nil {
			t.Errorf("a %s can make tokens", kind)
		}
		const waive = "POST /api/v1/teams/{team}/applications/{application}/promotions/{number}/waivers"
		if err := Table[waive].Check(p, "payments"); (err == nil) != (kind == CommandLine) {
			t.Errorf("a %s waives: %v", kind, err)
		}
	}
}

func FuzzParseGrant(f *testing.F) {
	for _, s := range []string{"viewer", "developer:payments", ":", "viewer:", "viewer:A", "viewer:a:b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ParseGrant(text)
		if err != nil {
			return
		}
		if g.String() != text {
			t.Errorf("%q became %q", text, g)
		}
	})
}

func FuzzMapping(f *testing.F) {
	f.Add("{team}:developers", "payments:developers")
	f.Add("(", "{team}")
	f.Fuzz(func(t *testing.T, group, member string) {
		m, found := NewMapping("roles", []Binding{{Group: group, Role: Developer}})
		if len(found) > 0 {
			return
		}
		for _, g := range m.Person([]string{member}) {
			if strings.Contains(group, "{team}") != (g.Team != "") || g.Team != "" && !ValidTeam(g.Team) {
				t.Errorf("group %q, member of %q: %s", group, member, g)
			}
			if g.Team == "" && group != member {
				t.Errorf("group %q, member of %q: %s", group, member, g)
			}
		}
	})
}
