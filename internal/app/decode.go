package app

import (
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/spec"
)

// DecodeApplication reads an application.yaml. The error is of type [spec.Errors].
func DecodeApplication(file string, data []byte) (v1alpha1.Application, error) {
	a, _, err := spec.DecodeWith(file, data, "Application", func(a *v1alpha1.Application, report spec.Report) {
		DefaultApplication(a)
		checkApplication(a, report)
	})
	return a, err
}

// DecodeEnvironment reads an environment.yaml. The error is of type [spec.Errors].
func DecodeEnvironment(file string, data []byte) (v1alpha1.Environment, error) {
	e, _, err := spec.DecodeWith(file, data, "Environment", func(e *v1alpha1.Environment, report spec.Report) {
		DefaultEnvironment(e)
		checkEnvironment(e, report)
	})
	return e, err
}

// DecodeRelease reads a release. The error is of type [spec.Errors].
func DecodeRelease(file string, data []byte) (v1alpha1.Release, error) {
	r, _, err := spec.DecodeWith(file, data, "Release", checkRelease)
	return r, err
}

// The defaults of fields that are left empty.
const (
	defaultBranch     = "main"
	defaultDeploy     = "deploy"
	defaultPolicy     = "default"
	defaultPreviewTTL = "72h"
)

// DefaultApplication fills in what an application leaves out.
func DefaultApplication(a *v1alpha1.Application) {
	a.APIVersion, a.Kind = v1alpha1.APIVersion, "Application"
	set(&a.Spec.Branch, defaultBranch)
	set(&a.Spec.Deploy, defaultDeploy)
	set(&a.Spec.Image, a.Metadata.Name)
	set(&a.Spec.Previews.TTL, defaultPreviewTTL)
}

// DefaultEnvironment fills in what an environment leaves out.
func DefaultEnvironment(e *v1alpha1.Environment) {
	e.APIVersion, e.Kind = v1alpha1.APIVersion, "Environment"
	set(&e.Spec.Kind, v1alpha1.EnvironmentDev)
	if e.Spec.Governed == nil {
		governed := e.Spec.Kind == v1alpha1.EnvironmentProd
		e.Spec.Governed = &governed
	}
	if Governed(*e) {
		set(&e.Spec.Policy, defaultPolicy)
		set(&e.Spec.Access, v1alpha1.AccessView)
	}
	set(&e.Spec.Access, v1alpha1.AccessEdit)
	if e.Spec.Team != "" && e.Metadata.Name != "" && spec.IsName(e.Spec.Team) && spec.IsName(e.Metadata.Name) {
		name := join(e.Spec.Team, e.Metadata.Name)
		if e.Spec.Kind == v1alpha1.EnvironmentPreview {
			name = e.Metadata.Name
		}
		set(&e.Spec.Namespace, name)
	}
}

func set(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// Governed says whether an environment changes by promotions alone.
func Governed(e v1alpha1.Environment) bool { return e.Spec.Governed != nil && *e.Spec.Governed }

// Encode writes a document as the YAML that the decoders read: the same value gives the same bytes.
func Encode[T v1alpha1.Application | v1alpha1.Environment | v1alpha1.Release](document T) ([]byte, error) {
	return yaml.Marshal(document)
}

// Image takes an image by digest apart: "registry.example.com/team/shop@sha256:..." is the name
// before the at sign, and the digest behind it.
func Image(image string) (name, digest string) {
	name, digest, _ = strings.Cut(image, "@")
	return name, digest
}
