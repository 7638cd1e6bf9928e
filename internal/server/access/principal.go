package access

import (
	"context"
	"time"
)

// Kind is what sort of caller a principal is.
type Kind string

// The kinds of principals.
const (
	// Person is somebody with a browser's session or the provider's own token.
	Person Kind = "person"
	// CommandLine is a person's session at the command line, from the device flow.
	CommandLine Kind = "command line"
	// Token is an API token, which acts for a person within its scopes.
	Token Kind = "token"
	// Workload is a Kubernetes service account.
	Workload Kind = "workload"
)

// Principal is who is calling.
type Principal struct {
	Kind Kind
	// ID stays the same for one person or workload, whatever the credential: a person's ID in the
	// people's list, or "system:serviceaccount:namespace:name".
	ID string
	// Username is what people know them by; it may be given to somebody else one day.
	Username, Name, Email string
	// Issuer and Subject are the provider's own words (OpenID Connect Core 1.0, section 2).
	Issuer, Subject string
	Grants          Grants
	// Session is the browser session's ID, Token that of an API token or a command line's session;
	// each is empty elsewhere.
	Session, Token string
	// Expires is when the credential ends; zero where it does not say.
	Expires time.Time
}

type principalKey struct{}

// With gives a context that knows who is calling.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From gives who is calling; ok is false where nobody was asked to say.
func From(ctx context.Context) (p Principal, ok bool) {
	p, ok = ctx.Value(principalKey{}).(Principal)
	return p, ok
}
