package app

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: %s", file, diff)
	}
}

const (
	commitA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	commitB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func digest(c string) string { return "sha256:" + strings.Repeat(c, 64) }

func image(c string) string { return "registry.example.com/payments/shop@" + digest(c) }

// TestBroken_ExactMessages reads every broken file; the kind stands at the beginning of its name.
func TestBroken_ExactMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			switch kind, _, _ := strings.Cut(name, "-"); kind {
			case "application":
				_, err = DecodeApplication(name, data)
			case "environment":
				_, err = DecodeEnvironment(name, data)
			case "release":
				_, err = DecodeRelease(name, data)
			}
			if err == nil {
				t.Fatal("is accepted")
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}

func application(t *testing.T, name, rest string) v1alpha1.Application {
	t.Helper()
	a, err := DecodeApplication("application.yaml", []byte("apiVersion: slipway.dev/v1alpha1\nkind: Application\nmetadata: {name: "+name+
		"}\nspec: {team: payments, repository: payments/"+name+rest+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func environment(t *testing.T, name, spec string) v1alpha1.Environment {
	t.Helper()
	e, err := DecodeEnvironment("environment.yaml", []byte("apiVersion: slipway.dev/v1alpha1\nkind: Environment\nmetadata: {name: "+name+
		"}\nspec: {"+spec+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func release(t *testing.T, a v1alpha1.Application, c, commit string) v1alpha1.Release {
	t.Helper()
	r, err := NewRelease(a, image(c), commit, commit)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDecode_FillsDefaults(t *testing.T) {
	a := application(t, "shop", "")
	want := v1alpha1.ApplicationSpec{Team: "payments", Repository: "payments/shop", Branch: "main", Deploy: "deploy",
		Image:    "shop",
		Previews: v1alpha1.Previews{TTL: "72h"}}
	if diff := cmp.Diff(want, a.Spec); diff != "" {
		t.Error(diff)
	}
	for _, test := range []struct{ name, spec, namespace, access, policy string }{
		{"dev", "", "", "edit", ""},
		{"prod", "kind: prod", "", "view", "default"},
		{"prod", "kind: prod, governed: false", "", "edit", ""},
		{"stage", "team: payments, governed: true, policy: strict", "payments-stage", "view", "strict"},
		{"lab", "team: payments, namespace: playground, access: none", "playground", "none", ""},
	} {
		e := environment(t, test.name, test.spec)
		if e.Spec.Namespace != test.namespace || e.Spec.Access != test.access || e.Spec.Policy != test.policy {
			t.Errorf("%s {%s}: %+v", test.name, test.spec, e.Spec)
		}
	}
}

func TestEncode_GivesWhatIsReadBack(t *testing.T) {
	e := environment(t, "lab", `team: payments, ttl: 7d, created: "2026-01-02T03:04:05Z", quota: {pods: "5"}, network: {to: [{cidr: 10.0.0.0/8, ports: [5432]}]}`)
	data, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeEnvironment("e", data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, back); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(data), "limits") || strings.Contains(string(data), "preview") {
		t.Errorf("writes what is empty:\n%s", data)
	}
}

func TestReleaseName_IsMadeOfBothDigests(t *testing.T) {
	a := application(t, "shop", "")
	r := release(t, a, "1", commitA)
	if r.Metadata.Name != "aaaaaaaaaaaa-111111111111" {
		t.Errorf("got %s", r.Metadata.Name)
	}
	if same := release(t, a, "1", commitA); !SameRelease(r, same) {
		t.Error("the same image and manifests are two releases")
	}
	for _, other := range []v1alpha1.Release{release(t, a, "2", commitA), release(t, a, "1", commitB)} {
		if SameRelease(r, other) || other.Metadata.Name == r.Metadata.Name {
			t.Errorf("%s is %s", other.Metadata.Name, r.Metadata.Name)
		}
	}
	for _, image := range []string{"shop", "registry.example.com/shop:v1", "registry.example.com/shop:v1@" +
		digest("1"), ""} {
		if _, err := NewRelease(a, image, commitA, commitA); err == nil {
			t.Errorf("%s is taken for a release's image", image)
		}
	}
}

func TestNames_AreLabelsAndDifferWhereTheirPartsDo(t *testing.T) {
	label := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?`)
	rapid.Check(t, func(t *rapid.T) {
		a, n := label.Draw(t, "application"), rapid.IntRange(1, 1<<31).Draw(t, "pull request")
		name := PreviewName(a, n)
		if !spec.IsName(name) || !strings.HasSuffix(name, fmt.Sprintf("-pr-%d", n)) {
			t.Fatalf("%s (%d characters)", name, len(name))
		}
		if other := label.Draw(t, "other"); other != a && PreviewName(other, n) == name {
			t.Fatalf("%s and %s share %s", a, other, name)
		}
		if e := label.Draw(t, "environment"); !spec.IsName(join(a, e)) {
			t.Fatalf("%s", join(a, e))
		}
	})
	if got := PreviewName("shop", 12); got != "shop-pr-12" {
		t.Errorf("got %s", got)
	}
	long := strings.Repeat("a", 63)
	if join(long, "dev") == join(long[:62]+"b", "dev") || join("x", long) == join("y", long) {
		t.Error("long names fall together")
	}
}

func TestParseTTL(t *testing.T) {
	for text, want := range map[string]time.Duration{"72h": 72 * time.Hour, "7d": 168 * time.Hour,
		"90m": 90 * time.Minute, "366d": 366 * 24 * time.Hour} {
		if got, err := ParseTTL(text); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "7", "d", "-1d", "0h", "30s", "367d", "99999999999999999999d", "1w"} {
		if got, err := ParseTTL(text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}

func FuzzDecodeDocument(f *testing.F) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	paths := []string{ApplicationFile("shop"), EnvironmentFile("dev"), PlacedFile("dev", "shop"),
		ReleaseFile("shop", "x")}
	for i, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), data)
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		name := paths[int(which)%len(paths)]
		_, found := Read(Files{name: data})
		for _, finding := range found {
			if finding.Message == "" || finding.File != name {
				t.Errorf("%+v", finding)
			}
		}
	})
}
