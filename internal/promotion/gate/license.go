package gate

import (
	"slices"
	"strings"
)

// requiresAny says whether a licence expression cannot be met without a licence that matches one
// of the patterns: "MIT OR AGPL-3.0-only" can, "MIT AND AGPL-3.0-only" cannot. The syntax is
// that of the SPDX specification 2.3, annex D. Text that is no such expression (a bill of
// materials may hold anything) requires every licence it has a word for.
func requiresAny(expression string, patterns []string) bool {
	words := licenseWords(expression)
	p := &licenseParser{words: words, patterns: patterns}
	required, ok := p.either()
	if ok && len(p.words) == 0 {
		return required
	}
	return slices.ContainsFunc(words, func(word string) bool { return matchesAny(word, patterns) })
}

// licenseWords cuts an expression at spaces and around parentheses.
func licenseWords(expression string) []string {
	return strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(expression))
}

// maxNesting is how deep parentheses may stand in each other.
const maxNesting = 50

// licenseParser reads words from the front; each method says whether what it read requires a
// matching licence, and whether it could be read.
type licenseParser struct {
	words    []string
	patterns []string
	depth    int
}

func (p *licenseParser) take(word string) bool {
	if len(p.words) == 0 || p.words[0] != word {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *licenseParser) either() (required, ok bool) {
	if required, ok = p.both(); !ok {
		return false, false
	}
	for p.take("OR") {
		other, ok := p.both()
		if !ok {
			return false, false
		}
		required = required && other
	}
	return required, true
}

func (p *licenseParser) both() (required, ok bool) {
	if required, ok = p.one(); !ok {
		return false, false
	}
	for p.take("AND") {
		other, ok := p.one()
		if !ok {
			return false, false
		}
		required = required || other
	}
	return required, true
}

func (p *licenseParser) one() (required, ok bool) {
	if p.take("(") {
		if p.depth++; p.depth > maxNesting {
			return false, false
		}
		required, ok = p.either()
		p.depth--
		return required, ok && p.take(")")
	}
	name, ok := p.name()
	if !ok {
		return false, false
	}
	if p.take("WITH") {
		if _, ok := p.name(); !ok {
			return false, false
		}
	}
	return matchesAny(name, p.patterns), true
}

func (p *licenseParser) name() (string, bool) {
	if len(p.words) == 0 || slices.Contains([]string{"(", ")", "AND", "OR", "WITH"}, p.words[0]) {
		return "", false
	}
	name := p.words[0]
	p.words = p.words[1:]
	return name, true
}
