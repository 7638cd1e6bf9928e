package gate

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/common/types"
)

// Status is a gate's result.
type Status string

// Statuses. Only Pass and Waived let a promotion through.
const (
	Pass         Status = "pass"
	Fail         Status = "fail"
	NotAvailable Status = "not-available" // something that the gate hangs on is not known
	Waived       Status = "waived"        // failed or not available, and a waiver counts
)

// Outcome is what all gates come to.
type Outcome string

// Outcomes.
const (
	Allowed     Outcome = "allowed"
	Refused     Outcome = "refused"       // a gate failed
	Unavailable Outcome = "not-available" // none failed, but one is not available
)

// GateResult is what became of one gate.
type GateResult struct {
	Gate   string `json:"gate"`
	Status Status `json:"status"`
	// Reason is a sentence for people, without an end mark.
	Reason string `json:"reason"`
	// Missing are the paths of the values that the gate hangs on and that are not known.
	Missing []string `json:"missing,omitempty"`
	// Evidence are the digests of the statements that it rests on, in the order of its kinds.
	Evidence []string `json:"evidence,omitempty"`
	// Waiver is the one that counts; nil unless the status is Waived.
	Waiver *Waiver `json:"waiver,omitempty"`
}

// Report is what a policy says about a promotion.
type Report struct {
	Policy       string `json:"policy"`
	PolicyDigest string `json:"policyDigest"`
	Promotion    string `json:"promotion"`
	Environment  string `json:"environment"`
	// Release is the digest of the image that was judged.
	Release string `json:"release"`
	// Head is the change's commit that was judged.
	Head    string    `json:"head"`
	At      time.Time `json:"at"`
	Outcome Outcome   `json:"outcome"`
	// Reason says why there are no results; empty where there are.
	Reason  string       `json:"reason,omitempty"`
	Results []GateResult `json:"results"`
}

// Evaluate judges a promotion by a policy. The same arguments always give the same report.
func Evaluate(p *Policy, in Input) Report {
	report := Report{
		Policy: p.Name, PolicyDigest: p.Digest, Promotion: in.Promotion.ID, Environment: in.Environment.Name,
		Release: in.Release.Digest, Head: in.Promotion.Head, At: in.Now,
		Outcome: Unavailable, Results: []GateResult{},
	}
	gates, why := p.gatesFor(in.Environment)
	if why != "" {
		report.Reason = why
		return report
	}
	vars := activation(in)
	for _, g := range gates {
		report.Results = append(report.Results, g.judge(in, vars))
	}
	report.Outcome = outcome(report.Results)
	return report
}

func outcome(results []GateResult) Outcome {
	out := Allowed
	for _, r := range results {
		switch {
		case r.Status == Fail:
			return Refused
		case r.Status != Pass && r.Status != Waived:
			out = Unavailable
		}
	}
	return out
}

// activation gives expressions their variables.
func activation(in Input) map[string]any {
	in = counted(in)
	vars := map[string]any{}
	b := &values{}
	v := reflect.ValueOf(in)
	for _, f := range variables() {
		vars[f.name] = b.of(f.name, v.FieldByIndex(f.index))
	}
	return vars
}

// counted is the input as expressions may see it: what does not count is taken out, so that no
// policy can forget to look.
func counted(in Input) Input {
	in.Approvals = standing(in.Approvals, in.Promotion.Head)
	in.Promotion.Requester = lowered(in.Promotion.Requester)
	authors := in.Promotion.Authors
	in.Promotion.Authors = nil
	for _, a := range authors {
		in.Promotion.Authors = append(in.Promotion.Authors, lowered(a))
	}
	in.Evidence.Signature = trusted(in.Evidence.Signature, in.Now)
	in.Evidence.Provenance = trusted(in.Evidence.Provenance, in.Now)
	in.Evidence.Tests = trusted(in.Evidence.Tests, in.Now)
	in.Evidence.SBOM = trusted(in.Evidence.SBOM, in.Now)
	return in
}

// trusted takes a statement out that is not verified, and a date that cannot be: what they say is
// not known.
func trusted[T any, P interface {
	*T
	statement() *Statement
}](p P, now time.Time) P {
	if p == nil || !p.statement().Verified {
		return nil
	}
	if !now.IsZero() && p.statement().ahead(now) {
		undated := *p
		p = &undated
		p.statement().Time = time.Time{}
	}
	return p
}

// standing are the approvals of a head, the newest of each person, by name. None are known where
// the head is not, or where it is not known of one which head was approved.
func standing(all []Approval, head string) []Approval {
	if all == nil || head == "" {
		return nil
	}
	sorted := make([]Approval, len(all))
	for i, a := range all {
		if a.Head == "" {
			return nil
		}
		a.By = lowered(a.By)
		sorted[i] = a
	}
	slices.SortFunc(sorted, func(a, b Approval) int {
		if c := cmp.Or(cmp.Compare(a.By.Name, b.By.Name), b.At.Compare(a.At)); c != 0 {
			return c
		}
		switch { // given at one time: the one of which less is known
		case a.By.Roles == nil && b.By.Roles != nil:
			return -1
		case a.By.Roles != nil && b.By.Roles == nil:
			return 1
		}
		return slices.Compare(a.By.Roles, b.By.Roles)
	})
	out := []Approval{}
	for _, a := range sorted {
		again := len(out) > 0 && a.By.Name != "" && out[len(out)-1].By.Name == a.By.Name
		if a.Head == head && !again {
			out = append(out, a)
		}
	}
	return out
}

func lowered(p Person) Person {
	p.Name = strings.ToLower(p.Name)
	return p
}

func (s *Statement) statement() *Statement { return s }

// vars adds the gate's parameters to what every expression sees.
func (g *gate) vars(shared map[string]any) map[string]any {
	out := maps.Clone(shared)
	out[parametersName] = g.scope.parameters
	return out
}

// judge gives the gate's result: its evidence first, then its condition, then waivers.
func (g *gate) judge(in Input, shared map[string]any) GateResult {
	result := g.rest(in)
	if result.Status == "" {
		g.evaluate(&result, g.vars(shared))
	}
	if result.Status != Pass {
		g.waive(&result, in)
	}
	return result
}

// evaluate sets the result to what the condition says.
func (g *gate) evaluate(r *GateResult, vars map[string]any) {
	value, missing, err := g.condition.run(vars)
	switch {
	case err != nil:
		r.Status, r.Reason = NotAvailable, "cannot be evaluated: "+err.Error()
	case missing != nil:
		r.Status, r.Missing, r.Reason = NotAvailable, missing, "not known: "+explain(missing)
	case value == types.True:
		r.Status, r.Reason = Pass, sentence(g.Description)
	case value == types.False:
		r.Status, r.Reason = Fail, g.failure(vars)
	default: // the compiler lets nothing else through
		r.Status, r.Reason = NotAvailable, fmt.Sprintf("cannot be evaluated: gives %v", value)
	}
}

// maxReason bounds a reason in characters.
const maxReason = 500

// failure says why the gate is not passed.
func (g *gate) failure(vars map[string]any) string {
	reason := "does not hold: " + sentence(g.Description)
	if g.message == nil {
		return reason
	}
	value, missing, err := g.message.run(vars)
	text, ok := value.(types.String)
	if err != nil || missing != nil || !ok || strings.TrimSpace(string(text)) == "" {
		return reason
	}
	if runes := []rune(sentence(string(text))); len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return sentence(string(text))
}

// sentence puts a text on one line, without an end mark.
func sentence(s string) string {
	return strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".")
}
