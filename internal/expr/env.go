package expr

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	celast "github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
)

// Bounds on one expression. Catalogues may come from strangers.
const (
	costLimit   = 1_000_000 // CEL cost units: a fraction of a second
	sourceLimit = 16 << 10  // bytes of source
	resultLimit = 4 << 20   // bytes of one call's result
)

// base holds the language: CEL's standard library, its string, list, math and encoder
// extensions, optional values ("a.?b.orValue(c)") and this package's functions.
var base = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.OptionalTypes(),
		cel.ParserRecursionLimit(100),
		cel.ParserExpressionSizeLimit(sourceLimit),
		ext.Strings(), ext.Lists(), ext.Math(), ext.Encoders(),
		functions(),
	)
})

// environments keeps what environment has made: making one takes longer than using it, and
// there are only as many as there are sets of names in the program.
var environments sync.Map

// environment is the language with the given variables, all dynamically typed.
func environment(names []string) (*cel.Env, error) {
	env, err := base()
	if err != nil {
		return nil, fmt.Errorf("set up expressions: %w", err)
	}
	sorted := append([]string(nil), names...)
	sort.Strings(sorted)
	key := strings.Join(sorted, " ")
	if known, ok := environments.Load(key); ok {
		return known.(*cel.Env), nil
	}
	options := make([]cel.EnvOption, 0, len(sorted))
	for _, name := range sorted {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	env, err = env.Extend(options...)
	if err != nil {
		return nil, fmt.Errorf("set up expressions: %w", err)
	}
	environments.Store(key, env)
	return env, nil
}

// compile parses and checks one expression.
func compile(env *cel.Env, source string) (*cel.Ast, error) {
	if len(source) > sourceLimit {
		return nil, fmt.Errorf("the expression is longer than %d bytes", sourceLimit)
	}
	ast, issues := env.Compile(source)
	if issues.Err() != nil {
		var reasons []string
		for _, e := range issues.Errors() {
			reasons = append(reasons, plainWords(env, e.Message))
		}
		if len(reasons) == 0 {
			reasons = append(reasons, issues.Err().Error())
		}
		return nil, errors.New(strings.Join(reasons, "; "))
	}
	if err := forbidRange(ast); err != nil {
		return nil, err
	}
	return ast, nil
}

// plainWords shortens CEL's messages, and lets the one about an unknown name say which names
// there are.
func plainWords(env *cel.Env, message string) string {
	message = strings.TrimPrefix(message, "Syntax error: ")
	if strings.Contains(message, "input '<EOF>'") || strings.Contains(message, "at '<EOF>'") {
		return "the expression ends too early"
	}
	if i := strings.Index(message, " expecting {"); i >= 0 {
		return message[:i]
	}
	name, ok := strings.CutPrefix(message, "undeclared reference to '")
	if !ok {
		return message
	}
	name, _, _ = strings.Cut(name, "'")
	var names []string
	for _, v := range env.Variables() {
		if !strings.ContainsAny(v.Name(), "._") && v.Type().String() == "dyn" {
			names = append(names, v.Name())
		}
	}
	sort.Strings(names)
	if len(names) == 0 {
		return fmt.Sprintf("unknown name %q", name)
	}
	return fmt.Sprintf("unknown name %q; known: %s", name, strings.Join(names, ", "))
}

// forbidRange refuses lists.range: it makes a list of any length at a cost of one.
func forbidRange(ast *cel.Ast) error {
	found := false
	celast.PostOrderVisit(ast.NativeRep().Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		found = found || e.Kind() == celast.CallKind && e.AsCall().FunctionName() == "lists.range"
	}))
	if found {
		return errors.New("lists.range is not available")
	}
	return nil
}

// program makes a checked expression ready to run, with its cost bounded.
func program(env *cel.Env, ast *cel.Ast) (cel.Program, error) {
	return env.Program(ast, cel.CostTracking(sizes{}), cel.CostLimit(costLimit))
}

// sizes charges a call for the size of its result, so that a chain of replacements or joins
// cannot grow without bound.
type sizes struct{}

// CallCost implements interpreter.ActualCostEstimator.
func (sizes) CallCost(_, _ string, _ []ref.Val, result ref.Val) *uint64 {
	sizer, ok := result.(traits.Sizer)
	if !ok {
		return nil
	}
	size, ok := sizer.Size().Value().(int64)
	if !ok || size < 1024 {
		return nil // CEL's own cost
	}
	cost := uint64(size) / 8
	if size > resultLimit {
		cost = costLimit + 1
	}
	return &cost
}
