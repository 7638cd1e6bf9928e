package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	sigyaml "sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/scaffold/actions"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/index"
	"github.com/slipway-dev/slipway/internal/server/index/backend"
	"github.com/slipway-dev/slipway/internal/server/index/sources"
	"github.com/slipway-dev/slipway/internal/spec"
)

// catalogFolder is where the environments' repository keeps which catalogue files are registered: one
// Location a file.
const catalogFolder = "catalog"

// Ranks of sources, where several define one entity.
const (
	rankOwn   = 0
	rankTeams = 1
	rankRepos = 10
)

// catalogue is the software catalogue, from the index.
type catalogue struct {
	backend.Catalog
	portal *Portal
	mu     sync.Mutex // one catching up at a time
}

// place is a catalogue file on the Git server.
type placeOfFile struct {
	repository   forge.Repository
	branch, file string
}

// parse reads the address of a file, or of a folder, on this platform's Git server.
func (p *Portal) parse(address string) (placeOfFile, error) {
	rest, ours := strings.CutPrefix(address, p.gitURL+"/")
	parts := strings.Split(rest, "/")
	if !ours || len(parts) < 5 || parts[2] != "src" && parts[2] != "raw" || parts[3] != "branch" {
		return placeOfFile{}, fault.Hint(fmt.Errorf("%s is not a file on this platform's Git server: %w", address,
			api.ErrInvalid), "write "+p.gitURL+"/OWNER/NAME/src/branch/BRANCH/FILE")
	}
	for i, part := range parts {
		var err error
		if parts[i], err = url.PathUnescape(part); err != nil {
			return placeOfFile{}, fmt.Errorf("%s: %w: %w", address, err, api.ErrInvalid)
		}
	}
	// Templates write the file with a slash before it, Git knows none.
	file := strings.TrimPrefix(path.Clean("/"+strings.Join(parts[5:], "/")), "/")
	return placeOfFile{forge.Repository{Owner: parts[0], Name: parts[1]}, parts[4], file}, nil
}

// locationFile is where a registration is kept; its name is the address's own.
func locationFile(address string) string {
	sum := sha256.Sum256([]byte(address))
	return path.Join(catalogFolder, hex.EncodeToString(sum[:10])+".yaml")
}

// location is a registration, as an entity in the catalogue's own format.
func location(address string) ([]byte, error) {
	sum := sha256.Sum256([]byte(address))
	return sigyaml.Marshal(map[string]any{"apiVersion": "backstage.io/v1alpha1", "kind": "Location",
		"metadata": map[string]any{"name": "generated-" + hex.EncodeToString(sum[:10])},
		"spec":     map[string]any{"type": "url", "target": address}})
}

// registered are the addresses of all registered files, sorted.
func (s *snapshot) registered() []string {
	var out []string
	for name, data := range s.files {
		if path.Dir(name) != catalogFolder {
			continue
		}
		var l struct {
			Spec struct {
				Target string `json:"target"`
			} `json:"spec"`
		}
		if err := sigyaml.Unmarshal(data, &l); err == nil && l.Spec.Target != "" {
			out = append(out, l.Spec.Target)
		}
	}
	slices.Sort(out)
	return out
}

// sources are what the index is made from now.
func (c *catalogue) sources(s *snapshot) []index.Source {
	p := c.portal
	out := []index.Source{
		p.templates.source(), teamsSource{s},
		sources.Environments{Git: p.git.Forge, Repository: p.environments.name, Branch: app.Branch},
	}
	for _, address := range s.registered() {
		l, err := p.parse(address)
		if err != nil {
			p.log.Warn("a registered catalogue file is left out", "address", address, "cause", err.Error())
			continue
		}
		out = append(out, c.source(l))
	}
	return append(out, p.moreSources...)
}

func (c *catalogue) source(l placeOfFile) sources.Catalogue {
	return sources.Catalogue{Git: c.portal.git.Forge, Repository: l.repository, Branch: l.branch, File: l.file,
		Kinds: entity.OwnKinds, Rank: rankRepos}
}

// catchUp brings the index up to Git. A source that fails is named, and keeps no other from being read.
func (c *catalogue) catchUp(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.portal.environments.now()
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	var errs []error
	for _, source := range c.sources(s) {
		if wanted[source.Name()] {
			continue
		}
		wanted[source.Name()] = true
		if err := c.portal.index.CatchUp(ctx, source); err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", source.Name(), err))
		}
	}
	known, err := c.portal.index.Sources(ctx)
	if err != nil {
		return err
	}
	for _, name := range known {
		if !wanted[name] {
			errs = append(errs, c.portal.index.Forget(ctx, name))
		}
	}
	return errors.Join(errs...)
}

// teamsSource has a Group for each team that owns something.
type teamsSource struct{ *snapshot }

func (teamsSource) Name() string { return "teams" }

func (t teamsSource) Changes(_ context.Context, position string) (index.Changes, error) {
	teams := map[string]bool{"platform": true}
	for _, a := range t.state.Applications {
		teams[a.Spec.Team] = true
	}
	for _, e := range t.state.Environments {
		if e.Spec.Team != "" {
			teams[e.Spec.Team] = true
		}
	}
	names := slices.Sorted(maps.Keys(teams))
	out := index.Changes{Position: strings.Join(names, ","), Replace: true, Rank: rankTeams, Findings: map[string][]spec.Finding{}}
	if out.Position == position {
		return index.Changes{Position: position}, nil
	}
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: %q}\nspec: {type: team, children: []}\n", name)
	}
	out.Entities, out.Findings["slipway:teams"] = entity.Decode(entity.Source{Location: "slipway:teams", Data: []byte(text.String())})
	return out, nil
}

// Register takes a file in for a team.
func (c *catalogue) Register(ctx context.Context, by api.Actor, team, address string) (api.Registration, error) {
	ctx = asMaker(ctx, team, c.portal.personOf(by))
	out := api.Registration{Address: address, Entities: []string{}, Warnings: []api.EntityError{}}
	l, err := c.ofTeam(ctx, address)
	if err != nil {
		return out, err
	}
	found, err := c.read(ctx, l)
	if err != nil {
		return out, registrationError(err)
	}
	warnings, err := c.portal.templates.checkAll(ctx, found)
	if err != nil {
		return out, registrationError(err)
	}
	out.Warnings = append(out.Warnings, backend.EntityErrors(warnings)...)
	for _, e := range found {
		out.Entities = append(out.Entities, e.Ref().String())
		out.Warnings = append(out.Warnings, backend.EntityErrors(e.Errors)...)
	}
	return out, registrationError(c.register(ctx, address))
}

// Unregister takes a file out for a team.
func (c *catalogue) Unregister(ctx context.Context, by api.Actor, team, address string) error {
	ctx = asMaker(ctx, team, c.portal.personOf(by))
	if _, err := c.ofTeam(ctx, address); err != nil {
		return err
	}
	if known, err := (registrar{c}).Registered(ctx, address); err != nil || !known {
		return errors.Join(err, fault.Hint(fmt.Errorf("%s: %w in the catalogue", address, api.ErrNotFound),
			"give the address as it was registered; an entity's page shows its file"))
	}
	return c.unregister(ctx, address)
}

// registrationError says of what is wrong with a file that it is the caller's to mend.
func registrationError(err error) error {
	var found spec.Errors
	if errors.As(err, &found) || errors.Is(err, actions.ErrNoEntity) || errors.Is(err, forge.ErrNotFound) {
		return fault.Hint(fmt.Errorf("%w: %w", err, api.ErrInvalid), "correct the file, push, and register it again")
	}
	return err
}

// ofTeam is a file of the repositories of the team for which ctx makes things.
func (c *catalogue) ofTeam(ctx context.Context, address string) (placeOfFile, error) {
	l, err := c.portal.parse(address)
	if err != nil {
		return l, err
	}
	return l, MayMakeIn(ctx, l.repository.Owner)
}

// register adds a catalogue file, and the application that it describes, in one commit. A template with mistakes
// is refused, each with its line: the error is of type spec.Errors.
func (c *catalogue) register(ctx context.Context, address string) error {
	p := c.portal
	l, err := c.ofTeam(ctx, address)
	if err != nil {
		return err
	}
	found, err := c.read(ctx, l)
	if err != nil {
		return err
	}
	if _, err := p.templates.checkAll(ctx, found); err != nil {
		return err
	}
	data, err := location(address)
	if err != nil {
		return err
	}
	a, isApplication, err := p.applicationIn(ctx, l, found)
	if err != nil {
		return err
	}
	if _, err := p.environments.change(ctx, AuthorOf(ctx), "Register "+l.repository.String(), func(s *snapshot) (app.Change, error) {
		change := app.Change{Write: app.Files{}}
		if name := locationFile(address); s.files[name] == nil {
			change.Write[name] = data
		}
		if !isApplication {
			return change, nil
		}
		return change, addApplication(s, a, &change)
	}); err != nil {
		return err
	}
	if isApplication {
		p.events.tell(api.Event{Type: "application.created", Team: a.Spec.Team, Application: a.Metadata.Name,
			Subject: "/teams/" + a.Spec.Team + "/applications/" + a.Metadata.Name,
			Summary: a.Metadata.Name + " is registered as an application of " + a.Spec.Team})
	}
	p.heard.ring() // the rest of what has changed comes with the next look
	s, err := p.environments.now()
	if err != nil {
		return err
	}
	// The team may be new too.
	return errors.Join(p.index.CatchUp(ctx, teamsSource{s}), p.index.CatchUp(ctx, c.source(l)))
}

// read reads the entities of a file as it is now.
func (c *catalogue) read(ctx context.Context, l placeOfFile) ([]entity.Entity, error) {
	changes, err := c.source(l).Changes(ctx, "")
	if err != nil {
		return nil, err
	}
	if len(changes.Entities) == 0 {
		return nil, fmt.Errorf("%s of %s on branch %s has no entity: %w", l.file, l.repository, l.branch, actions.ErrNoEntity)
	}
	return changes.Entities, nil
}

// unregister takes a catalogue file, and its application, out again.
func (c *catalogue) unregister(ctx context.Context, address string) error {
	l, err := c.ofTeam(ctx, address)
	if err != nil {
		return err
	}
	if _, err := c.portal.environments.change(ctx, AuthorOf(ctx), "Unregister "+l.repository.String(), func(s *snapshot) (app.Change, error) {
		change := app.Change{}
		if name := locationFile(address); s.files[name] != nil {
			change.Delete = append(change.Delete, name)
		}
		for name, a := range s.state.Applications {
			if a.Spec.Repository == l.repository.String() {
				removed, err := s.state.RemoveApplication(name, s.files)
				if err != nil {
					return app.Change{}, err
				}
				change = change.And(removed)
			}
		}
		return change, nil
	}); err != nil {
		return err
	}
	return c.catchUp(ctx)
}

// registrar is the catalogue as actions of templates use it.
type registrar struct{ *catalogue }

func (r registrar) Registered(_ context.Context, address string) (bool, error) {
	s, err := r.portal.environments.now()
	if err != nil {
		return false, err
	}
	return s.files[locationFile(address)] != nil, nil
}

func (r registrar) Register(ctx context.Context, address string) error {
	return r.register(ctx, address)
}

func (r registrar) Unregister(ctx context.Context, address string) error {
	return r.unregister(ctx, address)
}

func (r registrar) Entities(ctx context.Context, address string) ([]actions.Entity, error) {
	l, err := r.portal.parse(address)
	if err != nil {
		return nil, err
	}
	found, err := r.read(ctx, l)
	if err != nil {
		return nil, err
	}
	out := make([]actions.Entity, len(found))
	for i, e := range found {
		out[i] = actions.Entity{Kind: e.Kind, Namespace: e.Metadata.Namespace, Name: e.Metadata.Name}
	}
	return out, nil
}

func (r registrar) Entity(ctx context.Context, text string) (map[string]any, error) {
	ref, err := entity.ParseRef(text, "component", "")
	if err != nil {
		return nil, err
	}
	e, _, err := r.portal.index.Entity(ctx, ref)
	if errors.Is(err, index.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", ref, actions.ErrNoEntity)
	}
	if err != nil {
		return nil, err
	}
	return tree(map[string]any{"apiVersion": e.APIVersion, "kind": e.Kind, "metadata": e.Metadata, "spec": e.Spec})
}

// tree is a value as plain JSON data.
func tree(v any) (map[string]any, error) {
	text, err := sigyaml.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, sigyaml.Unmarshal(text, &out)
}
