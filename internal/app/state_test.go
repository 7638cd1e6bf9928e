package app

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/spec"
)

func encode[T v1alpha1.Application | v1alpha1.Environment | v1alpha1.Release](t *testing.T, document T) []byte {
	t.Helper()
	data, err := Encode(document)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// repository has two applications, three stages for all, an environment of a team, and a preview.
func repository(t *testing.T) Files {
	t.Helper()
	shop, mail := application(t, "shop", ""), application(t, "mail", ", environments: [dev]")
	first, second := release(t, shop, "1", commitA), release(t, shop, "2", commitB)
	preview, err := NewPreview(shop, 7, commitA, time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return Files{
		ApplicationFile("shop"):                   encode(t, shop),
		ApplicationFile("mail"):                   encode(t, mail),
		ReleaseFile("shop", first.Metadata.Name):  encode(t, first),
		ReleaseFile("shop", second.Metadata.Name): encode(t, second),
		EnvironmentFile("dev"):                    encode(t, environment(t, "dev", "order: 1")),
		EnvironmentFile("stage"):                  encode(t, environment(t, "stage", "order: 2, kind: staging")),
		EnvironmentFile("prod"):                   encode(t, environment(t, "prod", "order: 3, kind: prod")),
		EnvironmentFile("lab"): encode(t,
			environment(t, "lab", `team: labs, order: 1, ttl: 1d, created: "2026-01-01T00:00:00Z"`)),
		EnvironmentFile("shop-pr-7"):                     encode(t, preview),
		PlacedFile("dev", "shop"):                        encode(t, second),
		PlacedFile("prod", "shop"):                       encode(t, first),
		ManifestsFolder("prod", "shop") + "/old.yaml":    []byte("old"),
		ManifestsFolder("prod", "shop") + "/same.yaml":   []byte("same"),
		ManifestsFolder("prod", "shop") + "/change.yaml": []byte("before"),
		NamespaceFolder("shop-prod") + "/namespace.yaml": []byte("ns"),
		NamespaceFolder("shop-pr-7") + "/namespace.yaml": []byte("ns"),
		"README.md": []byte("not ours"),
	}
}

func read(t *testing.T, files Files) *State {
	t.Helper()
	s, found := Read(files)
	if len(found) > 0 {
		t.Fatal(spec.Errors(found))
	}
	return &s
}

func TestRead_FindsEveryDocument(t *testing.T) {
	s := read(t, repository(t))
	if len(s.Applications) != 2 || len(s.Environments) != 5 || len(s.Releases["shop"]) != 2 ||
		len(s.Placed["dev"]) != 1 {
		t.Errorf("got %+v", s)
	}
	var pipeline []string
	for _, e := range s.Pipeline("shop") {
		pipeline = append(pipeline, e.Metadata.Name)
	}
	if got := strings.Join(pipeline, " "); got != "dev stage prod" {
		t.Errorf("pipeline %s", got)
	}
	if got := s.Pipeline("mail"); len(got) != 1 || got[0].Metadata.Name != "dev" {
		t.Errorf("mail goes through %v", got)
	}
}

func TestRead_SaysWhatDoesNotFit(t *testing.T) {
	files := repository(t)
	files[EnvironmentFile("qa")] = files[EnvironmentFile("dev")]
	files[ReleaseFile("mail", "x")] = files[PlacedFile("dev", "shop")]
	files[PlacedFile("lab", "shop")] = files[PlacedFile("dev", "shop")]
	files[PlacedFile("nowhere", "shop")] = files[PlacedFile("dev", "shop")]
	files[ApplicationFile("broken")] = []byte("kind: [")
	files[ApplicationFile("post")] = encode(t, application(t, "post", ", environments: [lab, stge]"))
	files[ApplicationFile("shop-lab")] = encode(t, application(t, "shop-lab", ", environments: [dev]"))
	files[EnvironmentFile("lab-dev")] = encode(t, environment(t, "lab-dev", "order: 9"))
	_, found := Read(files)
	want := `applications/broken/application.yaml:1:1: not valid YAML: did not find expected node content
applications/mail/releases/x.yaml: metadata.name: is "bbbbbbbbbbbb-222222222222", but the file stands where x belongs; did you mean "x"?
applications/post/application.yaml: spec.environments[0]: environment lab belongs to team labs
applications/post/application.yaml: spec.environments[1]: there is no environment "stge"; did you mean "stage"?
applications/shop/application.yaml: the host name shop-lab-dev is already that of shop-lab in dev; choose another name
applications/shop/application.yaml: the namespace shop-lab-dev is already that of shop-lab in dev; choose another name
environments/lab/shop/release.yaml: environment lab is not open to shop of team payments
environments/nowhere/shop/release.yaml: there is no environment "nowhere"
environments/qa/environment.yaml: metadata.name: is "dev", but the file stands where qa belongs; did you mean "qa"?`
	if diff := cmp.Diff(want, spec.Errors(found).Error()); diff != "" {
		t.Error(diff)
	}
}

func TestMove_TakesWhatRunsInTheEarlierEnvironment(t *testing.T) {
	s := read(t, repository(t))
	m, err := s.Move("shop", "dev", "prod", "")
	if err != nil {
		t.Fatal(err)
	}
	if m.Release.Metadata.Name != "bbbbbbbbbbbb-222222222222" || m.Replaces == nil ||
		m.Replaces.Metadata.Name != "aaaaaaaaaaaa-111111111111" {
		t.Errorf("got %+v", m)
	}
	if m, err := s.Move("shop", "dev", "stage", "bbbbbbbbbbbb-222222222222"); err != nil || m.Replaces != nil {
		t.Errorf("%+v, %v", m, err)
	}
	for _, test := range []struct{ application, from, to, release, want string }{
		{"cart", "dev", "prod", "", `there is no application "cart"`},
		{"shop", "prod", "dev", "", "promote shop from prod to dev: dev does not come later in the pipeline"},
		{"shop", "dev", "dev", "", "promote shop from dev to dev: dev does not come later in the pipeline"},
		{"shop", "stage", "prod", "", "promote shop from stage: nothing of it runs there"},
		{"shop", "dev", "lab", "", `shop does not go through an environment "lab"`},
		{"shop", "shop-pr-7", "prod", "", `shop does not go through an environment "shop-pr-7"`},
		{"mail", "dev", "prod", "", `mail does not go through an environment "prod"`},
		{"shop", "dev", "prod", "aaaaaaaaaaaa-111111111111",
			"promote shop aaaaaaaaaaaa-111111111111 from dev: release bbbbbbbbbbbb-222222222222 runs there"},
	} {
		if _, err := s.Move(test.application, test.from, test.to, test.release); err == nil ||
			err.Error() != test.want {
			t.Errorf("%+v: got %v", test, err)
		}
	}
	s.Placed["prod"]["shop"] = s.Placed["dev"]["shop"]
	var nothing *NothingToPromoteError
	if _, err := s.Move("shop", "dev", "prod", ""); !errors.As(err, &nothing) {
		t.Errorf("got %v", err)
	}
}

func TestMoveChange_TouchesTheTargetsFolderOnly(t *testing.T) {
	files := repository(t)
	s := read(t, files)
	m, err := s.Move("shop", "dev", "prod", "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Change(Files{"same.yaml": []byte("same"), "change.yaml": []byte("after"), "new.yaml": []byte("new")},
		files)
	if err != nil {
		t.Fatal(err)
	}
	want := Change{
		Write: Files{
			"environments/prod/shop/release.yaml":          files[PlacedFile("dev", "shop")],
			"environments/prod/shop/manifests/change.yaml": []byte("after"),
			"environments/prod/shop/manifests/new.yaml":    []byte("new"),
		},
		Delete: []string{"environments/prod/shop/manifests/old.yaml"},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	if got := strings.Join(c.Paths(), " "); got != "environments/prod/shop/manifests/change.yaml environments/prod/shop/manifests/new.yaml "+
		"environments/prod/shop/manifests/old.yaml environments/prod/shop/release.yaml" {
		t.Errorf("paths %s", got)
	}
}

// A change that is made once changes nothing when it is made again.
func TestChange_IsIdempotent(t *testing.T) {
	files := repository(t)
	s := read(t, files)
	m, err := s.Move("shop", "dev", "prod", "")
	if err != nil {
		t.Fatal(err)
	}
	manifests := Files{"a.yaml": []byte("a")}
	c, err := m.Change(manifests, files)
	if err != nil {
		t.Fatal(err)
	}
	apply(files, c)
	if again, err := m.Change(manifests, files); err != nil || again.Any() {
		t.Errorf("again: %+v, %v", again, err)
	}
}

func apply(files Files, c Change) {
	for name, data := range c.Write {
		files[name] = data
	}
	for _, name := range c.Delete {
		delete(files, name)
	}
}

func TestPreviews_BeginAndEnd(t *testing.T) {
	files := repository(t)
	s := read(t, files)
	e := s.Environments["shop-pr-7"]
	if e.Spec.Namespace != "shop-pr-7" || e.Spec.Access != v1alpha1.AccessEdit ||
		HostLabel(e, s.Applications["shop"]) != "shop-pr-7" {
		t.Errorf("%+v", e.Spec)
	}
	if got := s.PreviewsOf("shop", 7); len(got) != 1 || got[0] != "shop-pr-7" || s.PreviewsOf("shop", 8) != nil ||
		s.PreviewsOf("mail", 7) != nil {
		t.Errorf("previews %v", got)
	}
	at, ok := Expires(e)
	if want := time.Date(2026, 1, 4, 12, 0, 0, 0, time.UTC); !ok || !at.Equal(want) {
		t.Errorf("expires %s", at)
	}
	for now, want := range map[time.Time]string{
		at.Add(-time.Second): "lab",
		at:                   "lab shop-pr-7",
		time.Date(2026, 1, 1, 23, 59, 59, 0, time.UTC): "",
	} {
		if got := strings.Join(s.Expired(now), " "); got != want {
			t.Errorf("%s: expired %q, want %q", now, got, want)
		}
	}
	c, err := s.RemoveEnvironment("shop-pr-7", files)
	if err != nil || len(c.Write) > 0 || strings.Join(c.Delete,
		" ") != "environments/shop-pr-7/environment.yaml namespaces/shop-pr-7/namespace.yaml" {
		t.Errorf("%+v, %v", c, err)
	}
	off := s.Applications["shop"]
	off.Spec.Previews.Disabled = true
	if _, err := NewPreview(off, 7, commitA, time.Time{}); err == nil {
		t.Error("a preview although they are off")
	}
	if _, err := NewPreview(s.Applications["shop"], 0, commitA, time.Time{}); err == nil {
		t.Error("a preview of no pull request")
	}
}

func TestRemoveApplication_TakesAllThatIsItsOwn(t *testing.T) {
	files := repository(t)
	c, err := read(t, files).RemoveApplication("shop", files)
	if err != nil {
		t.Fatal(err)
	}
	apply(files, c)
	for name := range files {
		if strings.Contains(name, "shop") {
			t.Errorf("%s is left", name)
		}
	}
	if _, there := files[EnvironmentFile("prod")]; !there || files["README.md"] == nil {
		t.Error("more than the application is gone")
	}
	if _, err := read(t, files).RemoveApplication("shop", files); err == nil {
		t.Error("removed twice")
	}
}
