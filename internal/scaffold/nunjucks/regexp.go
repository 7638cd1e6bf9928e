package nunjucks

import (
	"fmt"
	"regexp"
	"strings"
)

// expr is a regular expression, r/source/flags. It is matched by Go's engine, in time linear in the
// text; look-around and references back are not available.
type expr struct {
	source, flags string
	compiled      *regexp.Regexp
}

func compileRegexp(source, flags string) (*expr, error) {
	options := ""
	for _, flag := range "im" {
		if strings.ContainsRune(flags, flag) {
			options += string(flag)
		}
	}
	pattern := strings.ReplaceAll(source, `\/`, "/")
	if options != "" {
		pattern = "(?" + options + ")" + pattern
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("the regular expression cannot be used: %w", err)
	}
	return &expr{source: source, flags: flags, compiled: compiled}, nil
}

func (e *expr) global() bool { return strings.Contains(e.flags, "g") }

func (e *expr) matches(s string) bool { return e.compiled.MatchString(s) }

// match is JavaScript's: all matches with the flag g, or the first with its groups; null without one.
func (e *expr) match(r *run, s string) any {
	r.spend(len(s))
	if !e.global() {
		return e.groups(r, s)
	}
	all := e.compiled.FindAllString(s, -1)
	if all == nil {
		return nil
	}
	return r.texts(all)
}

func (e *expr) groups(r *run, s string) any {
	found := e.compiled.FindStringSubmatch(s)
	if found == nil {
		return nil
	}
	return r.texts(found)
}

var reference = regexp.MustCompile(`\$(\$|&|\d{1,2})`)

// replace is JavaScript's: $1 and $& in the replacement are parts of what was found.
func (e *expr) replace(r *run, s, with string) string {
	template := toGoTemplate(with)
	var out []byte
	last := 0
	n := 1
	if e.global() {
		n = -1
	}
	for _, found := range e.compiled.FindAllStringSubmatchIndex(s, n) {
		out = append(out, s[last:found[0]]...)
		out = e.compiled.ExpandString(out, template, s, found)
		r.spend(found[1] - last + len(with))
		last = found[1]
	}
	r.spend(len(s) - last + len(out))
	return string(append(out, s[last:]...))
}

// toGoTemplate writes a replacement as Go's regexp wants it.
func toGoTemplate(with string) string {
	var b strings.Builder
	for last := 0; ; {
		found := reference.FindStringIndex(with[last:])
		if found == nil {
			b.WriteString(strings.ReplaceAll(with[last:], "$", "$$"))
			return b.String()
		}
		b.WriteString(strings.ReplaceAll(with[last:last+found[0]], "$", "$$"))
		switch name := with[last+found[0]+1 : last+found[1]]; name {
		case "$":
			b.WriteString("$$")
		case "&":
			b.WriteString("${0}")
		default:
			b.WriteString("${" + strings.TrimLeft(name, "0") + "}")
		}
		last += found[1]
	}
}
