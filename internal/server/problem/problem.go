// Package problem is the one form in which the server says that something went wrong: Problem
// Details for HTTP APIs (RFC 9457) with the next step beside the cause. The guard and the API
// write it; it never holds what only the server's log should know.
package problem

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// ContentType is the media type of a problem (RFC 9457, section 3).
const ContentType = "application/problem+json"

// Problem is an error as a client sees it. It is an error itself, and knows its HTTP status.
type Problem struct {
	// Type is a URI that names the problem; about:blank where the status says it all.
	Type   string `json:"type" format:"uri-reference" doc:"URI that names the kind of problem; about:blank where the status says it all" example:"about:blank"`
	Title  string `json:"title" doc:"the status in words" example:"Forbidden"`
	Status int    `json:"status" doc:"HTTP status" example:"403"`
	Detail string `json:"detail" doc:"the cause" example:"ada has not the role developer in team payments"`
	Hint   string `json:"hint,omitempty" doc:"the next step" example:"ask an administrator for the role"`
	// Instance names the request, as the server's log does.
	Instance string  `json:"instance,omitempty" format:"uri" doc:"the request, as the server's log names it" example:"urn:slipway:request:c0ffee"`
	Errors   []Field `json:"errors,omitempty" nullable:"false" doc:"what is wrong with single fields"`

	header http.Header
}

// Field is what is wrong with one field of a request.
type Field struct {
	Location string `json:"location,omitempty" doc:"where: body.name, path.team, query.limit" example:"body.name"`
	Message  string `json:"message" doc:"what is wrong" example:"expected length >= 1"`
}

// New makes a problem from a status, a cause and a next step, which may be empty.
func New(status int, detail, hint string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Hint: hint}
}

// Error is the cause.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status; huma asks for it.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are the headers that go with the status; huma asks for them.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType replaces the media type that was negotiated; huma asks for it.
func (p *Problem) ContentType(string) string { return ContentType }

// With adds a header.
func (p *Problem) With(name, value string) *Problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(name, value)
	return p
}

// RetryAfter says when to come again, in whole seconds (RFC 9110, section 10.2.3).
func (p *Problem) RetryAfter(wait time.Duration) *Problem {
	seconds := int((wait + time.Second - 1) / time.Second)
	return p.With("Retry-After", strconv.Itoa(max(1, seconds)))
}

// About names the request that failed.
func (p *Problem) About(requestID string) *Problem {
	if requestID != "" {
		p.Instance = "urn:slipway:request:" + requestID
	}
	return p
}

// Write sends the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", ContentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	// The client is gone where this fails; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(p)
}
