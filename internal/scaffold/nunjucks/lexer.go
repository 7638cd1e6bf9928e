package nunjucks

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

type kind int

const (
	tokenEnd kind = iota
	tokenData
	tokenComment
	tokenBlockStart
	tokenBlockEnd
	tokenVariableStart
	tokenVariableEnd
	tokenSymbol
	tokenString
	tokenInteger
	tokenFloat
	tokenBoolean
	tokenNull
	tokenRegexp
	tokenOperator
)

// token is a piece of a template. Of a delimiter, trim says that it has a hyphen, which eats the
// white space beside it; text is what a string means, or what a regular expression says.
type token struct {
	kind   kind
	text   string
	flags  string // of a regular expression
	offset int
	trim   bool
}

// String names a token in messages.
func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the template"
	case tokenBlockEnd, tokenVariableEnd:
		return fmt.Sprintf("%q", t.text)
	case tokenString:
		return "a string"
	}
	return fmt.Sprintf("%q", t.text)
}

const (
	blanks     = " \n\t\r\u00a0"
	delimiters = "()[]{}%*-+~/#,:|.<>=!"
)

// operators longer than a character, longest first.
var operators = []string{"===", "!==", "==", "!=", "<=", ">=", "//", "**"}

// lexer cuts a template into tokens: text until a delimiter, and code between delimiters.
type lexer struct {
	source  string
	offset  int
	inCode  bool
	options Options
}

const (
	blockStart, blockEnd     = "{%", "%}"
	commentStart, commentEnd = "{#", "#}"
)

func (l *lexer) rest() string { return l.source[l.offset:] }

// take moves over one of several strings.
func (l *lexer) take(texts ...string) (string, bool) {
	for _, text := range texts {
		if strings.HasPrefix(l.rest(), text) {
			l.offset += len(text)
			return text, true
		}
	}
	return "", false
}

func (l *lexer) next() (token, error) {
	if l.inCode {
		return l.code()
	}
	start := l.offset
	if start == len(l.source) {
		return token{kind: tokenEnd, offset: start}, nil
	}
	if text, ok := l.take(blockStart+"-", blockStart); ok {
		l.inCode = true
		return token{kind: tokenBlockStart, text: text, offset: start, trim: strings.HasSuffix(text, "-")}, nil
	}
	if text, ok := l.take(l.options.VariableStart+"-", l.options.VariableStart); ok {
		l.inCode = true
		return token{kind: tokenVariableStart, text: text, offset: start, trim: strings.HasSuffix(text, "-")}, nil
	}
	if strings.HasPrefix(l.rest(), commentStart) {
		return l.comment()
	}
	return l.data(), nil
}

func (l *lexer) comment() (token, error) {
	start := l.offset
	length := strings.Index(l.rest(), commentEnd)
	if length < 0 {
		return token{}, fail(start, "this comment has no end; %q begins a comment, write {%% raw %%} around text "+
			"that holds it", commentStart)
	}
	text := l.source[start : start+length+len(commentEnd)]
	l.offset += len(text)
	return token{kind: tokenComment, text: text, offset: start, trim: strings.HasPrefix(text, commentStart+"-")}, nil
}

// data is text up to the next delimiter that starts something.
func (l *lexer) data() token {
	start := l.offset
	end := len(l.source)
	for _, delimiter := range []string{blockStart, l.options.VariableStart, commentStart} {
		if i := strings.Index(l.source[start:], delimiter); i >= 0 {
			end = min(end, start+i)
		}
	}
	l.offset = end
	text := l.source[start:end]
	if l.options.LstripBlocks && strings.HasPrefix(l.source[end:], blockStart) {
		line := strings.LastIndexByte(text, '\n') + 1
		if (line > 0 || start == 0) && strings.TrimLeft(text[line:], " \t") == "" {
			text = text[:line]
		}
	}
	return token{kind: tokenData, text: text, offset: start}
}

func (l *lexer) code() (token, error) {
	l.offset += len(l.rest()) - len(strings.TrimLeft(l.rest(), blanks))
	start := l.offset
	if start == len(l.source) {
		return token{kind: tokenEnd, offset: start}, nil
	}
	if text, ok := l.take(blockEnd, "-"+blockEnd); ok {
		l.inCode = false
		if l.options.TrimBlocks {
			l.take("\n", "\r\n")
		}
		return token{kind: tokenBlockEnd, text: text, offset: start, trim: text[0] == '-'}, nil
	}
	if text, ok := l.take(variableEnd, "-"+variableEnd); ok {
		l.inCode = false
		return token{kind: tokenVariableEnd, text: text, offset: start, trim: text[0] == '-'}, nil
	}
	switch first := l.rest()[0]; {
	case first == '"' || first == '\'':
		return l.text(first)
	case strings.HasPrefix(l.rest(), "r/"):
		return l.regexp()
	case strings.IndexByte(delimiters, first) >= 0:
		if text, ok := l.take(operators...); ok {
			return token{kind: tokenOperator, text: text, offset: start}, nil
		}
		l.offset++
		return token{kind: tokenOperator, text: string(first), offset: start}, nil
	}
	return l.word(), nil
}

// text is a string between quotes.
func (l *lexer) text(quote byte) (token, error) {
	start := l.offset
	var b strings.Builder
	for i := start + 1; i < len(l.source); i++ {
		switch c := l.source[i]; {
		case c == quote:
			l.offset = i + 1
			return token{kind: tokenString, text: b.String(), offset: start}, nil
		case c == '\\' && i+1 < len(l.source):
			i++
			if escaped := strings.IndexByte("ntr", l.source[i]); escaped >= 0 {
				b.WriteByte("\n\t\r"[escaped])
			} else {
				b.WriteByte(l.source[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return token{}, fail(start, "this string has no end")
}

// regexp is r/expression/flags.
func (l *lexer) regexp() (token, error) {
	start := l.offset
	for i := start + len("r/"); i < len(l.source); i++ {
		if l.source[i] == '\\' {
			i++
			continue
		}
		if l.source[i] != '/' {
			continue
		}
		end := i + 1
		for end < len(l.source) && strings.IndexByte("gimy", l.source[end]) >= 0 {
			end++
		}
		l.offset = end
		return token{kind: tokenRegexp, text: l.source[start+len("r/") : i], flags: l.source[i+1 : end], offset: start}, nil
	}
	return token{}, fail(start, "this regular expression has no end")
}

var (
	integer = regexp.MustCompile(`^[0-9]+$`)
	digits  = regexp.MustCompile(`^\.[0-9]*`)
)

// word is a name, a number or a constant: everything up to white space or a delimiter.
func (l *lexer) word() token {
	start := l.offset
	length := strings.IndexAny(l.rest(), blanks+delimiters)
	if length < 0 {
		length = len(l.rest())
	}
	if length == 0 { // not reached by valid UTF-8; never stand still
		_, length = utf8.DecodeRuneInString(l.rest())
	}
	l.offset += length
	text := l.source[start:l.offset]
	switch {
	case integer.MatchString(text):
		if fraction := digits.FindString(l.rest()); fraction != "" {
			l.offset += len(fraction)
			return token{kind: tokenFloat, text: text + fraction, offset: start}
		}
		return token{kind: tokenInteger, text: text, offset: start}
	case text == "true" || text == "false":
		return token{kind: tokenBoolean, text: text, offset: start}
	case text == "none" || text == "null":
		return token{kind: tokenNull, text: text, offset: start}
	}
	return token{kind: tokenSymbol, text: text, offset: start}
}

var rawTags = map[string]*regexp.Regexp{
	"raw":      regexp.MustCompile(`\{%-?\s*(raw|endraw)\s*-?%\}`),
	"verbatim": regexp.MustCompile(`\{%-?\s*(verbatim|endverbatim)\s*-?%\}`),
}

// raw is the text up to the end of a raw block, and moves to the tag that ends it.
func (l *lexer) raw(tag string, start int) (string, error) {
	from := l.offset
	for level := 1; ; {
		found := rawTags[tag].FindStringSubmatchIndex(l.rest())
		if found == nil {
			return "", fail(start, "{%% %s %%} has no {%% end%s %%}", tag, tag)
		}
		if l.source[l.offset+found[2]:l.offset+found[3]] == tag {
			level++
		} else if level--; level == 0 {
			text := l.source[from : l.offset+found[0]]
			l.offset += found[0]
			return text, nil
		}
		l.offset += found[1]
	}
}
