package evidence

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Outcome is what was decided.
type Outcome string

// The outcomes.
const (
	// Allowed says that every gate passed or was waived.
	Allowed Outcome = "allowed"
	Refused Outcome = "refused"
	// BreakGlass went ahead although a gate did not pass.
	BreakGlass Outcome = "break-glass"
	// Confirmed says that a second person stands by an earlier break-glass.
	Confirmed Outcome = "confirmed"
	// Withdrawn ends an earlier decision that was not carried out.
	Withdrawn Outcome = "withdrawn"
	// RolledBack undoes an earlier decision that was carried out.
	RolledBack Outcome = "rollback"
)

// GoesAhead says whether the outcome lets the promotion be carried out.
func (o Outcome) GoesAhead() bool { return o == Allowed || o == BreakGlass }

// Refers says whether the outcome is about an earlier decision.
func (o Outcome) Refers() bool { return o == Confirmed || o == Withdrawn || o == RolledBack }

// Kind says what a decision is about.
type Kind string

// The kinds of decisions.
const (
	// OfPromotion is about a release that moves to an environment.
	OfPromotion Kind = ""
	// OfGates is about a change of what promotions are decided by: a policy, freezes, an environment's definition.
	OfGates Kind = "gates"
)

// Result is what a gate found.
type Result string

// The results of gates. What is unknown is never a pass.
const (
	Pass         Result = "pass"
	Fail         Result = "fail"
	NotAvailable Result = "not-available"
	Waived       Result = "waived"
)

// Decision is the record of a promotion, or of a change of gates, that was allowed or refused: predicate type
// https://slipway.dev/decision/v1. It is read strictly: an unknown or repeated field is an error.
type Decision struct {
	Kind Kind `json:"kind,omitempty"`
	// Image is the image that the decision is about; for a change of gates it is the file, with its path as the name and
	// the digest of its new content, which is that of no bytes where the file goes. It is the statement's only subject.
	Image Subject `json:"-"`
	// ID identifies the decision: whoever tries again to record the same decision uses the same one.
	ID string `json:"id"`
	// Promotion identifies the promotion. It may be refused several times and is carried out once.
	Promotion string `json:"promotion"`
	// Application is TEAM/NAME. It, To and Release are empty for a change of gates.
	Application string `json:"application,omitempty"`
	// From is the environment that the release comes from; "" where it comes from none, as the first one.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Release is the release's name.
	Release string `json:"release,omitempty"`
	// Images are the other images that the manifests name, and that the decision lets run too.
	Images []Digest `json:"images,omitempty"`
	// ManifestsCommit is the commit of the manifests that were decided on: 40 or 64 hexadecimal digits.
	ManifestsCommit string `json:"manifestsCommit"`
	// ManifestsTree is the Git tree of the application's folder at that commit; it may be left out.
	ManifestsTree string       `json:"manifestsTree,omitempty"`
	Gates         []GateResult `json:"gates"`
	// Policy is the digest of the gates' definitions that were evaluated, and Input that of what they were evaluated over,
	// where it is kept.
	Policy Digest `json:"policy"`
	Input  Digest `json:"input,omitempty"`
	Actors Actors `json:"actors"`
	// Refers is the entry of the log that a confirmation, a withdrawal or a rollback is about.
	Refers *uint64 `json:"refers,omitempty"`
	// Restores is what a rollback leads back to.
	Restores *Restored `json:"restores,omitempty"`

	Outcome Outcome `json:"outcome"`
	// Reason says why, where the outcome is not simply what the gates found.
	Reason string `json:"reason,omitempty"`
	// Time is when it was decided, in UTC.
	Time time.Time `json:"time"`
}

// GateResult is what one gate found, and on what that rests.
type GateResult struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	Reason string `json:"reason,omitempty"`
	// Evidence are the digests of the envelopes, as stored, that the result rests on.
	Evidence []Digest `json:"evidence,omitempty"`
	// Waiver says who waived the gate; it stands where Result is [Waived], and only there.
	Waiver *Waiver `json:"waiver,omitempty"`
}

// Waiver lets a gate be left aside.
type Waiver struct {
	By     Actor     `json:"by"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// Restored is what an environment had of an application before; empty where it had nothing.
type Restored struct {
	Image Digest `json:"image,omitempty"`
	// Images are the other images that the manifests named.
	Images        []Digest `json:"images,omitempty"`
	ManifestsTree string   `json:"manifestsTree,omitempty"`
}

// Actors took part in a promotion.
type Actors struct {
	// Authors wrote the change that is promoted.
	Authors []Actor `json:"authors,omitempty"`
	// Requester asked for the promotion.
	Requester Actor   `json:"requester"`
	Approvers []Actor `json:"approvers,omitempty"`
	// Decider is the person who decided; nil where the gates, or the server, did.
	Decider *Actor `json:"decider,omitempty"`
}

// DecodeDecision reads a decision and checks that it does not contradict itself.
func DecodeDecision(s Statement) (Decision, error) {
	const what = "decision"
	if err := s.of(what, DecisionType); err != nil {
		return Decision{}, err
	}
	var d Decision
	if err := decodeStrict(what, s.Predicate, &d); err != nil {
		return Decision{}, err
	}
	image, err := onlySubject(s)
	if err != nil {
		return Decision{}, &DecodeError{What: what, Err: err}
	}
	d.Image = image
	if err := d.validate(); err != nil {
		return Decision{}, &DecodeError{What: what, Err: err}
	}
	return d, nil
}

// Statement writes the decision.
func (d Decision) Statement() (Statement, error) {
	if d.Gates == nil {
		d.Gates = []GateResult{}
	}
	predicate, err := encode(d)
	if err != nil {
		return Statement{}, &DecodeError{What: "decision", Err: err}
	}
	s := newStatement(d.Image, DecisionType, predicate)
	_, err = DecodeDecision(s)
	return s, err
}

// Sign puts the decision into an envelope that is small enough for a log.
func (d Decision) Sign(by *Signer) ([]byte, error) {
	s, err := d.Statement()
	if err != nil {
		return nil, err
	}
	envelope, err := Sign(s, by)
	if err != nil {
		return nil, err
	}
	if len(envelope) > MaxLogged {
		return nil, fmt.Errorf("sign the decision %s: its envelope has %d bytes, and a log takes %d; shorten its reasons",
			d.ID, len(envelope), MaxLogged)
	}
	return envelope, nil
}

// Digest gives the digest of the image.
func (d Decision) Digest() Digest { return Digest(algorithm + ":" + d.Image.Digest[algorithm]) }

// Runs gives the image that the environment has after the decision was carried out, "" where that is none; ok is false
// where the decision changes nothing there.
func (d Decision) Runs() (image Digest, ok bool) {
	switch {
	case d.Kind != OfPromotion:
		return "", false
	case d.Outcome.GoesAhead():
		return d.Digest(), true
	case d.Outcome == RolledBack && d.Restores != nil:
		return d.Restores.Image, true
	}
	return "", false
}

// Beside gives the other images that run once the decision was carried out.
func (d Decision) Beside() []Digest {
	if d.Outcome == RolledBack && d.Restores != nil {
		return d.Restores.Images
	}
	return d.Images
}

func (d Decision) validate() error {
	faults := []error{
		required("id", d.ID), required("promotion", d.Promotion), d.kindFits(), commit("manifestsCommit", d.ManifestsCommit),
		digest("policy", d.Policy), required("actors.requester.name", d.Actors.Requester.Name), moment("time", d.Time),
		optional("manifestsTree", d.ManifestsTree, commit), d.outcomeFits(), d.referenceFits(),
	}
	if d.Input != "" {
		faults = append(faults, digest("input", d.Input))
	}
	for i, image := range d.Images {
		faults = append(faults, digest(fmt.Sprintf("images[%d]", i), image))
	}
	if d.Actors.Decider != nil {
		faults = append(faults, required("actors.decider.name", d.Actors.Decider.Name))
	}
	names := map[string]bool{}
	for i, g := range d.Gates {
		if err := g.validate(d.Time); err != nil {
			faults = append(faults, fmt.Errorf("gates[%d]: %w", i, err))
		}
		if names[g.Name] {
			faults = append(faults, fmt.Errorf("gates[%d]: the gate %q stands there twice", i, shorten(g.Name)))
		}
		names[g.Name] = true
	}
	faults = append(faults, people("actors.authors", d.Actors.Authors), people("actors.approvers", d.Actors.Approvers))
	return errors.Join(faults...)
}

// kindFits checks that the decision has what its kind wants, and nothing else.
func (d Decision) kindFits() error {
	switch d.Kind {
	case OfPromotion:
		return errors.Join(required("application", d.Application), required("to", d.To), required("release", d.Release))
	case OfGates:
		if d.Application+d.From+d.To+d.Release != "" || len(d.Images) > 0 {
			return errors.New("kind is gates, and application, from, to, release and images are for promotions")
		}
		if d.Outcome != Allowed && d.Outcome != Refused && d.Outcome != Withdrawn {
			return fmt.Errorf("kind is gates, and outcome is %s", shorten(string(d.Outcome)))
		}
		return nil
	}
	return fmt.Errorf("kind is %q, and it is to be %s or left out", shorten(string(d.Kind)), OfGates)
}

// outcomeFits checks that the outcome follows from the gates, or is explained.
func (d Decision) outcomeFits() error {
	var open []string
	for _, g := range d.Gates {
		if g.Result != Pass && g.Result != Waived {
			open = append(open, shorten(g.Name))
		}
	}
	switch d.Outcome {
	case Allowed:
		if len(open) > 0 {
			return fmt.Errorf("outcome is allowed, and these gates did not pass: %s", strings.Join(open, ", "))
		}
	case Refused:
		if len(open) == 0 && d.Reason == "" {
			return errors.New("outcome is refused, every gate passed, and there is no reason")
		}
	case BreakGlass, Confirmed, Withdrawn, RolledBack:
		if d.Reason == "" {
			return fmt.Errorf("outcome is %s, and there is no reason", d.Outcome)
		}
		if (d.Outcome == BreakGlass || d.Outcome == Confirmed) && d.Actors.Decider == nil {
			return fmt.Errorf("outcome is %s, and there is no decider", d.Outcome)
		}
	default:
		return fmt.Errorf("outcome is %q, and it is to be %s, %s, %s, %s, %s or %s", shorten(string(d.Outcome)), Allowed,
			Refused, BreakGlass, Confirmed, Withdrawn, RolledBack)
	}
	return nil
}

// referenceFits checks that what refers to an earlier decision says to which, and a rollback to where.
func (d Decision) referenceFits() error {
	var faults []error
	if refers := d.Refers != nil; refers != d.Outcome.Refers() {
		faults = append(faults, fmt.Errorf("outcome is %s, and refers is there: %t", shorten(string(d.Outcome)), refers))
	}
	if restores := d.Restores != nil; restores != (d.Outcome == RolledBack) {
		faults = append(faults, fmt.Errorf("outcome is %s, and restores is there: %t", shorten(string(d.Outcome)), restores))
	}
	if d.Restores != nil {
		faults = append(faults, optional("restores.manifestsTree", d.Restores.ManifestsTree, commit))
		if d.Restores.Image != "" {
			faults = append(faults, digest("restores.image", d.Restores.Image))
		}
		for i, image := range d.Restores.Images {
			faults = append(faults, digest(fmt.Sprintf("restores.images[%d]", i), image))
		}
	}
	return errors.Join(faults...)
}

func (g GateResult) validate(at time.Time) error {
	faults := []error{required("name", g.Name)}
	switch g.Result {
	case Pass:
	case Fail, NotAvailable:
		faults = append(faults, explained("reason", g.Reason))
	case Waived:
		faults = append(faults, g.Waiver.validate(at))
	default:
		faults = append(faults, fmt.Errorf("result is %q, and it is to be %s, %s, %s or %s", shorten(string(g.Result)),
			Pass, Fail, NotAvailable, Waived))
	}
	for i, e := range g.Evidence {
		faults = append(faults, digest(fmt.Sprintf("evidence[%d]", i), e))
	}
	if g.Waiver != nil && g.Result != Waived {
		faults = append(faults, fmt.Errorf("there is a waiver, and result is %s", shorten(string(g.Result))))
	}
	return errors.Join(faults...)
}

func (w *Waiver) validate(at time.Time) error {
	if w == nil {
		return errors.New("result is waived, and there is no waiver")
	}
	faults := []error{required("waiver.by.name", w.By.Name), explained("waiver.reason", w.Reason),
		moment("waiver.until", w.Until)}
	if w.Until.Before(at) {
		faults = append(faults, fmt.Errorf("the waiver ended at %s, before the decision", w.Until.Format(time.RFC3339)))
	}
	return errors.Join(faults...)
}

// onlySubject gives the one image that a statement is about.
func onlySubject(s Statement) (Subject, error) {
	if len(s.Subject) != 1 {
		return Subject{}, fmt.Errorf("it has %d subjects, and it is about one image", len(s.Subject))
	}
	subject := s.Subject[0]
	if len(subject.Digest) != 1 || subject.Digest[algorithm] == "" {
		return Subject{}, errors.New("its subject is to have a digest sha256, and no other")
	}
	return subject, nil
}

// maxName bounds identifiers and names, in bytes.
const maxName = 256

// required checks an identifier or a name.
func required(field, value string) error {
	if len(value) > maxName {
		return fmt.Errorf("%s has %d bytes, and %d are allowed", field, len(value), maxName)
	}
	return explained(field, value)
}

// explained checks that a text is there; how long it is, is bounded by the envelope.
func explained(field, value string) error {
	if value == "" {
		return fmt.Errorf("%s is empty", field)
	}
	return nil
}

func digest(field string, value Digest) error {
	if _, err := ParseDigest(string(value)); err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	return nil
}

// optional checks a text where it is there.
func optional(field, value string, check func(field, value string) error) error {
	if value == "" {
		return nil
	}
	return check(field, value)
}

// commit checks the form of a Git object's name.
func commit(field, value string) error {
	if !isHex(value, 40) && !isHex(value, 64) {
		return fmt.Errorf("%s: %q names no Git object: 40 or 64 hexadecimal digits in lower case", field, shorten(value))
	}
	return nil
}

func moment(field string, value time.Time) error {
	if value.IsZero() {
		return fmt.Errorf("%s is empty", field)
	}
	if _, offset := value.Zone(); offset != 0 {
		return fmt.Errorf("%s is not in UTC", field)
	}
	return nil
}

// people checks that each actor has a name and stands there once.
func people(field string, actors []Actor) error {
	var faults []error
	seen := map[string]bool{}
	for i, a := range actors {
		faults = append(faults, required(fmt.Sprintf("%s[%d].name", field, i), a.Name))
		if seen[a.Name] {
			faults = append(faults, fmt.Errorf("%s[%d]: %q stands there twice", field, i, shorten(a.Name)))
		}
		seen[a.Name] = true
	}
	return errors.Join(faults...)
}
