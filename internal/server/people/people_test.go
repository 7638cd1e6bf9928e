package people_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/server/people"
	"github.com/slipway-dev/slipway/internal/server/store"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func registry(t *testing.T) (*people.Registry, *clock) {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	return people.New(s, c.now), c
}

func ada(asOf time.Time, groups ...string) people.Identity {
	return people.Identity{Issuer: "https://id.example.test", Subject: "7", Username: "ada", Groups: groups, AsOf: asOf}
}

func TestSaw_LaterWordWins(t *testing.T) {
	r, c := registry(t)
	steps := []struct {
		identity people.Identity
		want     []string
	}{
		{ada(c.at, "b", "a"), []string{"a", "b"}},
		{ada(c.at.Add(time.Minute), "a"), []string{"a"}},
		{ada(c.at, "b", "a"), []string{"a"}},            // an older token
		{ada(c.at.Add(2 * time.Minute)), []string{"a"}}, // says nothing about groups
		{people.Identity{Issuer: "https://id.example.test", Subject: "7", Username: "ada", Groups: []string{},
			AsOf: c.at.Add(4 * time.Minute)}, []string{}},
	}
	for i, step := range steps {
		p, err := r.Saw(t.Context(), step.identity)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := r.Person(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, stored.Groups); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
		if diff := cmp.Diff(stored.Groups, p.Groups); diff != "" {
			t.Errorf("step %d, what is given differs from what is stored: %s", i, diff)
		}
	}
}

func TestIdentity_SubjectsOfDifferentIssuersAreDifferentPeople(t *testing.T) {
	seen := map[string]bool{}
	for _, i := range []people.Identity{{Issuer: "a", Subject: "b"}, {Issuer: "ab"}, {Subject: "ab"}, {Issuer: "c",
		Subject: "b"}} {
		if seen[i.ID()] {
			t.Errorf("%+v is somebody else too", i)
		}
		seen[i.ID()] = true
	}
}

func TestShut_StaysWhateverTheProviderSays(t *testing.T) {
	r, c := registry(t)
	p, err := r.Saw(t.Context(), ada(c.at, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.ShutPerson(t.Context(), p.ID, &people.Shut{By: "root", At: c.at, Reason: "left"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Saw(t.Context(), ada(c.at.Add(time.Hour), "a")); !errors.Is(err, people.ErrShut) {
		t.Error(err)
	}
	if _, err := r.Admitted(t.Context(), p.ID); !errors.Is(err, people.ErrShut) {
		t.Error(err)
	}
	if _, err := r.Admitted(t.Context(), "p-nobody"); !errors.Is(err, people.ErrUnknown) {
		t.Error(err)
	}
}

func TestSaw_SeenIsWrittenOnceAMinute(t *testing.T) {
	r, c := registry(t)
	began := c.at
	for _, step := range []struct {
		later time.Duration
		want  time.Time
	}{{0, began}, {30 * time.Second, began}, {30 * time.Second, began.Add(time.Minute)}} {
		c.at = c.at.Add(step.later)
		p, err := r.Saw(t.Context(), ada(began, "a"))
		if err != nil {
			t.Fatal(err)
		}
		if stored, err := r.Person(t.Context(), p.ID); err != nil || !stored.Seen.Equal(step.want) {
			t.Errorf("at %s: seen %s, %v", c.at, stored.Seen, err)
		}
	}
}
