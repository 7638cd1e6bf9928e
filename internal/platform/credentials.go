package platform

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/fault"
)

// Labels by which packages of the CNOE ecosystem mark Secrets that hold logins
// (github.com/cnoe-io/idpbuilder, docs on "get secrets").
const (
	cliSecretSelector = "cnoe.io/cli-secret=true"
	packageNameLabel  = "cnoe.io/package-name"
)

// Login is a user name and a password.
type Login struct {
	Name     string `json:"name"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	URL      string `json:"url,omitempty"`
	Note     string `json:"note,omitempty"`
	Secret   string `json:"secret"` // namespace/name
}

// Credentials gives the tools' logins, then those of labelled Secrets; with names, only these.
func (l *Line) Credentials(ctx context.Context, names ...string) ([]Login, error) {
	client, err := l.connect()
	if err != nil {
		return nil, err
	}
	var all []Login
	seen := map[string]bool{}
	for _, u := range l.plan.Units {
		if u.Tool == nil {
			continue
		}
		for _, c := range u.Tool.Spec.Credentials {
			namespace, name, _ := strings.Cut(c.Secret, "/")
			data, err := deliver.ReadSecret(ctx, client, namespace, name)
			login := Login{Name: u.Name, Username: c.Username, URL: u.URL, Note: c.Note, Secret: c.Secret}
			if err != nil {
				login.Note = strings.TrimSpace(login.Note + " (" + err.Error() + ")")
			}
			if c.UsernameKey != "" {
				login.Username = string(data[c.UsernameKey])
			}
			login.Password = string(data[cmp.Or(c.PasswordKey, "password")])
			seen[c.Secret] = true
			all = append(all, login)
		}
	}
	labelled, err := client.Core.CoreV1().Secrets("").List(ctx, metav1.ListOptions{LabelSelector: cliSecretSelector})
	if err != nil {
		return nil, fmt.Errorf("list the Secrets labelled %s: %w", cliSecretSelector, err)
	}
	for _, s := range labelled.Items {
		id := s.Namespace + "/" + s.Name
		if seen[id] {
			continue
		}
		login := Login{Name: cmp.Or(s.Labels[packageNameLabel], s.Name), Secret: id}
		for _, key := range []string{"username", "user"} {
			login.Username = cmp.Or(login.Username, string(s.Data[key]))
		}
		login.Password = string(s.Data["password"])
		if login.Username == "" && login.Password == "" {
			var keys []string
			for k := range s.Data {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			login.Note = "keys: " + strings.Join(keys, ", ")
		}
		all = append(all, login)
	}
	if len(names) == 0 {
		return all, nil
	}
	all = slices.DeleteFunc(all, func(login Login) bool { return !slices.Contains(names, login.Name) })
	if len(all) == 0 {
		return nil, fault.Invalid(fmt.Errorf("no credentials of %s", strings.Join(names, ", ")), "see `slipway get credentials`")
	}
	return all, nil
}
