package promotion

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// Record is a past decision about a promotion, with the input that its gates saw.
type Record struct {
	// Decision is its index in the log.
	Decision uint64    `json:"decision"`
	At       time.Time `json:"at"`
	// Outcome is what was decided, which need not be what the gates said.
	Outcome Outcome     `json:"outcome"`
	Input   gate.Input  `json:"input"`
	Report  gate.Report `json:"report"`
}

// Replayed is what another policy makes of past decisions.
type Replayed struct {
	Policy       string       `json:"policy"`
	PolicyDigest string       `json:"policyDigest"`
	Records      int          `json:"records"`
	Differences  []Difference `json:"differences"`
}

// Difference is a past decision whose gates would have come to another outcome.
type Difference struct {
	Decision    uint64       `json:"decision"`
	At          time.Time    `json:"at"`
	Promotion   string       `json:"promotion"`
	Environment string       `json:"environment"`
	Decided     Outcome      `json:"decided"`
	Was         gate.Outcome `json:"was"`
	Would       gate.Outcome `json:"would"`
	// Reason says why there are no gates; empty where there are.
	Reason string `json:"reason,omitempty"`
	// Gates are those that let it through then and would not now, or the other way round.
	Gates []GateDifference `json:"gates"`
}

// GateDifference is a gate that makes a difference. A status is empty where the policy of the
// time, or the other one, has no such gate.
type GateDifference struct {
	Gate  string      `json:"gate"`
	Was   gate.Status `json:"was,omitempty"`
	Would gate.Status `json:"would,omitempty"`
	// Reason is that of the policy under which the gate does not let the promotion through.
	Reason string `json:"reason"`
}

// Replay evaluates a policy over the inputs of past decisions, and gives those whose outcome
// would differ, the earliest first.
func Replay(p *gate.Policy, records []Record) Replayed {
	out := Replayed{Policy: p.Name, PolicyDigest: p.Digest, Records: len(records), Differences: []Difference{}}
	sorted := slices.SortedFunc(slices.Values(records), func(a, b Record) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Decision, b.Decision))
	})
	for _, r := range sorted {
		now := gate.Evaluate(p, r.Input)
		if now.Outcome == r.Report.Outcome {
			continue
		}
		out.Differences = append(out.Differences, Difference{
			Decision: r.Decision, At: r.At, Promotion: r.Input.Promotion.ID, Environment: r.Input.Environment.Name,
			Decided: r.Outcome, Was: r.Report.Outcome, Would: now.Outcome, Reason: now.Reason,
			Gates: differences(r.Report.Results, now.Results),
		})
	}
	return out
}

// differences are the gates that let a promotion through on one side only, in the order of the
// new results, those that are gone at the end.
func differences(was, would []gate.GateResult) []GateDifference {
	out := []GateDifference{}
	for _, now := range would {
		before, _ := resultOf(was, now.Gate)
		if lets(before) != lets(now) {
			reason := now.Reason
			if lets(now) {
				reason = before.Reason
			}
			out = append(out, GateDifference{now.Gate, before.Status, now.Status, reason})
		}
	}
	for _, before := range was {
		if _, there := resultOf(would, before.Gate); !there && !lets(before) {
			out = append(out, GateDifference{before.Gate, before.Status, "", before.Reason})
		}
	}
	return out
}

func resultOf(results []gate.GateResult, name string) (gate.GateResult, bool) {
	for _, r := range results {
		if r.Gate == name {
			return r, true
		}
	}
	return gate.GateResult{}, false
}

// lets says whether a gate lets a promotion through; one that does not exist does.
func lets(r gate.GateResult) bool {
	return r.Status == "" || r.Status == gate.Pass || r.Status == gate.Waived
}

// String is one line for the decision and one for each gate.
func (d Difference) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s #%d %s to %s: %s, would be %s", d.At.UTC().Format(time.DateOnly), d.Decision, d.Promotion,
		d.Environment, d.Was, d.Would)
	if d.Reason != "" {
		b.WriteString(": " + d.Reason)
	}
	for _, g := range d.Gates {
		fmt.Fprintf(&b, "\n  %s: %s → %s: %s", g.Gate, orNone(g.Was), orNone(g.Would), g.Reason)
	}
	return b.String()
}

func orNone(s gate.Status) string { return cmp.Or(string(s), "no such gate") }
