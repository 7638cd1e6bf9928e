package client

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/problem"
)

// Error is what the server said of a call that it did not fulfil.
type Error struct {
	// Server is its URL, Doing what was being done.
	Server, Doing string
	Problem       problem.Problem
}

// Error names the place and the cause, and below them each field that is wrong.
func (e *Error) Error() string {
	text := e.Server + ": " + e.Doing + ": " + e.Problem.Detail
	for _, f := range e.Problem.Errors {
		text += "\n  "
		if f.Location != "" {
			text += f.Location + ": "
		}
		text += f.Message
	}
	if e.Problem.Status == http.StatusInternalServerError && e.Problem.Instance != "" {
		text += " (" + e.Problem.Instance + ")"
	}
	return text
}

// StatusOf is the HTTP status with which the server answered; 0 where err is of another kind.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Problem.Status
	}
	return 0
}

// errSlow is the cause when the server takes too long.
var errSlow = fmt.Errorf("no answer in %s", patience)

// refused reads the problem of an answer that is no success. The body is read and closed.
func (c *Client) refused(k call, response *http.Response) error {
	defer response.Body.Close()
	e := &Error{Server: c.options.Server, Doing: k.route.doing}
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || json.Unmarshal(text, &e.Problem) != nil || e.Problem.Detail == "" {
		e.Problem = problem.Problem{Detail: "it answered " + response.Status}
		if response.Header.Get("Content-Type") != problem.ContentType {
			e.Problem.Hint = "check the URL; what answers may not be Slipway's server"
			switch response.StatusCode {
			case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
				e.Problem.Detail += "; the server behind the gateway is away"
				e.Problem.Hint = "it may be starting: try again in a minute; on the platform's machine `slipway why portal` tells more"
			}
		}
	}
	e.Problem.Status = response.StatusCode
	return e.fault()
}

// forPeople are hints of the server's, which speak of the API, and what they are for who types commands.
var forPeople = []struct{ says, instead string }{
	{"/api/v1/me;", "`slipway login` says which roles you have; ask whoever looks after the team, or the platform, for what is missing"},
	{"/api/openapi.json", "correct what is named above, and run the command again"},
	{"/api/v1/templates/", "`slipway template show NAME` lists the parameters; give each with --set NAME=VALUE, or all with --values FILE"},
	{"the lists of the API", "check the name: `slipway app|env|template|promotion list` show what there is"},
}

// fault adds the next step and the exit code.
func (e *Error) fault() error {
	for _, h := range forPeople {
		if strings.Contains(e.Problem.Hint, h.says) {
			e.Problem.Hint = h.instead
		}
	}
	switch e.Problem.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return fault.Invalid(e, e.Problem.Hint)
	case http.StatusUnauthorized:
		if !strings.Contains(e.Problem.Hint, "slipway login") {
			return fault.Hint(e, "slipway login "+e.Server)
		}
	}
	return fault.Hint(e, e.Problem.Hint)
}

// failed is about a call that got no answer, or none that can be read.
func (c *Client) failed(k call, err error) error {
	return Unreachable(c.options.Server, k.route.doing, err)
}

// Unreachable says what failed on the way to a server, and what to do about it.
func Unreachable(server, doing string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %s: %w", server, doing, err)
	}
	hint := "check the URL; the server must be reachable from here"
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		hint = "trust the platform's CA, which `slipway get ca` prints on the platform's machine: slipway login " + server + " --ca-file FILE" +
			" (it is remembered), or set SLIPWAY_CA_FILE"
	}
	return fault.Hint(fmt.Errorf("%s: %s: %w", server, doing, err), hint)
}
