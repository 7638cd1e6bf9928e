package app

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

// Change is what one commit does to the repository.
type Change struct {
	// Write are files to be made or replaced.
	Write Files
	// Delete are paths to be removed, sorted.
	Delete []string
}

// Any says whether there is anything to commit.
func (c Change) Any() bool { return len(c.Write)+len(c.Delete) > 0 }

// Paths are all that the change touches, sorted.
func (c Change) Paths() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name := range c.Write {
			if !yield(name) {
				return
			}
		}
		for _, name := range c.Delete {
			if !yield(name) {
				return
			}
		}
	})
}

// And puts two changes of different files together.
func (c Change) And(other Change) Change {
	out := Change{Write: Files{}}
	maps.Copy(out.Write, c.Write)
	maps.Copy(out.Write, other.Write)
	out.Delete = slices.Sorted(slices.Values(slices.Concat(c.Delete, other.Delete)))
	return out
}

// Replace gives the change by which a folder comes to hold exactly want. Current are files of
// the repository; those outside of the folder do not count.
func Replace(folder string, want, current Files) Change {
	c := Change{Write: Files{}}
	for name, data := range want {
		if old, there := current[name]; !there || !bytes.Equal(old, data) {
			c.Write[name] = data
		}
	}
	for _, name := range slices.Sorted(maps.Keys(current)) {
		if _, stays := want[name]; !stays && below(name, folder) {
			c.Delete = append(c.Delete, name)
		}
	}
	return c
}

func below(name, folder string) bool { return strings.HasPrefix(name, folder+"/") }

// Record gives the change that puts a release on record.
func Record(r v1alpha1.Release) (Change, error) {
	data, err := Encode(r)
	if err != nil {
		return Change{}, fmt.Errorf("write release %s: %w", r.Metadata.Name, err)
	}
	return Change{Write: Files{ReleaseFile(r.Spec.Application, r.Metadata.Name): data}}, nil
}

// PlaceRelease gives the change by which an environment comes to hold a release. Manifests are
// the release's, rendered for this environment, by file name; current is what the environment's
// folder of the application holds.
func PlaceRelease(environment string, r v1alpha1.Release, manifests, current Files) (Change, error) {
	data, err := Encode(r)
	if err != nil {
		return Change{}, fmt.Errorf("write release %s: %w", r.Metadata.Name, err)
	}
	want := Files{PlacedFile(environment, r.Spec.Application): data}
	for name, data := range manifests {
		want[path.Join(ManifestsFolder(environment, r.Spec.Application), name)] = data
	}
	return Replace(Folder(environment, r.Spec.Application), want, current), nil
}

// RemovePlaced gives the change by which an environment no longer holds an application.
func RemovePlaced(environment, application string, current Files) Change {
	return Replace(Folder(environment, application), nil, current)
}

// Move is a release on its way from one environment to another.
type Move struct {
	Application v1alpha1.Application
	From, To    v1alpha1.Environment
	Release     v1alpha1.Release
	// Replaces is the release that To holds now; nil where it holds none.
	Replaces *v1alpha1.Release
}

// Move finds what is to be promoted: the release that from holds, or the one called release
// where that is not empty. It must stand on record, and be in from now: what has not run there
// has not shown that it can.
func (s *State) Move(application, from, to, release string) (Move, error) {
	a, ok := s.Applications[application]
	if !ok {
		return Move{}, s.noApplication(application)
	}
	m := Move{Application: a}
	var err error
	if m.From, err = s.stage(a, from); err != nil {
		return Move{}, err
	}
	if m.To, err = s.stage(a, to); err != nil {
		return Move{}, err
	}
	if m.To.Spec.Order <= m.From.Spec.Order {
		return Move{}, fault.Invalid(fmt.Errorf("promote %s from %s to %s: %s does not come later in the pipeline",
			application, from, to, to), "")
	}
	current, placed := s.Placed[from][application]
	switch {
	case !placed:
		return Move{}, fault.Invalid(fmt.Errorf("promote %s from %s: nothing of it runs there", application, from),
			"push to the application's branch, and wait until it is in "+from)
	case release != "" && release != current.Metadata.Name:
		return Move{}, fault.Invalid(fmt.Errorf("promote %s %s from %s: release %s runs there", application, release,
			from, current.Metadata.Name),
			"leave the release out to promote the one that runs there")
	}
	m.Release = current
	if replaced, there := s.Placed[to][application]; there {
		m.Replaces = &replaced
		if SameRelease(replaced, current) {
			return Move{}, &NothingToPromoteError{Application: application, Environment: to,
				Release: current.Metadata.Name}
		}
	}
	return m, nil
}

// NothingToPromoteError says that the environment holds the release already.
type NothingToPromoteError struct{ Application, Environment, Release string }

// Error names the release and where it is.
func (e *NothingToPromoteError) Error() string {
	return fmt.Sprintf("%s: release %s is in %s already", e.Application, e.Release, e.Environment)
}

func (s *State) noApplication(name string) error {
	return fault.Invalid(fmt.Errorf("there is no application %q", name), "see: slipway app list")
}

// stage is an environment that a goes through.
func (s *State) stage(a v1alpha1.Application, name string) (v1alpha1.Environment, error) {
	var names []string
	for _, e := range s.Pipeline(a.Metadata.Name) {
		if e.Metadata.Name == name {
			return e, nil
		}
		names = append(names, e.Metadata.Name)
	}
	return v1alpha1.Environment{}, fault.Invalid(
		fmt.Errorf("%s does not go through an environment %q", a.Metadata.Name, name),
		"its environments are "+strings.Join(names, ", "))
}

// Change is the promotion's change of files: manifests are the release's, rendered for the
// environment that it goes to; current is what that environment's folder of the application holds.
func (m Move) Change(manifests, current Files) (Change, error) {
	return PlaceRelease(m.To.Metadata.Name, m.Release, manifests, current)
}
