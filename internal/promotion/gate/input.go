package gate

import "time"

// Input is all that gates see. It is recorded with the decision, so that the decision can be
// explained, and other policies replayed over it.
//
// What is not known is left at Go's zero value: an empty text, a zero time, a nil pointer, list
// or map. A list or map that is known to be empty is empty and not nil; JSON and YAML keep the
// difference (null and []). Numbers and booleans are known wherever what holds them is.
//
// The json names are those that expressions use; what says in messages what a value is.
type Input struct {
	// Now is when the gates are evaluated.
	Now       time.Time  `json:"now" what:"the time"`
	Platform  Platform   `json:"platform" what:"the platform"`
	Release   Release    `json:"release" what:"the release"`
	Promotion Promotion  `json:"promotion" what:"the promotion"`
	Approvals []Approval `json:"approvals" what:"the approvals"`
	Evidence  Evidence   `json:"evidence" what:"the evidence"`
	// Environment is where the release is promoted to.
	Environment Environment `json:"environment" what:"the target environment"`
	// Source is the environment that the release comes from; nil where there is none.
	Source *Environment `json:"source" what:"the environment that the release comes from"`
	// Freezes are the freeze windows of the target environment, past and future.
	Freezes []Freeze `json:"freezes" what:"the freeze windows"`
	// Waivers are those given for this promotion. Expressions do not see them.
	Waivers []Waiver `json:"waivers,omitempty"`
}

// Platform is what the platform says of itself.
type Platform struct {
	Name string `json:"name" what:"the platform's name"`
	// Builders are the identities of the platform's own builder: those by which it signs, and those
	// by which provenance names it.
	Builders []string `json:"builders" what:"the identities of the platform's builder"`
}

// Release is an image and the manifests that run it.
type Release struct {
	Application string `json:"application" what:"the application's name"`
	Team        string `json:"team" what:"the application's team"`
	// Repository is the source repository, written as [Provenance] writes it: gates compare the two
	// as texts.
	Repository string `json:"repository" what:"the source repository"`
	// Commit is the source commit that the image was built from, 40 hexadecimal digits.
	Commit string `json:"commit" what:"the source commit"`
	// Image is the image's name without tag and digest.
	Image string `json:"image" what:"the image's name"`
	// Digest is the image's, "sha256:...".
	Digest string `json:"digest" what:"the image's digest"`
	// Manifests is the commit that holds the manifests.
	Manifests string `json:"manifests" what:"the manifests' commit"`
}

// Promotion is the change that moves a release to an environment.
type Promotion struct {
	// ID names the promotion on its platform, such as "slipway/environments#12".
	ID string `json:"id" what:"the promotion's name"`
	// Head is the newest commit of the change. Approvals of any other do not count.
	Head        string    `json:"head" what:"the change's newest commit"`
	RequestedAt time.Time `json:"requestedAt" what:"when the promotion was requested"`
	Requester   Person    `json:"requester" what:"who requested the promotion"`
	// Authors are those who wrote what the release brings to the environment, and those who
	// pushed to the change itself. Nobody at all means that they are not known.
	Authors []Person `json:"authors" what:"the authors of the change"`
}

// Person is somebody with an account. Names are compared without regard to case; expressions see
// them in lower case.
type Person struct {
	Name string `json:"name" what:"the name"`
	// Roles are those that the person has for the application's team.
	Roles []string `json:"roles" what:"the roles"`
}

// Approval is one person's consent to one state of the change. Expressions see those of the
// promotion's head only, the newest of each person.
type Approval struct {
	By Person `json:"by" what:"who approved"`
	// Head is the change's newest commit when the approval was given.
	Head string    `json:"head" what:"the approved commit"`
	At   time.Time `json:"at" what:"when it was approved"`
}

// Evidence holds the newest verified statement of each kind about the release, or, where none
// is verified, the newest; nil where there is none. What an unverified statement says is not
// known to any gate.
type Evidence struct {
	Signature  *Signature  `json:"signature" what:"the signature"`
	Provenance *Provenance `json:"provenance" what:"the provenance"`
	Tests      *Tests      `json:"tests" what:"the test report"`
	SBOM       *SBOM       `json:"sbom" what:"the bill of materials"`
}

// Statement is what all evidence has.
type Statement struct {
	// Digest is that of the signed envelope, "sha256:...".
	Digest string `json:"digest" what:"the statement's digest"`
	// Subject is the digest of the image that it is about.
	Subject string `json:"subject" what:"the image that it is about"`
	// Verified says that the signature is valid and by a key that the platform trusts.
	Verified bool `json:"verified"`
	// Problem says why it is not verified.
	Problem string `json:"problem,omitempty"`
	// Signer is the identity that the key belongs to.
	Signer string `json:"signer" what:"who signed it"`
	// Time is when it was made, by its own account; zero where it does not say.
	Time time.Time `json:"time" what:"when it was made"`
}

// Signature is the image's own signature.
type Signature struct {
	Statement
}

// Provenance says what the image was built from, and by what.
type Provenance struct {
	Statement
	Repository string `json:"repository" what:"the repository that was built"`
	Commit     string `json:"commit" what:"the commit that was built"`
	// Builder is the identity that the provenance names as the builder.
	Builder string `json:"builder" what:"the builder"`
}

// Tests is the outcome of a run of tests.
type Tests struct {
	Statement
	Passed bool `json:"passed"`
	Total  int  `json:"total"`
	Failed int  `json:"failed"`
}

// SBOM is a bill of materials.
type SBOM struct {
	Statement
	Packages []Package `json:"packages" what:"the packages"`
}

// Package is an entry of a bill of materials.
type Package struct {
	Name    string `json:"name" what:"the package's name"`
	Version string `json:"version" what:"the package's version"`
	// PURL is the package URL (https://github.com/package-url/purl-spec).
	PURL string `json:"purl" what:"the package's URL"`
	// Licenses are those that the bill states, as SPDX expressions or by name; all of them apply, so
	// that what may be chosen from is one expression. Empty and not nil where the bill states none.
	Licenses []string `json:"licenses" what:"the package's licences"`
}

// Environment is a place where releases run.
type Environment struct {
	Name string `json:"name" what:"the environment's name"`
	// Kind is what it is for: "dev", "test", "staging", "prod" or "preview".
	Kind   string            `json:"kind" what:"the environment's kind"`
	Labels map[string]string `json:"labels" what:"the environment's labels"`
	// Digest is that of the application's image that runs there.
	Digest string `json:"digest" what:"the image that runs there"`
	// Since is when that image began to run there.
	Since time.Time `json:"since" what:"since when it runs there"`
	// Health are the changes of the application's health there since then, oldest first. Where
	// nobody watched for a while, a change to [HealthUnknown] stands.
	Health []HealthChange `json:"health" what:"the application's health there"`
	// Observed is when the application's health was last looked at.
	Observed time.Time `json:"observed" what:"when its health was last looked at"`
}

// Health is how an application is doing.
type Health string

// Healths.
const (
	Healthy           Health = "healthy"
	HealthProgressing Health = "progressing"
	HealthDegraded    Health = "degraded"
	HealthUnknown     Health = "unknown"
)

// HealthChange is a moment at which an application's health became another.
type HealthChange struct {
	At     time.Time `json:"at" what:"when it changed"`
	Health Health    `json:"health" what:"what it became"`
}

// Freeze is a time in which nothing is promoted: from From, until just before Until.
type Freeze struct {
	Name   string    `json:"name" what:"the freeze's name"`
	Reason string    `json:"reason" what:"the freeze's reason"`
	From   time.Time `json:"from" what:"when the freeze begins"`
	Until  time.Time `json:"until" what:"when the freeze ends"`
}

// Waiver is a person's word that a gate need not be passed.
type Waiver struct {
	Gate string `json:"gate"`
	By   Person `json:"by"`
	Why  string `json:"why"`
	// Until is when it ends; at that moment it counts no longer.
	Until time.Time `json:"until"`
}
