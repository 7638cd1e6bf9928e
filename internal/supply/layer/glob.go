package layer

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Glob is a path pattern as dpkg's --path-exclude has them: "*" and "?" match slashes too
// (dpkg(1): fnmatch(3) without FNM_PATHNAME).
type Glob struct{ re *regexp.Regexp }

// ParseGlob reads a pattern; paths it matches begin with a slash.
func ParseGlob(pattern string) (Glob, error) {
	var b strings.Builder
	b.WriteString(`\A`)
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			b.WriteString(`(?s:.*)`)
		case '?':
			b.WriteString(`(?s:.)`)
		case '[':
			end := strings.IndexByte(pattern[i+1:], ']')
			if end < 1 {
				return Glob{}, fmt.Errorf("pattern %q: unclosed bracket", pattern)
			}
			class := pattern[i+1 : i+1+end]
			b.WriteByte('[')
			if class[0] == '!' || class[0] == '^' {
				b.WriteByte('^')
				class = class[1:]
			}
			b.WriteString(strings.ReplaceAll(class, `\`, `\\`))
			b.WriteByte(']')
			i += end + 1
		default:
			if c >= utf8.RuneSelf { // part of a longer character
				b.WriteByte(c)
				continue
			}
			b.WriteString(regexp.QuoteMeta(string(rune(c))))
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return Glob{}, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return Glob{re}, nil
}

// Match says whether a path, with or without its leading slash, matches.
func (g Glob) Match(p string) bool { return g.re.MatchString("/" + Clean(p)) }
