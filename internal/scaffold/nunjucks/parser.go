package nunjucks

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

const (
	// maxDepth bounds how deep expressions and blocks may be nested in each other.
	maxDepth = 100
	// maxChain bounds how many operators, filters or lookups may follow one another.
	maxChain = 1000
)

// parser reads a template by recursive descent, with one token of look-ahead.
type parser struct {
	lexer  lexer
	peeked *token
	depth  int
	// trim says that the last delimiter eats the white space that follows.
	trim bool
	// ends are the tags that end the innermost block.
	ends []string
}

func parse(source string, options Options) ([]statement, error) {
	p := &parser{lexer: lexer{source: source, options: options}}
	return p.statements()
}

func (p *parser) peek() (token, error) {
	if p.peeked == nil {
		t, err := p.lexer.next()
		if err != nil {
			return token{}, err
		}
		p.peeked = &t
	}
	return *p.peeked, nil
}

func (p *parser) next() (token, error) {
	t, err := p.peek()
	p.peeked = nil
	return t, err
}

// skip moves over a token of a kind and a text, if it is the next one.
func (p *parser) skip(k kind, text string) (bool, error) {
	t, err := p.peek()
	if err != nil || t.kind != k || t.text != text {
		return false, err
	}
	p.peeked = nil
	return true, nil
}

// expect moves over an operator that must stand here.
func (p *parser) expect(operator string) error {
	t, err := p.next()
	if err == nil && (t.kind != tokenOperator || t.text != operator) {
		err = fail(t.offset, "expected %q, found %s", operator, t)
	}
	return err
}

// deeper guards recursion; the function it gives belongs in a defer.
func (p *parser) deeper(offset int) (func(), error) {
	if p.depth++; p.depth > maxDepth {
		return func() {}, fail(offset, "nested more than %d levels deep", maxDepth)
	}
	return func() { p.depth-- }, nil
}

// long guards chains, which are as deep as they are long.
func long(length int, e expression) error {
	if length > maxChain {
		return fail(e.where(), "more than %d operators in a row", maxChain)
	}
	return nil
}

// expression is "a if b else c", or less.
func (p *parser) expression() (expression, error) {
	start, err := p.peek()
	if err != nil {
		return nil, err
	}
	up, err := p.deeper(start.offset)
	if err != nil {
		return nil, err
	}
	defer up()
	body, err := p.or()
	if err != nil {
		return nil, err
	}
	if is, err := p.skip(tokenSymbol, "if"); !is || err != nil {
		return body, err
	}
	condition, err := p.or()
	if err != nil {
		return nil, err
	}
	choice := &inlineIf{place: place(start.offset), condition: condition, body: body}
	if is, err := p.skip(tokenSymbol, "else"); !is || err != nil {
		return choice, err
	}
	choice.otherwise, err = p.or()
	return choice, err
}

func (p *parser) or() (expression, error)  { return p.words("or", p.and) }
func (p *parser) and() (expression, error) { return p.words("and", p.not) }

// words parses operands of an operator that is a word.
func (p *parser) words(operator string, operand func() (expression, error)) (expression, error) {
	left, err := operand()
	for length := 1; err == nil; length++ {
		var is bool
		if is, err = p.skip(tokenSymbol, operator); !is || err != nil {
			break
		}
		var right expression
		if right, err = operand(); err == nil {
			left = &binary{place: place(left.where()), operator: operator, left: left, right: right}
			err = long(length, left)
		}
	}
	return left, err
}

func (p *parser) not() (expression, error) {
	t, err := p.peek()
	if err != nil {
		return nil, err
	}
	if is, err := p.skip(tokenSymbol, "not"); !is || err != nil {
		return p.in()
	}
	up, err := p.deeper(t.offset)
	if err != nil {
		return nil, err
	}
	defer up()
	target, err := p.not()
	if err != nil {
		return nil, err
	}
	return negate(t.offset, target), nil
}

// negate puts "not" before an expression. Nunjucks writes "!" before the expression's JavaScript, where
// it belongs to the leftmost operand alone: "not a == b" asks whether (not a) equals b.
func negate(offset int, e expression) expression {
	switch e := e.(type) {
	case *compare:
		e.first = negate(offset, e.first)
		return e
	case *binary:
		if priority(e.operator) > 0 {
			e.left = negate(offset, e.left)
			return e
		}
	}
	return &unary{place: place(offset), operator: "!", value: e}
}

func (p *parser) in() (expression, error) {
	left, err := p.is()
	for length := 1; err == nil; length++ {
		var t token
		if t, err = p.peek(); err != nil || t.kind != tokenSymbol || t.text != "in" && t.text != "not" {
			break
		}
		p.peeked = nil
		if t.text == "not" {
			var is bool
			if is, err = p.skip(tokenSymbol, "in"); err != nil {
				break
			} else if !is {
				return nil, fail(t.offset, `expected "in" after "not"`)
			}
		}
		var right expression
		if right, err = p.is(); err != nil {
			break
		}
		left = &binary{place: place(left.where()), operator: "in", left: left, right: right}
		if t.text == "not" {
			left = &unary{place: place(t.offset), operator: "!", value: left}
		}
		err = long(length, left)
	}
	return left, err
}

func (p *parser) is() (expression, error) {
	value, err := p.compare()
	if err != nil {
		return nil, err
	}
	if is, err := p.skip(tokenSymbol, "is"); !is || err != nil {
		return value, err
	}
	inverted, err := p.skip(tokenSymbol, "not")
	if err != nil {
		return nil, err
	}
	right, err := p.compare()
	if err != nil {
		return nil, err
	}
	asked := &test{place: place(right.where()), value: value}
	name := right
	if c, ok := right.(*call); ok {
		name, asked.arguments = c.function, c.arguments
	}
	switch name := name.(type) {
	case *symbol:
		asked.name = name.name
	case *literal:
		asked.name = "null"
		if name.value != nil {
			asked.name = fmt.Sprint(name.value)
		}
	default:
		return nil, fail(right.where(), `expected the name of a test after "is"`)
	}
	if inverted {
		return &unary{place: asked.place, operator: "!", value: asked}, nil
	}
	return asked, nil
}

var comparisons = []string{"==", "===", "!=", "!==", "<", ">", "<=", ">="}

func (p *parser) compare() (expression, error) {
	first, err := p.calculation(0)
	if err != nil {
		return nil, err
	}
	chain := &compare{place: place(first.where()), first: first}
	for {
		t, err := p.peek()
		if err != nil {
			return nil, err
		}
		if t.kind != tokenOperator || !slices.Contains(comparisons, t.text) {
			break
		}
		p.peeked = nil
		right, err := p.calculation(0)
		if err != nil {
			return nil, err
		}
		chain.operators, chain.rest = append(chain.operators, t.text), append(chain.rest, right)
	}
	if len(chain.operators) == 0 {
		return first, nil
	}
	return chain, nil
}

// calculations are Nunjucks' levels of operators, loosest first.
var calculations = []string{"~", "+", "-", "*", "/", "//", "%", "**"}

func (p *parser) calculation(level int) (expression, error) {
	if level == len(calculations) {
		return p.unary(true)
	}
	left, err := p.calculation(level + 1)
	for length := 1; err == nil; length++ {
		var is bool
		if is, err = p.skip(tokenOperator, calculations[level]); !is || err != nil {
			break
		}
		var right expression
		if right, err = p.calculation(level + 1); err == nil {
			left = calculate(calculations[level], left, right)
			err = long(length, left)
		}
	}
	return left, err
}

// priority is an operator's level in JavaScript; 0 for what Nunjucks writes as a call.
func priority(operator string) int {
	switch operator {
	case "~", "+", "-":
		return 1
	case "*", "/", "%":
		return 2
	}
	return 0
}

// calculate joins two operands. Nunjucks has more levels than JavaScript, but writes the operands side by
// side without parentheses, so that JavaScript's levels decide, from left to right: 1 - 2 + 3 is 2, and
// so is 1 + 2 - 1.
func calculate(operator string, left, right expression) expression {
	if r, ok := right.(*binary); ok && priority(operator) > 0 && priority(operator) == priority(r.operator) {
		r.left = calculate(operator, left, r.left)
		r.place = place(left.where())
		return r
	}
	return &binary{place: place(left.where()), operator: operator, left: left, right: right}
}

func (p *parser) unary(filters bool) (expression, error) {
	t, err := p.peek()
	if err != nil {
		return nil, err
	}
	var value expression
	if t.kind == tokenOperator && (t.text == "-" || t.text == "+") {
		p.peeked = nil
		up, err := p.deeper(t.offset)
		if err != nil {
			return nil, err
		}
		defer up()
		if value, err = p.unary(false); err != nil {
			return nil, err
		}
		value = &unary{place: place(t.offset), operator: t.text, value: value}
	} else if value, err = p.primary(); err != nil {
		return nil, err
	}
	if !filters {
		return value, nil
	}
	return p.filters(value)
}

// filters are "| name" and "| name(arguments)" behind a value.
func (p *parser) filters(value expression) (expression, error) {
	for length := 1; ; length++ {
		if is, err := p.skip(tokenOperator, "|"); !is || err != nil {
			return value, err
		}
		if err := long(length, value); err != nil {
			return nil, err
		}
		f, err := p.filterCall()
		if err != nil {
			return nil, err
		}
		f.value, value = value, f
	}
}

// filterCall is a filter's name and arguments; a name may have dots.
func (p *parser) filterCall() (*filter, error) {
	t, err := p.next()
	if err == nil && t.kind != tokenSymbol {
		err = fail(t.offset, "expected the name of a filter, found %s", t)
	}
	f := &filter{place: place(t.offset), name: t.text}
	for err == nil {
		var dotted bool
		if dotted, err = p.skip(tokenOperator, "."); !dotted || err != nil {
			break
		}
		if t, err = p.next(); err == nil && t.kind != tokenSymbol {
			err = fail(t.offset, "expected the name of a filter, found %s", t)
		}
		f.name += "." + t.text
	}
	if err != nil {
		return nil, err
	}
	f.arguments, err = p.optionalArguments()
	return f, err
}

func (p *parser) primary() (expression, error) {
	t, err := p.next()
	if err != nil {
		return nil, err
	}
	var value expression
	switch t.kind {
	case tokenSymbol:
		value = &symbol{place: place(t.offset), name: t.text}
	case tokenOperator:
		value, err = p.collection(t)
	default:
		value, err = constant(t)
	}
	if err != nil {
		return nil, err
	}
	return p.postfix(value)
}

func constant(t token) (expression, error) {
	value := &literal{place: place(t.offset)}
	switch t.kind {
	case tokenString:
		value.value = t.text
	case tokenInteger, tokenFloat:
		number, err := strconv.ParseFloat(t.text, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range is infinite, as in JavaScript
			return nil, fail(t.offset, "%q is not a number", t.text)
		}
		value.value = number
	case tokenBoolean:
		value.value = t.text == "true"
	case tokenNull:
	case tokenRegexp:
		expression, err := compileRegexp(t.text, t.flags)
		if err != nil {
			return nil, placed(t.offset, err)
		}
		value.value = expression
	default:
		return nil, fail(t.offset, "expected a value, found %s", t)
	}
	return value, nil
}

// collection is what begins with a bracket.
func (p *parser) collection(open token) (expression, error) {
	switch at := place(open.offset); open.text {
	case "(":
		items, err := p.items(")")
		if err == nil && len(items) == 0 {
			err = fail(open.offset, "nothing stands between these parentheses")
		}
		return &group{place: at, items: items}, err
	case "[":
		items, err := p.items("]")
		return &array{place: at, items: items}, err
	case "{":
		return p.dict(at)
	}
	return nil, fail(open.offset, "expected a value, found %s", open)
}

// items are expressions between commas, up to a bracket.
func (p *parser) items(end string) ([]expression, error) {
	items := []expression{}
	for {
		if is, err := p.skip(tokenOperator, end); is || err != nil {
			return items, err
		}
		if len(items) > 0 {
			if comma, err := p.skip(tokenOperator, ","); err != nil {
				return nil, err
			} else if !comma {
				return nil, fail(p.peeked.offset, `expected "," or %q, found %s`, end, p.peeked)
			}
		}
		item, err := p.expression()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
}

func (p *parser) dict(at place) (expression, error) {
	d := &dict{place: at}
	for {
		if is, err := p.skip(tokenOperator, "}"); is || err != nil {
			return d, err
		}
		if len(d.keys) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		key, err := p.next()
		if err == nil && key.kind != tokenSymbol && key.kind != tokenString {
			err = fail(key.offset, "a key must be a name or a string, found %s", key)
		}
		if err == nil {
			err = p.expect(":")
		}
		if err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		d.keys, d.values = append(d.keys, key.text), append(d.values, value)
	}
}

// postfix is what may follow a value: .name, [key], (arguments).
func (p *parser) postfix(value expression) (expression, error) {
	for length := 0; ; length++ {
		t, err := p.peek()
		if err != nil || t.kind != tokenOperator {
			return value, err
		}
		if err := long(length, value); err != nil {
			return nil, err
		}
		switch t.text {
		case "(":
			c := &call{place: place(t.offset), function: value}
			if c.arguments, err = p.optionalArguments(); err != nil {
				return nil, err
			}
			value = c
		case "[":
			p.peeked = nil
			if value, err = p.index(value, t); err != nil {
				return nil, err
			}
		case ".":
			p.peeked = nil
			name, err := p.next()
			if err != nil {
				return nil, err
			}
			if name.kind != tokenSymbol && name.kind != tokenBoolean && name.kind != tokenNull {
				return nil, fail(name.offset, "expected a name after the dot, found %s", name)
			}
			key := &literal{place: place(name.offset), value: name.text}
			value = &lookup{place: place(value.where()), target: value, key: key}
		default:
			return value, nil
		}
	}
}

// index is [key], or Jinja's [start:stop:step] where that is on.
func (p *parser) index(target expression, open token) (expression, error) {
	var parts []expression
	colons := 0
	for {
		t, err := p.peek()
		if err != nil {
			return nil, err
		}
		isColon := t.kind == tokenOperator && t.text == ":" && p.lexer.options.Jinja
		switch {
		case t.kind == tokenOperator && t.text == "]":
			p.peeked = nil
			return indexed(target, open, parts, colons)
		case isColon:
			p.peeked = nil
			if colons++; len(parts) < colons {
				parts = append(parts, nil)
			}
		case len(parts) > colons:
			return nil, fail(t.offset, `expected "]", found %s`, t)
		default:
			part, err := p.expression()
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
	}
}

func indexed(target expression, open token, parts []expression, colons int) (expression, error) {
	at := place(target.where())
	if colons == 0 {
		if len(parts) != 1 {
			return nil, fail(open.offset, "expected one key between brackets")
		}
		return &lookup{place: at, target: target, key: parts[0]}, nil
	}
	if colons > 2 {
		return nil, fail(open.offset, "a slice has at most three parts")
	}
	parts = append(parts, nil, nil, nil)
	return &slice{place: at, target: target, start: parts[0], stop: parts[1], step: parts[2]}, nil
}

// optionalArguments are "(a, b, c=d)", or nothing.
func (p *parser) optionalArguments() (arguments, error) {
	var args arguments
	if is, err := p.skip(tokenOperator, "("); !is || err != nil {
		return args, err
	}
	for first := true; ; first = false {
		if is, err := p.skip(tokenOperator, ")"); is || err != nil {
			return args, err
		}
		if !first {
			if err := p.expect(","); err != nil {
				return args, err
			}
		}
		value, err := p.expression()
		if err != nil {
			return args, err
		}
		named, err := p.skip(tokenOperator, "=")
		if err != nil {
			return args, err
		}
		if !named {
			args.positional = append(args.positional, value)
			continue
		}
		name, ok := value.(*symbol)
		if !ok {
			return args, fail(value.where(), `expected a name before "="`)
		}
		if value, err = p.expression(); err != nil {
			return args, err
		}
		args.names, args.named = append(args.names, name.name), append(args.named, value)
	}
}
