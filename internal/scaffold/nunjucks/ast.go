package nunjucks

// expression is a part of a template that has a value. Each knows the byte where it stands.
type expression interface{ where() int }

type place int

func (p place) where() int { return int(p) }

type (
	literal struct {
		place
		value any
	}
	// symbol is a name that a value is looked up by.
	symbol struct {
		place
		name string
	}
	// group is (a, b); its value is the last one's.
	group struct {
		place
		items []expression
	}
	array struct {
		place
		items []expression
	}
	dict struct {
		place
		keys   []string
		values []expression
	}
	// lookup is a.b or a[b].
	lookup struct {
		place
		target, key expression
	}
	// slice is a[start:stop:step], of Jinja; a missing part is nil.
	slice struct {
		place
		target            expression
		start, stop, step expression
	}
	call struct {
		place
		function expression
		arguments
	}
	filter struct {
		place
		name  string
		value expression
		arguments
	}
	// test is "value is name(arguments)".
	test struct {
		place
		name  string
		value expression
		arguments
	}
	inlineIf struct {
		place
		condition, body, otherwise expression // otherwise may be nil
	}
	// binary is a calculation, "in", "and" or "or".
	binary struct {
		place
		operator    string
		left, right expression
	}
	// compare is a chain: first op[0] rest[0] op[1] rest[1].
	compare struct {
		place
		first     expression
		operators []string
		rest      []expression
	}
	// unary is "!", "-" or "+".
	unary struct {
		place
		operator string
		value    expression
	}
	// capture is the text that statements write, as a value.
	capture struct {
		place
		body []statement
	}
	// caller is the body of a call block, as a function.
	caller struct {
		place
		parameters
		body []statement
	}
)

// arguments are those of a call; names belong to the values at the end.
type arguments struct {
	positional []expression
	names      []string
	named      []expression
}

// parameters are a macro's names and, for some, the values that they have by default.
type parameters struct {
	names    []string
	defaults map[string]expression
}

// statement is a part of a template that writes text, or that changes names.
type statement interface{ where() int }

type (
	text struct {
		place
		data string
	}
	output struct {
		place
		value expression
	}
	ifElse struct {
		place
		condition expression
		body      []statement
		otherwise []statement
	}
	forLoop struct {
		place
		names     []string
		over      expression
		body      []statement
		otherwise []statement
	}
	set struct {
		place
		names []string
		value expression
	}
	macro struct {
		place
		name string
		parameters
		body []statement
	}
	switchCase struct {
		place
		value     expression
		cases     []expression
		bodies    [][]statement
		otherwise []statement
	}
	// block is a named part; without inheritance it is its body.
	block struct {
		place
		body []statement
	}
)
