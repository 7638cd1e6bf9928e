package supply

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
)

// published is a registry on loopback that has app:v1.
func published(t *testing.T) (host string, image v1.Image) {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	host = strings.TrimPrefix(srv.URL, "http://")
	image, err := random.Image(512, 1)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(host + "/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	return host, image
}

func public(t *testing.T, ref string) catalog.Recipe {
	t.Helper()
	return recipe(t, "app", "description: an app\nversion: '1'\nimages: ["+ref+"]\nlayers: [{files: [{path: /x, content: x}]}]\nseconds: 7\n", nil)
}

func TestDecide_AutoTakesWhatCanBeHad(t *testing.T) {
	host, _ := published(t)
	gone := httptest.NewServer(nil)
	dead := strings.TrimPrefix(gone.URL, "http://")
	gone.Close()
	for _, c := range []struct {
		name, mode, ref string
		action          Action
		reason          string
	}{
		{"published", v1alpha1.SupplyAuto, host + "/app:v1", Pull, host + " has it"},
		{"not published", v1alpha1.SupplyAuto, host + "/app:v2", Build, "has no such image"},
		{"no registry", v1alpha1.SupplyAuto, dead + "/app:v1", Build, dead + " does not answer"},
		{"told to build", v1alpha1.SupplyBuild, host + "/app:v1", Build, "the platform says so"},
		{"told to pull", v1alpha1.SupplyPull, dead + "/app:v1", Pull, "the platform says so"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := newSupplier(t, t.TempDir(), c.mode, public(t, c.ref))
			d, err := s.Decide(t.Context(), []string{"app"})
			if err != nil {
				t.Fatal(err)
			}
			if d[0].Action != c.action || !strings.Contains(d[0].Reason, c.reason) {
				t.Errorf("got %s because %q", d[0].Action, d[0].Reason)
			}
			if c.action == Build && d[0].Estimate.Seconds() != 7 {
				t.Errorf("estimated %s", d[0].Estimate)
			}
		})
	}
}

func TestRun_PulledIsPresentForPullAndAutoAndNotForBuild(t *testing.T) {
	host, image := published(t)
	want, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	cache, r := t.TempDir(), public(t, host+"/app:v1")
	s, _ := newSupplier(t, cache, v1alpha1.SupplyPull, r)
	if err := bring(t, s, "app"); err != nil {
		t.Fatal(err)
	}
	if d, ok := s.Store.Resolve(host + "/app:v1"); !ok || d.Digest != want {
		t.Errorf("got %s", d.Digest)
	}
	for mode, want := range map[string]string{v1alpha1.SupplyPull: "app:present", v1alpha1.SupplyAuto: "app:present", v1alpha1.SupplyBuild: "app:build"} {
		s, _ := newSupplier(t, cache, mode, r)
		if got := decide(t, s, "app"); got != want {
			t.Errorf("%s: decided %s", mode, got)
		}
	}
}

func TestRun_APinnedDigestIsPulled(t *testing.T) {
	host, image := published(t)
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for pin, works := range map[string]bool{digest.String(): true, "sha256:" + strings.Repeat("0", 64): false} {
		s, _ := newSupplier(t, t.TempDir(), v1alpha1.SupplyPull, public(t, host+"/app:v1"))
		s.Pinned = map[string]string{"app": pin}
		if err := bring(t, s, "app"); (err == nil) != works {
			t.Errorf("%s: %v", pin, err)
		}
	}
}

func TestRun_WhatOthersAreBuiltOnIsBuiltThoughItCouldBePulled(t *testing.T) {
	host, image := published(t)
	pulled, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	base := public(t, host+"/app:v1")
	above := recipe(t, "above", "description: x\nversion: '1'\nimages: ["+host+"/above:v1]\nlayers: [{base: app}, {files: [{path: /y, content: y}]}]\n", nil)
	cache := t.TempDir()
	s, _ := newSupplier(t, cache, v1alpha1.SupplyAuto, base, above)
	if err := bring(t, s, "app"); err != nil { // alone it is pulled
		t.Fatal(err)
	}
	if got := decide(t, s, "app", "above"); got != "app:build above:build" {
		t.Errorf("decided %s", got)
	}
	if err := bring(t, s, "app", "above"); err != nil {
		t.Fatal(err)
	}
	built, err := s.Store.Image(host + "/above:v1")
	if err != nil {
		t.Fatal(err)
	}
	if layers, err := built.Layers(); err != nil || len(layers) != 2 {
		t.Errorf("got %d layers, %v; want the base's and its own", len(layers), err)
	}
	if d, _ := s.Store.Resolve(host + "/app:v1"); d.Digest == pulled {
		t.Error("the base's reference still points at the pulled image")
	}
}
