//go:build integration

package registry

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

// envCosign names the program of the component ci-cosign.
const envCosign = "SLIPWAY_TEST_COSIGN"

// cosign is its verification, with no login, no trust root and no settings.
func cosign(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	program := os.Getenv(envCosign)
	if program == "" {
		t.Fatalf("this test needs cosign: run it by make integration, or set %s to the program of the component ci-cosign", envCosign)
	}
	return func(args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), program, args...)
		c.Env = []string{"HOME=" + t.TempDir()}
		out, err := c.CombinedOutput()
		return string(out), err
	}
}

func TestCosign_VerifiesWhatIsSignedHere(t *testing.T) {
	verify := cosign(t)
	repository := serve(t, quiet())
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(repository.Digest(hash.String()), image); err != nil {
		t.Fatal(err)
	}
	digest, store, signer := evidence.Digest(hash.String()), New(repository), evidencetest.Signer(t, "builder")
	subject := evidence.NewSubject(repository.Name(), digest)
	provenance, err := evidence.Provenance{BuildType: evidence.BuildType, Builder: "https://ci.example.com", Repository: "https://git.example.com/team/shop",
		Ref: "refs/heads/main", Commit: strings.Repeat("a1", 20), Invocation: "shop-1"}.Statement(subject)
	if err != nil {
		t.Fatal(err)
	}
	sbom, err := evidence.NewSBOM(subject, []byte(`{"spdxVersion":"SPDX-2.3","name":"shop","packages":[{"name":"shop"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []evidence.Statement{provenance, sbom} {
		envelope, err := evidence.Sign(s, signer)
		if err == nil {
			err = store.Attest(t.Context(), digest, envelope)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	signature, err := evidence.SignImage(repository.Name(), digest, signer)
	if err == nil {
		err = store.Sign(t.Context(), digest, signature)
	}
	if err != nil {
		t.Fatal(err)
	}
	keys := t.TempDir()
	for name, seed := range map[string]string{"right.pub": "builder", "wrong.pub": "somebody"} {
		if err := os.WriteFile(filepath.Join(keys, name), []byte(evidencetest.Signer(t, seed).PublicKey()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	right, wrong, ref := filepath.Join(keys, "right.pub"), filepath.Join(keys, "wrong.pub"), repository.Digest(hash.String()).String()
	out, err := verify(right, ref)
	if err != nil || !strings.Contains(out, "1 signatures") {
		t.Errorf("the signature: %v %s", err, out)
	}
	out, err = verify(right, ref, provenance.PredicateType, sbom.PredicateType)
	if err != nil || !strings.Contains(out, "2 attestations") {
		t.Errorf("the attestations: %v %s", err, out)
	}
	for what, args := range map[string][]string{
		"another key's signature":          {wrong, ref},
		"another key's attestations":       {wrong, ref, provenance.PredicateType},
		"an attestation that is not there": {right, ref, "https://example.com/other"},
	} {
		if out, err := verify(args...); err == nil {
			t.Errorf("%s holds: %s", what, out)
		}
	}
}
