package entity

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repository is a repository in memory; a file that holds "secret" cannot be read.
type repository map[string]string

func (r repository) Read(_ context.Context, name string) ([]byte, error) {
	text, ok := r[name]
	switch {
	case !ok:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case text == "secret":
		return nil, errors.New("permission denied")
	}
	return []byte(text), nil
}

func locationTo(presence string, targets ...string) string {
	return "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {presence: " + presence +
		", targets: [" + strings.Join(targets, ", ") + "]}\n"
}

func TestCollect_FollowsLocations(t *testing.T) {
	sources, err := Collect(t.Context(), repository{
		"catalog-info.yaml": locationTo("required", "./a/one.yaml", "https://example.com/x/two.yaml",
			"./catalog-info.yaml"),
		"a/one.yaml":                      locationTo("required", "../a/three.yaml"),
		"a/three.yaml":                    "apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {name: a}\nspec: {definition: {$text: ./def.txt}}\n",
		"a/def.txt":                       "the definition",
		"https://example.com/x/two.yaml":  locationTo("required", "./four.yaml"),
		"https://example.com/x/four.yaml": component,
	}, "catalog-info.yaml", OwnKinds)
	if err != nil {
		t.Fatal(err)
	}
	var locations []string
	for _, s := range sources {
		locations = append(locations, s.Location)
		if len(s.Failed) > 0 {
			t.Errorf("%s: %v", s.Location, s.Failed)
		}
	}
	want := []string{"catalog-info.yaml", "a/one.yaml", "a/three.yaml", "https://example.com/x/two.yaml",
		"https://example.com/x/four.yaml"}
	if diff := cmp.Diff(want, locations); diff != "" {
		t.Error(diff)
	}
	if got := string(sources[2].Included["./def.txt"]); got != "the definition" {
		t.Errorf("included %q", got)
	}
}

func TestCollect_WhatCannotBeReadIsOnTheLocation(t *testing.T) {
	sources, err := Collect(t.Context(), repository{
		"sub/catalog-info.yaml": locationTo("required", "gone.yaml", "../../etc/passwd", "/etc/passwd", "'*.yaml'",
			"hidden.yaml",
			"ftp://example.com/a", "../fine.yaml"),
		"sub/hidden.yaml": "secret",
		"fine.yaml":       component,
	}, "sub/catalog-info.yaml", nil)
	if err != nil || len(sources) != 2 {
		t.Fatal(sources, err)
	}
	c := Build(sources)
	e, ok := c.Get(NewRef("location", "", "l"))
	if !ok {
		t.Fatal("no location")
	}
	var got []string
	for _, f := range e.Errors {
		got = append(got, f.Path+": "+f.Message)
	}
	want := []string{
		"spec.targets[0]: gone.yaml cannot be read: open sub/gone.yaml: file does not exist",
		"spec.targets[1]: ../../etc/passwd cannot be read: leads out of the repository",
		"spec.targets[2]: /etc/passwd cannot be read: an absolute path; paths are relative to this file",
		"spec.targets[3]: *.yaml cannot be read: patterns are not followed; name each file",
		"spec.targets[4]: hidden.yaml cannot be read: permission denied",
		"spec.targets[5]: ftp://example.com/a cannot be read: not an http or https URL",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCollect_OptionalTargetsMayBeAbsentButNotUnreadable(t *testing.T) {
	sources, err := Collect(t.Context(), repository{"c.yaml": locationTo("optional", "gone.yaml", "hidden.yaml"),
		"hidden.yaml": "secret"}, "c.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := Build(sources).Get(NewRef("location", "", "l"))
	if len(e.Errors) != 1 || e.Errors[0].Path != "spec.targets[1]" {
		t.Errorf("got %v", e.Errors)
	}
}

func TestCollect_IsBounded(t *testing.T) {
	deep := repository{}
	for i := range 30 {
		deep[fmt.Sprintf("%d.yaml", i)] = locationTo("required", fmt.Sprintf("%d.yaml", i+1))
	}
	sources, err := Collect(t.Context(), deep, "0.yaml", nil)
	if err != nil || len(sources) != maxDepth+1 {
		t.Fatalf("%d sources, %v", len(sources), err)
	}
	last := sources[len(sources)-1]
	if got := last.Failed[fmt.Sprintf("%d.yaml", maxDepth+1)]; got != "locations lead on more than 10 times" {
		t.Errorf("the last says %q", got)
	}
	huge := repository{"c.yaml": locationTo("required", "a", "b")}
	huge["a"], huge["b"] = strings.Repeat("#", maxBytes/2), strings.Repeat("#", maxBytes/2)
	sources, err = Collect(t.Context(), huge, "c.yaml", nil)
	if err != nil || len(sources) != 2 || sources[0].Failed["b"] != "the files are larger than 32 MiB in all" {
		t.Errorf("%d sources, %v, %v", len(sources), sources[0].Failed, err)
	}
}

func TestCollect_TheFirstFileMustBeThere(t *testing.T) {
	if _, err := Collect(t.Context(), repository{}, "catalog-info.yaml", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
