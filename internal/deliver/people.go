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
	"github.com/slipway-dev/slipway/internal/spec"
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

// Merged are people of the Platform file and those whom a former identity provider knew, by name:
// who is in both has the groups of both, and the file's name and address. Left are the names that no
// first password can be kept for.
func Merged(listed []v1alpha1.Person, former []Person) (all []v1alpha1.Person, left []string) {
	all = slices.Clone(listed)
	for _, person := range former {
		name := strings.ToLower(person.Name)
		i := slices.IndexFunc(all, func(p v1alpha1.Person) bool { return p.Name == name })
		switch {
		case i >= 0:
			all[i].Groups = append(slices.Clone(all[i].Groups), person.Groups...)
			slices.Sort(all[i].Groups)
			all[i].Groups = slices.Compact(all[i].Groups)
			all[i].FullName, all[i].Email = cmp.Or(all[i].FullName, person.FullName), cmp.Or(all[i].Email, person.Email)
		case !spec.IsName(name):
			left = append(left, person.Name)
		default:
			all = append(all, v1alpha1.Person{Name: name, FullName: person.FullName, Email: person.Email, Groups: person.Groups})
		}
	}
	return all, left
}

// EnsurePeople makes people known to the platform's identity provider: its own administrator, who
// runs the platform, and those given. First passwords are kept in Secrets in the provider's
// namespace, one for each person, before they are used.
func (r Runtime) EnsurePeople(ctx context.Context, p plan.Plan, people []v1alpha1.Person, task *progress.Task) error {
	ref, ok := IdentityOf(p)
	if !ok {
		if len(people) > 0 {
			return fault.Hint(fmt.Errorf("the platform %s has no identity provider, and yet people", p.Name),
				"choose a tool for the capability identity, or remove spec.people")
		}
		return nil
	}
	login, err := ref.login(ctx, r.Client)
	if err != nil {
		return err
	}
	namespace, _, _ := strings.Cut(ref.Admin, "/")
	all := []Person{{Name: string(login["username"]), FullName: "Platform administrator", Password: string(login["password"]), Groups: []string{AdminGroup}}}
	for _, person := range people {
		secret := v1alpha1.RuntimeObject{
			Kind: "Secret", Name: "person-" + person.Name,
			Labels: map[string]string{"cnoe.io/cli-secret": "true", "cnoe.io/package-name": person.Name},
			Data:   map[string]v1alpha1.RuntimeValue{"username": {Value: person.Name}, "password": {Random: 24}},
		}
		if err := r.Ensure(ctx, namespace, []v1alpha1.RuntimeObject{secret}, task); err != nil {
			return err
		}
		login, err := ReadSecret(ctx, r.Client, namespace, secret.Name)
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
