package gate

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// skew is how far a statement's time may lie ahead of the evaluation's: clocks of machines differ.
const skew = time.Minute

// ahead says whether a statement is dated in the future, so that its date cannot be believed.
func (s *Statement) ahead(now time.Time) bool { return s.Time.After(now.Add(skew)) }

// rest looks at the evidence that a gate rests on: whether it is there, trusted, about the
// release and young enough. The result's status is empty where nothing is against it.
func (g *gate) rest(in Input) GateResult {
	r := GateResult{Gate: g.Name}
	for _, kind := range g.Evidence {
		if s := in.Evidence.of(kind); s != nil && s.Digest != "" {
			r.Evidence = append(r.Evidence, s.Digest)
		}
	}
	for _, kind := range g.Evidence {
		path := "evidence." + kind
		s := in.Evidence.of(kind)
		if s == nil {
			r.Status, r.Missing = NotAvailable, []string{path}
			r.Reason = fmt.Sprintf("there is no %s of %s", strings.TrimPrefix(words(kind), "the "), short(in.Release.Digest))
			return r
		}
		if r.Status, r.Missing, r.Reason = g.usable(s, path, in); r.Status != "" {
			r.Reason = words(kind) + " " + r.Reason
			return r
		}
	}
	return r
}

// usable says what is against a statement; the status is empty where nothing is.
func (g *gate) usable(s *Statement, path string, in Input) (status Status, missing []string, why string) {
	switch {
	case !s.Verified && s.Problem != "":
		return Fail, nil, "is not verified: " + sentence(s.Problem)
	case !s.Verified:
		return Fail, nil, "is not verified"
	case s.Digest == "":
		return NotAvailable, []string{path + ".digest"}, "has no digest"
	case in.Release.Digest == "":
		return NotAvailable, []string{"release.digest"}, "cannot be compared with the release, whose digest is not known"
	case s.Subject == "":
		return NotAvailable, []string{path + ".subject"}, "does not say which image it is about"
	case s.Subject != in.Release.Digest:
		return Fail, nil, fmt.Sprintf("is about %s and not about %s", short(s.Subject), short(in.Release.Digest))
	case g.maxAge > 0 && in.Now.IsZero():
		return NotAvailable, []string{"now"}, "cannot be dated: the time is not known"
	case g.maxAge > 0 && s.Time.IsZero():
		return NotAvailable, []string{path + ".time"}, "does not say when it was made"
	case g.maxAge > 0 && s.ahead(in.Now):
		return NotAvailable, []string{path + ".time"}, "is dated in the future: " + s.Time.UTC().Format(time.RFC3339)
	case g.maxAge > 0 && in.Now.Sub(s.Time) > g.maxAge:
		return Fail, nil, fmt.Sprintf("is %s old; %s is the most", span(in.Now.Sub(s.Time)), span(g.maxAge))
	}
	return "", nil, ""
}

// of gives the statement of a kind, nil where there is none.
func (e Evidence) of(kind string) *Statement {
	v := reflect.ValueOf(e)
	for _, f := range fieldsOf(v.Type()) {
		if f.name != kind {
			continue
		}
		if s, ok := v.FieldByIndex(f.index).Interface().(interface{ statement() *Statement }); ok {
			if v.FieldByIndex(f.index).IsNil() {
				return nil
			}
			return s.statement()
		}
	}
	return nil
}

// words are what a kind of evidence is called in a sentence.
func words(kind string) string {
	for _, f := range fieldsOf(reflect.TypeFor[Evidence]()) {
		if f.name == kind {
			return f.what
		}
	}
	return kind
}

// short is a digest as people read it.
func short(digest string) string {
	const keep = len("sha256:") + 12
	if digest == "" {
		return "a release whose digest is not known"
	}
	if len(digest) > keep {
		return digest[:keep]
	}
	return digest
}
