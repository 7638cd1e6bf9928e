package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
)

// Keys of a Secret that holds a registered client.
const (
	clientIDKey     = "client-id"
	clientSecretKey = "client-secret"
)

// ClientLogin is what a registered OpenID Connect client proves itself with; a public one has no secret.
type ClientLogin struct{ ID, Secret string }

// IdentityProvider is what delivery needs of the platform's identity provider. Adapters stand in
// folders below this one that bear the tool's name.
type IdentityProvider interface {
	// EnsureClient registers the client, or brings the one called so up to date. Known is the
	// login that it has had so far, empty at first: it stays where the provider still knows it.
	EnsureClient(ctx context.Context, client v1alpha1.OIDCClient, known ClientLogin) (ClientLogin, error)
	// EnsurePerson makes somebody who is not there yet and puts them into their groups. Somebody who
	// is there keeps password, name, address and other groups.
	EnsurePerson(ctx context.Context, person Person) error
	// People are all who may sign in, with their groups, but for the administrator whom the adapter
	// acts as. They come without passwords.
	People(ctx context.Context) ([]Person, error)
}

// IdentityAccess is how an adapter reaches its provider.
type IdentityAccess struct {
	Issuer             string
	Username, Password string // of an administrator
	HTTP               *http.Client
}

// IdentityProviders are the adapters by the name that tools give in their field "adapter".
type IdentityProviders map[string]func(IdentityAccess) (IdentityProvider, error)

// Adapters are all that the program was built with, by capability; everything else knows them by
// name only.
type Adapters struct {
	Git      GitServers
	Identity IdentityProviders
}

// IdentityRef says which tool signs people in and how its adapter reaches it. It outlives the plan
// that it comes from: when another tool takes over, the one before is still found.
type IdentityRef struct {
	Tool    string `json:"tool"`
	Adapter string `json:"adapter"`
	Issuer  string `json:"issuer"`
	Admin   string `json:"admin"` // namespace/name of a Secret
}

// IdentityOf is the platform's identity provider; ok is false where it has none.
func IdentityOf(p plan.Plan) (ref IdentityRef, ok bool) {
	unit, outputs := provider(p, "identity")
	if unit == nil || unit.Tool == nil {
		return ref, false
	}
	ref = IdentityRef{Tool: unit.Name, Adapter: unit.Tool.Spec.Adapter}
	ref.Issuer, _ = outputs["issuer"].(string)
	ref.Admin, _ = outputs["admin"].(string)
	return ref, true
}

// Open reads the provider's login and opens its adapter.
func (r IdentityRef) Open(ctx context.Context, c *kube.Client, providers IdentityProviders, client *http.Client) (IdentityProvider, error) {
	open, ok := providers[r.Adapter]
	if !ok {
		return nil, fault.Hint(fmt.Errorf("no adapter %q speaks to the identity provider %s", r.Adapter, r.Tool),
			"choose another tool for the capability identity, or correct the tool's field adapter")
	}
	login, err := r.login(ctx, c)
	if err != nil {
		return nil, err
	}
	return open(IdentityAccess{Issuer: r.Issuer, Username: string(login["username"]), Password: string(login["password"]), HTTP: client})
}

// login is that of the provider's administrator.
func (r IdentityRef) login(ctx context.Context, c *kube.Client) (map[string][]byte, error) {
	namespace, name, ok := strings.Cut(r.Admin, "/")
	if !ok {
		return nil, fmt.Errorf("tool %s: its output identity.admin, %q, is not namespace/name of a Secret", r.Tool, r.Admin)
	}
	login, err := ReadSecret(ctx, c, namespace, name)
	if err != nil {
		return nil, fmt.Errorf("read the login of the identity provider %s: %w", r.Tool, err)
	}
	return login, nil
}

// OpenIdentity opens the platform's identity provider.
func OpenIdentity(ctx context.Context, c *kube.Client, p plan.Plan, providers IdentityProviders, client *http.Client) (IdentityProvider, error) {
	ref, ok := IdentityOf(p)
	if !ok {
		return nil, fault.Hint(fmt.Errorf("the platform %s has no identity provider", p.Name), "choose a tool for the capability identity")
	}
	return ref.Open(ctx, c, providers, client)
}

// registered registers o's client, waiting for a provider that still starts, and gives the keys of
// its Secret; none where o has no client.
func (r Runtime) registered(ctx context.Context, o v1alpha1.RuntimeObject, waits func(missing string)) (map[string][]byte, error) {
	if o.Client == nil {
		return nil, nil
	}
	if r.Identity == nil {
		return nil, errors.New("no identity provider to register the client at")
	}
	// A Secret that is missing, or can't be read, has no login yet; writing it will tell.
	old, _ := ReadSecret(ctx, r.Client, o.Namespace, o.Name)
	var login ClientLogin
	err := r.atProvider(ctx, waits, func(ctx context.Context, identity IdentityProvider) (err error) {
		login, err = identity.EnsureClient(ctx, *o.Client, ClientLogin{ID: string(old[clientIDKey]), Secret: string(old[clientSecretKey])})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("register the client %s: %w", o.Client.Name, err)
	}
	return map[string][]byte{clientIDKey: []byte(login.ID), clientSecretKey: []byte(login.Secret)}, nil
}

// atProvider calls do with the identity provider, waiting until ctx ends for one that still starts.
func (r Runtime) atProvider(ctx context.Context, waits func(missing string), do func(context.Context, IdentityProvider) error) error {
	return untilThere(ctx, func() { waits("the identity provider") }, func(ctx context.Context) error {
		identity, err := r.Identity(ctx)
		if err == nil {
			err = do(ctx, identity)
		}
		return err
	})
}

// untilThere calls do until ctx ends, as long as what it needs still starts.
func untilThere(ctx context.Context, waits func(), do func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, time.Second, true, func(ctx context.Context) (bool, error) {
		err := do(ctx)
		last = err
		if errors.Is(err, ErrNotYet) || apierrors.IsNotFound(err) {
			waits()
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return cmp.Or(last, err)
	}
	return nil
}
