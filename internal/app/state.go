package app

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Files are contents by slash-separated path.
type Files map[string][]byte

// State is what the environments' repository says, without the manifests.
type State struct {
	Applications map[string]v1alpha1.Application
	Environments map[string]v1alpha1.Environment
	// Releases are all releases on record, by application and name.
	Releases map[string]map[string]v1alpha1.Release
	// Placed are the releases that environments hold, by environment and application.
	Placed map[string]map[string]v1alpha1.Release
}

// Document is one document of the repository: exactly one of the pointers is set.
type Document struct {
	Place       Place
	Application *v1alpha1.Application
	Environment *v1alpha1.Environment
	Release     *v1alpha1.Release
}

// DecodeDocument reads the document at a path of the repository; ok is false where the path
// holds none. A document whose name is not the one of its path is an error.
func DecodeDocument(name string, data []byte) (d Document, ok bool, err error) {
	d.Place = PlaceOf(name)
	switch d.Place.Kind {
	case NoDocument:
		return d, false, nil
	case ApplicationDocument:
		a, err := DecodeApplication(name, data)
		d.Application = &a
		return d, true, errors.Join(err, d.misplaced(name, "metadata.name", a.Metadata.Name, d.Place.Application, err))
	case EnvironmentDocument:
		e, err := DecodeEnvironment(name, data)
		d.Environment = &e
		return d, true, errors.Join(err, d.misplaced(name, "metadata.name", e.Metadata.Name, d.Place.Environment, err))
	}
	r, err := DecodeRelease(name, data)
	d.Release = &r
	if d.Place.Kind == ReleaseDocument && err == nil {
		err = d.misplaced(name, "metadata.name", r.Metadata.Name, d.Place.Release, nil)
	}
	return d, true, errors.Join(err, d.misplaced(name, "spec.application", r.Spec.Application, d.Place.Application,
		err))
}

// misplaced is the error about a document that stands where another belongs. One that has
// errors already is not spoken of twice.
func (d Document) misplaced(file, path, got, want string, before error) error {
	if before != nil || got == want {
		return nil
	}
	return spec.Errors{{File: file, Path: path, Message: fmt.Sprintf("is %q, but the file stands where %s belongs", got,
		want), Suggestion: want}}
}

// Read reads the documents among files. Those that are wrong are left out, and are findings; so
// is what does not fit together.
func Read(files Files) (State, []spec.Finding) {
	s := State{map[string]v1alpha1.Application{}, map[string]v1alpha1.Environment{},
		map[string]map[string]v1alpha1.Release{}, map[string]map[string]v1alpha1.Release{}}
	var found []spec.Finding
	for _, name := range slices.Sorted(maps.Keys(files)) {
		d, ok, err := DecodeDocument(name, files[name])
		switch {
		case err != nil:
			found = append(found, Findings(err)...)
		case ok:
			s.Add(d)
		}
	}
	return s, spec.Sorted(append(found, s.Check()...))
}

// Findings are the findings in an error of this package's decoders.
func Findings(err error) []spec.Finding {
	var out []spec.Finding
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		for _, e := range several.Unwrap() {
			out = append(out, Findings(e)...)
		}
		return out
	}
	var found spec.Errors
	if errors.As(err, &found) {
		return found
	}
	if err != nil {
		return []spec.Finding{{Message: err.Error()}}
	}
	return nil
}

// Add puts a document into the state.
func (s *State) Add(d Document) {
	switch d.Place.Kind {
	case ApplicationDocument:
		s.Applications[d.Place.Application] = *d.Application
	case EnvironmentDocument:
		s.Environments[d.Place.Environment] = *d.Environment
	case ReleaseDocument:
		put(s.Releases, d.Place.Application, d.Place.Release, *d.Release)
	case PlacedDocument:
		put(s.Placed, d.Place.Environment, d.Place.Application, *d.Release)
	}
}

func put(m map[string]map[string]v1alpha1.Release, first, second string, r v1alpha1.Release) {
	if m[first] == nil {
		m[first] = map[string]v1alpha1.Release{}
	}
	m[first][second] = r
}

// Check finds what does not fit together: names of what is not there, and names that two would
// share. The findings name files and fields, and no lines.
func (s *State) Check() []spec.Finding {
	found := s.checkNames()
	found = append(found, s.checkPlaced()...)
	return append(found, s.checkNamespaces()...)
}

func (s *State) checkNames() (found []spec.Finding) {
	for _, name := range slices.Sorted(maps.Keys(s.Applications)) {
		a := s.Applications[name]
		for i, e := range a.Spec.Environments {
			at := fieldpath.Item("spec.environments", i)
			environment, there := s.Environments[e]
			switch {
			case !there:
				found = append(found, spec.Finding{File: ApplicationFile(name), Path: at,
					Message:    fmt.Sprintf("there is no environment %q", e),
					Suggestion: spec.Nearest(e, slices.Sorted(maps.Keys(s.Environments)))})
			case !Open(environment, a):
				found = append(found, spec.Finding{File: ApplicationFile(name), Path: at,
					Message: fmt.Sprintf("environment %s belongs to team %s", e, environment.Spec.Team)})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Environments)) {
		if p := s.Environments[name].Spec.Preview; p != nil {
			if _, there := s.Applications[p.Application]; !there {
				found = append(found, spec.Finding{File: EnvironmentFile(name), Path: "spec.preview.application",
					Message: fmt.Sprintf("there is no application %q", p.Application)})
			}
		}
	}
	return found
}

func (s *State) checkPlaced() (found []spec.Finding) {
	for _, e := range slices.Sorted(maps.Keys(s.Placed)) {
		for _, a := range slices.Sorted(maps.Keys(s.Placed[e])) {
			file := PlacedFile(e, a)
			environment, thereE := s.Environments[e]
			application, thereA := s.Applications[a]
			switch {
			case !thereE:
				found = append(found, spec.Finding{File: file, Message: fmt.Sprintf("there is no environment %q", e)})
			case !thereA:
				found = append(found, spec.Finding{File: file, Message: fmt.Sprintf("there is no application %q", a)})
			case !Open(environment, application):
				found = append(found, spec.Finding{File: file,
					Message: fmt.Sprintf("environment %s is not open to %s of team %s", e, a, application.Spec.Team)})
			}
		}
	}
	return found
}

// checkNamespaces finds namespaces and host names that belong to two: "a-b" in "c" and "a" in
// "b-c" come to the same.
func (s *State) checkNamespaces() (found []spec.Finding) {
	owners, hosts := map[string]string{}, map[string]string{}
	claim := func(taken map[string]string, what, name, owner, file string) {
		if first, twice := taken[name]; twice && first != owner {
			found = append(found, spec.Finding{File: file,
				Message: fmt.Sprintf("the %s %s is already that of %s; choose another name", what, name, first)})
			return
		}
		taken[name] = owner
	}
	for _, e := range sortedEnvironments(s.Environments) {
		for _, name := range slices.Sorted(maps.Keys(s.Applications)) {
			a := s.Applications[name]
			if !Open(e, a) {
				continue
			}
			namespace, owner := Namespace(e, a), "environment "+e.Metadata.Name
			file := EnvironmentFile(e.Metadata.Name)
			if e.Spec.Namespace == "" {
				owner, file = name+" in "+e.Metadata.Name, ApplicationFile(name)
			}
			claim(owners, "namespace", namespace, owner, file)
			claim(hosts, "host name", HostLabel(e, a), name+" in "+e.Metadata.Name, file)
		}
		if e.Spec.Namespace != "" {
			claim(owners, "namespace", e.Spec.Namespace, "environment "+e.Metadata.Name,
				EnvironmentFile(e.Metadata.Name))
		}
	}
	return found
}

// Open says whether an environment takes an application: it is everybody's, or the team's; and
// the application goes through it, or does not say through which it goes. A preview is for its
// own application alone.
func Open(e v1alpha1.Environment, a v1alpha1.Application) bool {
	if e.Spec.Preview != nil {
		return e.Spec.Preview.Application == a.Metadata.Name && e.Spec.Team == a.Spec.Team
	}
	if e.Spec.Team != "" && e.Spec.Team != a.Spec.Team {
		return false
	}
	return len(a.Spec.Environments) == 0 || slices.Contains(a.Spec.Environments, e.Metadata.Name)
}

// Pipeline gives the environments that an application goes through, in the order of promotion;
// previews are none of them.
func (s *State) Pipeline(application string) []v1alpha1.Environment {
	a, ok := s.Applications[application]
	if !ok {
		return nil
	}
	return slices.DeleteFunc(sortedEnvironments(s.Environments), func(e v1alpha1.Environment) bool {
		return e.Spec.Preview != nil || !Open(e, a)
	})
}

func sortedEnvironments(m map[string]v1alpha1.Environment) []v1alpha1.Environment {
	return slices.SortedFunc(maps.Values(m), func(a, b v1alpha1.Environment) int {
		return cmp.Or(cmp.Compare(a.Spec.Order, b.Spec.Order), cmp.Compare(a.Metadata.Name, b.Metadata.Name))
	})
}
