package idp

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/slipway-dev/slipway/internal/server/people"
)

// claimed are the claims of OpenID Connect Core 1.0, section 5.1, that are used.
type claimed struct {
	Username string `json:"preferred_username"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Verified *bool  `json:"email_verified"`
}

// limits of what is kept of a provider's claims.
const (
	maxGroups = 1000
	maxText   = 300
)

// identity reads the claims of a verified token; complete is false where it lists no groups.
func (p *Provider) identity(token *oidc.IDToken) (identity people.Identity, complete bool, err error) {
	var all map[string]json.RawMessage
	var c claimed
	if err := token.Claims(&all); err != nil {
		return identity, false, fmt.Errorf("%w: its claims cannot be read: %w", ErrRefused, err)
	}
	if err := token.Claims(&c); err != nil {
		return identity, false, fmt.Errorf("%w: its claims cannot be read: %w", ErrRefused, err)
	}
	identity = people.Identity{Issuer: token.Issuer, Subject: token.Subject, AsOf: token.IssuedAt}
	c.into(&identity)
	identity.Groups, complete = groups(all[p.config.GroupsClaim])
	return identity, complete, nil
}

// complete asks the provider's userinfo for what the ID token left out: some providers list groups
// only there.
func (p *Provider) complete(ctx context.Context, d *discovered, tokens *oauth2.Token, identity *people.Identity) error {
	identity.Groups = []string{} // nobody in no group is an answer too
	if d.provider.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := d.provider.UserInfo(oidc.ClientContext(ctx, p.config.Client), oauth2.StaticTokenSource(tokens))
	if err != nil {
		return fmt.Errorf("%w: userinfo: %w", ErrUnreachable, err)
	}
	// OpenID Connect Core 1.0, section 5.3.2: the two must be about the same person.
	if info.Subject != identity.Subject {
		return fmt.Errorf("%w: userinfo is about somebody else", ErrRefused)
	}
	var all map[string]json.RawMessage
	var c claimed
	if err := info.Claims(&all); err != nil {
		return fmt.Errorf("%w: userinfo cannot be read: %w", ErrRefused, err)
	}
	if err := info.Claims(&c); err == nil {
		c.into(identity)
	}
	if listed, ok := groups(all[p.config.GroupsClaim]); ok {
		identity.Groups = listed
	}
	return nil
}

// into fills what identity lacks. An address that the provider has not verified is not kept.
func (c claimed) into(identity *people.Identity) {
	set := func(to *string, value string) {
		if *to == "" {
			*to = shorten(value)
		}
	}
	if c.Verified == nil || *c.Verified {
		set(&identity.Email, c.Email)
	}
	set(&identity.Username, c.Username)
	set(&identity.Username, identity.Email)
	set(&identity.Name, c.Name)
	if identity.Username == "" {
		identity.Username = identity.Subject
	}
}

// groups reads a list of names, or one name; ok is false where the claim is missing.
func groups(claim json.RawMessage) (names []string, ok bool) {
	if claim == nil {
		return nil, false
	}
	names = []string{}
	var several []string
	if json.Unmarshal(claim, &several) != nil {
		var one string
		if json.Unmarshal(claim, &one) != nil {
			return names, true
		}
		several = []string{one}
	}
	for _, g := range several {
		if g != "" && len(g) <= maxText && len(names) < maxGroups {
			names = append(names, g)
		}
	}
	return names, true
}

func shorten(text string) string {
	text = strings.ToValidUTF8(text, "")
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}
