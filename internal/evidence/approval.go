package evidence

import (
	"errors"
	"time"
)

// Actor is somebody, or something, that took part in a promotion.
type Actor struct {
	// Name is the user's name at the identity provider.
	Name string `json:"name"`
	// Role is the role that counted: "developer", "approver", "system".
	Role string `json:"role,omitempty"`
}

// Approval says that a person agreed to a promotion: predicate type https://slipway.dev/approval/v1.
type Approval struct {
	// Image is the image whose promotion was approved. It is the statement's subject.
	Image Subject `json:"-"`
	// Promotion identifies the promotion.
	Promotion   string `json:"promotion"`
	Application string `json:"application"`
	// To is the environment.
	To string `json:"to"`
	// ManifestsCommit is the commit that the approver looked at.
	ManifestsCommit string    `json:"manifestsCommit"`
	Approver        Actor     `json:"approver"`
	Time            time.Time `json:"time"`
	// URL leads to the review; "" where there is none.
	URL string `json:"url,omitempty"`
}

// DecodeApproval reads an approval; unknown fields are errors.
func DecodeApproval(s Statement) (Approval, error) {
	const what = "approval"
	if err := s.of(what, ApprovalType); err != nil {
		return Approval{}, err
	}
	var a Approval
	if err := decodeStrict(what, s.Predicate, &a); err != nil {
		return Approval{}, err
	}
	image, err := onlySubject(s)
	if err != nil {
		return Approval{}, &DecodeError{What: what, Err: err}
	}
	a.Image = image
	if err := a.validate(); err != nil {
		return Approval{}, &DecodeError{What: what, Err: err}
	}
	return a, nil
}

// Statement writes the approval.
func (a Approval) Statement() (Statement, error) {
	predicate, err := encode(a)
	if err != nil {
		return Statement{}, &DecodeError{What: "approval", Err: err}
	}
	s := newStatement(a.Image, ApprovalType, predicate)
	_, err = DecodeApproval(s)
	return s, err
}

func (a Approval) validate() error {
	return errors.Join(
		required("promotion", a.Promotion), required("application", a.Application), required("to", a.To),
		commit("manifestsCommit", a.ManifestsCommit), required("approver.name", a.Approver.Name), moment("time", a.Time),
	)
}
