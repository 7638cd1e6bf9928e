//go:build integration

package embedded

import (
	"context"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/internal/supply/store"
)

// changedImages lets the store have another image under a tag that a pod runs from.
func changedImages(t *testing.T, n *Node) {
	ctx := context.Background()
	images, err := store.Open(n.opts.Store)
	if err != nil {
		t.Fatal(err)
	}
	const ref = "registry.example.com/slipway/changing:1"
	first, ok := images.Resolve(payloadImage)
	if !ok {
		t.Fatal("the store has no payload")
	}
	if err := images.Tag(ctx, first, "test", ref); err != nil {
		t.Fatal(err)
	}
	run := func(name string) (image string) {
		t.Helper()
		pod(t, n, name, func(p *corev1.Pod) { p.Spec.Containers[0].Image = ref }, "pause")
		return imageOf(t, n, name)
	}
	if got := run("before"); !strings.HasSuffix(got, first.Digest.String()) {
		t.Fatalf("the pod runs %s, want %s", got, first.Digest)
	}
	if dropped, err := n.DropOutdatedImages(ctx); err != nil || len(dropped) > 0 {
		t.Fatalf("dropped %q, %v, before anything changed", dropped, err)
	}
	second := changed(t, images, first)
	if err := images.Tag(ctx, second, "test", ref); err != nil {
		t.Fatal(err)
	}
	dropped, err := n.DropOutdatedImages(ctx)
	if err != nil || !slices.Equal(dropped, []string{ref}) {
		t.Fatalf("dropped %q, %v, want %s", dropped, err, ref)
	}
	if got := run("after"); !strings.HasSuffix(got, second.Digest.String()) {
		t.Errorf("the new pod runs %s, want %s", got, second.Digest)
	}
	if got := imageOf(t, n, "before"); !strings.HasSuffix(got, first.Digest.String()) {
		t.Errorf("the older pod runs %s, want %s as before", got, first.Digest)
	}
	if dropped, err := n.DropOutdatedImages(ctx); err != nil || len(dropped) > 0 {
		t.Errorf("dropped %q, %v, when everything was up to date", dropped, err)
	}
}

// imageOf is what a running pod's container was made from, by digest.
func imageOf(t *testing.T, n *Node, name string) string {
	t.Helper()
	p, err := client(t, n).CoreV1().Pods("default").Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Status.ContainerStatuses; len(s) != 1 || s[0].State.Running == nil {
		t.Fatalf("pod %s does not run: %+v", name, s)
	}
	return p.Status.ContainerStatuses[0].ImageID
}

// changed puts an image into the store that differs from another in a label only.
func changed(t *testing.T, images *store.Store, from v1.Descriptor) v1.Descriptor {
	t.Helper()
	image, err := images.ImageByDigest(from.Digest)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Labels = map[string]string{"changed": "yes"}
	d, err := images.PutImage(context.Background(), config, manifest.Layers, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
