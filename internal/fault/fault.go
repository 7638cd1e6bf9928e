// Package fault gives errors what a person needs besides their text: the next step, and the
// exit code. Errors that have neither are ordinary failures.
package fault

import "errors"

// Exit codes of the program.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitInvalid     = 2   // usage or invalid input
	ExitPending     = 3   // plan --exit-code: changes are pending
	ExitInterrupted = 130 // Ctrl-C
)

// ErrUnavailable says that a system outside did not answer, or answered that it can't now: trying again may help.
var ErrUnavailable = errors.New("unavailable")

// Error is an error with a hint: the next command or edit that leads on.
type Error struct {
	Err  error
	Hint string
	Code int // 0 means ExitFailed
}

// Error is the cause's text, without the hint.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint adds a next step to err; nil stays nil.
func Hint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &Error{Err: err, Hint: hint}
}

// Invalid marks err as invalid input, with a next step.
func Invalid(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &Error{Err: err, Hint: hint, Code: ExitInvalid}
}

// Of gives the outermost hint and the exit code for err.
func Of(err error) (hint string, code int) {
	if err == nil {
		return "", ExitDone
	}
	code = ExitFailed
	for e := err; e != nil; e = errors.Unwrap(e) {
		if f, ok := e.(*Error); ok {
			if hint == "" {
				hint = f.Hint
			}
			if f.Code != 0 && code == ExitFailed {
				code = f.Code
			}
		}
	}
	return hint, code
}
