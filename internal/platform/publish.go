package platform

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/step"
)

// published are the images that the platform's registry offers to those who build on them.
func (l *Line) published() []v1alpha1.PublishedImage {
	var all []v1alpha1.PublishedImage
	for _, u := range l.plan.Units {
		if u.Tool != nil {
			all = append(all, u.Tool.Spec.Publish...)
		}
	}
	return all
}

// publish brings the published images from the store to the platform's registry, each as it is, by digest. What is
// there stays.
func (u *upRun) publish(ctx context.Context, t *progress.Task) (string, error) {
	images := u.published()
	ctx, cancel := limit(ctx, readyLimit)
	defer cancel()
	if err := u.bringPublished(ctx, t, images); err != nil {
		return "", err
	}
	registry, options, err := u.registry(ctx)
	if err != nil {
		return "", err
	}
	pushed := 0
	for _, image := range images {
		d, ok, err := u.supplier.Image(ctx, image.Component)
		if err == nil && !ok {
			err = errors.New("it is not in the store")
		}
		if err != nil {
			return "", fmt.Errorf("publish %s: %w", image.Component, err)
		}
		tag, err := name.NewTag(registry + "/" + image.Name)
		if err != nil {
			return "", fmt.Errorf("publish %s: %w", image.Component, err)
		}
		content, err := u.supplier.Store.ImageByDigest(d.Digest)
		if err != nil {
			return "", fmt.Errorf("publish %s: %w", image.Component, err)
		}
		t.Update("publish " + image.Name)
		done, err := u.push1(ctx, t, tag, content, d.Digest, options)
		if err != nil {
			return "", fmt.Errorf("publish %s: %w", image.Component, err)
		}
		if done {
			pushed++
		}
	}
	if pushed == 0 {
		return "", step.Skip("unchanged")
	}
	return fmt.Sprintf("%d images published", pushed), nil
}

// bringPublished waits for the images. On a cluster that takes its own images from elsewhere, these alone are brought.
func (u *upRun) bringPublished(ctx context.Context, t *progress.Task, images []v1alpha1.PublishedImage) error {
	run := u.images
	if !u.embedded() {
		var components []string
		for _, image := range images {
			components = append(components, image.Component)
		}
		run = u.supplier.Start(ctx, components)
		defer run.Close()
	}
	for _, image := range images {
		t.Wait("waits for the image " + image.Component)
		if err := run.Wait(ctx, image.Component); err != nil {
			return err
		}
	}
	return nil
}

// registry is the platform's registry, as it stands in image references, and how this host writes to it.
func (u *upRun) registry(ctx context.Context) (string, []remote.Option, error) {
	host, login, err := u.registryLogin(ctx)
	if err != nil {
		return "", nil, err
	}
	client := u.http(u.ca.Certificate)
	return host, []remote.Option{remote.WithUserAgent("slipway"), remote.WithTransport(client.Transport), remote.WithAuth(&login)}, nil
}

// registryLogin is the platform's registry and the login to it.
func (u *upRun) registryLogin(ctx context.Context) (host string, login authn.Basic, err error) {
	unit := u.provider(capabilityRegistry)
	if unit == nil {
		return "", login, errors.New("this platform has no registry")
	}
	outputs := unit.Outputs[capabilityRegistry]
	host, _ = outputs["host"].(string)
	admin, _ := outputs["admin"].(string)
	namespace, secret, ok := strings.Cut(admin, "/")
	if host == "" || !ok {
		return "", login, fmt.Errorf("tool %s: its outputs registry.host %q and registry.admin %q do not name a registry and a Secret",
			unit.Name, host, admin)
	}
	data, err := deliver.ReadSecret(ctx, u.client, namespace, secret)
	if err != nil {
		return "", login, fmt.Errorf("read the registry's login: %w", err)
	}
	return host, authn.Basic{Username: string(data["username"]), Password: string(data["password"])}, nil
}

// signNodeIn lets the embedded node pull teams' images, which the registry shows to nobody without a login.
func (u *upRun) signNodeIn(ctx context.Context, _ *progress.Task) (string, error) {
	host, login, err := u.registryLogin(ctx)
	if err != nil {
		return "", err
	}
	changed, err := u.node(progress.Discard).SignIn(ctx, host, login.Username, login.Password)
	if err != nil {
		return "", fmt.Errorf("sign the node in to %s: %w", host, err)
	}
	if !changed {
		return "", step.Skip("unchanged")
	}
	return host, nil
}

// push1 pushes an image, unless the tag means it already. A registry that does not answer yet is waited for.
func (u *upRun) push1(ctx context.Context, t *progress.Task, tag name.Tag, image v1.Image, digest v1.Hash, options []remote.Option) (bool, error) {
	options = append(options, remote.WithContext(ctx))
	for {
		head, err := remote.Head(tag, options...)
		if err == nil && head.Digest == digest {
			return false, nil
		}
		var answer *transport.Error
		if err == nil || errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
			return true, remote.Write(tag, image, options...)
		}
		if answer != nil && answer.StatusCode < http.StatusInternalServerError {
			return false, err
		}
		t.Wait("waits for the registry: " + err.Error())
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		case <-time.After(500 * time.Millisecond):
		}
	}
}
