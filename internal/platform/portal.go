package platform

import (
	"fmt"
	"slices"

	"github.com/slipway-dev/slipway/internal/fault"
)

// Portal says how the platform's portal is reached from this host.
type Portal struct {
	URL string
	// CA are the certificates (PEM) that its own comes from.
	CA []byte
	// Domain, and every host below it, is dialled at Address; an empty Address means as names are resolved.
	Domain, Address string
}

// Portal gives the platform's portal; a platform without one is an error.
func (l *Line) Portal() (Portal, error) {
	for _, u := range l.plan.Units {
		if !slices.Contains(u.Capabilities, "portal") || u.URL == "" {
			continue
		}
		ca, err := l.CA()
		return Portal{URL: u.URL, CA: ca, Domain: l.plan.Domain, Address: l.gatewayAddress()}, err
	}
	return Portal{}, fault.Hint(fmt.Errorf("the platform %s has no portal", l.Name()),
		"add the capability portal to its file and run `slipway up`")
}
