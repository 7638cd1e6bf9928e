package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
)

// Lock is platform.lock.yaml: the exact versions and digests that were resolved. Lists are
// sorted by name.
type Lock struct {
	v1alpha1.TypeMeta `json:",inline"`
	Tools             []LockedTool      `json:"tools,omitempty"`
	Components        []LockedComponent `json:"components,omitempty"`
	Packages          []LockedPackage   `json:"packages,omitempty"`
}

// LockedTool is a tool of the plan; Digest is that of its folder in the catalogue.
type LockedTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
}

// LockedComponent is a recipe whose image is used, directly or as a base, or whose module
// gives manifests.
type LockedComponent struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Recipe is the digest of the component's folder.
	Recipe string        `json:"recipe"`
	Images []LockedImage `json:"images,omitempty"`
}

// LockedImage is a reference in manifests. Digest is upstream's where the image is pulled, and
// empty where it is built.
type LockedImage struct {
	Ref    string `json:"ref"`
	Digest string `json:"digest,omitempty"`
}

// LockedPackage is a package: Source is its path or Git URL, Revision the commit or the digest
// of its content.
type LockedPackage struct {
	Name     string `json:"name"`
	Source   string `json:"source"`
	Revision string `json:"revision,omitempty"`
}

// Decisions are what supply and the packages' sources add to a lock.
type Decisions struct {
	// Components are recipes that are used beside those of the tools, the cluster's for example.
	Components []string
	// Pulled maps an image reference to the digest by which it is pulled.
	Pulled map[string]string
	// Packages maps a package's name to its revision.
	Packages map[string]string
}

// NewLock pins a plan. It is pure; a component that the catalogue does not have is an error.
func NewLock(p Plan, c *catalog.Catalog, d Decisions) (Lock, error) {
	lock := Lock{TypeMeta: v1alpha1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: LockKind}}
	used := slices.Clone(d.Components)
	for _, u := range p.Units {
		switch u.Kind {
		case KindTool:
			lock.Tools = append(lock.Tools, LockedTool{Name: u.Name, Version: u.Version, Digest: c.Tools[u.Name].Digest})
			used = append(append(used, u.Components...), manifestSources(u)...)
			for _, image := range u.Tool.Spec.Publish {
				used = append(used, image.Component)
			}
		case KindPackage:
			source := u.Package.Path
			if u.Package.Git != nil {
				source = u.Package.Git.URL
			}
			lock.Packages = append(lock.Packages, LockedPackage{Name: u.Name, Source: source, Revision: d.Packages[u.Name]})
		}
	}
	names, err := withBases(c, used)
	if err != nil {
		return Lock{}, err
	}
	for _, name := range names {
		recipe := c.Recipes[name]
		component := LockedComponent{Name: name, Version: recipe.Spec.Version, Recipe: recipe.Digest}
		for _, ref := range recipe.Spec.Images {
			component.Images = append(component.Images, LockedImage{Ref: ref, Digest: d.Pulled[ref]})
		}
		lock.Components = append(lock.Components, component)
	}
	slices.SortFunc(lock.Tools, func(a, b LockedTool) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(lock.Packages, func(a, b LockedPackage) int { return cmp.Compare(a.Name, b.Name) })
	return lock, nil
}

// manifestSources are the components whose modules give a tool's manifests.
func manifestSources(u Unit) []string {
	var out []string
	for _, s := range u.Tool.Spec.Sources {
		switch {
		case s.Files != nil:
			out = append(out, s.Files.Component)
		case s.Kustomize != nil:
			out = append(out, s.Kustomize.Component)
		case s.Helm != nil:
			out = append(out, s.Helm.Component)
		}
	}
	return out
}

// withBases adds the recipes whose layers others take, and sorts.
func withBases(c *catalog.Catalog, names []string) ([]string, error) {
	var out []string
	for queue := slices.Clone(names); len(queue) > 0; queue = queue[1:] {
		name := queue[0]
		if slices.Contains(out, name) {
			continue
		}
		recipe, known := c.Recipes[name]
		if !known {
			return nil, fmt.Errorf("lock: no recipe for the component %q", name)
		}
		out = append(out, name)
		for _, layer := range recipe.Spec.Layers {
			if layer.Base != "" {
				queue = append(queue, layer.Base)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// LockMismatch is one difference between a lock and what would be locked now.
type LockMismatch struct {
	// Kind is "tool", "component", "image" or "package".
	Kind, Name string
	// Locked and Found are versions, digests or revisions; "" where one side lacks the entry.
	Locked, Found string
}

// Error says what the lock holds and what there is.
func (m *LockMismatch) Error() string {
	switch {
	case m.Locked == "":
		return fmt.Sprintf("%s %s is not in the lock", m.Kind, m.Name)
	case m.Found == "":
		return fmt.Sprintf("%s %s is in the lock and no longer in the plan", m.Kind, m.Name)
	}
	return fmt.Sprintf("%s %s is locked as %s and is now %s", m.Kind, m.Name, m.Locked, m.Found)
}

// Compare lists what differs between this lock and a newer one, sorted by kind and name.
func (l Lock) Compare(now Lock) []*LockMismatch {
	before, after := l.entries(), now.entries()
	var out []*LockMismatch
	for key, locked := range before {
		if found := after[key]; found != locked {
			out = append(out, &LockMismatch{Kind: key[0], Name: key[1], Locked: locked, Found: found})
		}
	}
	for key, found := range after {
		if _, there := before[key]; !there {
			out = append(out, &LockMismatch{Kind: key[0], Name: key[1], Found: found})
		}
	}
	slices.SortFunc(out, func(a, b *LockMismatch) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// entries flattens a lock: kind and name to what is pinned.
func (l Lock) entries() map[[2]string]string {
	out := map[[2]string]string{}
	for _, t := range l.Tools {
		out[[2]string{"tool", t.Name}] = t.Version + " " + t.Digest
	}
	for _, c := range l.Components {
		out[[2]string{"component", c.Name}] = c.Version + " " + c.Recipe
		for _, image := range c.Images {
			out[[2]string{"image", image.Ref}] = cmp.Or(image.Digest, "built")
		}
	}
	for _, p := range l.Packages {
		out[[2]string{"package", p.Name}] = p.Source + " " + p.Revision
	}
	return out
}
