package api

import "time"

// Me is who is calling.
type Me struct {
	Actor
	Email string `json:"email,omitempty"`
	// Grants are "role" or "role:team".
	Grants []string `json:"grants" nullable:"false" doc:"roles, as role or role:team" example:"[\"developer:payments\"]"`
	// CSRFToken must come back in X-CSRF-Token with each write of a browser's session.
	CSRFToken string     `json:"csrfToken,omitempty" doc:"for the header X-CSRF-Token of writes; browsers' sessions only"`
	Session   string     `json:"session,omitempty" doc:"the session's ID"`
	Idle      *time.Time `json:"idle,omitempty" doc:"when the session ends if nothing is done"`
	Expires   *time.Time `json:"expires,omitempty" doc:"when the credential ends"`
}

// Session is a browser in which somebody is signed in.
type Session struct {
	ID      string    `json:"id"`
	Current bool      `json:"current" doc:"the one that asks"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen" doc:"last use, to the minute"`
	Ends    time.Time `json:"ends" doc:"whatever is done"`
	Client  string    `json:"client" doc:"address that it began from"`
	Agent   string    `json:"agent" doc:"the browser, by its own word"`
}

// Sessions are all of somebody's sessions.
type Sessions struct {
	Items []Session `json:"items" nullable:"false"`
}

// TokenState says whether a token can be used.
type TokenState string

// The states of a token.
const (
	TokenGood    TokenState = "good"
	TokenExpired TokenState = "expired"
	TokenRevoked TokenState = "revoked"
)

// Token is an API token, or a command line that is signed in, without the secret.
type Token struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind" enum:"api,cli"`
	Name      string     `json:"name"`
	Person    string     `json:"person" doc:"ID of its owner"`
	Scopes    []string   `json:"scopes" nullable:"false" doc:"as role or role:team"`
	State     TokenState `json:"state" enum:"good,expired,revoked"`
	Created   time.Time  `json:"created"`
	Expires   time.Time  `json:"expires"`
	Used      *time.Time `json:"used,omitempty" doc:"last use, to the minute"`
	Revoked   *time.Time `json:"revoked,omitempty"`
	RevokedBy string     `json:"revokedBy,omitempty"`
}

// NewToken asks for an API token.
type NewToken struct {
	Name   string   `json:"name" minLength:"1" maxLength:"100" doc:"what it is for" example:"nightly report"`
	Scopes []string `json:"scopes" minItems:"1" maxItems:"50" nullable:"false" doc:"what it may do, as role or role:team" example:"[\"viewer\"]"`
	Days   int      `json:"days" minimum:"1" maximum:"3650" default:"90" doc:"how long it lasts; the server has a bound of its own"`
}

// CreatedToken is a token with its secret, which is shown once.
type CreatedToken struct {
	Token
	Secret string `json:"secret" doc:"shown once; send it as Authorization: Bearer SECRET"`
}

// PersonSummary is somebody who has signed in.
type PersonSummary struct {
	ID       string    `json:"id"`
	Username string    `json:"username"`
	Name     string    `json:"name,omitempty"`
	Email    string    `json:"email,omitempty"`
	Grants   []string  `json:"grants" nullable:"false" doc:"roles, as role or role:team"`
	Seen     time.Time `json:"seen" doc:"last use, to the minute"`
	Shut     *ShutOut  `json:"shut,omitempty" doc:"present where they are shut out"`
}

// Person is somebody with what the provider said of them.
type Person struct {
	PersonSummary
	Issuer   string   `json:"issuer"`
	Subject  string   `json:"subject"`
	Groups   []string `json:"groups" nullable:"false" doc:"at the identity provider"`
	Sessions int      `json:"sessions" doc:"browsers in which they are signed in"`
}

// ShutOut says who shut a person out, when and why.
type ShutOut struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Access says whether a person may come in.
type Access struct {
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty" maxLength:"500" doc:"needed where not allowed"`
}

// Ended says what was ended.
type Ended struct {
	Sessions int `json:"sessions"`
	Tokens   int `json:"tokens"`
}

// DeviceCodes is the answer to a command line (RFC 8628, section 3.2).
type DeviceCodes struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code" example:"BDWP-HQKR"`
	VerificationURI         string `json:"verification_uri" format:"uri"`
	VerificationURIComplete string `json:"verification_uri_complete" format:"uri"`
	ExpiresIn               int    `json:"expires_in" doc:"seconds"`
	Interval                int    `json:"interval" doc:"seconds between two questions"`
}

// DeviceToken is what the command line gets at last (RFC 6749, section 5.1).
type DeviceToken struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type" enum:"Bearer"`
	ExpiresIn   int    `json:"expires_in" doc:"seconds"`
	Scope       string `json:"scope,omitempty"`
}

// DeviceRequest is what a person is asked to confirm.
type DeviceRequest struct {
	Client  string    `json:"client" doc:"what asks, by its own word"`
	From    string    `json:"from" doc:"address that it asks from; compare it with your own"`
	Scopes  []string  `json:"scopes" nullable:"false" doc:"what it asks for; empty means everything that you may"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// DeviceDecision is the person's answer.
type DeviceDecision struct {
	Approve bool `json:"approve"`
}
