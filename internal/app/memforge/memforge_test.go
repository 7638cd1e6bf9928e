package memforge

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/forgetest"
)

func TestForge_DoesWhatEveryForgeDoes(t *testing.T) {
	forgetest.Run(t, func(*testing.T) forgetest.Subject {
		server, slipway := New("slipway")
		return forgetest.Subject{Forge: slipway, Account: "slipway", Owner: "team",
			As: func(_ *testing.T, account string) forgetest.Forge { return server.As(account) }}
	})
}

func TestServer_TellsOfEvents(t *testing.T) {
	server, f := New("slipway")
	var got []string
	server.OnEvent = func(e forge.Event) {
		switch {
		case e.Push != nil:
			got = append(got, "push "+e.Push.Branch+" by "+e.Push.Pusher)
		case e.PullRequest != nil:
			got = append(got, string(e.PullRequest.Action)+" by "+e.PullRequest.Sender)
		}
		if _, err := f.Repository(t.Context(), e.Repository); err != nil { // the server answers while it tells
			t.Error(err)
		}
	}
	r := forge.Repository{Owner: "slipway", Name: "environments"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.EnsureRepository(t.Context(), r, forge.RepositoryOptions{})
	must(err)
	must(f.EnsureUser(t.Context(), forge.User{Name: "ada"}, ""))
	commit := func(branch, from, path string) string {
		t.Helper()
		hash, err := f.Commit(t.Context(), r, forge.Commit{Branch: branch, From: from,
			Changes: []forge.FileChange{{Path: path, Data: []byte("x")}}})
		must(err)
		return hash
	}
	commit("main", "", "a")
	commit("topic", "main", "b")
	p, err := f.OpenPullRequest(t.Context(), r, forge.NewPullRequest{Base: "main", Head: "topic"})
	must(err)
	head := commit("topic", "", "c")
	must(f.Review(t.Context(), r, p.Number, forge.Review{Reviewer: "ada", Verdict: forge.Approved}))
	must(f.Comment(t.Context(), r, p.Number, "hello"))
	_, err = f.Merge(t.Context(), r, forge.Merge{Number: p.Number, HeadCommit: head})
	must(err)
	want := []string{"push main by slipway", "push topic by slipway", "opened by slipway", "push topic by slipway",
		"updated by slipway",
		"reviewed by ada", "push main by slipway", "merged by slipway"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
