package platform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/render"
)

// Actions of an `up` on a unit or a file.
const (
	Added     = "added"
	Changed   = "changed"
	Removed   = "removed"
	Unchanged = "unchanged"
)

// Changes is what an `up` would do.
type Changes struct {
	Plan  plan.Plan    `json:"plan"`
	Units []UnitChange `json:"units"`
	Files []FileChange `json:"files,omitempty"`
	// Images are the images of all units, with how each comes to the store.
	Images []ImageChange `json:"images,omitempty"`
	// Lock are differences from the lock, where there is one.
	Lock []string `json:"lock,omitempty"`
	// Drift are differences between the cluster and what was delivered; nil where the cluster is down.
	Drift []deliver.Drift `json:"drift,omitempty"`
	// DriftUnknown says why drift could not be seen; empty where it was.
	DriftUnknown string `json:"driftUnknown,omitempty"`
}

// UnitChange is what happens to a tool or a package.
type UnitChange struct {
	Name         string    `json:"name"`
	Kind         plan.Kind `json:"kind"`
	Version      string    `json:"version,omitempty"`
	Capabilities []string  `json:"capabilities,omitempty"`
	Action       string    `json:"action"`
	// Detail counts the objects that are added, changed and removed.
	Detail string `json:"detail,omitempty"`
}

// FileChange is what happens to one rendered object.
type FileChange struct {
	Path   string `json:"path"`
	Action string `json:"action"`
	Diff   string `json:"diff,omitempty"`
}

// ImageChange says how one image comes to the store.
type ImageChange struct {
	Recipe string `json:"recipe"`
	Ref    string `json:"ref"`
	Action string `json:"action"` // present, pull or build
	Reason string `json:"reason,omitempty"`
	// Seconds is about how long it takes, 0 where unknown.
	Seconds int `json:"seconds,omitempty"`
}

// Pending says whether an `up` would change anything that is delivered.
func (c Changes) Pending() bool { return len(c.Files) > 0 || len(c.Drift) > 0 }

// Sentence sums the changes up.
func (c Changes) Sentence() string {
	if !c.Pending() {
		return "nothing would change"
	}
	units, files, images := map[string]int{}, map[string]int{}, map[string]int{}
	for _, u := range c.Units {
		units[u.Action]++
	}
	for _, f := range c.Files {
		files[f.Action]++
	}
	for _, i := range c.Images {
		images[i.Action]++
	}
	text := fmt.Sprintf("%d units to add, %d to change, %d to remove; %d objects to add, %d to change, %d to remove",
		units[Added], units[Changed], units[Removed], files[Added], files[Changed], files[Removed])
	if n := images["build"] + images["pull"]; n > 0 {
		text += fmt.Sprintf("; %d images to build, %d to pull", images["build"], images["pull"])
	}
	if len(c.Drift) > 0 {
		text += fmt.Sprintf("; %d drifted objects to bring back", len(c.Drift))
	}
	return text
}

// compare sets the units of p beside the tree that was delivered.
func compare(p plan.Plan, changes []render.Change, had map[string]bool) ([]UnitChange, []FileChange) {
	var files []FileChange
	count := map[string]map[render.ChangeKind]int{}
	for _, c := range changes {
		files = append(files, FileChange{Path: c.Path, Action: string(c.Kind), Diff: c.Diff})
		if count[c.Unit] == nil {
			count[c.Unit] = map[render.ChangeKind]int{}
		}
		count[c.Unit][c.Kind]++
	}
	var units []UnitChange
	seen := map[string]bool{}
	for _, u := range p.Units {
		seen[u.Name] = true
		change := UnitChange{Name: u.Name, Kind: u.Kind, Version: u.Version, Capabilities: u.Capabilities, Action: Unchanged, Detail: detail(count[u.Name])}
		switch {
		case !had[u.Name]:
			change.Action = Added
		case change.Detail != "":
			change.Action = Changed
		}
		units = append(units, change)
	}
	for _, name := range slices.Sorted(maps.Keys(had)) {
		if !seen[name] {
			units = append(units, UnitChange{Name: name, Action: Removed, Detail: detail(count[name])})
		}
	}
	return units, files
}

func detail(count map[render.ChangeKind]int) string {
	var parts []string
	for _, k := range []render.ChangeKind{render.Added, render.Changed, render.Removed} {
		if count[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d objects %s", count[k], k))
		}
	}
	return strings.Join(parts, ", ")
}

// Mermaid draws the units with what each has to come after, as a Mermaid flowchart.
func (c Changes) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, u := range c.Plan.Units {
		label := u.Name
		if u.Version != "" {
			label += " " + u.Version
		}
		if len(u.Capabilities) > 0 {
			label += "<br/>" + strings.Join(u.Capabilities, ", ")
		}
		fmt.Fprintf(&b, "  %s[\"%s\"]\n", id(u.Name), label)
	}
	for _, u := range c.Plan.Units {
		for _, a := range direct(c.Plan, u) {
			fmt.Fprintf(&b, "  %s --> %s\n", id(a), id(u.Name))
		}
	}
	return b.String()
}

// id makes a name one that Mermaid takes ("end" is a word of its own).
func id(name string) string { return "u_" + strings.ReplaceAll(name, "-", "_") }

// direct leaves those out of u's After that others of its After come after anyway.
func direct(p plan.Plan, u plan.Unit) []string {
	after := map[string][]string{}
	for _, v := range p.Units {
		after[v.Name] = v.After
	}
	var reaches func(from, to string) bool
	reaches = func(from, to string) bool {
		return slices.ContainsFunc(after[from], func(a string) bool { return a == to || reaches(a, to) })
	}
	out := slices.DeleteFunc(slices.Clone(u.After), func(a string) bool {
		return slices.ContainsFunc(u.After, func(other string) bool { return other != a && reaches(other, a) })
	})
	slices.SortFunc(out, cmp.Compare)
	return out
}
