package app

import (
	"fmt"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

// shortHash is how many hexadecimal digits of each digest a release's name shows: enough for
// people and paths. What is decided about, a decision names in full.
const shortHash = 12

// ReleaseName is a release's identity: the beginnings of its manifests' commit and of its image's
// digest. The same image with the same manifests is the same release.
func ReleaseName(r v1alpha1.ReleaseSpec) string {
	_, digest := Image(r.Image)
	const scheme = "sha256:"
	if len(digest) < len(scheme)+shortHash || len(r.Manifests) < shortHash {
		return ""
	}
	return r.Manifests[:shortHash] + "-" + digest[len(scheme):len(scheme)+shortHash]
}

// NewRelease makes a release of an image by digest and commits of the application's repository.
func NewRelease(a v1alpha1.Application, image, commit, manifests string) (v1alpha1.Release, error) {
	r := v1alpha1.Release{
		TypeMeta: v1alpha1.TypeMeta{APIVersion: v1alpha1.APIVersion, Kind: "Release"},
		Spec: v1alpha1.ReleaseSpec{Application: a.Metadata.Name, Image: image, Manifests: manifests,
			Source: v1alpha1.SourceCommit{Repository: a.Spec.Repository, Commit: commit}},
	}
	r.Metadata.Name = ReleaseName(r.Spec)
	var first error
	checkRelease(&r, func(path, _, message string, args ...any) {
		if first == nil {
			first = fault.Invalid(fmt.Errorf("%s: "+message, append([]any{path}, args...)...), "")
		}
	})
	if first != nil {
		return v1alpha1.Release{}, first
	}
	return r, nil
}

// SameRelease says whether two records are of one release.
func SameRelease(a, b v1alpha1.Release) bool {
	return a.Spec.Application == b.Spec.Application && a.Spec.Image == b.Spec.Image &&
		a.Spec.Manifests == b.Spec.Manifests
}
