package workload

import (
	"context"
	"errors"
	"testing"
	"time"
)

// reviewer answers as an API server would.
type reviewer struct {
	answers map[string]Review
	err     error
	asked   int
}

func (r *reviewer) Review(_ context.Context, token string, _ []string) (Review, error) {
	r.asked++
	return r.answers[token], r.err
}

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestVerify_OnlyServiceAccountsWithOurAudience(t *testing.T) {
	ours := []string{"slipway"}
	r := &reviewer{answers: map[string]Review{
		"good": {Authenticated: true, Username: "system:serviceaccount:ci:robot", Audiences: ours},
		"cluster": {Authenticated: true, Username: "system:serviceaccount:ci:robot",
			Audiences: []string{"https://kubernetes.default.svc"}},
		"silent":   {Authenticated: true, Username: "system:serviceaccount:ci:robot"},
		"refused":  {Username: "system:serviceaccount:ci:robot", Audiences: ours},
		"node":     {Authenticated: true, Username: "system:node:one", Audiences: ours},
		"nameless": {Authenticated: true, Username: "system:serviceaccount:ci", Audiences: ours},
	}}
	v := New(r, "slipway", time.Now)
	account, err := v.Verify(t.Context(), "good")
	if err != nil || account != (Account{"ci", "robot"}) || account.Username() != "system:serviceaccount:ci:robot" {
		t.Errorf("%+v, %v", account, err)
	}
	for _, bad := range []string{"cluster", "silent", "refused", "node", "nameless", "unknown"} {
		if _, err := v.Verify(t.Context(), bad); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestVerify_AnswersCountForMomentsOnly(t *testing.T) {
	r := &reviewer{answers: map[string]Review{"good": {Authenticated: true, Username: "system:serviceaccount:ci:robot",
		Audiences: []string{"slipway"}}}}
	c := &clock{time.Unix(1000, 0)}
	v := New(r, "slipway", c.now)
	for range 3 {
		if _, err := v.Verify(t.Context(), "good"); err != nil {
			t.Fatal(err)
		}
	}
	if r.asked != 1 {
		t.Errorf("asked %d times", r.asked)
	}
	delete(r.answers, "good")
	c.at = c.at.Add(remember)
	if _, err := v.Verify(t.Context(), "good"); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

func TestVerify_ATroubledClusterIsNoRefusal(t *testing.T) {
	v := New(&reviewer{err: errors.New("timeout")}, "slipway", time.Now)
	if _, err := v.Verify(t.Context(), "good"); err == nil || errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}
