package promotion

import (
	"cmp"
	"fmt"
	"slices"
)

// Seen is what is compared to find what went around the decisions.
type Seen struct {
	// Governed are the environments in which everything needs a decision.
	Governed []string
	// Commits are the commits on the environments' branch that changed an application's folder
	// there, all since the environment has been governed, or a file that gates come from, oldest first.
	Commits []Commit
	// Running are the images that run there.
	Running []Running
	// Decisions are those in the log about these environments.
	Decisions []Decided
}

// Commit is a commit on the branch, for one application's folder in one environment, or for one file that gates come
// from.
type Commit struct {
	Environment, Application string
	// Path is the file's; empty where the commit is about a folder.
	Path   string
	Commit string
	// Tree is the Git tree id of the folder after the commit, or the digest of the file; empty where it is gone.
	Tree string
	// By is who pushed it.
	By string
}

// Running is an image that runs in an environment.
type Running struct {
	Environment, Application string
	// Workload is the object that runs it, such as "Deployment/shop".
	Workload string
	// Digest is the digest by which the manifests name the image, "sha256:..."; empty where it
	// cannot be told.
	Digest string
	// Settled says that the environment has taken over the branch, and no roll-out is under way.
	Settled bool
}

// Decided is a decision of the log, as far as it matters here.
type Decided struct {
	Index                    uint64
	Outcome                  Outcome
	Environment, Application string
	// Path is the file that was decided on; empty for a promotion.
	Path string
	// Digests are all images that the decision lets run; for a rollback those it leads back to.
	Digests []string
	// Tree is the folder's Git tree id that was decided, or the file's digest; for a rollback the
	// one that it leads back to, empty where it leads back to nothing.
	Tree   string
	Refers *uint64
}

// FindingKind says what is wrong.
type FindingKind string

// Kinds of findings.
const (
	UndecidedImage  FindingKind = "undecided-image"  // runs, and no decision ever let it
	OutdatedImage   FindingKind = "outdated-image"   // runs, though another was decided since
	UnknownImage    FindingKind = "unknown-image"    // runs, and its digest cannot be told
	UndecidedCommit FindingKind = "undecided-commit" // is on the branch without a decision
	UndecidedGates  FindingKind = "undecided-gates"  // a commit that changed gates without a decision
	OpenBreakGlass  FindingKind = "open-break-glass" // nobody has confirmed it
)

// Finding is something that went around the decisions, or that a person has yet to answer for.
type Finding struct {
	Kind        FindingKind `json:"kind"`
	Environment string      `json:"environment"`
	Application string      `json:"application"`
	// Path is the file that a commit changed without a decision on gates.
	Path string `json:"path,omitempty"`
	// Subject is the digest, the commit or the decision that it is about.
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Detect finds what has no decision behind it, by environment and application. A decision covers
// one commit on the branch: a state of the folder that was decided once is not decided for ever.
func Detect(s Seen) []Finding {
	d := &detection{seen: s, covers: map[uint64]string{}, last: map[place]Decided{}}
	for _, decision := range s.Decisions {
		if decision.Outcome == Withdrawn || decision.Outcome == Confirmed {
			if decision.Refers != nil {
				d.ended = append(d.ended, decision)
			}
		}
	}
	d.commits()
	d.running()
	d.glass()
	slices.SortFunc(d.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Application, b.Application),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(d.found)
}

type place struct{ environment, application, path string }

type detection struct {
	seen   Seen
	ended  []Decided         // withdrawals and confirmations
	covers map[uint64]string // the commit that a decision covers
	last   map[place]Decided // the decision behind the newest commit that has one
	found  []Finding
}

func (d *detection) governed(environment string) bool {
	return slices.Contains(d.seen.Governed, environment)
}

// has says whether a decision was withdrawn, or confirmed.
func (d *detection) has(index uint64, outcome Outcome) bool {
	return slices.ContainsFunc(d.ended, func(e Decided) bool { return e.Outcome == outcome && *e.Refers == index })
}

// inForce are the decisions that let something run at a place.
func (d *detection) inForce(at place) []Decided {
	var out []Decided
	for _, x := range d.seen.Decisions {
		lets := x.Outcome == Allowed || x.Outcome == BrokeGlass || x.Outcome == RolledBack
		if lets && (place{x.Environment, x.Application, x.Path}) == at && !d.has(x.Index, Withdrawn) {
			out = append(out, x)
		}
	}
	return out
}

func (d *detection) add(kind FindingKind, at place, subject, text string, args ...any) {
	d.found = append(d.found, Finding{kind, at.environment, at.application, at.path, subject, fmt.Sprintf(text, args...)})
}

// commits gives each commit its decision, the oldest that no other commit has.
func (d *detection) commits() {
	for _, c := range d.seen.Commits {
		at := place{c.Environment, c.Application, c.Path}
		if c.Path == "" && !d.governed(c.Environment) {
			continue
		}
		decisions := d.inForce(at)
		i := slices.IndexFunc(decisions, func(x Decided) bool {
			_, taken := d.covers[x.Index]
			return !taken && x.allows(c)
		})
		switch {
		case i < 0 && c.Path != "":
			d.add(UndecidedGates, at, c.Commit, "commit %s by %s changed %s, on which promotions are decided, without a decision",
				short(c.Commit), cmp.Or(c.By, "nobody known"), c.Path)
			continue
		case i < 0:
			d.add(UndecidedCommit, at, c.Commit, "commit %s by %s changed %s in %s without a decision",
				short(c.Commit), cmp.Or(c.By, "nobody known"), cmp.Or(c.Application, "something"), c.Environment)
			continue
		}
		d.covers[decisions[i].Index] = c.Commit
		d.last[at] = decisions[i]
	}
}

// allows says whether a decision is about what a commit brought.
func (x Decided) allows(c Commit) bool {
	if c.Tree == "" && c.Path == "" {
		return x.Outcome == RolledBack && x.Tree == ""
	}
	return x.Tree == c.Tree
}

func (d *detection) running() {
	for _, r := range d.seen.Running {
		at := place{r.Environment, r.Application, ""}
		if !d.governed(r.Environment) {
			continue
		}
		last, known := d.last[at]
		once := slices.IndexFunc(d.inForce(at), func(x Decided) bool { return slices.Contains(x.Digests, r.Digest) })
		switch {
		case r.Digest == "":
			d.add(UnknownImage, at, r.Workload, "%s in %s runs an image whose digest cannot be told", r.Workload, r.Environment)
		case once < 0:
			d.add(UndecidedImage, at, r.Digest, "%s in %s runs %s, and no decision let it",
				r.Workload, r.Environment, short(r.Digest))
		case known && r.Settled && !slices.Contains(last.Digests, r.Digest):
			d.add(OutdatedImage, at, r.Digest, "%s in %s runs %s, though decision #%d was for another",
				r.Workload, r.Environment, short(r.Digest), last.Index)
		}
	}
}

// glass finds break-glass decisions that no second person has confirmed.
func (d *detection) glass() {
	for _, x := range d.seen.Decisions {
		if x.Outcome == BrokeGlass && !d.has(x.Index, Withdrawn) && !d.has(x.Index, Confirmed) {
			d.add(OpenBreakGlass, place{x.Environment, x.Application, ""}, fmt.Sprintf("#%d", x.Index),
				"the glass was broken for %s in %s by decision #%d, which a second person has yet to confirm",
				x.Application, x.Environment, x.Index)
		}
	}
}

// short is a digest or commit as people read it.
func short(id string) string {
	const digest, commit = len("sha256:") + 12, 12
	switch {
	case len(id) > digest && id[:7] == "sha256:":
		return id[:digest]
	case len(id) > commit && id[:min(7, len(id))] != "sha256:":
		return id[:commit]
	}
	return id
}
