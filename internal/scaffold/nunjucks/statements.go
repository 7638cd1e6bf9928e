package nunjucks

import (
	"slices"
	"strings"
)

// statements are read up to one of the tags in p.ends, which stays to be read, or to the end.
func (p *parser) statements() ([]statement, error) {
	var out []statement
	for {
		t, err := p.next()
		if err != nil {
			return nil, err
		}
		switch t.kind {
		case tokenEnd:
			if len(p.ends) > 0 {
				return nil, fail(t.offset, "the template ends here, but %s is missing", tags(p.ends))
			}
			return out, nil
		case tokenData:
			data, err := p.data(t)
			if err != nil {
				return nil, err
			}
			if data != "" {
				out = append(out, &text{place: place(t.offset), data: data})
			}
		case tokenComment:
			p.trim = strings.HasSuffix(t.text, "-"+commentEnd)
		case tokenVariableStart:
			value, err := p.expression()
			if err == nil {
				err = p.close(tokenVariableEnd, variableEnd)
			}
			if err != nil {
				return nil, err
			}
			out = append(out, &output{place: place(value.where()), value: value})
		case tokenBlockStart:
			p.trim = false
			tag, err := p.peek()
			if err != nil {
				return nil, err
			}
			if tag.kind == tokenSymbol && slices.Contains(p.ends, tag.text) {
				return out, nil
			}
			s, err := p.statement()
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
}

// tags names the tags that would end a block.
func tags(names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = blockStart + " " + name + " " + blockEnd
	}
	return strings.Join(out, " or ")
}

// data is the text of a token without the white space that a hyphen beside it eats.
func (p *parser) data(t token) (string, error) {
	data := t.text
	if p.trim {
		data = strings.TrimLeft(data, spaces)
		p.trim = false
	}
	next, err := p.peek()
	if err != nil {
		return "", err
	}
	if next.trim && (next.kind == tokenBlockStart || next.kind == tokenVariableStart || next.kind == tokenComment) {
		data = strings.TrimRight(data, spaces)
	}
	return data, nil
}

// spaces are what JavaScript's \s matches.
const spaces = " \f\n\r\t\v\u00a0\u1680" +
	"\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"

// close moves over the delimiter that ends a tag.
func (p *parser) close(k kind, delimiter string) error {
	t, err := p.next()
	if err != nil {
		return err
	}
	if t.kind != k {
		return fail(t.offset, "expected %q, found %s", delimiter, t)
	}
	p.trim = t.trim
	return nil
}

func (p *parser) closeTag() error { return p.close(tokenBlockEnd, blockEnd) }

// until reads a block's body; the tag that ended it is given, and read.
func (p *parser) until(ends ...string) (body []statement, end string, err error) {
	outer := p.ends
	p.ends = ends
	body, err = p.statements()
	p.ends = outer
	if err != nil {
		return nil, "", err
	}
	t, err := p.next()
	return body, t.text, err
}

// files are tags that would need other files.
var files = []string{"include", "import", "from", "extends"}

// Tags are the names of the tags there are.
var Tags = []string{"if", "for", "set", "macro", "call", "filter", "switch", "block", "raw", "verbatim"}

func (p *parser) statement() (statement, error) {
	t, err := p.next()
	if err != nil {
		return nil, err
	}
	if t.kind != tokenSymbol {
		return nil, fail(t.offset, "expected the name of a tag, found %s", t)
	}
	up, err := p.deeper(t.offset)
	if err != nil {
		return nil, err
	}
	defer up()
	at := place(t.offset)
	switch t.text {
	case "if":
		return p.ifElse(at)
	case "for":
		return p.forLoop(at)
	case "set":
		return p.set(at)
	case "macro":
		return p.macro(at)
	case "call":
		return p.callBlock(at)
	case "filter":
		return p.filterBlock(at)
	case "switch":
		return p.switchCase(at)
	case "block":
		return p.block(at)
	case "raw", "verbatim":
		return p.raw(t)
	}
	if slices.Contains(files, t.text) {
		return nil, fail(t.offset, "{%% %s %%} is not available: a template cannot read other files", t.text)
	}
	return nil, &failure{offset: t.offset, err: &UnknownError{Kind: "tag", Name: t.text, Known: Tags}}
}

func (p *parser) ifElse(at place) (statement, error) {
	condition, err := p.expression()
	if err == nil {
		err = p.closeTag()
	}
	if err != nil {
		return nil, err
	}
	s := &ifElse{place: at, condition: condition}
	body, end, err := p.until("elif", "elseif", "else", "endif")
	if err != nil {
		return nil, err
	}
	s.body = body
	switch end {
	case "elif", "elseif":
		up, err := p.deeper(at.where())
		if err != nil {
			return nil, err
		}
		defer up()
		other, err := p.ifElse(at)
		s.otherwise = []statement{other}
		return s, err
	case "else":
		if err := p.closeTag(); err != nil {
			return nil, err
		}
		if s.otherwise, _, err = p.until("endif"); err != nil {
			return nil, err
		}
	}
	return s, p.closeTag()
}

// name is a variable's name where one must stand.
func (p *parser) name() (string, error) {
	t, err := p.next()
	if err == nil && t.kind != tokenSymbol {
		err = fail(t.offset, "expected a name, found %s", t)
	}
	return t.text, err
}

// names are one name or several with commas between them.
func (p *parser) names() ([]string, error) {
	var names []string
	for {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		if more, err := p.skip(tokenOperator, ","); !more || err != nil {
			return names, err
		}
	}
}

func (p *parser) forLoop(at place) (statement, error) {
	names, err := p.names()
	if err != nil {
		return nil, err
	}
	t, err := p.next()
	if err != nil {
		return nil, err
	}
	if t.kind != tokenSymbol || t.text != "in" {
		return nil, fail(t.offset, `expected "in", found %s`, t)
	}
	s := &forLoop{place: at, names: names}
	if s.over, err = p.expression(); err != nil {
		return nil, err
	}
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	var end string
	if s.body, end, err = p.until("endfor", "else"); err != nil {
		return nil, err
	}
	if end == "else" {
		if err := p.closeTag(); err != nil {
			return nil, err
		}
		if s.otherwise, _, err = p.until("endfor"); err != nil {
			return nil, err
		}
	}
	return s, p.closeTag()
}

func (p *parser) set(at place) (statement, error) {
	names, err := p.names()
	if err != nil {
		return nil, err
	}
	s := &set{place: at, names: names}
	assigned, err := p.skip(tokenOperator, "=")
	if err != nil {
		return nil, err
	}
	if assigned {
		if s.value, err = p.expression(); err != nil {
			return nil, err
		}
		return s, p.closeTag()
	}
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	body, _, err := p.until("endset")
	s.value = &capture{place: at, body: body}
	if err != nil {
		return nil, err
	}
	return s, p.closeTag()
}

// signature is a macro's "(a, b=1)".
func (p *parser) signature() (parameters, error) {
	var out parameters
	at, err := p.peek()
	if err != nil {
		return out, err
	}
	args, err := p.optionalArguments()
	if err != nil {
		return out, err
	}
	for _, arg := range args.positional {
		name, ok := arg.(*symbol)
		if !ok {
			return out, fail(at.offset, "a macro's parameters must be names")
		}
		out.names = append(out.names, name.name)
	}
	out.defaults = map[string]expression{}
	for i, name := range args.names {
		out.names = append(out.names, name)
		out.defaults[name] = args.named[i]
	}
	return out, nil
}

func (p *parser) macro(at place) (statement, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	s := &macro{place: at, name: name}
	if s.parameters, err = p.signature(); err != nil {
		return nil, err
	}
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	if s.body, _, err = p.until("endmacro"); err != nil {
		return nil, err
	}
	return s, p.closeTag()
}

// callBlock is a call of a macro which gets the block's body as the function "caller".
func (p *parser) callBlock(at place) (statement, error) {
	body := &caller{place: at}
	var err error
	if body.parameters, err = p.signature(); err != nil {
		return nil, err
	}
	value, err := p.primary()
	if err != nil {
		return nil, err
	}
	called, ok := value.(*call)
	if !ok {
		return nil, fail(value.where(), "expected the call of a macro")
	}
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	if body.body, _, err = p.until("endcall"); err != nil {
		return nil, err
	}
	called.names, called.named = append(called.names, "caller"), append(called.named, body)
	return &output{place: at, value: called}, p.closeTag()
}

func (p *parser) filterBlock(at place) (statement, error) {
	f, err := p.filterCall()
	if err != nil {
		return nil, err
	}
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	body, _, err := p.until("endfilter")
	if err != nil {
		return nil, err
	}
	f.value = &capture{place: at, body: body}
	return &output{place: at, value: f}, p.closeTag()
}

func (p *parser) switchCase(at place) (statement, error) {
	value, err := p.expression()
	if err == nil {
		err = p.closeTag()
	}
	if err != nil {
		return nil, err
	}
	s := &switchCase{place: at, value: value}
	// What stands before the first case is not written.
	_, end, err := p.until("case", "default", "endswitch")
	for err == nil && end == "case" {
		var c expression
		if c, err = p.expression(); err != nil {
			break
		}
		if err = p.closeTag(); err != nil {
			break
		}
		var body []statement
		body, end, err = p.until("case", "default", "endswitch")
		s.cases, s.bodies = append(s.cases, c), append(s.bodies, body)
	}
	if err == nil && end == "default" {
		if err = p.closeTag(); err == nil {
			s.otherwise, _, err = p.until("endswitch")
		}
	}
	if err != nil {
		return nil, err
	}
	return s, p.closeTag()
}

func (p *parser) block(at place) (statement, error) {
	name, err := p.name()
	if err == nil {
		err = p.closeTag()
	}
	if err != nil {
		return nil, err
	}
	body, _, err := p.until("endblock")
	if err != nil {
		return nil, err
	}
	if _, err := p.skip(tokenSymbol, name); err != nil {
		return nil, err
	}
	return &block{place: at, body: body}, p.closeTag()
}

func (p *parser) raw(tag token) (statement, error) {
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	p.trim = false
	data, err := p.lexer.raw(tag.text, tag.offset)
	if err != nil {
		return nil, err
	}
	if _, err := p.next(); err != nil { // the start of the tag that ends it
		return nil, err
	}
	if _, err := p.next(); err != nil { // its name
		return nil, err
	}
	return &text{place: place(tag.offset), data: data}, p.closeTag()
}
