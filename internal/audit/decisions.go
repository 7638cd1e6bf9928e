package audit

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// backdating is how much earlier a decision may be than one that was logged before it: a decision may have to wait for
// the log. The log's order is proven and the time is not, so that a key which has expired could still sign with an
// earlier time.
const backdating = 24 * time.Hour

// readDecisions verifies each entry that is what the log has: its signature, its form, and how it stands to those
// before.
func (v *verification) readDecisions() {
	var latest decided
	for place, e := range v.bundle.Entries {
		if v.broken[place] {
			continue
		}
		d := decided{entry: e.Index}
		if index, moved := v.index[place]; moved {
			d.entry = index
		}
		var verified *evidence.Verified
		var err error
		if d.Decision, verified, err = v.ring.VerifyDecision(e.Envelope); err != nil {
			v.findUnreadable(d.entry, place, err)
			continue
		}
		v.record(d, evidence.DigestOf(verified.Payload))
		if early := latest.Time.Sub(d.Time); early > backdating {
			v.report.findEntry(DecisionBackdated, d.entry, nameOf(d.Decision), "its time is %s before that of entry %d", early,
				latest.entry)
		}
		if d.Time.After(latest.Time) {
			latest = d
		}
	}
	v.findUnconfirmed()
}

func (v *verification) findUnreadable(entry uint64, place int, err error) {
	v.incomplete = true
	var untrusted *evidence.UntrustedError
	if errors.As(err, &untrusted) {
		v.report.findEntry(DecisionUntrusted, entry, v.claimed(place), "%s", err)
		return
	}
	v.report.findEntry(DecisionInvalid, entry, "", "%s", err)
}

// findUnconfirmed reports each break-glass that is left to one person.
func (v *verification) findUnconfirmed() {
	for _, d := range v.decisions {
		if d.Outcome == evidence.BreakGlass && !v.ledger.withdrawn(d.entry) && !v.ledger.confirmed(d.entry) {
			v.report.findEntry(GlassUnconfirmed, d.entry, nameOf(d.Decision),
				"%s broke the glass, and no second person stands by it", d.Actors.Decider.Name)
		}
	}
}

// record checks a decision against those before it, and counts it.
func (v *verification) record(d decided, payload evidence.Digest) {
	err := v.ledger.Check(d.Decision, payload)
	var replay *ReplayError
	switch name := nameOf(d.Decision); {
	case errors.As(err, &replay) && replay.Outcome != "":
		v.report.findEntry(PromotionReplayed, d.entry, name, "%s", err)
	case errors.As(err, &replay):
		v.report.findEntry(DecisionReplayed, d.entry, name, "%s", err)
	case err != nil && !v.incomplete: // else what it refers to may be what is missing, and that is found already
		v.report.findEntry(DecisionReference, d.entry, name, "%s", err)
	}
	v.ledger.Add(d.Decision, payload, d.entry)
	v.report.Decisions[d.Outcome]++
	v.decisions = append(v.decisions, d)
}

// claimed names the decision that an entry says it is.
func (v *verification) claimed(place int) string {
	s, err := evidence.Unverified(v.bundle.Entries[place].Envelope)
	if err != nil {
		return ""
	}
	d, err := evidence.DecodeDecision(s)
	if err != nil {
		return ""
	}
	return nameOf(d)
}

func nameOf(d evidence.Decision) string { return "decision " + d.ID }

// place is where an application runs.
type place struct{ application, environment string }

// compareRunning compares what runs with what was decided.
func (v *verification) compareRunning(running []Running) {
	v.report.Running = len(running)
	decisions := map[place][]decided{}
	for _, d := range v.decisions {
		at := place{d.Application, d.To}
		decisions[at] = append(decisions[at], d)
	}
	for _, r := range running {
		v.compareOne(r, decisions[place{r.Application, r.Environment}])
	}
}

// compareOne compares one image that runs with the decisions about its place, in the order of the log.
func (v *verification) compareOne(r Running, decisions []decided) {
	subject := fmt.Sprintf("%s in %s", r.Application, r.Environment)
	var last, own *decided // the last decision that changed what runs there, and the last about this image
	var runs evidence.Digest
	beside := func(d decided) bool { return slices.Contains(d.Beside(), r.Image) }
	for i, d := range decisions {
		if !r.At.IsZero() && d.Time.After(r.At) {
			continue
		}
		image, changes := d.Runs()
		if changes && !v.ledger.withdrawn(d.entry) {
			last, runs = &decisions[i], image
		}
		if changes && (image == r.Image || beside(d)) || d.Outcome == evidence.Refused && d.Digest() == r.Image {
			own = &decisions[i]
		}
	}
	switch {
	case last != nil && (runs == r.Image || beside(*last)):
	case own == nil:
		v.report.find(RunningUndecided, subject, "%s runs, and there is no decision about it", r.Image)
	case own.Outcome == evidence.Refused:
		v.report.findEntry(RunningRefused, own.entry, subject, "%s runs, and %s refused it", r.Image, nameOf(own.Decision))
	case v.ledger.withdrawn(own.entry):
		v.report.findEntry(RunningWithdrawn, own.entry, subject, "%s runs, and %s was withdrawn", r.Image,
			nameOf(own.Decision))
	default:
		v.report.findEntry(RunningSuperseded, last.entry, subject, "%s runs, and %s put %s in its place", r.Image,
			nameOf(last.Decision), orNothing(runs))
	}
}

func orNothing(image evidence.Digest) string {
	if image == "" {
		return "nothing"
	}
	return string(image)
}
