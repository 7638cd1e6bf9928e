package platform

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/catalog"
	"github.com/slipway-dev/slipway/components"
	loaded "github.com/slipway-dev/slipway/internal/catalog"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/spec"
	"github.com/slipway-dev/slipway/internal/supply"
)

const (
	// defaultFile is taken where it stands in the working directory.
	defaultFile = "platform.yaml"
	// defaultBlueprint is taken where nothing else is said.
	defaultBlueprint = "starter"
)

// Selection says which platform is meant, as the user gave it.
type Selection struct {
	File      string
	Blueprint string
	Name      string
	Provider  string
	Supply    string
	Catalogs  []string
}

// LoadCatalog loads the built-in catalogue with the user's own directories over it.
func LoadCatalog(dirs []string) (*loaded.Catalog, error) {
	recipes, err := components.FS()
	if err != nil {
		return nil, err
	}
	c, err := loaded.Load(catalog.FS(), recipes, dirs)
	if err != nil {
		return nil, err
	}
	return c, markSelf(c)
}

// markSelf makes the digests of recipes that hold this very program change with it, as those of others do with what
// they are made from: so its image is made anew, and what runs from it is started anew.
func markSelf(c *loaded.Catalog) error {
	for name, r := range c.Recipes {
		if !slices.ContainsFunc(r.Spec.Layers, func(l v1alpha1.Layer) bool { return l.Self != "" }) {
			continue
		}
		id, err := supply.ProgramID()
		if err != nil {
			return err
		}
		r.Digest = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(r.Digest+" "+id)))
		c.Recipes[name] = r
	}
	return nil
}

// file gives the Platform file that a selection means, or "" for a blueprint.
func (s Selection) file(dir string) string {
	switch {
	case s.File != "" && filepath.IsAbs(s.File):
		return s.File
	case s.File != "":
		return filepath.Join(dir, s.File)
	case s.Blueprint != "":
		return ""
	}
	file := filepath.Join(dir, defaultFile)
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

// read loads the selected Platform from its file, from what is remembered of one that was brought
// up, or from a blueprint, in this order.
func (s Selection) read(ctx context.Context, h Home, dir string) (record, error) {
	for i, c := range s.Catalogs {
		if !filepath.IsAbs(c) {
			s.Catalogs[i] = filepath.Join(dir, c)
		}
	}
	r := record{Catalogs: s.Catalogs}
	if file := s.file(dir); file != "" {
		p, warnings, err := spec.Load(ctx, file)
		if err != nil {
			return r, err
		}
		r.Platform, r.File, r.Base, r.warnings = p, file, filepath.Dir(file), warnings
		return s.apply(r)
	}
	if s.Name != "" && s.Blueprint == "" {
		known, missing, err := remembered(h, s.Name)
		if err != nil {
			return r, err
		}
		if !missing {
			if len(s.Catalogs) > 0 {
				known.Catalogs = s.Catalogs
			}
			if known.File != "" {
				if _, err := os.Stat(known.File); err == nil {
					return Selection{File: known.File, Name: s.Name, Provider: s.Provider, Supply: s.Supply, Catalogs: known.Catalogs}.read(ctx, h, dir)
				}
			}
			return s.apply(known)
		}
	}
	return s.fromBlueprint(r, dir)
}

func (s Selection) fromBlueprint(r record, dir string) (record, error) {
	name := s.Blueprint
	if name == "" {
		name = defaultBlueprint
	}
	c, err := LoadCatalog(s.Catalogs)
	if err != nil {
		return r, err
	}
	b, ok := c.Blueprints[name]
	if !ok {
		return r, fault.Invalid(fmt.Errorf("there is no blueprint %q", name), "see `slipway blueprint list`")
	}
	p, warnings, err := spec.Decode(b.File, b.Data)
	if err != nil {
		return r, err
	}
	r.Platform, r.Blueprint, r.Base, r.warnings = p, name, dir, warnings
	return s.apply(r)
}

// apply puts what the command line says over what the file says.
func (s Selection) apply(r record) (record, error) {
	p := &r.Platform
	if s.Name != "" && !spec.IsName(s.Name) {
		return r, fault.Invalid(fmt.Errorf("--name: %q is not a name", s.Name), "a name has 1 to 63 lower-case letters, digits and hyphens, and no hyphen at either end")
	}
	if s.Name != "" && s.Name != p.Metadata.Name {
		if p.Spec.Domain == p.Metadata.Name+".localhost" {
			p.Spec.Domain = s.Name + ".localhost"
		}
		p.Metadata.Name = s.Name
	}
	if s.Provider != "" {
		p.Spec.Cluster.Provider = s.Provider
	}
	if s.Supply != "" {
		p.Spec.Supply.Mode = s.Supply
	}
	return r, spec.Validate(*p)
}

// remembered reads what is remembered of the platform called name.
func remembered(h Home, name string) (r record, missing bool, err error) {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return r, true, nil
	}
	missing, err = readJSON(h.Platform(name).record(), &r)
	return r, missing, err
}

// find chooses among the platforms that have been brought up on this machine.
func (s Selection) find(ctx context.Context, h Home, dir string) (record, error) {
	name := s.Name
	if file := s.file(dir); name == "" && file != "" {
		p, _, err := spec.Load(ctx, file)
		if err != nil {
			return record{}, err
		}
		name = p.Metadata.Name
	}
	if name == "" {
		switch names := h.Names(); len(names) {
		case 0:
			return record{}, fault.Hint(fmt.Errorf("no platform has been brought up here (%s is empty)", h.State), "run `slipway up`")
		case 1:
			name = names[0]
		default:
			return record{}, fault.Invalid(fmt.Errorf("there are several platforms: %s", strings.Join(names, ", ")), "say which one with --name")
		}
	}
	r, missing, err := remembered(h, name)
	if missing {
		return r, fault.Hint(fmt.Errorf("the platform %s has not been brought up here", name), "run `slipway up`")
	}
	return r, err
}
