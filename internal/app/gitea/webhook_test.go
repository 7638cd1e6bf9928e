package gitea

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

const secret = "between us"

func sign(body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// call is a webhook's call as the server makes it.
func call(kind, kindOf, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/api/v1/webhooks/git", strings.NewReader(body))
	r.Header.Set("X-Gitea-Delivery", "uuid-1")
	r.Header.Set("X-Gitea-Event", kind)
	r.Header.Set("X-Gitea-Event-Type", kindOf)
	r.Header.Set("X-Gitea-Signature", sign(body))
	return r
}

const (
	repository = `"repository": {"name": "shop", "full_name": "payments/shop", "owner": {"login": "payments"}}`
	zero       = "0000000000000000000000000000000000000000"
	hashA      = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hashB      = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func push(ref, before, after string) string {
	return fmt.Sprintf(`{"ref": %q, "before": %q, "after": %q, "pusher": {"login": "ada"},
		"head_commit": {"id": %q, "message": "Greet\n\nAt last.\n"}, %s}`, ref, before, after, hashB, repository)
}

func pull(action, more string) string {
	return fmt.Sprintf(`{"action": %q, "number": 7, "sender": {"login": "bob"}, %s, "pull_request": {"number": 7, "title": "Add", "state": "open",
		"user": {"login": "ada"}, "base": {"ref": "main"}, "created_at": "2026-01-02T03:04:05Z",
		"head": {"ref": "topic", "sha": %q, "repo": {"name": "fork", "owner": {"login": "ada"}}}%s}}`, action, repository, hashA, more)
}

func TestReadEvent_KnowsPushesAndPullRequests(t *testing.T) {
	shop := forge.Repository{Owner: "payments", Name: "shop"}
	request := forge.PullRequest{Number: 7, Title: "Add", Author: "ada", State: forge.Open, Base: "main", Head: "topic",
		HeadCommit:     hashA,
		HeadRepository: forge.Repository{Owner: "ada", Name: "fork"},
		Created:        time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	merged := request
	merged.State, merged.MergeCommit, merged.MergedBy = forge.Merged, hashB, "slipway"
	closed := request
	closed.State = forge.Closed
	event := func(action forge.Action, p forge.PullRequest) forge.Event {
		return forge.Event{Repository: shop, PullRequest: &forge.PullRequestEvent{Action: action, PullRequest: p,
			Sender: "bob"}}
	}
	for name, test := range map[string]struct {
		kind, body string
		want       forge.Event
	}{
		"a push": {"push", push("refs/heads/feature/x", hashA, hashB),
			forge.Event{Repository: shop, Push: &forge.Push{Branch: "feature/x", Before: hashA, After: hashB,
				Pusher: "ada", Title: "Greet"}}},
		"a new branch": {"push", push("refs/heads/main", zero, hashB),
			forge.Event{Repository: shop, Push: &forge.Push{Branch: "main", After: hashB, Pusher: "ada", Title: "Greet"}}},
		"a tag":       {"push", push("refs/tags/v1", zero, hashB), forge.Event{Repository: shop}},
		"opened":      {"pull_request", pull("opened", ""), event(forge.PullOpened, request)},
		"reopened":    {"pull_request", pull("reopened", ""), event(forge.PullOpened, request)},
		"new commits": {"pull_request", pull("synchronized", ""), event(forge.PullUpdated, request)},
		"approved":    {"pull_request_approved", pull("reviewed", ""), event(forge.PullReviewed, request)},
		"merged": {"pull_request", pull("closed", `, "state": "closed", "merged": true, "merge_commit_sha": "`+hashB+`", "merged_by": {"login": "slipway"}`),
			event(forge.PullMerged, merged)},
		"closed":   {"pull_request", pull("closed", `, "state": "closed"`), event(forge.PullClosed, closed)},
		"labelled": {"pull_request", pull("label_updated", ""), forge.Event{Repository: shop}},
		"others":   {"issues", `{"action": "opened", ` + repository + `}`, forge.Event{Repository: shop}},
	} {
		test.want.ID, test.want.Kind = "uuid-1", test.kind+"_type"
		got, err := ReadEvent(call(test.kind, test.kind+"_type", test.body), secret)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestReadEvent_BelievesNothingUnsigned(t *testing.T) {
	body := push("refs/heads/main", hashA, hashB)
	for name, change := range map[string]func(*http.Request){
		"no signature":        func(r *http.Request) { r.Header.Del("X-Gitea-Signature") },
		"an empty one":        func(r *http.Request) { r.Header.Set("X-Gitea-Signature", "") },
		"not even hex":        func(r *http.Request) { r.Header.Set("X-Gitea-Signature", "signed") },
		"of another body":     func(r *http.Request) { r.Header.Set("X-Gitea-Signature", sign(body+" ")) },
		"cut short":           func(r *http.Request) { r.Header.Set("X-Gitea-Signature", sign(body)[:32]) },
		"only the other hash": func(r *http.Request) { r.Header.Del("X-Gitea-Signature"); r.Header.Set("X-Hub-Signature", "sha1=x") },
	} {
		r := call("push", "push", body)
		change(r)
		if _, err := ReadEvent(r, secret); !errors.Is(err, forge.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := call("push", "push", body)
	mac := hmac.New(sha256.New, nil)
	mac.Write([]byte(body))
	r.Header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	if _, err := ReadEvent(r, ""); !errors.Is(err, forge.ErrSignature) {
		t.Errorf("without a secret: %v", err)
	}
}

func TestReadEvent_IsBounded(t *testing.T) {
	body := `{"ref": "` + strings.Repeat("x", maxPayload) + `"}`
	if _, err := ReadEvent(call("push", "push", body), secret); !errors.Is(err, forge.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestReadEvent_SaysWhatIsWrong(t *testing.T) {
	for body, want := range map[string]string{
		"{":                       "read a webhook's call push_type: not the JSON that was expected: ",
		`{"ref": 5}`:              "not the JSON that was expected",
		`{"ref": "refs/heads/x"}`: "read a webhook's call push_type: it names no repository",
		`{"repository": {"name": "x", "owner": null}}`: "it names no repository",
	} {
		if _, err := ReadEvent(call("push", "push_type", body), secret); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := ReadEvent(call("pull_request", "pull_request", `{"action": "opened", `+repository+`}`),
		secret); err == nil ||
		!strings.HasSuffix(err.Error(), "it names no pull request") {
		t.Errorf("got %v", err)
	}
}

// FuzzParseEvent proves that no body that the server signs makes trouble.
func FuzzParseEvent(f *testing.F) {
	f.Add("push", []byte(push("refs/heads/main", hashA, hashB)))
	f.Add("pull_request", []byte(pull("closed", `, "merged": true`)))
	f.Add("pull_request", []byte(`{"action": "opened", "pull_request": {"number": 1, "head": null, "base": {"repo": {}}}, `+repository+`}`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		header := http.Header{}
		header.Set("X-Gitea-Event", kind)
		header.Set("X-Gitea-Signature", sign(string(body)))
		event, err := ParseEvent(header, bytes.Clone(body), secret)
		if err == nil && event.Push != nil && (event.Push.Branch == "" &&
			strings.Contains(string(body), "refs/heads/x")) {
			t.Errorf("a push to nowhere: %+v", event)
		}
		if event.Push != nil && event.PullRequest != nil {
			t.Error("both a push and a pull request")
		}
	})
}
