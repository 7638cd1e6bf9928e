package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"
	"unicode/utf8"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/scaffold/actions"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/index"
	"github.com/slipway-dev/slipway/internal/server/index/backend"
	"github.com/slipway-dev/slipway/internal/spec"
)

// builtin begins the location of what comes with Slipway; no repository is called so.
const builtin = "slipway:"

// templates are the golden paths that come with Slipway, and those that are registered.
type templates struct {
	portal   *Portal
	registry *scaffold.Registry
	own      fs.FS
	known    map[entity.Ref]*scaffold.Template
	digest   string
	entities []entity.Entity
}

func newTemplates(p *Portal, o Options) (*templates, error) {
	own := o.Templates
	t := &templates{portal: p, own: own, known: map[entity.Ref]*scaffold.Template{}}
	all := slices.Concat(actions.Fetch(source{p}), actions.Files(), actions.Catalog(registrar{p.catalogue}),
		actions.Kubernetes(newClusters(p, o.Kube)), actions.Wait(sleep), actions.Notify(notifier{p}))
	if p.git.Actions != nil {
		all = append(all, p.git.Actions(p.git.Forge, p.gitURL)...)
	}
	if d := o.Config.Delivery; d != nil && o.DeliveryActions[d.Tool] != nil {
		all = append(all, o.DeliveryActions[d.Tool](Handovers{p})...)
	}
	var err error
	if t.registry, err = scaffold.NewRegistry(all...); err != nil {
		return nil, err
	}
	if own == nil {
		return t, nil
	}
	names, err := fs.Glob(own, "*/template.yaml")
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	for _, name := range names {
		made, err := scaffold.Load(own, name)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		if err := scaffold.AsError(t.registry.Check(made)); err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		data, err := fs.ReadFile(own, name)
		if err != nil {
			return nil, err
		}
		entities, _ := entity.Decode(entity.Source{Location: builtin + name, Data: data})
		t.entities = append(t.entities, entities...)
		t.known[entity.NewRef("template", made.Namespace, made.Name)] = made
		_, _ = sum.Write(data)
	}
	t.digest = hex.EncodeToString(sum.Sum(nil))
	return t, nil
}

// source gives the built-in templates to the index.
func (t *templates) source() index.Source { return ownTemplates{t} }

type ownTemplates struct{ *templates }

func (ownTemplates) Name() string { return "templates" }

func (t ownTemplates) Changes(_ context.Context, position string) (index.Changes, error) {
	if position == t.digest {
		return index.Changes{Position: position}, nil
	}
	return index.Changes{Position: t.digest, Replace: true, Rank: rankOwn, Entities: t.entities,
		Findings: map[string][]spec.Finding{}}, nil
}

// loaded is a template with what is wrong with it.
type loaded struct {
	*scaffold.Template
	entity entity.Entity
	errors []api.EntityError
}

// load reads a template as it is now.
func (t *templates) load(ctx context.Context, ref entity.Ref) (loaded, error) {
	e, _, err := t.portal.index.Entity(ctx, ref)
	if err != nil {
		return loaded{}, backend.Wrap(err)
	}
	out := loaded{entity: e}
	if strings.HasPrefix(e.Source.Location, builtin) {
		out.Template = t.known[ref]
		return out, nil
	}
	out.Template, err = t.fromRepository(ctx, e)
	if err != nil {
		found := spec.Errors{}
		if !errors.As(err, &found) {
			return loaded{}, err
		}
		out.errors = backend.EntityErrors(found)
		return out, nil
	}
	for _, f := range t.registry.Check(out.Template) {
		if !f.Warning {
			out.errors = append(out.errors, backend.EntityErrors([]spec.Finding{f.Finding})...)
		}
	}
	return out, nil
}

// checkAll looks at the templates among entities of repositories: mistakes are an error of type spec.Errors, what
// keeps no template from running is given beside it.
func (t *templates) checkAll(ctx context.Context, all []entity.Entity) (warnings []spec.Finding, err error) {
	var wrong []spec.Finding
	for _, e := range all {
		if e.Kind != scaffold.Kind {
			continue
		}
		template, err := t.fromRepository(ctx, e)
		found := spec.Errors{}
		switch {
		case errors.As(err, &found):
			wrong = append(wrong, found...)
			continue
		case err != nil:
			return warnings, err
		}
		for _, f := range t.registry.Check(template) {
			if f.Warning {
				warnings = append(warnings, f.Finding)
			} else {
				wrong = append(wrong, f.Finding)
			}
		}
	}
	return warnings, spec.AsError(wrong)
}

func (t *templates) fromRepository(ctx context.Context, e entity.Entity) (*scaffold.Template, error) {
	parts := strings.SplitN(e.Source.Location, "/", 3)
	if len(parts) < 3 {
		return nil, fmt.Errorf("template %s: %q is no file of a repository", e.Ref(), e.Source.Location)
	}
	r := forge.Repository{Owner: parts[0], Name: parts[1]}
	info, err := t.portal.git.Forge.Repository(ctx, r)
	if err != nil {
		return nil, err
	}
	files, err := t.portal.files(ctx, r, info.DefaultBranch, "")
	if err != nil {
		return nil, err
	}
	return scaffold.Load(memory(files, ""), parts[2])
}

// memory is files below a folder as a tree.
func memory(files []forge.File, folder string) fs.FS {
	out := fstest.MapFS{}
	for _, f := range files {
		name := f.Path
		if folder != "" {
			var below bool
			if name, below = strings.CutPrefix(name, folder+"/"); !below {
				continue
			}
		}
		out[name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return out
}

// runnable is a template that can be run.
func (t *templates) runnable(ctx context.Context, ref api.TemplateRef) (*scaffold.Template, error) {
	l, err := t.load(ctx, entity.NewRef("template", ref.Namespace, ref.Name))
	if err != nil {
		return nil, err
	}
	if len(l.errors) > 0 {
		return nil, fault.Hint(fmt.Errorf("template %s cannot be run: %s: %w", ref.Name, l.errors[0].Message, api.ErrInvalid),
			"correct it in its repository; the catalogue's page of the template shows all its mistakes")
	}
	return l.Template, nil
}

func (t *templates) summary(l loaded) api.TemplateSummary {
	e := l.entity
	out := api.TemplateSummary{Namespace: e.Metadata.Namespace, Name: e.Metadata.Name, Title: e.Metadata.Title,
		Description: e.Metadata.Description, Type: e.Type(), Tags: append([]string{}, e.Metadata.Tags...),
		Errors: append([]api.EntityError{}, l.errors...)}
	if l.Template != nil {
		out.Owner = l.Owner
	}
	return out
}

// Templates lists templates.
func (t *templates) Templates(ctx context.Context, page api.Page) (api.List[api.TemplateSummary], error) {
	l, err := t.portal.index.Entities(ctx, index.EntityQuery{Filter: entity.Filter{Kinds: []string{"Template"}}}, index.Page(page))
	if err != nil {
		return api.List[api.TemplateSummary]{}, backend.Wrap(err)
	}
	out := api.List[api.TemplateSummary]{Next: l.Next}
	for _, s := range l.Items {
		made, err := t.load(ctx, s.Ref)
		if err != nil {
			made = loaded{errors: []api.EntityError{{Message: err.Error()}}, entity: entity.Entity{Kind: s.Kind,
				Metadata: entity.Metadata{Name: s.Name, Namespace: s.Namespace, Title: s.Title, Description: s.Description}}}
		}
		out.Items = append(out.Items, t.summary(made))
	}
	return out, nil
}

// Template shows a template.
func (t *templates) Template(ctx context.Context, ref api.TemplateRef) (api.Template, error) {
	l, err := t.load(ctx, entity.NewRef("template", ref.Namespace, ref.Name))
	if err != nil {
		return api.Template{}, err
	}
	out := api.Template{TemplateSummary: t.summary(l), Parameters: []map[string]any{}, Steps: []api.TemplateStep{},
		Source: t.portal.sourceOf(l.entity.Source.Location)}
	if l.Template == nil {
		return out, nil
	}
	for _, p := range l.Pages {
		var schema map[string]any
		if err := json.Unmarshal(p.Schema, &schema); err != nil {
			return out, fmt.Errorf("read the form of %s: %w", l.Ref(), err)
		}
		out.Parameters = append(out.Parameters, schema)
	}
	for _, s := range l.Steps {
		out.Steps = append(out.Steps, api.TemplateStep{ID: s.ID, Name: s.Name, Action: s.Action})
	}
	return out, nil
}

// maxShown is how much of one file a dry run shows, in bytes.
const maxShown = 256 << 10

// DryRun shows what a run would make.
func (t *templates) DryRun(ctx context.Context, by api.Actor, ref api.TemplateRef, values map[string]any) (api.DryRun, error) {
	template, err := t.runnable(ctx, ref)
	if err != nil {
		return api.DryRun{}, err
	}
	preview, err := t.portal.runs.runner.Preview(ctx, scaffold.Request{ID: "dry-run", Template: template, Values: values,
		User: userOf(by)})
	if err != nil {
		return api.DryRun{}, wrongStep(ctx, err)
	}
	out := api.DryRun{Steps: []api.RunStep{}, Files: []api.DryRunFile{}, Output: preview.Output, Log: []string{}}
	for _, s := range preview.Steps {
		step := api.RunStep{TemplateStep: api.TemplateStep{ID: s.ID, Name: s.Name, Action: s.Action}, State: api.RunSucceeded}
		if s.Skipped {
			step.State = api.RunSkipped
		}
		out.Steps = append(out.Steps, step)
		for _, line := range s.Log {
			out.Log = append(out.Log, s.ID+": "+line)
		}
	}
	for _, f := range preview.Files {
		shown := api.DryRunFile{Path: f.Path, Executable: f.Executable, Size: len(f.Data)}
		if shown.Binary = !utf8.Valid(f.Data); !shown.Binary {
			shown.Content = string(f.Data[:min(len(f.Data), maxShown)])
		}
		out.Files = append(out.Files, shown)
	}
	return out, nil
}

// wrongValues says of mistakes in values that they are the caller's.
func wrongValues(err error) error {
	var found spec.Errors
	if errors.As(err, &found) {
		return fault.Hint(fmt.Errorf("the template's parameters: %w: %w", found, api.ErrInvalid),
			"GET /api/v1/templates/{namespace}/{name} shows the parameters")
	}
	return err
}

// wrongStep says of a step that fails in a dry run that template and values do not fit.
func wrongStep(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, api.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %w", wrongValues(err), api.ErrInvalid)
}

// source reads what templates name by an absolute address: repositories of the run's team, and public ones.
type source struct{ *Portal }

func (s source) place(ctx context.Context, address string) (placeOfFile, error) {
	l, err := s.parse(address)
	if err != nil {
		return l, err
	}
	if MayMakeIn(ctx, l.repository.Owner) == nil {
		return l, nil
	}
	info, err := s.git.Forge.Repository(ctx, l.repository)
	if err != nil {
		return l, err
	}
	if info.Private {
		return l, fmt.Errorf("%s is private, and not the team's: %w", l.repository, api.ErrDenied)
	}
	return l, nil
}

// Folder gives the files below an address.
func (s source) Folder(ctx context.Context, address string) (fs.FS, error) {
	l, err := s.place(ctx, strings.TrimRight(address, "/"))
	if err != nil {
		return nil, err
	}
	files, err := s.files(ctx, l.repository, l.branch, l.file)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	}
	return memory(files, l.file), err
}

// File gives one file.
func (s source) File(ctx context.Context, address string) ([]byte, error) {
	l, err := s.place(ctx, address)
	if err != nil {
		return nil, err
	}
	f, err := s.git.Forge.ReadFile(ctx, l.repository, l.branch, path.Clean(l.file))
	return f.Data, err
}
