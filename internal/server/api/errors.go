package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/observe"
	"github.com/slipway-dev/slipway/internal/server/problem"
)

// Errors that backends wrap, to say what kind of failure theirs is. The text around them goes to
// the caller, a fault.Hint with it. What wraps none of them is a fault inside: the caller gets its
// request's name, the log the cause. An error of fault.Invalid counts as ErrInvalid.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("conflict")
	ErrInvalid     = errors.New("invalid")
	ErrDenied      = errors.New("denied")
	ErrUnavailable = fault.ErrUnavailable
)

// kinds are the statuses of those errors, and the next step where the backend names none.
var kinds = []struct {
	err    error
	status int
	hint   string
}{
	{ErrNotFound, http.StatusNotFound, "check the name; the lists of the API show what there is"},
	{ErrConflict, http.StatusConflict, "look at how it stands now, then decide anew"},
	{ErrInvalid, http.StatusUnprocessableEntity, "correct the request; /api/openapi.json describes it"},
	{ErrDenied, http.StatusForbidden, "ask somebody who may"},
	{ErrUnavailable, http.StatusServiceUnavailable, "try again in a moment"},
}

// words is the error's text without the kind at its end, which the status says already. That
// something was not found is worth saying in words.
func words(err, kind error) string {
	text := err.Error()
	if kind == ErrNotFound {
		return text
	}
	return strings.TrimSuffix(text, ": "+kind.Error())
}

// problemOf turns a backend's error into what the caller sees.
func problemOf(ctx context.Context, err error) *problem.Problem {
	record := observe.From(ctx)
	var ready *problem.Problem
	if errors.As(err, &ready) {
		copied := *ready // it may be shared by requests
		return copied.About(record.ID)
	}
	hint, code := fault.Of(err)
	for _, k := range kinds {
		if errors.Is(err, k.err) || k.err == ErrInvalid && code == fault.ExitInvalid {
			return problem.New(k.status, words(err, k.err), cmp.Or(hint, k.hint)).About(record.ID)
		}
	}
	record.Cause = err
	if errors.Is(err, context.DeadlineExceeded) {
		return problem.New(http.StatusGatewayTimeout, "the answer took too long", "try again in a moment").About(record.ID)
	}
	return problem.New(http.StatusInternalServerError, "something went wrong inside the server",
		"try again; if it stays so, give the administrator the request's name").About(record.ID)
}

// notConfigured answers for a backend that this server does not have.
func notConfigured(what string) error {
	return problem.New(http.StatusNotImplemented, "this server has no "+what,
		"ask the administrator which capabilities the platform has (GET /api/v1/platform/capabilities)")
}

// huma makes its errors, those of validation above all, through these two variables; there is no
// other way to give them our form. They are the same for every server in the process.
func init() {
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return fromHuma(status, message, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		p := fromHuma(status, message, errs)
		if ctx == nil {
			return p
		}
		return p.About(observe.From(ctx.Context()).ID)
	}
}

// fromHuma keeps where and what, and leaves out the value that was sent: it may be a secret.
func fromHuma(status int, message string, errs []error) *problem.Problem {
	p := problem.New(status, message, "")
	if status == http.StatusUnprocessableEntity || status == http.StatusBadRequest {
		p.Hint = "compare the request with /api/openapi.json"
	}
	for _, err := range errs {
		var d huma.ErrorDetailer
		switch {
		case err == nil:
		case errors.As(err, &d):
			p.Errors = append(p.Errors, problem.Field{Location: d.ErrorDetail().Location, Message: d.ErrorDetail().Message})
		default:
			p.Errors = append(p.Errors, problem.Field{Message: err.Error()})
		}
	}
	return p
}
