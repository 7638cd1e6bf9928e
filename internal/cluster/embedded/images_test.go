package embedded

import (
	"slices"
	"testing"
)

func TestOutdatedTags_AreThoseOfWhichTheStoreHasAnother(t *testing.T) {
	const listing = `REF                                   TYPE                                       DIGEST       SIZE     PLATFORMS   LABELS
docker.io/example/changed:1           application/vnd.oci.image.manifest.v1+json sha256:old   3.1 MiB  linux/amd64 io.cri-containerd.image=managed
docker.io/example/changed@sha256:old  application/vnd.oci.image.manifest.v1+json sha256:old   3.1 MiB  linux/amd64 io.cri-containerd.image=managed
docker.io/example/same:1              application/vnd.oci.image.manifest.v1+json sha256:same  3.1 MiB  linux/amd64 io.cri-containerd.image=managed
git.demo.localhost:8443/team/app:1    application/vnd.oci.image.manifest.v1+json sha256:users 3.1 MiB  linux/amd64 io.cri-containerd.image=managed
sha256:0123                           application/vnd.oci.image.manifest.v1+json sha256:old   3.1 MiB  linux/amd64 io.cri-containerd.image=managed
`
	inStore := map[string]string{"docker.io/example/changed:1": "sha256:new", "docker.io/example/same:1": "sha256:same",
		"docker.io/example/changed@sha256:old": "sha256:new", "sha256:0123": "sha256:new", "REF": "sha256:new"}
	got := outdatedTags(listing, func(ref string) (string, bool) {
		digest, ok := inStore[ref]
		return digest, ok
	})
	if want := []string{"docker.io/example/changed:1"}; !slices.Equal(got, want) {
		t.Errorf("outdated: %q, want %q", got, want)
	}
	if got := outdatedTags("", nil); got != nil {
		t.Errorf("of nothing: %q", got)
	}
}
