package embedded

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostshare"
	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/supply/store"
)

// criNamespace is where containerd keeps what the kubelet asks for
// (pkg/cri/constants in containerd 1.6).
const criNamespace = "k8s.io"

// DropOutdatedImages makes a running node forget the tags that mean another image in the store
// than when the node pulled them, and returns these, sorted. The next pod that names such a tag
// pulls anew; running pods keep what they run. Tags that the store does not have are left alone.
func (n *Node) DropOutdatedImages(ctx context.Context) ([]string, error) {
	images, err := store.Open(n.opts.Store)
	if err != nil {
		return nil, err
	}
	running, err := controlAt(hostshare.This().Socket(n.opts.Name)).report(ctx)
	if err == nil && running.Init == 0 {
		err = errors.New("its first process does not run")
	}
	if err != nil {
		return nil, fmt.Errorf("look at the node's images: %w", err)
	}
	listing, err := ctr(ctx, running.Init, "images", "list")
	if err != nil {
		return nil, fmt.Errorf("list the node's images: %w", err)
	}
	outdated := outdatedTags(listing, func(ref string) (string, bool) {
		d, ok := images.Resolve(ref)
		return d.Digest.String(), ok
	})
	if len(outdated) == 0 {
		return nil, nil
	}
	// One that is gone meanwhile is no error.
	if _, err := ctr(ctx, running.Init, append([]string{"images", "remove"}, outdated...)...); err != nil {
		return nil, fmt.Errorf("forget outdated images: %w", err)
	}
	return outdated, nil
}

// outdatedTags reads containerd's list of images, a name, type and digest a line below a heading,
// and gives the tags for which the store has another digest. Names by digest always stay true.
func outdatedTags(listing string, inStore func(ref string) (digest string, ok bool)) []string {
	var outdated []string
	for line := range strings.Lines(listing) {
		fields := strings.Fields(line)
		if len(fields) < 3 || !strings.Contains(fields[2], ":") || strings.Contains(fields[0], "@") || strings.HasPrefix(fields[0], "sha256:") {
			continue
		}
		if digest, ok := inStore(fields[0]); ok && digest != fields[2] {
			outdated = append(outdated, fields[0])
		}
	}
	return outdated
}

// ctr asks the containerd of the node whose first process is init; its socket lies in the node's
// own mount namespace.
func ctr(ctx context.Context, init int, args ...string) (string, error) {
	socket := fmt.Sprintf("/proc/%d/root%s", init, nodeconf.ContainerdSocket)
	out, err := exec.CommandContext(ctx, "ctr", append([]string{"--address", socket, "--namespace", criNamespace}, args...)...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("ctr %s: %w: %s", args[1], err, strings.TrimSpace(string(exit.Stderr)))
	}
	return string(out), err
}
