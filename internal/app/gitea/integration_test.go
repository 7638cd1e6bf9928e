//go:build integration

package gitea_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/app/forgetest"
	"github.com/slipway-dev/slipway/internal/app/gitea"
	"github.com/slipway-dev/slipway/internal/app/gitea/giteatest"
)

func TestForge(t *testing.T) {
	access := giteatest.Start(t)
	var n atomic.Int32
	forgetest.Run(t, func(t *testing.T) forgetest.Subject {
		return forgetest.Subject{
			Forge: gitea.New(access), Account: giteatest.Admin, Owner: fmt.Sprintf("team-%d", n.Add(1)),
			As: func(_ *testing.T, account string) forgetest.Forge {
				other := access
				other.Username = account
				return gitea.New(other)
			},
		}
	})
	t.Run("webhooks tell of pushes and pull requests", func(t *testing.T) { webhooks(t, access) })
}

// webhooks makes the hook first: repositories that come later are told of as well.
func webhooks(t *testing.T, access gitea.Access) {
	const secret = "between us"
	events := make(chan forge.Event, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e, err := gitea.ReadEvent(r, secret)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			t.Error(err)
			return
		}
		events <- e
	}))
	defer receiver.Close()
	f := gitea.New(access)
	for _, s := range []string{"an older secret", secret} {
		if err := f.EnsureWebhook(t.Context(), receiver.URL, s); err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r := forge.Repository{Owner: "hooked", Name: "repo"}
	must(f.EnsureOrganization(t.Context(), r.Owner))
	_, err := f.EnsureRepository(t.Context(), r, forge.RepositoryOptions{})
	must(err)
	must(f.EnsureUser(t.Context(), forge.User{Name: "reviewer", Email: "reviewer@example.com"}, forgetest.Password))
	must(f.EnsureTeam(t.Context(), forge.Team{Organization: r.Owner, Name: "readers", Permission: forge.PermissionRead,
		AllRepositories: true}, []string{"reviewer"}))
	next := func(what string, is func(forge.Event) bool) forge.Event {
		t.Helper()
		end := time.After(30 * time.Second)
		for {
			select {
			case e := <-events:
				if e.Repository == r && is(e) {
					if e.ID == "" {
						t.Errorf("%s: no delivery id", what)
					}
					return e
				}
			case <-end:
				t.Fatalf("was not told: %s", what)
			}
		}
	}
	first, err := f.Commit(t.Context(), r, forge.Commit{Branch: "main", Message: "x",
		Changes: []forge.FileChange{{Path: "a", Data: []byte("1")}}})
	must(err)
	e := next("a push", func(e forge.Event) bool { return e.Push != nil && e.Push.Branch == "main" })
	if e.Push.After != first || e.Push.Before != "" || e.Push.Pusher != giteatest.Admin {
		t.Errorf("%+v", e.Push)
	}
	_, err = f.Commit(t.Context(), r, forge.Commit{Branch: "topic", From: "main", Message: "x",
		Changes: []forge.FileChange{{Path: "b", Data: []byte("1")}}})
	must(err)
	p, err := f.OpenPullRequest(t.Context(), r, forge.NewPullRequest{Base: "main", Head: "topic", Title: "t"})
	must(err)
	action := func(a forge.Action) func(forge.Event) bool {
		return func(e forge.Event) bool { return e.PullRequest != nil && e.PullRequest.Action == a }
	}
	if e := next("opened", action(forge.PullOpened)); e.PullRequest.Number != p.Number ||
		e.PullRequest.HeadCommit != p.HeadCommit {
		t.Errorf("%+v", e.PullRequest)
	}
	head, err := f.Commit(t.Context(), r, forge.Commit{Branch: "topic", Message: "x",
		Changes: []forge.FileChange{{Path: "c", Data: []byte("1")}}})
	must(err)
	if e := next("new commits", action(forge.PullUpdated)); e.PullRequest.HeadCommit != head {
		t.Errorf("%+v", e.PullRequest)
	}
	must(f.Review(t.Context(), r, p.Number, forge.Review{Reviewer: "reviewer", Verdict: forge.Approved}))
	if e := next("a review", action(forge.PullReviewed)); e.PullRequest.Sender != "reviewer" {
		t.Errorf("%+v", e.PullRequest)
	}
	merge, err := f.Merge(t.Context(), r, forge.Merge{Number: p.Number, HeadCommit: head, Title: "x"})
	must(err)
	if e := next("merged", action(forge.PullMerged)); e.PullRequest.MergeCommit != merge ||
		e.PullRequest.MergedBy != giteatest.Admin {
		t.Errorf("%+v", e.PullRequest)
	}
}
