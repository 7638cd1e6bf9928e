package registry

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	upstream "github.com/google/go-containerregistry/pkg/registry"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

// serve gives a repository of a registry.
func serve(t *testing.T, handler http.Handler) name.Repository {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	repository, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/team/shop")
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

func quiet(options ...upstream.Option) http.Handler {
	return upstream.New(append(options, upstream.Logger(log.New(io.Discard, "", 0)))...)
}

func TestStore(t *testing.T) {
	for _, referrers := range []bool{false, true} {
		t.Run(fmt.Sprintf("referrers=%t", referrers), func(t *testing.T) {
			evidencetest.RunStore(t, func(t *testing.T) evidencetest.Store {
				return New(serve(t, quiet(upstream.WithReferrersSupport(referrers))))
			})
		})
	}
}

// The layout is cosign's, to the letter: media types, annotations and tags as its specifications say.
func TestStore_WritesTheLayoutOfTheSpecification(t *testing.T) {
	repository := serve(t, quiet())
	store := New(repository)
	image := evidencetest.Image(1)
	envelope := evidencetest.Signed(t, evidencetest.Decision(1), evidencetest.Signer(t, "builder"))
	signature, err := evidence.SignImage(repository.Name(), image, evidencetest.Signer(t, "builder"))
	if err == nil {
		err = store.Sign(t.Context(), image, signature)
	}
	if err == nil {
		err = store.Attest(t.Context(), image, envelope)
	}
	if err != nil {
		t.Fatal(err)
	}
	for suffix, want := range map[string]struct {
		mediaType   types.MediaType
		annotations map[string]string
		content     []byte
	}{
		"sig": {"application/vnd.dev.cosign.simplesigning.v1+json", map[string]string{
			"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(signature.Signature)}, signature.Payload},
		"att": {"application/vnd.dsse.envelope.v1+json", map[string]string{
			"dev.cosignproject.cosign/signature": "", "predicateType": evidence.DecisionType}, envelope},
	} {
		held, err := remote.Image(repository.Tag("sha256-" + image.Hex() + "." + suffix))
		if err != nil {
			t.Fatal(err)
		}
		m, err := held.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if m.MediaType != types.OCIManifestSchema1 || m.Config.MediaType != types.OCIConfigJSON || len(m.Layers) != 1 {
			t.Fatalf("%s: %+v", suffix, m)
		}
		layer := m.Layers[0]
		if layer.MediaType != want.mediaType || layer.Digest.String() != string(evidence.DigestOf(want.content)) {
			t.Errorf("%s: %+v", suffix, layer)
		}
		for k, v := range want.annotations {
			if got, there := layer.Annotations[k]; !there || got != v {
				t.Errorf("%s: annotation %s is %q", suffix, k, got)
			}
		}
	}
	var payload map[string]any
	if err := json.Unmarshal(signature.Payload, &payload); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"critical":{"identity":{"docker-reference":%q},"image":{"docker-manifest-digest":%q},`+
		`"type":"cosign container image signature"},"optional":null}`, repository.Name(), image)
	if string(signature.Payload) != want {
		t.Errorf("signed is %s", signature.Payload)
	}
}

func TestAttestations_ReadsReferrersToo(t *testing.T) {
	for _, supported := range []bool{false, true} {
		repository := serve(t, quiet(upstream.WithReferrersSupport(supported)))
		subject, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := subject.Digest()
		if err == nil {
			err = remote.Write(repository.Digest(digest.String()), subject)
		}
		if err != nil {
			t.Fatal(err)
		}
		d := evidencetest.Decision(1)
		d.Image = evidence.NewSubject("", evidence.Digest(digest.String()))
		tagged := evidencetest.Signed(t, d, evidencetest.Signer(t, "builder"))
		referring := evidencetest.Signed(t, d, evidencetest.Signer(t, "another"))
		store := New(repository)
		if err := store.Attest(t.Context(), evidence.Digest(digest.String()), tagged); err != nil {
			t.Fatal(err)
		}
		refer(t, repository, subject, tagged)
		refer(t, repository, subject, referring)
		got, err := store.Attestations(t.Context(), evidence.Digest(digest.String()))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 2 || !bytes.Equal(got[0], tagged) || !bytes.Equal(got[1], referring) {
			t.Errorf("supported=%t: %d envelopes", supported, len(got))
		}
	}
}

// refer attaches an envelope to an image as an artifact of its own.
func refer(t *testing.T, repository name.Repository, subject v1.Image, envelope []byte) {
	t.Helper()
	artifact, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		envelopeType), mutate.Addendum{Layer: static.NewLayer(envelope, envelopeType)})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := subject.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := subject.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := subject.Digest()
	if err != nil {
		t.Fatal(err)
	}
	referring, ok := mutate.Subject(artifact, v1.Descriptor{MediaType: manifest.MediaType, Digest: digest,
		Size: int64(len(raw))}).(v1.Image)
	if !ok {
		t.Fatal("an image with a subject is no image")
	}
	own, err := referring.Digest()
	if err == nil {
		err = remote.Write(repository.Digest(own.String()), referring)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestAttest_OfAnotherImageIsRefused(t *testing.T) {
	store := New(serve(t, quiet()))
	envelope := evidencetest.Signed(t, evidencetest.Decision(1), evidencetest.Signer(t, "builder"))
	err := store.Attest(t.Context(), evidencetest.Image(2), envelope)
	if err == nil || !strings.Contains(err.Error(), "the statement is not about this image") {
		t.Error(err)
	}
}

func TestAttest_ConcurrentlyLosesNone(t *testing.T) {
	store := New(serve(t, quiet()))
	const writers = 8
	var group sync.WaitGroup
	for n := range writers {
		envelope := evidencetest.Signed(t, evidencetest.Decision(1), evidencetest.Signer(t, fmt.Sprint(n)))
		group.Go(func() {
			if err := store.Attest(t.Context(), evidencetest.Image(1), envelope); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got, err := store.Attestations(t.Context(), evidencetest.Image(1))
	if err != nil || len(got) != writers {
		t.Errorf("%d envelopes, %v", len(got), err)
	}
}

func TestSource_AnotherWriterTakesItsPlace(t *testing.T) {
	registry := quiet()
	image := evidencetest.Image(1)
	ours := evidencetest.Signed(t, evidencetest.Decision(1), evidencetest.Signer(t, "ours"))
	theirs := evidencetest.Signed(t, evidencetest.Decision(1), evidencetest.Signer(t, "theirs"))
	var repository name.Repository
	var written atomic.Bool
	between := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		registry.ServeHTTP(w, r)
		if r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, ".att") || !written.CompareAndSwap(false, true) {
			return
		}
		// Another writer, who has not seen ours, writes right after.
		base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		lone, err := mutate.Append(base, mutate.Addendum{Layer: static.NewLayer(theirs, envelopeType)})
		if err == nil {
			err = remote.Write(repository.Tag("sha256-"+image.Hex()+".att"), lone)
		}
		if err != nil {
			t.Error(err)
		}
	})
	repository = serve(t, between)
	store := New(repository)
	if err := store.Attest(t.Context(), image, ours); err != nil {
		t.Fatal(err)
	}
	got, err := store.Attestations(t.Context(), image)
	if err != nil || len(got) != 2 {
		t.Fatalf("%d envelopes, %v", len(got), err)
	}
}

func TestSource_ARegistryThatFailsIsAnError(t *testing.T) {
	broken := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		http.Error(w, "no", http.StatusForbidden)
	})
	store := New(serve(t, broken))
	if _, err := store.Attestations(t.Context(), evidencetest.Image(1)); err == nil {
		t.Error("attestations of a registry that fails are empty")
	}
	if _, err := store.Signatures(t.Context(), evidencetest.Image(1)); err == nil {
		t.Error("signatures of a registry that fails are empty")
	}
}

func TestAttestations_RefusesTooMuch(t *testing.T) {
	repository := serve(t, quiet())
	image := evidencetest.Image(1)
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	layers := make([]mutate.Addendum, maxLayers+1)
	for i := range layers {
		layers[i].Layer = static.NewLayer([]byte("{}"), envelopeType)
	}
	large, err := mutate.Append(base, layers...)
	if err == nil {
		err = remote.Write(repository.Tag("sha256-"+image.Hex()+".att"), large)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = New(repository).Attestations(t.Context(), image)
	if err == nil || !strings.Contains(err.Error(), "it has 513 layers, and 512 are allowed") {
		t.Error(err)
	}
}
