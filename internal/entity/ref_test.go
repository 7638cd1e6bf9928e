package entity

import (
	"encoding/json"
	"testing"
)

func TestParseRef_FillsInWhatIsLeftOut(t *testing.T) {
	for _, test := range []struct{ text, kind, namespace, want string }{
		{"petstore", "Component", "default", "component:default/petstore"},
		{"api:petstore", "Component", "default", "api:default/petstore"},
		{"external/petstore", "Component", "default", "component:external/petstore"},
		{"API:External/PetStore", "", "", "api:external/petstore"},
		{"user:john.johnson", "Group", "shop", "user:shop/john.johnson"},
		{"a/b:c", "Component", "default", "component:a/b:c"},
		{"a/b/c", "Component", "default", "component:a/b/c"},
		{"x", "Group", "", "group:default/x"},
	} {
		got, err := ParseRef(test.text, test.kind, test.namespace)
		if err != nil || got.String() != test.want {
			t.Errorf("%s: got %s, %v; want %s", test.text, got, err, test.want)
		}
	}
}

func TestParseRef_RefusesWhatNamesNothing(t *testing.T) {
	for _, text := range []string{"", ":x", "/x", "a:/x", "a:", "a/", "a:b/"} {
		if got, err := ParseRef(text, "Component", "default"); err == nil {
			t.Errorf("%q became %s", text, got)
		}
	}
	if _, err := ParseRef("database", "", "default"); err == nil ||
		err.Error() != `"database" needs a kind, such as component:database or resource:database` {
		t.Errorf("got %v", err)
	}
}

func TestRef_IsTextInJSON(t *testing.T) {
	data, err := json.Marshal(Relation{OwnedBy, NewRef("Group", "", "Guests")})
	if err != nil || string(data) != `{"type":"ownedBy","targetRef":"group:default/guests"}` {
		t.Fatal(string(data), err)
	}
	var back Relation
	if err := json.Unmarshal(data, &back); err != nil || back.Target != NewRef("group", "default", "guests") {
		t.Error(back, err)
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"a", "a:b", "a:b/c", "a/b:c", "::", "//", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseRef(text, "component", "default")
		if err != nil {
			return
		}
		again, err := ParseRef(ref.String(), "", "")
		if err != nil || again != ref {
			t.Errorf("%q became %v, and that %v, %v", text, ref, again, err)
		}
	})
}
