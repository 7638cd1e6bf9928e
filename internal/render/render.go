// Package render turns a plan into plain Kubernetes manifests: one deterministic tree of files,
// one object a file. It reads the catalogue, pinned modules and packages, and touches neither
// network nor cluster itself; what it gives is what is committed, delivered and diffed.
package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render/pack"
)

// Where the tree is kept: the platform's repository on its own Git server.
const (
	RepositoryOwner  = "slipway"  // owns the platform's repository and those for content
	RepositoryName   = "platform" // the tree's repository
	RepositoryBranch = "main"
)

// Labels on every rendered object.
const (
	LabelPlatform = "slipway.dev/platform"
	LabelUnit     = "slipway.dev/unit"
)

// Sources gives what the manifests are made from.
type Sources interface {
	// ToolFS is the tool's folder in the catalogue.
	ToolFS(tool string) (fs.FS, error)
	// ModuleDir is the directory of a module at the version that the component's go.mod requires.
	ModuleDir(ctx context.Context, component, module string) (string, error)
	// Package is the directory of a package, fetched if need be.
	Package(ctx context.Context, p v1alpha1.Package) (string, error)
}

// Render renders all units of p, in order.
func Render(ctx context.Context, p plan.Plan, src Sources, report progress.Reporter) (Tree, error) {
	r := &renderer{plan: p, src: src, report: report}
	steps := []func(context.Context) error{
		r.readUnits,         // sources of every tool and package become objects
		r.placeInNamespaces, // known only now that all definitions of kinds are read
		r.dropUnwanted,      // what upstream brings and the platform does not want
		r.addNamespaces,
		r.patchUnits, // the tools' own patches
		r.markSupply, // on the workloads as they are now
		r.override,   // the platform's, last of all
		r.handOver,   // an application for each unit
		r.label,
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return Tree{}, err
		}
		if err := step(ctx); err != nil {
			return Tree{}, err
		}
	}
	return r.tree(ctx)
}

// renderer holds what the steps hand on.
type renderer struct {
	plan         plan.Plan
	src          Sources
	report       progress.Reporter
	units        []*unit
	applications []application
	contents     []Content
}

// readUnits reads every unit, in the plan's order: charts of later units see the kinds that
// earlier ones define.
func (r *renderer) readUnits(ctx context.Context) error {
	var apiVersions []string
	for _, planned := range r.plan.Units {
		task := progress.Start(r.report, "render/"+planned.Name, "reading manifests", 0)
		u := &unit{Unit: planned}
		var err error
		if planned.Kind == plan.KindPackage {
			err = r.readPackage(ctx, u, apiVersions, task)
		} else {
			err = r.readTool(ctx, u, apiVersions)
		}
		if err != nil {
			return task.End("", fmt.Errorf("render %s %s: %w", planned.Kind, planned.Name, err))
		}
		r.units = append(r.units, u)
		apiVersions = append(apiVersions, definedVersions(u.objects)...)
		_ = task.End(fmt.Sprintf("%d objects", len(u.objects)), nil)
	}
	return nil
}

func (r *renderer) readPackage(ctx context.Context, u *unit, apiVersions []string, task *progress.Task) error {
	if u.Package == nil {
		return errors.New("the plan holds no package of this name")
	}
	dir, err := r.src.Package(ctx, *u.Package)
	if err != nil {
		return err
	}
	options := pack.Options{Name: u.Name, Dir: dir, Namespace: u.Namespace, Values: u.Package.Values,
		APIVersions: apiVersions, RepositoryURL: r.repositoryURL}
	if d := r.delivery(); d != nil {
		options.ApplicationNamespace = d.Namespace
	}
	if u.Package.Expressions {
		if options.Scope, err = r.scope(u.Unit); err != nil {
			return err
		}
	}
	read, err := pack.Read(options)
	if err != nil {
		return err
	}
	for _, s := range read.Skipped {
		task.Update("left out: " + s)
	}
	u.objects = read.Objects
	for repository, dir := range read.Contents {
		url, err := r.repositoryURL(repository)
		if err != nil {
			return err
		}
		c := Content{Unit: u.Name, Repository: repository, URL: url, Dir: dir}
		if c.Digest, err = c.digest(); err != nil {
			return err
		}
		r.contents = append(r.contents, c)
	}
	return nil
}

// provider is the unit that provides a capability; nil where none does.
func (r *renderer) provider(capability string) *plan.Unit {
	for i := range r.plan.Units {
		if slices.Contains(r.plan.Units[i].Capabilities, capability) {
			return &r.plan.Units[i]
		}
	}
	return nil
}
