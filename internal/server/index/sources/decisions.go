package sources

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/server/index"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Log is the audit log.
type Log interface {
	Checkpoint() audit.Checkpoint
	// Entries gives the entries from one index up to, and without, another, in order.
	Entries(ctx context.Context, from, to uint64) iter.Seq2[audit.Entry, error]
}

// Decisions is the audit log, as far as lists show it: whoever wants to rely on a decision reads
// and verifies the log itself. Its positions are numbers of entries.
type Decisions struct{ Log Log }

// decisionsAtOnce is how many entries are given at a time.
const decisionsAtOnce = 500

// Name tells the source from others.
func (Decisions) Name() string { return "audit" }

// Changes gives the entries that were added. A log that has become shorter is read anew.
func (s Decisions) Changes(ctx context.Context, position string) (index.Changes, error) {
	var from uint64
	if position != "" {
		var err error
		if from, err = strconv.ParseUint(position, 10, 64); err != nil {
			return index.Changes{}, fmt.Errorf("%q is not a number of entries", position)
		}
	}
	size := s.Log.Checkpoint().Size
	out := index.Changes{Position: position, Findings: map[string][]spec.Finding{}}
	if size < from {
		from, out.Replace = 0, true
	}
	if size == from && !out.Replace {
		return out, nil
	}
	to := min(size, from+decisionsAtOnce)
	for e, err := range s.Log.Entries(ctx, from, to) {
		if err != nil {
			return index.Changes{}, err
		}
		d, err := decision(e)
		if err != nil {
			file := fmt.Sprintf("audit log, entry %d", e.Index)
			out.Findings[file] = []spec.Finding{{File: file, Message: err.Error()}}
			continue
		}
		out.Put = append(out.Put, d)
	}
	out.Position, out.More = strconv.FormatUint(to, 10), to < size
	return out, nil
}

func decision(e audit.Entry) (index.Decision, error) {
	statement, err := evidence.Unverified(e.Envelope)
	if err != nil {
		return index.Decision{}, err
	}
	d, err := evidence.DecodeDecision(statement)
	if err != nil {
		return index.Decision{}, err
	}
	team, application, _ := strings.Cut(d.Application, "/")
	out := index.Decision{Number: int64(e.Index), Outcome: string(d.Outcome), Team: team, Application: application,
		Environment: d.To,
		Subject:     string(d.Digest()), Commit: d.ManifestsCommit, At: d.Time,
		Statement: string(evidence.DigestOf(e.Envelope))}
	if _, number, ok := strings.Cut(d.Promotion, "#"); ok {
		out.Promotion, _ = strconv.ParseInt(number, 10, 64) // a name without a number has none
	}
	out.Actors = actors(d)
	return out, nil
}

// actors are the names of all who took part, sorted.
func actors(d evidence.Decision) []string {
	var out []string
	add := func(some ...evidence.Actor) {
		for _, a := range some {
			if a.Name != "" {
				out = append(out, a.Name)
			}
		}
	}
	add(d.Actors.Requester)
	add(d.Actors.Authors...)
	add(d.Actors.Approvers...)
	if d.Actors.Decider != nil {
		add(*d.Actors.Decider)
	}
	for _, g := range d.Gates {
		if g.Waiver != nil {
			add(g.Waiver.By)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
