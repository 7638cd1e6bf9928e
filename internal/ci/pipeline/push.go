package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-dev/slipway/internal/evidence"
)

// login reads a folder with the files "username" and "password".
func login(dir string) (username, password string, err error) {
	u, err1 := os.ReadFile(filepath.Join(dir, "username"))
	p, err2 := os.ReadFile(filepath.Join(dir, "password"))
	if err := errors.Join(err1, err2); err != nil {
		return "", "", fmt.Errorf("read the login: %w", err)
	}
	return strings.TrimSpace(string(u)), strings.TrimSpace(string(p)), nil
}

func (j Job) registry(ctx context.Context) (name.Repository, []remote.Option, error) {
	repository, err := name.NewRepository(j.Image, name.StrictValidation)
	if err != nil {
		return name.Repository{}, nil, err
	}
	username, password, err := login(j.RegistryLogin)
	if err != nil {
		return name.Repository{}, nil, err
	}
	return repository, []remote.Option{remote.WithContext(ctx), remote.WithUserAgent("slipway"),
		remote.WithAuth(&authn.Basic{Username: username, Password: password})}, nil
}

// Push pushes the image that Build left, by its digest, and tags it with the commit for people. It runs nothing that
// the application brings, in a container that the build can't reach into.
func (j Job) Push(ctx context.Context) error {
	image, err := built(j.result(resultImage))
	if err != nil {
		return err
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	repository, options, err := j.registry(ctx)
	if err != nil {
		return err
	}
	if err := j.patiently(ctx, func() error { return remote.Write(repository.Digest(digest.String()), image, options...) }); err != nil {
		return fmt.Errorf("push %s: %w", repository, err)
	}
	if err := j.patiently(ctx, func() error { return remote.Tag(repository.Tag(j.Commit), image, options...) }); err != nil {
		return fmt.Errorf("tag %s: %w", repository, err)
	}
	j.say("Pushed %s@%s", repository, digest)
	return j.write(resultDigest, []byte(digest.String()))
}

// outage is how long the registry, or the gateway before it, may be away.
const outage = 3 * time.Minute

// patiently does again what failed because the registry did not answer, or said that the fault is its own.
func (j Job) patiently(ctx context.Context, do func() error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := do()
		var answer *transport.Error
		if errors.As(err, &answer) && answer.StatusCode < http.StatusInternalServerError {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(outage), backoff.WithNotify(func(err error, wait time.Duration) {
		j.say("The registry does not answer; again in %s: %v", wait.Round(time.Second), err)
	}))
	return err
}

// built is the one image of an OCI layout.
func built(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("read the image that was built: %w", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("read the image that was built: %w", err)
	}
	if len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("the build left %d images, not one", len(manifest.Manifests))
	}
	return index.Image(manifest.Manifests[0].Digest)
}

// image reads the image that was pushed, by its digest.
func (j Job) image(ctx context.Context) (v1.Image, name.Digest, []remote.Option, error) {
	digest, err := evidence.ParseDigest(j.Digest)
	if err != nil {
		return nil, name.Digest{}, nil, err
	}
	repository, options, err := j.registry(ctx)
	if err != nil {
		return nil, name.Digest{}, nil, err
	}
	ref := repository.Digest(string(digest))
	var image v1.Image
	if err := j.patiently(ctx, func() (err error) { image, err = remote.Image(ref, options...); return err }); err != nil {
		return nil, name.Digest{}, nil, fmt.Errorf("read %s: %w", ref, err)
	}
	return image, ref, options, nil
}
