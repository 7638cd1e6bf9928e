package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/filters/imagetag"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/render/kustomize"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// Gateway is where routes are attached that name no parent.
type Gateway struct{ Name, Namespace, Section string }

// Input is what rendering starts from.
type Input struct {
	// Root is a checkout of the application's repository at the release's manifests commit.
	Root        string
	Application v1alpha1.Application
	Environment v1alpha1.Environment
	Release     v1alpha1.Release
	// Domain is the platform's.
	Domain  string
	Gateway Gateway
	// More are kinds that the platform's tools define and let applications use, besides [Kinds].
	More []Kind
}

// Rendered is what an environment runs of an application.
type Rendered struct {
	// Files are one object each, by file name: "deployment-shop.yaml". The same input gives the
	// same bytes.
	Files app.Files
	// Images are all images that the manifests name, sorted.
	Images []string
}

// maxObjects is more than an application that anybody understands has.
const maxObjects = 500

// Render builds the manifests. All objects that may not be delivered are named in one error.
func Render(in Input) (Rendered, error) {
	objects, err := build(in)
	if err != nil {
		return Rendered{}, fmt.Errorf("render %s for %s: %w", in.Application.Metadata.Name,
			in.Environment.Metadata.Name, err)
	}
	var wrong []error
	for _, o := range objects {
		if err := in.prepare(o); err != nil {
			wrong = append(wrong, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err))
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return Rendered{}, fault.Invalid(fmt.Errorf("render %s for %s: %w", in.Application.Metadata.Name,
			in.Environment.Metadata.Name, err),
			"change the manifests in "+in.Application.Spec.Deploy)
	}
	out, err := in.encode(objects)
	if err != nil {
		return Rendered{}, fmt.Errorf("render %s for %s: %w", in.Application.Metadata.Name,
			in.Environment.Metadata.Name, err)
	}
	return out, nil
}

// build runs Kustomize and puts the release's image in.
func build(in Input) ([]manifest.Object, error) {
	dir, label, err := in.kustomization()
	if err != nil {
		return nil, err
	}
	objects, err := kustomize.Build(in.Root, dir, label)
	if err != nil {
		return nil, fault.Invalid(err, "correct it in the application's repository: kustomize build "+label)
	}
	if len(objects) > maxObjects {
		return nil, fmt.Errorf("%s gives %d objects; an application has at most %d", label, len(objects), maxObjects)
	}
	found := false
	for i, o := range objects {
		if objects[i], err = withImage(o, in.Application.Spec.Image, in.Release.Spec.Image); err != nil {
			return nil, err
		}
		found = found || slices.Contains(imagesOf(objects[i]), in.Release.Spec.Image)
	}
	if !found {
		return nil, fault.Invalid(fmt.Errorf("no container in %s has the image %s", label, in.Application.Spec.Image),
			"name the application's own image so, or set spec.image of the application to its name there")
	}
	return objects, nil
}

// kustomization is the root for the environment: its own overlay where there is one. An overlay
// cannot stand on a root around it, which is why base is looked for as well.
func (in Input) kustomization() (dir, label string, err error) {
	name := in.Environment.Metadata.Name
	if in.Environment.Spec.Kind == v1alpha1.EnvironmentPreview {
		name = v1alpha1.EnvironmentPreview
	}
	deploy := in.Application.Spec.Deploy
	for _, label := range []string{filepath.Join(deploy, "overlays", name), deploy, filepath.Join(deploy, "base")} {
		dir := filepath.Join(in.Root, label)
		for _, name := range kustomize.FileNames {
			info, err := os.Stat(filepath.Join(dir, name))
			if err == nil && info.Mode().IsRegular() {
				return dir, label, nil
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", "", fmt.Errorf("look for %s: %w", filepath.Join(label, name), errors.Unwrap(err))
			}
		}
	}
	return "", "", fault.Invalid(fmt.Errorf("%s has no kustomization.yaml", deploy),
		"add one to its repository, or set the application's spec.deploy to the folder with the manifests")
}

// withImage puts image in the place of every container's image of that name, by Kustomize's own
// filter: whatever tag or digest it has.
func withImage(o manifest.Object, name, image string) (manifest.Object, error) {
	repository, digest := app.Image(image)
	node, err := yaml.FromMap(o.Object)
	if err != nil {
		return o, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
	}
	filter := imagetag.LegacyFilter{ImageTag: types.Image{Name: name, NewName: repository, Digest: digest}}
	if _, err := filter.Filter([]*yaml.RNode{node}); err != nil {
		return o, fmt.Errorf("%s %s: set the image %s: %w", o.GetKind(), o.GetName(), name, err)
	}
	data, err := node.MarshalJSON()
	if err != nil {
		return o, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return o, o.UnmarshalJSON(data)
}

// encode writes each object to a file of its own.
func (in Input) encode(objects []manifest.Object) (Rendered, error) {
	out := Rendered{Files: app.Files{}}
	for _, o := range objects {
		name := strings.ToLower(o.GetKind()) + "-" + strings.ReplaceAll(o.GetName(), ":", "-") + ".yaml"
		if _, twice := out.Files[name]; twice {
			return Rendered{}, fmt.Errorf("two objects %s %s", o.GetKind(), o.GetName())
		}
		data, err := manifest.Encode(o.Object)
		if err != nil {
			return Rendered{}, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
		}
		out.Files[name] = data
		out.Images = append(out.Images, imagesOf(o)...)
	}
	slices.Sort(out.Images)
	out.Images = slices.Compact(out.Images)
	return out, nil
}
