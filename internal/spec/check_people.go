package spec

import (
	"net/mail"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
)

func checkPeople(c *checker, people []v1alpha1.Person) {
	seen := map[string]bool{}
	for i, person := range people {
		at := fieldpath.Item("spec.people", i)
		c.name(at+".name", person.Name)
		if seen[person.Name] {
			c.add(at+".name", "", "%s is listed twice", person.Name)
		}
		seen[person.Name] = true
		if address, err := mail.ParseAddress(person.Email); person.Email != "" && (err != nil || address.Address != person.Email) {
			c.add(at+".email", "", "%q is not an address, such as ada@example.com", person.Email)
		}
		for j, group := range person.Groups {
			team, part, parted := strings.Cut(group, ":")
			if !IsName(team) || parted && !IsName(part) {
				c.add(fieldpath.Item(at+".groups", j), "", "%q is neither a team's name nor TEAM:PART", group)
			}
		}
	}
}
