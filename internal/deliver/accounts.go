package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
)

// Keys of a Secret that holds a login.
const (
	usernameKey = "username"
	passwordKey = "password"
)

// annotationRenew says when a Secret's login is to be made anew (RFC 3339).
const annotationRenew = "slipway.dev/renew-after"

// Account is an account of a tool's own on a server of the platform's.
type Account struct {
	Name string
	// Purpose names what the login is for: no two logins of the account have the same.
	Purpose string
	// Rights are those of [v1alpha1.ServerAccount].
	Rights        []string
	Administrator bool
}

// Login is an account's login.
type Login struct {
	Username, Password string
	// Renew is when it is to be made anew.
	Renew time.Time
}

// OpenServer opens the server of the plan that gives a capability, as its administrator.
func OpenServer(ctx context.Context, c *kube.Client, p plan.Plan, capability string, servers GitServers, client *http.Client) (GitServer, error) {
	unit, outputs := provider(p, capability)
	if unit == nil || unit.Tool == nil {
		return nil, fault.Hint(fmt.Errorf("the platform %s has no %s", p.Name, capability), "choose a tool for the capability "+capability)
	}
	url, _ := outputs["url"].(string)
	admin, _ := outputs["admin"].(string)
	namespace, name, ok := strings.Cut(admin, "/")
	if !ok {
		return nil, fmt.Errorf("tool %s: its output %s.admin, %q, is not namespace/name of a Secret", unit.Name, capability, admin)
	}
	login, err := ReadSecret(ctx, c, namespace, name)
	if err != nil {
		return nil, fmt.Errorf("read the login of the platform's %s: %w", capability, err)
	}
	return servers.Open(unit.Tool.Spec.Adapter, GitAccess{
		URL: url, Username: string(login[usernameKey]), Password: string(login[passwordKey]), HTTP: client})
}

// Due says whether a login in one of the objects is to be made anew.
func (r Runtime) Due(ctx context.Context, namespace string, objects []v1alpha1.RuntimeObject, now time.Time) (bool, error) {
	for _, o := range objects {
		if o.Account == nil {
			continue
		}
		if o.Namespace != "" {
			namespace = o.Namespace
		}
		secret, err := r.Client.Core.CoreV1().Secrets(namespace).Get(ctx, o.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		renew, err := time.Parse(time.RFC3339, secret.Annotations[annotationRenew])
		if err != nil || !now.Before(renew) || len(secret.Data[passwordKey]) == 0 {
			return true, nil
		}
	}
	return false, nil
}

// account makes o's account and gives o with the keys of its login; o itself where it has no account.
func (r Runtime) account(ctx context.Context, o v1alpha1.RuntimeObject, waits func(missing string)) (v1alpha1.RuntimeObject, error) {
	if o.Account == nil {
		return o, nil
	}
	if r.Server == nil {
		return o, errors.New("no server to make the account on")
	}
	// A Secret that is missing, or can't be read, has no login yet; writing it will tell.
	old, _ := ReadSecret(ctx, r.Client, o.Namespace, o.Name)
	known := Login{Username: string(old[usernameKey]), Password: string(old[passwordKey])}
	want := Account{Name: o.Account.Name, Purpose: o.Namespace + "/" + o.Name, Rights: o.Account.Rights, Administrator: o.Account.Administrator}
	var login Login
	err := untilThere(ctx, func() { waits("the platform's " + o.Account.At) }, func(ctx context.Context) error {
		server, err := r.Server(ctx, o.Account.At)
		if err == nil {
			login, err = server.EnsureAccount(ctx, want, known)
		}
		return err
	})
	if err != nil {
		return o, fmt.Errorf("account %s on the platform's %s: %w", o.Account.Name, o.Account.At, err)
	}
	o = with(o, map[string][]byte{usernameKey: []byte(login.Username), passwordKey: []byte(login.Password)})
	o.Annotations = merged(o.Annotations, map[string]string{annotationRenew: login.Renew.UTC().Format(time.RFC3339)})
	return o, nil
}
