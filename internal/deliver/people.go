package deliver

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
)

// AdminGroup is the group of those who run the platform. The tools' own data maps it to their roles.
const AdminGroup = "platform-admins"

// Person is somebody who can sign in at an identity provider.
type Person struct {
	Name, FullName, Email string
	// Password is the first one, of somebody who is not there yet.
	Password string
	// MustChange asks for another password at the first sign-in.
	MustChange bool
	Groups     []string
}

// AllGroups are the person's groups with those that they imply: who is in a part of a team, as
// "shop:developers", is in the team. They are sorted.
func (p Person) AllGroups() []string {
	var all []string
	for _, group := range p.Groups {
		team, _, _ := strings.Cut(group, ":")
		all = append(all, group, team)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// EnsurePeople makes the platform's people known to its identity provider: the provider's own
// administrator, who runs the platform, and those that the Platform file lists. First passwords
// are kept in Secrets in the provider's namespace, one for each person, before they are used.
func (r Runtime) EnsurePeople(ctx context.Context, p plan.Plan, people []v1alpha1.Person, task *progress.Task) error {
	unit, outputs := provider(p, "identity")
	if unit == nil || unit.Tool == nil {
		if len(people) > 0 {
			return fault.Hint(fmt.Errorf("the platform %s has no identity provider, and yet people", p.Name),
				"choose a tool for the capability identity, or remove spec.people")
		}
		return nil
	}
	admin, _ := outputs["admin"].(string)
	namespace, name, ok := strings.Cut(admin, "/")
	if !ok {
		return fmt.Errorf("tool %s: its output identity.admin, %q, is not namespace/name of a Secret", unit.Name, admin)
	}
	login, err := ReadSecret(ctx, r.Client, namespace, name)
	if err != nil {
		return fmt.Errorf("read the identity provider's login: %w", err)
	}
	all := []Person{{Name: string(login["username"]), FullName: "Platform administrator", Password: string(login["password"]), Groups: []string{AdminGroup}}}
	for _, person := range people {
		secret := v1alpha1.RuntimeObject{
			Kind: "Secret", Name: "person-" + person.Name,
			Labels: map[string]string{"cnoe.io/cli-secret": "true", "cnoe.io/package-name": person.Name},
			Data:   map[string]v1alpha1.RuntimeValue{"username": {Value: person.Name}, "password": {Random: 24}},
		}
		if err := r.Ensure(ctx, unit.Namespace, []v1alpha1.RuntimeObject{secret}, task); err != nil {
			return err
		}
		login, err := ReadSecret(ctx, r.Client, unit.Namespace, secret.Name)
		if err != nil {
			return fmt.Errorf("read the first password of %s: %w", person.Name, err)
		}
		all = append(all, Person{Name: person.Name, FullName: person.FullName, Email: person.Email, Password: string(login["password"]),
			MustChange: true, Groups: person.Groups})
	}
	for _, person := range all {
		person.Email = cmp.Or(person.Email, person.Name+"@"+p.Domain)
		if err := r.atProvider(ctx, func(missing string) {
			if task != nil {
				task.Wait("waits for " + missing)
			}
		}, func(ctx context.Context, identity IdentityProvider) error { return identity.EnsurePerson(ctx, person) }); err != nil {
			return err
		}
	}
	return nil
}
