package app

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

// NewPreview makes the environment for an application's pull request, as it is at commit. Its
// time to live begins now; making it again for a new commit begins it anew.
func NewPreview(a v1alpha1.Application, pullRequest int, commit string, now time.Time) (v1alpha1.Environment, error) {
	if a.Spec.Previews.Disabled {
		return v1alpha1.Environment{}, fault.Invalid(fmt.Errorf("%s has no previews", a.Metadata.Name),
			"remove spec.previews.disabled from the application")
	}
	if pullRequest < 1 || !commitFormat.MatchString(commit) {
		return v1alpha1.Environment{}, fmt.Errorf("preview of %s: pull request %d at %q is none", a.Metadata.Name,
			pullRequest, commit)
	}
	e := v1alpha1.Environment{
		Metadata: v1alpha1.Metadata{Name: PreviewName(a.Metadata.Name, pullRequest)},
		Spec: v1alpha1.EnvironmentSpec{
			Team: a.Spec.Team, Kind: v1alpha1.EnvironmentPreview, TTL: a.Spec.Previews.TTL,
			Created: now.UTC().Format(time.RFC3339),
			Preview: &v1alpha1.PreviewOf{Application: a.Metadata.Name, PullRequest: pullRequest, Commit: commit},
		},
	}
	DefaultEnvironment(&e)
	return e, nil
}

// PreviewsOf are the names of the previews of an application's pull request, or with 0 of all
// its pull requests: what goes when it closes.
func (s *State) PreviewsOf(application string, pullRequest int) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Environments)) {
		p := s.Environments[name].Spec.Preview
		if p != nil && p.Application == application && (pullRequest == 0 || p.PullRequest == pullRequest) {
			out = append(out, name)
		}
	}
	return out
}

// Expires is when an environment's time to live ends; ok is false for one that has no end.
func Expires(e v1alpha1.Environment) (at time.Time, ok bool) {
	ttl, err := ParseTTL(e.Spec.TTL)
	if err != nil { // none, or refused when it was read
		return time.Time{}, false
	}
	created, err := time.Parse(time.RFC3339, e.Spec.Created)
	if err != nil {
		return time.Time{}, false
	}
	return created.Add(ttl).UTC(), true
}

// Expired are the names of the environments whose time to live has ended by now.
func (s *State) Expired(now time.Time) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.Environments)) {
		if at, ok := Expires(s.Environments[name]); ok && !now.Before(at) {
			out = append(out, name)
		}
	}
	return out
}

// RemoveEnvironment gives the change by which an environment, all that it holds, and its
// namespaces go. Current are the files of the repository.
func (s *State) RemoveEnvironment(name string, current Files) (Change, error) {
	if _, ok := s.Environments[name]; !ok {
		return Change{}, fault.Invalid(fmt.Errorf("there is no environment %q", name), "see: slipway env list")
	}
	c := Replace(EnvironmentsFolder+"/"+name, nil, current)
	for _, n := range s.Namespaces() {
		if n.Environment.Metadata.Name == name {
			c = c.And(Replace(NamespaceFolder(n.Name), nil, current))
		}
	}
	return c, nil
}

// RemoveApplication gives the change by which an application goes: its record, its releases, what
// environments hold of it, the namespaces that are its own, and its previews.
func (s *State) RemoveApplication(name string, current Files) (Change, error) {
	if _, ok := s.Applications[name]; !ok {
		return Change{}, s.noApplication(name)
	}
	c := Replace(ApplicationsFolder+"/"+name, nil, current)
	for _, preview := range s.PreviewsOf(name, 0) {
		removed, err := s.RemoveEnvironment(preview, current)
		if err != nil {
			return Change{}, err
		}
		c = c.And(removed)
	}
	for _, e := range sortedEnvironments(s.Environments) {
		if e.Spec.Preview == nil {
			c = c.And(RemovePlaced(e.Metadata.Name, name, current))
		}
	}
	for _, n := range s.Namespaces() {
		if n.Application == name && n.Environment.Spec.Preview == nil {
			c = c.And(Replace(NamespaceFolder(n.Name), nil, current))
		}
	}
	return c, nil
}
