package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/registry"
)

// Attest lists what the pushed image holds, and puts signed statements beside it: the list, where the image comes
// from, how the tests went, and last the image's signature, so that an image that is signed has all the rest.
func (j Job) Attest(ctx context.Context) error {
	key, err := os.ReadFile(j.Key)
	if err != nil {
		return fmt.Errorf("read the builder's key: %w", err)
	}
	signer, err := evidence.NewSigner(key)
	if err != nil {
		return fmt.Errorf("read the builder's key: %w", err)
	}
	image, ref, options, err := j.image(ctx)
	if err != nil {
		return err
	}
	digest := evidence.Digest(ref.DigestStr())
	subject := evidence.NewSubject(j.Image, digest)
	document, err := j.listing(ctx, image, ref.String())
	if err != nil {
		return fmt.Errorf("list what the image holds: %w", err)
	}
	sbom, err1 := evidence.NewSBOM(subject, document)
	provenance, err2 := j.provenance(subject)
	statements := []evidence.Statement{sbom, provenance}
	tests, ran, err3 := j.tests(subject)
	if ran {
		statements = append(statements, tests)
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	facts, err := evidence.DecodeSBOM(sbom)
	if err != nil {
		return err
	}
	holds := 0
	for _, p := range facts.Packages {
		if p.PURL != "" && p.Purpose != "CONTAINER" {
			holds++
		}
	}
	j.say("The image holds %d packages.", holds)
	store := registry.New(ref.Context(), options...)
	for _, s := range statements {
		envelope, err := evidence.Sign(s, signer)
		if err == nil {
			err = j.patiently(ctx, func() error { return store.Attest(ctx, digest, envelope) })
		}
		if err != nil {
			return err
		}
		j.say("Attested %s", s.PredicateType)
	}
	signature, err := evidence.SignImage(j.Image, digest, signer)
	if err == nil {
		err = j.patiently(ctx, func() error { return store.Sign(ctx, digest, signature) })
	}
	if err == nil {
		j.say("Signed %s", ref)
	}
	return err
}

func (j Job) provenance(subject evidence.Subject) (evidence.Statement, error) {
	var inputs []evidence.Input
	if j.Inputs != "" {
		if err := json.Unmarshal([]byte(j.Inputs), &inputs); err != nil {
			return evidence.Statement{}, fmt.Errorf("read what the build stood on: %w", err)
		}
	}
	return evidence.Provenance{
		BuildType: evidence.BuildType, Builder: j.Builder, Repository: strings.TrimSuffix(j.CloneURL, ".git"),
		Ref: "refs/heads/" + j.Branch, Commit: j.Commit, Inputs: inputs, Invocation: j.Run, Finished: time.Now().UTC().Truncate(time.Second),
	}.Statement(subject)
}

// tests says how the tests went; ran is false where there were none.
func (j Job) tests(subject evidence.Subject) (s evidence.Statement, ran bool, err error) {
	var t Tests
	if j.Tests != "" {
		if err := json.Unmarshal([]byte(j.Tests), &t); err != nil {
			return s, false, fmt.Errorf("read how the tests went: %w", err)
		}
	}
	if !t.Ran {
		return s, false, nil
	}
	digest, err := evidence.ParseDigest(t.Dockerfile)
	if err != nil {
		return s, false, fmt.Errorf("read how the tests went: %w", err)
	}
	s, err = evidence.TestRun{Passed: t.Passed, URL: j.RunURL, Configuration: []evidence.Input{{
		Name: dockerfile, URI: "git+" + strings.TrimSuffix(j.CloneURL, ".git") + "@" + j.Commit + "#" + dockerfile,
		Digest: map[string]string{"sha256": digest.Hex(), "gitCommit": j.Commit}}}}.Statement(subject)
	return s, err == nil, err
}
