// Package evidence holds what is said, and signed, about a release: in-toto statements about an
// image's digest in DSSE envelopes, and the keys that are trusted to make them. It signs and verifies,
// and draws typed facts out of provenance, software bills of materials, test results, approvals and
// decisions. It touches no network, no file and no clock: stored envelopes come in through [Source], and
// the time at which a key must be valid comes in as an argument.
//
// The formats, and where they are described:
//
//   - envelopes: DSSE v1, https://github.com/secure-systems-lab/dsse (envelope.md, protocol.md);
//   - statements: in-toto v1, https://github.com/in-toto/attestation (spec/v1/statement.md);
//   - provenance: SLSA v1, https://slsa.dev/spec/v1.0/provenance;
//   - software bill of materials: SPDX 2.2 and 2.3 as JSON, https://spdx.github.io/spdx-spec/v2.3, as predicate
//     (spec/predicates/spdx2.md of in-toto/attestation);
//   - test result: v0.1, spec/predicates/test-result.md of in-toto/attestation;
//   - an image's signature: "simple signing" as in sigstore/cosign's specs/SIGNATURE_SPEC.md;
//   - approval and decision: Slipway's own, [Approval] and [Decision].
package evidence
