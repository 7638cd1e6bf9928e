package forge

import "errors"

// Errors of webhooks.
var (
	// ErrSignature says that a call is not from the forge: its signature is missing or wrong.
	ErrSignature = errors.New("the signature is missing or wrong")
	// ErrTooLarge says that a call's body is larger than any real one.
	ErrTooLarge = errors.New("the body is too large")
)

// Event is what a webhook tells: exactly one of the pointers is set, or none for an event that
// Slipway has no use for. Events can be missed, repeated and out of order: they say where to look.
type Event struct {
	// ID names the delivery; a repeated one has the same.
	ID string
	// Kind is the forge's own word, for logs.
	Kind        string
	Repository  Repository
	Push        *Push
	PullRequest *PullRequestEvent
}

// Push is a branch that moved.
type Push struct {
	Branch string
	// Before and After are commits; empty where the branch was made, or deleted.
	Before, After string
	// Pusher is the account's name.
	Pusher string
	// Title is the first line of the message of After.
	Title string
}

// Action is what happened to a pull request.
type Action string

// The actions.
const (
	PullOpened   Action = "opened"  // or opened again
	PullUpdated  Action = "updated" // new commits, another title or base
	PullClosed   Action = "closed"  // without being merged
	PullMerged   Action = "merged"
	PullReviewed Action = "reviewed" // approved, rejected or commented
)

// PullRequestEvent is what happened to a pull request, and by whom.
type PullRequestEvent struct {
	Action Action
	PullRequest
	// Sender is the account that did it.
	Sender string
}
