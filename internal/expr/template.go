package expr

import (
	"errors"
	"fmt"
	"strings"
)

// part is a piece of a string: literal text, or the source of one expression.
type part struct {
	text string
	expr bool
}

// errUnclosed says that a "${" has no matching "}".
var errUnclosed = errors.New(`"${" has no matching "}"; write "$${" for a literal "${"`)

// split cuts a string into literal text and expressions. "$${" is a literal "${".
func split(s string) ([]part, error) {
	var parts []part
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			parts = append(parts, part{text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], "$${"):
			text.WriteString("${")
			i += 3
		case strings.HasPrefix(s[i:], "${"):
			end, err := closing(s, i+2)
			if err != nil {
				return nil, err
			}
			source := strings.TrimSpace(s[i+2 : end])
			if source == "" {
				return nil, fmt.Errorf(`"${}" holds no expression`)
			}
			flush()
			parts = append(parts, part{text: source, expr: true})
			i = end + 1
		default:
			text.WriteByte(s[i])
			i++
		}
	}
	flush()
	return parts, nil
}

// closing finds the brace that ends the expression starting at i. Braces inside CEL's string
// literals, comments and nested maps do not count.
func closing(s string, i int) (int, error) {
	depth := 0
	for i < len(s) {
		switch c := s[i]; {
		case c == '{':
			depth++
			i++
		case c == '}' && depth == 0:
			return i, nil
		case c == '}':
			depth--
			i++
		case c == '"' || c == '\'':
			raw := i > 0 && isRawPrefix(s, i)
			end, ok := literalEnd(s, i, raw)
			if !ok {
				return 0, fmt.Errorf("%w (a quotation mark in it is not closed)", errUnclosed)
			}
			i = end
		case strings.HasPrefix(s[i:], "//"):
			newline := strings.IndexByte(s[i:], '\n')
			if newline < 0 {
				return 0, errUnclosed
			}
			i += newline
		default:
			i++
		}
	}
	return 0, errUnclosed
}

// isRawPrefix says whether the quotation mark at i opens a raw literal: r"...", br'...'.
func isRawPrefix(s string, i int) bool {
	j := i
	raw := false
	for j > 0 && strings.IndexByte("rRbB", s[j-1]) >= 0 {
		raw = raw || s[j-1] == 'r' || s[j-1] == 'R'
		j--
	}
	if i-j > 2 || (j > 0 && isWord(s[j-1])) {
		return false // the end of a name, not a prefix
	}
	return raw
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// literalEnd gives the index after the string literal that opens at i.
func literalEnd(s string, i int, raw bool) (int, bool) {
	mark := s[i : i+1]
	if strings.HasPrefix(s[i:], mark+mark+mark) {
		mark = mark + mark + mark
	}
	for j := i + len(mark); j < len(s); {
		switch {
		case s[j] == '\\' && !raw:
			j += 2
		case strings.HasPrefix(s[j:], mark):
			return j + len(mark), true
		default:
			j++
		}
	}
	return 0, false
}
