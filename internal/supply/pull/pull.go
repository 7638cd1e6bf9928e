// Package pull brings images from registries into the store: by the credentials that the
// standard Docker configuration holds, through mirrors where the platform names some, blob by blob,
// so that what came once is not fetched again after a failure.
package pull

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"

	"github.com/slipway-dev/slipway/internal/supply/store"
)

// Puller pulls into one store.
type Puller struct {
	store    *store.Store
	mirrors  map[string]string
	keychain authn.Keychain
	rt       http.RoundTripper
	// first is the first pause before trying again.
	first time.Duration

	mu    sync.Mutex
	hosts map[string]*answers
}

// New makes a puller. mirrors maps a registry's host to the host, and optional path, to pull from instead.
func New(s *store.Store, mirrors map[string]string) *Puller {
	return &Puller{store: s, mirrors: mirrors, keychain: authn.DefaultKeychain, rt: patient{remote.DefaultTransport},
		first: time.Second, hosts: map[string]*answers{}}
}

// At gives the reference to ask for: the image's own, or its mirror's.
func (p *Puller) At(ref string) (name.Reference, error) {
	full, err := store.Normalize(ref)
	if err != nil {
		return nil, err
	}
	registry, rest, _ := strings.Cut(full, "/")
	if mirror, ok := p.mirrors[registry]; ok {
		full = strings.TrimSuffix(mirror, "/") + "/" + rest
	}
	r, err := name.ParseReference(full)
	if err != nil {
		return nil, fmt.Errorf("mirror of %s: %w", ref, err)
	}
	return r, nil
}

func (p *Puller) options(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(p.keychain), remote.WithTransport(p.rt),
		remote.WithRetryStatusCodes(), // retried here, with the pauses that the registry asks for
		remote.WithUserAgent("slipway"),
	}
}

// blobsAtOnce is how many blobs of an image are fetched at the same time.
const blobsAtOnce = 3

// Pull brings an image, for this machine's platform, and gives what its reference points at, which for an
// image of several platforms is their index. note, which may be nil, is told what goes on.
func (p *Puller) Pull(ctx context.Context, ref string, note func(string)) (v1.Descriptor, error) {
	if note == nil {
		note = func(string) {}
	}
	from, err := p.At(ref)
	if err != nil {
		return v1.Descriptor{}, err
	}
	got, err := retry(ctx, p, note, "manifest", func() (*remote.Descriptor, error) {
		return remote.Get(from, p.options(ctx)...)
	})
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("pull %s: %w", from, err)
	}
	note("pulling from " + store.Host(from.Context().RegistryStr()))
	if err := p.bring(ctx, from, got, note); err != nil {
		return v1.Descriptor{}, fmt.Errorf("pull %s: %w", from, err)
	}
	d, err := p.store.PutManifest(ctx, got.Manifest, got.MediaType)
	if err != nil {
		return v1.Descriptor{}, fmt.Errorf("pull %s: %w", from, err)
	}
	return d, nil
}

// bring fetches everything below a manifest; the manifests come last, when what they name is there.
func (p *Puller) bring(ctx context.Context, from name.Reference, got *remote.Descriptor, note func(string)) error {
	raw, mediaType := got.Manifest, got.MediaType
	if mediaType.IsIndex() {
		child, err := p.child(ctx, from, got, note)
		if err != nil {
			return err
		}
		raw, mediaType = child.Manifest, child.MediaType
	}
	m, err := v1.ParseManifest(strings.NewReader(string(raw)))
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(blobsAtOnce)
	for _, d := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		g.Go(func() error { return p.blob(gctx, from, d, note) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err = p.store.PutManifest(ctx, raw, mediaType)
	return err
}

// child picks this machine's image out of an index.
func (p *Puller) child(ctx context.Context, from name.Reference, got *remote.Descriptor, note func(string)) (*remote.Descriptor, error) {
	index, err := v1.ParseIndexManifest(strings.NewReader(string(got.Manifest)))
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	for _, d := range index.Manifests {
		if d.MediaType.IsImage() && store.ForThisMachine(d.Platform) {
			return retry(ctx, p, note, "manifest", func() (*remote.Descriptor, error) {
				return remote.Get(from.Context().Digest(d.Digest.String()), p.options(ctx)...)
			})
		}
	}
	return nil, errors.New("there is no image for this machine's platform")
}

func (p *Puller) blob(ctx context.Context, from name.Reference, d v1.Descriptor, note func(string)) error {
	if p.store.HasBlob(d.Digest, d.Size) {
		return nil
	}
	_, err := retry(ctx, p, note, "blob", func() (struct{}, error) {
		l, err := remote.Layer(from.Context().Digest(d.Digest.String()), p.options(ctx)...)
		if err != nil {
			return struct{}{}, err
		}
		r, err := l.Compressed()
		if err != nil {
			return struct{}{}, err
		}
		defer r.Close()
		return struct{}{}, p.store.WriteBlob(ctx, d.Digest, r)
	})
	if err != nil {
		return fmt.Errorf("blob %s: %w", d.Digest, err)
	}
	return nil
}

// tries is how often a request is begun before its failure counts.
const tries = 5

// retry runs do again, with growing pauses, as long as another try may help.
func retry[T any](ctx context.Context, p *Puller, note func(string), what string, do func() (T, error)) (T, error) {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = p.first
	return backoff.Retry(ctx, func() (T, error) {
		v, err := do()
		if err != nil && !temporary(err) {
			return v, backoff.Permanent(err)
		}
		return v, err
	}, backoff.WithBackOff(b), backoff.WithMaxTries(tries), backoff.WithNotify(func(err error, pause time.Duration) {
		note(fmt.Sprintf("%s: %v; trying again in %s", what, brief(err), pause.Round(time.Second)))
	}))
}

// temporary says whether the same request may succeed later.
func temporary(err error) bool {
	var answer *transport.Error
	if errors.As(err, &answer) {
		return answer.StatusCode == http.StatusRequestTimeout || answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500
	}
	var after *backoff.RetryAfterError
	return errors.As(err, &after) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || isNetwork(err)
}

// brief is the first line of an error.
func brief(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
