package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Branch is the branch that is delivered.
const Branch = "main"

// GitServer is what delivery needs of the platform's Git server. Adapters stand in folders
// below this one that bear the tool's name.
type GitServer interface {
	// EnsureRepository makes the repository, and its owner, where they are missing, and says how
	// to reach it. Contents and settings of one that exists are left alone, except private.
	EnsureRepository(ctx context.Context, owner, name string, private bool) (Remote, error)
	// EnsureWebhook makes the server call hook.URL after each push to any of its repositories,
	// those of its users and those yet to be made included; a hook of the same URL is brought
	// up to date.
	EnsureWebhook(ctx context.Context, hook Webhook) error
	// EnsureAccount makes the account, and a login of it with these rights. Known is the login that it has had
	// so far, empty at first: it stays where it is valid, has these rights and is not due. Where it was
	// replaced it is valid until a later call; others of the same purpose are not.
	EnsureAccount(ctx context.Context, account Account, known Login) (Login, error)
}

// ErrNotYet is wrapped by what a [GitServer] or an [IdentityProvider] returns when it does not answer
// as one yet: it, or the gateway before it, still starts, and trying again will help.
var ErrNotYet = errors.New("the server does not answer yet")

// Remote is a repository on a Git server, with what it takes to speak to it.
type Remote struct {
	URL       string
	Transport transport.Transport
	Auth      transport.AuthMethod // nil where none is needed
}

// Webhook is a call that a Git server makes after a push.
type Webhook struct {
	URL    string
	Secret string
}

// GitAccess is how an adapter reaches its server.
type GitAccess struct {
	URL                string // base URL
	Username, Password string // of an administrator
	HTTP               *http.Client
}

// GitServers are the adapters by the name that tools give in their field "adapter".
type GitServers map[string]func(GitAccess) (GitServer, error)

// Open gives the adapter called name.
func (g GitServers) Open(name string, access GitAccess) (GitServer, error) {
	open, ok := g[name]
	if !ok {
		return nil, fault.Hint(fmt.Errorf("no adapter %q speaks to the Git server at %s", name, access.URL),
			"choose another tool for the capability git, or correct the tool's field adapter")
	}
	return open(access)
}
