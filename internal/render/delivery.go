package render

import (
	"context"
	"fmt"

	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// application hands one unit over to the GitOps engine.
type application struct {
	unit   string
	object manifest.Object
}

// delivery is the unit whose tool says how units are handed over; nil where there is none.
func (r *renderer) delivery() *plan.Unit {
	u := r.provider("delivery")
	if u == nil || u.Tool == nil || u.Tool.Spec.Delivery == nil {
		return nil
	}
	return u
}

// repositoryURL is the URL of a repository on the platform's Git server.
func (r *renderer) repositoryURL(repository string) (string, error) {
	u := r.provider("git")
	if u == nil {
		return "", fault.Invalid(fmt.Errorf("the repository %s needs a Git server, and the platform has none", repository),
			"choose a tool for the capability git")
	}
	url, _ := u.Outputs["git"]["url"].(string)
	if url == "" {
		return "", fmt.Errorf("the tool %s gives no output git.url", u.Name)
	}
	return url + "/" + RepositoryOwner + "/" + repository + ".git", nil
}

// handOver evaluates the delivery tool's application for every unit, and for the tree's root,
// which holds the applications themselves.
func (r *renderer) handOver(context.Context) error {
	d := r.delivery()
	if d == nil {
		return nil
	}
	url, err := r.repositoryURL(RepositoryName)
	if err != nil {
		return err
	}
	given := map[kube.ID]bool{}
	for _, u := range r.units {
		for _, o := range u.objects {
			given[kube.IDOf(o.Unstructured)] = true
		}
	}
	handed := []map[string]any{{
		"name": RepositoryName, "path": ApplicationsFolder, "namespace": d.Namespace,
		"kind": "root", "bootstrap": true, "order": 0,
	}}
	for i, u := range r.units {
		if u.Name == RepositoryName {
			return fmt.Errorf("%s %s: the name is taken by the application that holds all others", u.Kind, u.Name)
		}
		handed = append(handed, map[string]any{
			"name": u.Name, "path": u.folder(), "namespace": u.Namespace,
			"kind": string(u.Kind), "bootstrap": u.Bootstrap, "order": i + 1,
		})
	}
	for _, vars := range handed {
		vars["repoURL"], vars["revision"] = url, RepositoryBranch
		unit := vars["name"].(string)
		a, err := r.application(*d, unit, vars)
		if err == nil && given[kube.IDOf(a.object.Unstructured)] {
			// packages of applications often have one of their own name
			vars["name"] = unit + "-package"
			a, err = r.application(*d, unit, vars)
		}
		if err != nil {
			return fmt.Errorf("tool %s: spec.delivery.application for %s: %w", d.Name, unit, err)
		}
		r.applications = append(r.applications, a)
	}
	return nil
}

// Application is the object that hands a unit over to the GitOps engine; its name is not always
// the unit's. The tree's root has the name of the repository.
func (t Tree) Application(unit string) (File, bool) {
	want := ApplicationsFolder + "/" + unit + ".yaml"
	for _, f := range t.Files {
		if f.Path == want {
			return f, true
		}
	}
	return File{}, false
}

func (r *renderer) application(d plan.Unit, unit string, vars map[string]any) (application, error) {
	all := plan.Vars(r.plan, d)
	all["unit"] = vars
	scope, err := expr.New(all)
	if err != nil {
		return application{}, err
	}
	v, err := scope.Value(d.Tool.Spec.Delivery.Application)
	if err != nil {
		return application{}, err
	}
	objects, err := manifest.FromDocuments([]manifest.Document{{Value: v, Source: "application of " + unit}})
	if err != nil {
		return application{}, err
	}
	if len(objects) != 1 {
		return application{}, fmt.Errorf("gives %d objects, not one", len(objects))
	}
	addLabels(objects[0], map[string]string{LabelPlatform: r.plan.Name})
	return application{unit: unit, object: objects[0]}, nil
}
