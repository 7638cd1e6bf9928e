package gitea

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// maxPayload is more than the server ever sends: it lists few commits of a push.
const maxPayload = 4 << 20

// ReadEvent reads a webhook's call. It believes nothing of it before its signature
// (X-Gitea-Signature, HMAC-SHA256 over the body in hexadecimal digits) is verified; without a
// secret there is none.
func ReadEvent(r *http.Request, secret string) (forge.Event, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil {
		return forge.Event{}, fmt.Errorf("read a webhook's call: %w", err)
	}
	if len(body) > maxPayload {
		return forge.Event{}, fmt.Errorf("read a webhook's call: %w", forge.ErrTooLarge)
	}
	return ParseEvent(r.Header, body, secret)
}

// ParseEvent reads a webhook's call of which header and body are there already.
func ParseEvent(header http.Header, body []byte, secret string) (forge.Event, error) {
	// the library's comparison takes the same time for every wrong signature
	ok, err := sdk.VerifyWebhookSignature(secret, header.Get("X-Gitea-Signature"), body)
	if secret == "" || err != nil || !ok {
		return forge.Event{}, fmt.Errorf("read a webhook's call: %w", forge.ErrSignature)
	}
	event := forge.Event{ID: header.Get("X-Gitea-Delivery"), Kind: header.Get("X-Gitea-Event-Type")}
	if event.Kind == "" {
		event.Kind = header.Get("X-Gitea-Event")
	}
	if err := parse(header.Get("X-Gitea-Event"), body, &event); err != nil {
		return forge.Event{}, fmt.Errorf("read a webhook's call %s: %w", event.Kind, err)
	}
	return event, nil
}

// payload is what of all payloads Slipway has a use for (modules/structs/hook.go upstream, 1.26).
type payload struct {
	Repository  *sdk.Repository  `json:"repository"`
	Sender      *sdk.User        `json:"sender"`
	Ref         string           `json:"ref"`
	Before      string           `json:"before"`
	After       string           `json:"after"`
	Pusher      *sdk.User        `json:"pusher"`
	Action      string           `json:"action"`
	PullRequest *sdk.PullRequest `json:"pull_request"`
	HeadCommit  struct {
		ID      string `json:"id"`
		Message string `json:"message"`
	} `json:"head_commit"`
}

func parse(kind string, body []byte, event *forge.Event) error {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("not the JSON that was expected: %w", err)
	}
	if p.Repository != nil && p.Repository.Owner != nil {
		event.Repository = forge.Repository{Owner: p.Repository.Owner.UserName, Name: p.Repository.Name}
	}
	isPull := strings.HasPrefix(kind, "pull_request")
	if kind != "push" && !isPull {
		return nil
	}
	if event.Repository.Owner == "" || event.Repository.Name == "" {
		return errors.New("it names no repository")
	}
	if isPull {
		return pullEvent(p, event)
	}
	branch, isBranch := strings.CutPrefix(p.Ref, "refs/heads/")
	if !isBranch { // a tag
		return nil
	}
	event.Push = &forge.Push{Branch: branch, Before: commit(p.Before), After: commit(p.After), Pusher: name(p.Pusher)}
	if p.HeadCommit.ID == p.After {
		event.Push.Title, _, _ = strings.Cut(p.HeadCommit.Message, "\n")
	}
	return nil
}

// actions are what upstream's words for pull requests mean to Slipway; the others mean nothing.
var actions = map[string]forge.Action{
	"opened": forge.PullOpened, "reopened": forge.PullOpened, "synchronized": forge.PullUpdated,
	"edited": forge.PullUpdated,
	"closed": forge.PullClosed, "reviewed": forge.PullReviewed,
}

func pullEvent(p payload, event *forge.Event) error {
	action, known := actions[p.Action]
	if !known {
		return nil
	}
	if p.PullRequest == nil || p.PullRequest.Index < 1 {
		return errors.New("it names no pull request")
	}
	pull := pullRequest(p.PullRequest)
	if action == forge.PullClosed && pull.State == forge.Merged {
		action = forge.PullMerged
	}
	event.PullRequest = &forge.PullRequestEvent{Action: action, PullRequest: pull, Sender: name(p.Sender)}
	return nil
}

// commit is a commit's hash; the zero one, which stands for none, becomes empty.
func commit(hash string) string {
	if strings.Trim(hash, "0") == "" {
		return ""
	}
	return hash
}

func name(u *sdk.User) string {
	if u == nil {
		return ""
	}
	return u.UserName
}
