// Command cosign-verify verifies signatures and attestations of an image by cosign's own code, with a key and without
// any service: as `cosign verify` and `cosign verify-attestation` do with --key and --insecure-ignore-tlog. It is how
// tests see that what Slipway signs is what cosign understands.
//
//	cosign-verify KEY NAME@DIGEST           its signatures
//	cosign-verify KEY NAME@DIGEST TYPE...   its attestations; each predicate type must be among them
package main

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/cosign/v2/pkg/cosign"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "cosign-verify KEY NAME@DIGEST [TYPE...]")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, key, image string, types []string) error {
	text, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(text)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	verifier, err := signature.LoadVerifier(public, crypto.SHA256)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	ref, err := name.NewDigest(image)
	if err != nil {
		return err
	}
	options := &cosign.CheckOpts{SigVerifier: verifier, IgnoreTlog: true, IgnoreSCT: true, Offline: true, ClaimVerifier: cosign.SimpleClaimVerifier}
	if len(types) == 0 {
		found, _, err := cosign.VerifyImageSignatures(ctx, ref, options)
		if err == nil {
			fmt.Printf("%d signatures of %s hold\n", len(found), ref)
		}
		return err
	}
	options.ClaimVerifier = cosign.IntotoSubjectClaimVerifier
	found, _, err := cosign.VerifyImageAttestations(ctx, ref, options)
	if err != nil {
		return err
	}
	var all []string
	for _, a := range found {
		t, err := predicateType(a)
		if err != nil {
			return err
		}
		all = append(all, t)
	}
	for _, t := range types {
		if !slices.Contains(all, t) {
			return fmt.Errorf("no attestation of type %s, but of %q", t, all)
		}
	}
	fmt.Printf("%d attestations of %s hold\n", len(found), ref)
	return nil
}

// predicateType is what an attestation is about.
func predicateType(a oci.Signature) (string, error) {
	envelope, err := a.Payload()
	if err != nil {
		return "", err
	}
	var dsse struct{ Payload string }
	if err := json.Unmarshal(envelope, &dsse); err != nil {
		return "", err
	}
	payload, err := base64.StdEncoding.DecodeString(dsse.Payload)
	if err != nil {
		return "", err
	}
	var statement struct{ PredicateType string }
	if err := json.Unmarshal(payload, &statement); err != nil {
		return "", err
	}
	if statement.PredicateType == "" {
		return "", errors.New("an attestation has no predicate type")
	}
	return statement.PredicateType, nil
}
