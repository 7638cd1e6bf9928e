package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/catalog/policies"
	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Policy is a policy of gates, ready to evaluate. It may be used concurrently.
type Policy struct {
	Name string
	// Digest is "sha256:..." over the file's bytes, as sha256sum gives it.
	Digest string

	rules []rule
}

type rule struct {
	selector v1alpha1.EnvironmentSelector
	gates    []*gate
}

// gate is a gate with its expressions compiled.
type gate struct {
	v1alpha1.Gate
	scope     *scope
	condition *expression
	message   *expression // nil where the gate has none
	maxAge    time.Duration
}

// Default is the policy that Slipway ships.
func Default() (*Policy, error) { return Load("catalog/policies/default.yaml", policies.Default()) }

// Changes is the policy that Slipway ships for changes of gates. They lead to the environment [Policies].
func Changes() (*Policy, error) { return Load("catalog/policies/changes.yaml", policies.Changes()) }

// Policies is the name by which a policy knows what changes of gates lead to.
const Policies = "policies"

// Load reads a policy and compiles its expressions. All mistakes come back at once, as
// [spec.Errors] with their lines.
func Load(file string, data []byte) (*Policy, error) {
	decoded, doc, err := spec.DecodeWith(file, data, "GatePolicy", check)
	var found spec.Errors
	if err != nil && (doc == nil || !errors.As(err, &found)) {
		return nil, err
	}
	sum := sha256.Sum256(data)
	p := &Policy{Name: decoded.Metadata.Name, Digest: "sha256:" + hex.EncodeToString(sum[:])}
	l := &loader{doc: doc, lines: strings.Split(string(data), "\n"), found: found}
	for i, r := range decoded.Spec.Rules {
		out := rule{selector: r.Environments}
		for j, g := range r.Gates {
			compiled, err := l.gate(fieldpath.Item(fieldpath.Item("spec.rules", i)+".gates", j), g)
			if err != nil {
				return nil, err
			}
			out.gates = append(out.gates, compiled)
		}
		p.rules = append(p.rules, out)
	}
	if err := spec.AsError(l.found); err != nil {
		return nil, err
	}
	return p, nil
}

type loader struct {
	doc   *spec.Document
	lines []string
	found []spec.Finding
}

// gate compiles a gate. The error is one of this program; the policy's mistakes are findings.
func (l *loader) gate(at string, g v1alpha1.Gate) (*gate, error) {
	s, err := newScope(g.Parameters)
	if err != nil {
		return nil, err
	}
	out := &gate{Gate: g, scope: s}
	if g.MaxAge != "" {
		out.maxAge, err = time.ParseDuration(g.MaxAge)
		if err != nil || out.maxAge <= 0 {
			l.found = append(l.found, l.doc.At(at+".maxAge", "", `%q is not a duration; write "720h" or "90m"`, g.MaxAge))
		}
	}
	if strings.TrimSpace(g.Expression) != "" {
		out.condition = l.expression(out, at+".expression", g.Expression, cel.BoolType)
	}
	if strings.TrimSpace(g.MessageExpression) != "" {
		out.message = l.expression(out, at+".messageExpression", g.MessageExpression, cel.StringType)
	}
	if out.condition != nil {
		l.blind(out, at+".expression")
	}
	return out, nil
}

func (l *loader) expression(g *gate, at, source string, gives *cel.Type) *expression {
	e, problems := g.scope.compile(source, gives)
	for _, p := range problems {
		l.add(at, p)
	}
	if e == nil {
		return nil
	}
	for _, kind := range e.kinds {
		if !slices.Contains(g.Evidence, kind) {
			l.add(at, problem{
				offset:  max(strings.Index(source, "evidence."+kind), 0),
				message: fmt.Sprintf("looks at evidence.%s, which the gate's evidence does not list", kind),
			})
		}
	}
	return e
}

// blind evaluates a gate that knows nothing. One that passes all the same is no gate, and one that
// fails by an error would never do anything else.
func (l *loader) blind(g *gate, at string) {
	result, _, err := g.condition.run(g.vars(activation(Input{})))
	switch {
	case err != nil:
		l.add(at, problem{message: err.Error()})
	case result == types.True:
		l.add(at, problem{message: "is true whatever the promotion is; a gate that cannot fail says nothing"})
	}
}

// add makes a finding about a place in an expression.
func (l *loader) add(at string, p problem) {
	f := l.doc.At(at, p.nearest, "%s", p.message)
	if f.Line >= 1 && f.Line <= len(l.lines) {
		f.Line, f.Column = inText(l.lines, f.Line, f.Column, p.offset)
	}
	l.found = append(l.found, f)
}

// inText gives the line and column of an offset in the text whose YAML value begins at a line and
// column. In a block ("|" or ">") the text begins on the next line, and each line end counts as
// one character. A text that is quoted is counted from after the quotation mark.
func inText(lines []string, line, column, offset int) (int, int) {
	first := []rune(lines[line-1])
	if column < 1 || column > len(first) {
		return line, column
	}
	switch first[column-1] {
	case '|', '>':
	case '"', '\'':
		return line, min(column+1+offset, len(first))
	default:
		return line, min(column+offset, len(first))
	}
	indent := -1
	for i := line; i < len(lines); i++ {
		text := []rune(strings.TrimRight(lines[i], " \r"))
		if indent < 0 && len(text) > 0 {
			indent = len(text) - len([]rune(strings.TrimLeft(string(text), " ")))
		}
		length := max(len(text)-max(indent, 0), 0)
		if offset <= length {
			return i + 1, max(indent, 0) + offset + 1
		}
		offset -= length + 1
	}
	return line, column
}

// selects says whether a rule selects an environment. Known is false where that hangs on a kind
// or on labels that are not known.
func (r rule) selects(e Environment) (selected, known bool) {
	s := r.selector
	if len(s.Names) > 0 && !matchesAny(e.Name, s.Names) {
		return false, true
	}
	if len(s.Kinds) > 0 && e.Kind != "" && !slices.Contains(s.Kinds, e.Kind) {
		return false, true
	}
	if len(s.Kinds) > 0 && e.Kind == "" || len(s.Labels) > 0 && e.Labels == nil {
		return false, false
	}
	for key, want := range s.Labels {
		if got, there := e.Labels[key]; !there || got != want {
			return false, true
		}
	}
	return true, true
}

// Gates are the gates of an environment, in the order of the policy; none where not enough is known of it.
func (p *Policy) Gates(e Environment) []v1alpha1.Gate {
	gates, _ := p.gatesFor(e)
	out := make([]v1alpha1.Gate, len(gates))
	for i, g := range gates {
		out[i] = g.Gate
	}
	return out
}

// Governs says whether the policy has gates for an environment. One of which not enough is known
// is governed where it might be.
func (p *Policy) Governs(e Environment) bool {
	return slices.ContainsFunc(p.rules, func(r rule) bool {
		selected, known := r.selects(e)
		return selected || !known
	})
}

// gatesFor gives an environment's gates in the order of the policy; why says why there are none.
func (p *Policy) gatesFor(e Environment) (gates []*gate, why string) {
	if e.Name == "" {
		return nil, "the target environment is not known"
	}
	for _, r := range p.rules {
		selected, known := r.selects(e)
		if !known {
			return nil, fmt.Sprintf("the kind or the labels of environment %s are not known, by which policy %s selects gates",
				e.Name, p.Name)
		}
		if selected {
			gates = append(gates, r.gates...)
		}
	}
	if len(gates) == 0 {
		return nil, fmt.Sprintf("policy %s has no gates for environment %s; nothing can be promoted to it",
			p.Name, e.Name)
	}
	return gates, ""
}
