package gate

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"

	"github.com/slipway-dev/slipway/internal/spec"
)

// Bounds on one expression: a bill of materials may have some ten thousand packages.
const (
	costLimit   = 5_000_000 // CEL cost units: a second or so at the very worst
	sourceLimit = 16 << 10  // bytes of source
	resultLimit = 4 << 20   // bytes of one call's result
)

// parametersName is the variable of a gate's own values, and parametersType its type.
const (
	parametersName = "parameters"
	parametersType = "Parameters"
)

// variables are the names that expressions see, besides the parameters.
var variables = sync.OnceValue(func() []field { return fieldsOf(reflect.TypeFor[Input]()) })

// language is CEL with the types of [Input], but without has(): what is not known stays unknown.
var language = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(inputs.Registry),
		cel.CustomTypeProvider(inputs),
		cel.ParserRecursionLimit(100),
		cel.ParserExpressionSizeLimit(sourceLimit),
		cel.HomogeneousAggregateLiterals(),
		cel.ClearMacros(),
		cel.Macros(cel.AllMacro, cel.ExistsMacro, cel.ExistsOneMacro, cel.MapMacro, cel.MapFilterMacro, cel.FilterMacro),
		ext.Strings(),
	}
	for _, v := range variables() {
		options = append(options, cel.Variable(v.name, inputs.describe(v.of)))
	}
	return cel.NewEnv(append(options, functions()...)...)
})

// scope is the language with one gate's parameters.
type scope struct {
	env        *cel.Env
	parameters ref.Val
}

func newScope(parameters map[string]any) (*scope, error) {
	base, err := language()
	if err != nil {
		return nil, fmt.Errorf("set up gates' expressions: %w", err)
	}
	fields := map[string]*types.Type{}
	o := &object{name: parametersType, fields: map[string]ref.Val{}}
	for name, v := range parameters {
		fields[name], o.fields[name] = parameter(v)
	}
	env, err := base.Extend(
		cel.CustomTypeProvider(inputs.with(parametersType, fields)),
		cel.Variable(parametersName, cel.ObjectType(parametersType)),
	)
	if err != nil {
		return nil, fmt.Errorf("set up gates' expressions: %w", err)
	}
	return &scope{env: env, parameters: o}, nil
}

// parameter gives a parameter its type: text that reads as a duration is one.
func parameter(v any) (*types.Type, ref.Val) {
	switch v := v.(type) {
	case string:
		if d, err := time.ParseDuration(v); err == nil {
			return types.DurationType, types.Duration{Duration: d}
		}
		return types.StringType, types.String(v)
	case bool:
		return types.BoolType, types.Bool(v)
	case int64:
		return types.IntType, types.Int(v)
	case []any:
		list := make([]ref.Val, len(v))
		for i, item := range v {
			list[i] = types.String(fmt.Sprint(item))
		}
		return types.NewListType(types.StringType), types.NewRefValList(inputs.Registry, list)
	}
	return types.StringType, types.String(fmt.Sprint(v)) // refused when the policy was decoded
}

// problem is what is wrong with an expression, and where in its source (from 0).
type problem struct {
	offset  int
	message string
	nearest string // what was probably meant; mostly empty
}

// expression is compiled and ready to run.
type expression struct {
	program cel.Program
	kinds   []string // of evidence that it looks at
}

// compile parses and checks an expression that gives a type.
func (s *scope) compile(source string, gives *cel.Type) (*expression, []problem) {
	ast, issues := s.env.Compile(source)
	if issues.Err() != nil {
		var out []problem
		for _, e := range issues.Errors() {
			p := s.plainWords(e.Message)
			p.offset = offsetOf(source, e.Location.Line(), e.Location.Column())
			out = append(out, p)
		}
		return nil, out
	}
	if t := ast.OutputType(); !t.IsExactType(gives) {
		return nil, []problem{{message: fmt.Sprintf("gives %s, must give %s", t, gives)}}
	}
	c := &inspection{ast: ast.NativeRep(), source: source}
	celast.PreOrderVisit(c.ast.Expr(), celast.NewExprVisitor(c.visit))
	if len(c.found) > 0 {
		return nil, c.found
	}
	program, err := s.env.Program(ast, cel.CostTracking(sizes{}), cel.CostLimit(costLimit))
	if err != nil {
		return nil, []problem{{message: err.Error()}}
	}
	slices.Sort(c.kinds)
	return &expression{program: program, kinds: slices.Compact(c.kinds)}, nil
}

// inspection looks in a checked expression for what could lose an unknown on its way, and for
// the evidence that it looks at.
type inspection struct {
	ast    *celast.AST
	source string
	kinds  []string
	named  map[int64]bool // where "evidence" is followed by a kind
	found  []problem
}

func (c *inspection) add(e celast.Expr, message string, args ...any) {
	at := c.ast.SourceInfo().GetStartLocation(e.ID())
	offset := offsetOf(c.source, at.Line(), at.Column())
	c.found = append(c.found, problem{offset: offset, message: fmt.Sprintf(message, args...)})
}

// whole are the functions that may be given whole objects: none of them looks into one.
var whole = []string{operators.Index, operators.Add, operators.Conditional, "size", "healthyFor"}

func (c *inspection) visit(e celast.Expr) {
	switch e.Kind() {
	case celast.StructKind:
		c.add(e, "an expression cannot make a %s", e.AsStruct().TypeName())
	case celast.SelectKind:
		c.selects(e)
	case celast.IdentKind:
		if e.AsIdent() == "evidence" && !c.named[e.ID()] {
			c.add(e, "say which evidence, such as evidence.tests")
		}
	case celast.CallKind:
		call := e.AsCall()
		arguments := call.Args()
		if call.IsMemberFunction() {
			arguments = append([]celast.Expr{call.Target()}, arguments...)
		}
		for _, a := range arguments {
			if t := c.ast.GetType(a.ID()); holdsObject(t) && !slices.Contains(whole, call.FunctionName()) {
				c.add(a, "%s cannot be given a %s; give texts, numbers and times", functionWords(call.FunctionName()), t)
				return
			}
		}
	}
}

func (c *inspection) selects(e celast.Expr) {
	operand := e.AsSelect().Operand()
	if operand.Kind() != celast.IdentKind || operand.AsIdent() != "evidence" {
		return
	}
	if c.named == nil {
		c.named = map[int64]bool{}
	}
	c.named[operand.ID()] = true
	c.kinds = append(c.kinds, e.AsSelect().FieldName())
}

// holdsObject says whether a value of the type is or may hold an object, in which something may
// be unknown.
func holdsObject(t *types.Type) bool {
	if t == nil || t.Kind() == types.StructKind || t.Kind() == types.DynKind {
		return true
	}
	return slices.ContainsFunc(t.Parameters(), holdsObject)
}

func functionWords(function string) string {
	if name, ok := operators.FindReverse(function); ok && name != "" {
		return name
	}
	return function
}

var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefined  = regexp.MustCompile(`^undefined field '([^']*)'`)
	overload   = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'$`)
)

// plainWords says in our words what CEL found.
func (s *scope) plainWords(message string) problem {
	message = strings.TrimPrefix(message, "Syntax error: ")
	if strings.Contains(message, "input '<EOF>'") || strings.Contains(message, "at '<EOF>'") {
		return problem{message: "the expression ends too early"}
	}
	message, _, _ = strings.Cut(message, " expecting {")
	if m := undeclared.FindStringSubmatch(message); m != nil {
		if m[1] == "has" {
			return problem{message: "has() is not available: what is not known can never pass a gate"}
		}
		names := variableNames()
		message = fmt.Sprintf("unknown name %q; known: %s", m[1], strings.Join(names, ", "))
		return problem{message: message, nearest: spec.Nearest(m[1], names)}
	}
	if m := undefined.FindStringSubmatch(message); m != nil {
		return problem{message: fmt.Sprintf("unknown field %q", m[1]), nearest: spec.Nearest(m[1], s.fieldNames())}
	}
	if m := overload.FindStringSubmatch(message); m != nil {
		return problem{message: fmt.Sprintf("%s cannot be given %s", functionWords(m[1]), m[2])}
	}
	return problem{message: message}
}

// fieldNames are the names of all fields that there are, the gate's parameters included.
func (s *scope) fieldNames() []string {
	var names []string
	for _, fields := range inputs.structs {
		names = append(names, slices.Collect(maps.Keys(fields))...)
	}
	if o, ok := s.parameters.(*object); ok {
		names = append(names, slices.Collect(maps.Keys(o.fields))...)
	}
	return names
}

func variableNames() []string {
	names := []string{parametersName}
	for _, v := range variables() {
		names = append(names, v.name)
	}
	slices.Sort(names)
	return names
}

// offsetOf turns CEL's line (from 1) and column (from 0, in code points) into an offset in code
// points.
func offsetOf(source string, line, column int) int {
	if line < 1 || column < 0 {
		return 0
	}
	offset := 0
	for _, text := range strings.Split(source, "\n")[:min(line-1, strings.Count(source, "\n"))] {
		offset += len([]rune(text)) + 1
	}
	return offset + column
}

// run evaluates an expression. What is missing are the paths of values that the result hangs on
// and that are not known; then the result is nil.
func (e *expression) run(vars map[string]any) (result ref.Val, missing []string, err error) {
	out, _, err := e.program.Eval(vars)
	if err != nil {
		if strings.Contains(err.Error(), "actual cost limit exceeded") {
			return nil, nil, errors.New("the expression costs too much to evaluate")
		}
		return nil, nil, err
	}
	unknown, ok := out.(*types.Unknown)
	if !ok {
		return out, nil, nil
	}
	for _, id := range unknown.IDs() {
		trails, _ := unknown.GetAttributeTrails(id)
		for _, t := range trails {
			missing = append(missing, t.String())
		}
	}
	slices.Sort(missing)
	return nil, slices.Compact(missing), nil
}

// sizes charges a call for the size of its result, so that a chain of replacements or joins
// cannot grow without bound, and a search of patterns for their number.
type sizes struct{}

// CallCost implements interpreter.ActualCostEstimator.
func (sizes) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	if function == "matchesAny" || function == "requiresAny" {
		cost := (1 + sizeOf(args[0])/16) * (1 + sizeOf(args[1]))
		return &cost
	}
	size := sizeOf(result)
	if size < 1024 {
		return nil // CEL's own cost
	}
	cost := size / 8
	if size > resultLimit {
		cost = costLimit + 1
	}
	return &cost
}

// sizeOf is a text's or list's length, 0 for what has none.
func sizeOf(v ref.Val) uint64 {
	if sizer, ok := v.(traits.Sizer); ok {
		if size, ok := sizer.Size().(types.Int); ok && size > 0 {
			return uint64(size)
		}
	}
	return 0
}
