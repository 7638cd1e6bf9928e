package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// waive sets the result to Waived where a waiver counts; where there are waivers and none
// counts, the reason says why.
func (g *gate) waive(r *GateResult, in Input) {
	var against []string
	for _, w := range in.Waivers {
		if w.Gate != g.Name {
			continue
		}
		why := g.against(w, in)
		if why == "" {
			r.Status, r.Waiver = Waived, &w
			r.Reason = fmt.Sprintf("waived by %s until %s: %s (%s)",
				w.By.Name, w.Until.UTC().Format(time.RFC3339), sentence(w.Why), r.Reason)
			return
		}
		against = append(against, why)
	}
	slices.Sort(against)
	for _, why := range slices.Compact(against) {
		r.Reason += "; " + why
	}
}

// against says why a waiver does not count; empty where it does.
func (g *gate) against(w Waiver, in Input) string {
	by := w.By.Name
	name := "the waiver of " + by
	authors := in.Promotion.Authors
	isBy := func(p Person) bool { return strings.EqualFold(p.Name, by) }
	switch {
	case by == "":
		return "a waiver does not count: nobody signs it"
	case !g.Waivable:
		return name + " does not count: the gate cannot be waived"
	case strings.TrimSpace(w.Why) == "":
		return name + " does not count: it gives no reason"
	case in.Now.IsZero() || w.Until.IsZero():
		return name + " does not count: when it ends, or the time, is not known"
	case !in.Now.Before(w.Until):
		return fmt.Sprintf("%s does not count: it ended on %s", name, w.Until.UTC().Format(time.RFC3339))
	case in.Promotion.Requester.Name == "" || len(authors) == 0 || slices.ContainsFunc(authors, nameless):
		return name + " does not count: it is not known who requested and who wrote the change"
	case isBy(in.Promotion.Requester):
		return name + " does not count: it is for an own request"
	case slices.ContainsFunc(authors, isBy):
		return name + " does not count: it is for an own change"
	}
	return ""
}

func nameless(p Person) bool { return p.Name == "" }
