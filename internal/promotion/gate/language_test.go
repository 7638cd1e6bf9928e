package gate

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLoad_RefusesWhatCouldLoseAnUnknown(t *testing.T) {
	for expression, want := range map[string]string{
		`has(release.commit)`:                                "has() is not available: what is not known can never pass a gate",
		`!has(release.commit)`:                               "has() is not available: what is not known can never pass a gate",
		`release.?commit.hasValue()`:                         "unsupported syntax '.?'",
		`[release] == [release]`:                             "== cannot be given a list(Release); give texts, numbers and times",
		`release == release`:                                 "== cannot be given a Release; give texts, numbers and times",
		`promotion.requester in promotion.authors`:           "in cannot be given a Person; give texts, numbers and times",
		`[1, 'a'] == [2, 'a']`:                               "expected type 'int' but found 'string'",
		`dyn(release) == dyn(release)`:                       "dyn cannot be given a Release; give texts, numbers and times",
		`dyn(1) == dyn(2)`:                                   "== cannot be given a dyn; give texts, numbers and times",
		`type(release) == type(release)`:                     "type cannot be given a Release; give texts, numbers and times",
		`Person{name: 'x'}.name == 'x'`:                      "an expression cannot make a Person",
		`[promotion.requester].exists(x, x in [x])`:          "in cannot be given a Person; give texts, numbers and times",
		`{'a': release} == {'a': release}`:                   "== cannot be given a map(string, Release); give texts, numbers and times",
		`true`:                                               "is true whatever the promotion is; a gate that cannot fail says nothing",
		`release.team == 'x' || release.team != 'x' || true`: "is true whatever the promotion is; a gate that cannot fail says nothing",
		`release.team`:                                       "gives string, must give bool",
		`relase.team == 'x'`:                                 `unknown name "relase"; known: approvals, environment, evidence, freezes, now, parameters, platform, promotion, release, source`,
		`release.taem == 'x'`:                                `unknown field "taem"; did you mean "team"?`,
		`release.team == 1`:                                  "== cannot be given (string, int)",
		`duration('soon') < now - now`:                       "type conversion error from 'string' to 'google.protobuf.Duration'",
		`1 / 0 == 1`:                                         "division by zero",
		`evidence.tests.passed`:                              "looks at evidence.tests, which the gate's evidence does not list",
		`[evidence].all(e, e.tests.passed)`:                  "say which evidence, such as evidence.tests",
		`waivers.size() == 0`:                                `unknown name "waivers"; known: approvals, environment, evidence, freezes, now, parameters, platform, promotion, release, source`,
		`parameters.x == 'y'`:                                `unknown field "x"`,
		`release.team ==`:                                    "the expression ends too early",
		strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300) + " == 1": "expression recursion limit exceeded: 100",
	} {
		_, err := Load("p.yaml", []byte(one("          expression: |\n            "+expression)))
		if err == nil {
			t.Errorf("%s is accepted", expression)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %s\nwant %s", expression, err, want)
		}
	}
}

func TestExpressions_ThreeValuedLogic(t *testing.T) {
	for _, tc := range []struct {
		expression string
		status     Status
	}{
		{"release.team == 'retail'", Pass},
		{"release.team == 'other'", Fail},
		{"release.image == 'x'", NotAvailable},
		{"!(release.image == 'x')", NotAvailable},
		{"release.image != 'x'", NotAvailable},
		{"release.image == 'x' && release.team == 'other'", Fail},
		{"release.image == 'x' && release.team == 'retail'", NotAvailable},
		{"release.image == 'x' || release.team == 'retail'", Pass},
		{"release.image == 'x' || release.team == 'other'", NotAvailable},
		{"release.image == 'x' ? true : true", NotAvailable},
		{"source.name == 'dev'", NotAvailable},
		{"!source.health.exists(h, h.health == 'degraded')", NotAvailable},
		{"size(source.health) >= 0", NotAvailable},
		{"source.labels['tier'] != 'x'", NotAvailable},
		{"environment.labels['nope'] != 'x'", NotAvailable}, // an error
		{"!('nope' in environment.labels)", Pass},
		{"environment.labels[release.image] != 'x'", NotAvailable},
		{"!(release.image in environment.labels)", NotAvailable},
		{"!(release.image in ['a', 'b'])", NotAvailable},
		{"!('mallory' in platform.builders)", NotAvailable}, // one of them is empty
		{"!promotion.authors.exists(a, a.name == 'mallory')", NotAvailable},
		{"promotion.authors.exists(a, a.name == 'anna')", Pass},
		{"promotion.authors.all(a, a.name != 'anna')", Fail},
		{"!('mallory' in promotion.authors.map(a, a.name))", NotAvailable},
		{"promotion.authors.map(a, a.name) != ['x', 'y']", NotAvailable},
		{"promotion.authors.filter(a, a.name == 'mallory').size() == 0", NotAvailable},
		{"!promotion.authors.exists_one(a, a.name == 'mallory')", NotAvailable},
		{"promotion.authors[1].name != 'mallory'", NotAvailable},
		{"promotion.authors[0].name == 'anna'", Pass},
		{"(promotion.authors + promotion.authors).size() == 4", Pass},
		{"(now > now ? promotion.authors : promotion.authors)[1].name != 'x'", NotAvailable},
		{"healthyFor([environment, environment].map(e, e.health)[0], now) == duration('0s')", NotAvailable},
		{"!matchesAny(release.image, ['x'])", NotAvailable},
		{"!requiresAny(release.image, ['x'])", NotAvailable},
		{"{'a': release.image} != {'a': 'x'}", NotAvailable},
		{"[release.image].size() == 1", NotAvailable},
		{"string(now) != release.image", NotAvailable},
		{"release.image.size() != 3", NotAvailable},
		{"!release.image.matches('x')", NotAvailable},
		{"'%s'.format([release.image]) != 'x'", NotAvailable},
		{"[1, 2, 3].all(i, [1, 2, 3].all(j, [1, 2, 3].all(k, i + j + k > 0))) && release.team == 'retail'", Pass},
	} {
		in := good()
		in.Release.Image, in.Source = "", nil
		in.Platform.Builders = []string{"builder", ""}
		in.Promotion.Authors = append(in.Promotion.Authors, Person{Roles: []string{}})
		in.Environment.Health = nil
		got := Evaluate(policy(t, "          expression: |\n            "+tc.expression), in).Results[0]
		if got.Status != tc.status {
			t.Errorf("%s: got %s (%s), want %s", tc.expression, got.Status, got.Reason, tc.status)
		}
	}
}

func TestExpressions_CostIsBounded(t *testing.T) {
	ten := "[0,1,2,3,4,5,6,7,8,9]"
	deep := ten + ".all(a, " + ten + ".all(b, " + ten + ".all(c, " + ten + ".all(d, " + ten + ".all(e, " + ten + ".all(f, " + ten +
		".all(g, a + b + c + d + e + f + g >= 0)))))))"
	got := Evaluate(policy(t, "          expression: "+`"release.team == 'x' ? false : `+deep+`"`), good()).Results[0]
	if got.Status != NotAvailable || !strings.Contains(got.Reason, "costs too much") {
		t.Errorf("got %s: %s", got.Status, got.Reason)
	}
}

func TestParameters_HaveTypes(t *testing.T) {
	p := policy(t, `          parameters: {number: 3, soak: 90m, word: retail, list: [a, 3m], none: [], on: true}
          expression: |
            parameters.number + 1 == 4 && parameters.soak > duration('1h') && parameters.word == release.team
              && '3m' in parameters.list && size(parameters.none) == 0 && parameters.on`)
	if got := Evaluate(p, good()).Results[0]; got.Status != Pass {
		t.Errorf("got %s: %s", got.Status, got.Reason)
	}
}

func TestMessages_FallBackToTheDescription(t *testing.T) {
	for message, want := range map[string]string{
		`"'because ' + release.team + '.'"`:       "because retail",
		`"'because ' + source.name"`:              "does not hold: It is so",
		`"environment.labels['x']"`:               "does not hold: It is so",
		`"release.team.substring(6)"`:             "does not hold: It is so",
		`"['a', 'b'].join('\\n') + release.team"`: "a bretail",
	} {
		in := good()
		in.Source = nil
		got := Evaluate(policy(t, "          expression: release.team == 'x'\n          messageExpression: "+message), in).Results[0]
		if got.Status != Fail || got.Reason != want {
			t.Errorf("%s: %s: %q, want %q", message, got.Status, got.Reason, want)
		}
	}
}

func TestRequiresAny(t *testing.T) {
	patterns := []string{"AGPL-*", "SSPL-1.0"}
	for expression, want := range map[string]bool{
		"MIT": false, "AGPL-3.0-only": true, "agpl-3.0+": true, "SSPL-1.0": true, "SSPL-1.0-x": false,
		"MIT OR AGPL-3.0-only": false, "MIT AND AGPL-3.0-only": true, "AGPL-3.0-only OR SSPL-1.0": true,
		"(MIT OR AGPL-3.0-only) AND (AGPL-3.0-only OR BSD-2-Clause)": false,
		"(MIT OR AGPL-3.0-only) AND SSPL-1.0":                        true,
		"MIT OR Apache-2.0 AND AGPL-3.0-only":                        false, // AND binds closer
		"GPL-2.0-only WITH Classpath-exception-2.0":                  false,
		"AGPL-3.0-only WITH x":                                       true,
		// No expressions: every licence that is named counts.
		"MIT or AGPL-3.0-only": true, "GPL and others": false, "(MIT OR AGPL-3.0-only": true, "": false, "AND": false, "MIT OR": false,
		strings.Repeat("(", 1000) + "MIT OR AGPL-3.0-only" + strings.Repeat(")", 1000): true,
	} {
		if got := requiresAny(expression, patterns); got != want {
			t.Errorf("%.60q: %v", expression, got)
		}
	}
}

func TestMatchesAny(t *testing.T) {
	for _, tc := range []struct {
		s, pattern string
		want       bool
	}{
		{"", "", true}, {"a", "", false}, {"", "*", true}, {"prod-eu", "prod-*", true}, {"prod", "prod-*", false}, {"PROD", "prod", true},
		{"abcbc", "a*bc", true}, {"abcbd", "a*bc", false}, {"a/b/c", "a*c", true}, {"aXbXc", "a*b*c", true}, {"aaa", "a*a*a*a", false},
		{strings.Repeat("a", 5000), strings.Repeat("a*", 500) + "b", false},
	} {
		if got := matchesAny(tc.s, []string{"-", tc.pattern}); got != tc.want {
			t.Errorf("%.20q and %.20q: %v", tc.s, tc.pattern, got)
		}
	}
}

func TestHealthyFor(t *testing.T) {
	at := func(minutes int, h Health) HealthChange {
		return HealthChange{At: noon.Add(time.Duration(minutes) * time.Minute), Health: h}
	}
	for _, tc := range []struct {
		name    string
		changes []HealthChange
		want    string
		status  Status
	}{
		{"nothing was seen", []HealthChange{}, "0s", Pass},
		{"healthy", []HealthChange{at(-30, Healthy)}, "1800s", Pass},
		{"healthy again", []HealthChange{at(-30, Healthy), at(-20, HealthDegraded), at(-10, Healthy), at(-5, Healthy)}, "600s", Pass},
		{"a gap", []HealthChange{at(-30, Healthy), at(-20, HealthUnknown)}, "0s", Pass},
		{"out of order", []HealthChange{at(-10, Healthy), at(-30, Healthy)}, "0s", NotAvailable},
		{"healthy since later", []HealthChange{at(10, Healthy)}, "0s", Pass},
		{"a time is missing", []HealthChange{{Health: Healthy}}, "0s", NotAvailable},
		{"a health is missing", []HealthChange{at(-10, "")}, "0s", NotAvailable},
	} {
		in := good()
		in.Source.Health = tc.changes
		p := policy(t, "          expression: healthyFor(source.health, now) == duration('"+tc.want+"')")
		if got := Evaluate(p, in).Results[0]; got.Status != tc.status {
			t.Errorf("%s: %s: %s", tc.name, got.Status, got.Reason)
		}
	}
}

// Messages name what is missing, so every value that can be missing has a name.
func TestFields_AllHaveWords(t *testing.T) {
	fields := Fields()
	if len(fields) < 50 {
		t.Fatalf("only %d fields", len(fields))
	}
	for _, f := range fields {
		if known := f.Type == "bool" || f.Type == "int"; f.What == "" && !known {
			t.Errorf("%s has no words", f.Path)
		}
		if got := meaning(strings.ReplaceAll(f.Path, "[]", "[3]")); got != f.What {
			t.Errorf("%s means %q, and is called %q", f.Path, got, f.What)
		}
	}
}

func TestStanding_EachPersonOnceAndOfTheHead(t *testing.T) {
	at := func(name, head string, minutes int) Approval {
		return Approval{By: Person{Name: name}, Head: head, At: noon.Add(time.Duration(minutes) * time.Minute)}
	}
	got := standing([]Approval{at("Paul", head, 1), at("paul", head, 3), at("olga", head, 2), at("rita", older, 4), at("", head, 5)}, head)
	want := []Approval{at("", head, 5), at("olga", head, 2), at("paul", head, 3)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, got := range map[string][]Approval{
		"no head":          standing([]Approval{at("paul", head, 1)}, ""),
		"of no known head": standing([]Approval{at("paul", head, 1), at("olga", "", 1)}, head),
		"not known":        standing(nil, head),
	} {
		if got != nil {
			t.Errorf("%s: %v, must not be known", name, got)
		}
	}
	if got := standing([]Approval{}, head); got == nil || len(got) != 0 {
		t.Errorf("no approvals became %v", got)
	}
}

// An Input whose type changes without its words, tags and conversion would be found here.
func TestInput_EveryFieldCanBeSeenOrIsLeftOutOnPurpose(t *testing.T) {
	hidden := map[string]bool{"waivers": true}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Input]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		_, seen := activation(good())[name]
		if seen == hidden[name] {
			t.Errorf("%s: seen is %v", name, seen)
		}
	}
}
