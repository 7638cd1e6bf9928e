package evidence_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	"github.com/slipway-dev/slipway/internal/fault"
)

var (
	image   = evidencetest.Image(1)
	subject = evidence.NewSubject("registry.example/team/shop", image)
	now     = evidencetest.Start
)

// provenance gives a signed envelope of provenance.
func provenance(t testing.TB, by string) []byte {
	t.Helper()
	s, err := evidence.Provenance{BuildType: evidence.BuildType, Builder: "https://slipway.example/ci",
		Repository: "https://git.example/team/shop", Commit: strings.Repeat("ab", 20)}.Statement(subject)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := evidence.Sign(s, evidencetest.Signer(t, by))
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

// edit changes an envelope's JSON.
func edit(t testing.TB, envelope []byte, change func(*dsse.Envelope)) []byte {
	t.Helper()
	var e dsse.Envelope
	if err := json.Unmarshal(envelope, &e); err != nil {
		t.Fatal(err)
	}
	change(&e)
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestVerify_SignedByATrustedKey(t *testing.T) {
	ring := evidencetest.Keyring(t, evidencetest.Key(t, "builder", evidence.Builder))
	envelope := provenance(t, "builder")
	for name, e := range map[string][]byte{
		"as it is":       envelope,
		"without key id": edit(t, envelope, func(e *dsse.Envelope) { e.Signatures[0].KeyID = "" }),
		"beside a stranger's signature": edit(t, envelope, func(e *dsse.Envelope) {
			e.Signatures = append([]dsse.Signature{{KeyID: "stranger", Sig: e.Signatures[0].Sig}}, e.Signatures...)
		}),
	} {
		v, err := ring.Verify(e, evidence.Builder, now)
		if err != nil {
			t.Errorf("%s: %s", name, err)
			continue
		}
		if v.Signer.Name != "builder" || !v.Statement.About(image) || v.Envelope != evidence.DigestOf(e) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestVerify_SaysWhyNot(t *testing.T) {
	builder := evidencetest.Key(t, "builder", evidence.Builder)
	bounded := builder
	bounded.NotBefore, bounded.NotAfter = now.Add(-time.Hour), now.Add(time.Hour)
	envelope := provenance(t, "builder")
	unnamed := func(e *dsse.Envelope) { e.Signatures[0].KeyID = "" }
	for name, tc := range map[string]struct {
		key      evidence.Key
		envelope []byte
		role     evidence.Role
		at       time.Time
		is       error
		says     string
	}{
		"unknown key": {builder, provenance(t, "stranger"), evidence.Builder, now, evidence.ErrUnknownKey,
			"signature 0 by SHA256:"},
		"wrong role": {builder, envelope, evidence.Server, now, evidence.ErrWrongRole,
			"the key builder is a builder's, and a server's is wanted"},
		"wrong role, no key id": {builder, edit(t, envelope, unnamed), evidence.Server, now, evidence.ErrWrongRole,
			"the key builder is a builder's, and a server's is wanted"},
		"not yet valid": {bounded, envelope, evidence.Builder, now.Add(-2 * time.Hour), evidence.ErrNotYetValid,
			"valid from 2026-03-02T08:00:00Z, and 2026-03-02T07:00:00Z is asked for"},
		"expired": {bounded, envelope, evidence.Builder, now.Add(2 * time.Hour), evidence.ErrExpired,
			"valid until 2026-03-02T10:00:00Z, and 2026-03-02T11:00:00Z is asked for"},
		"expired, no key id": {bounded, edit(t, envelope, unnamed), evidence.Builder, now.Add(2 * time.Hour),
			evidence.ErrExpired, "valid until"},
		"payload altered": {builder, edit(t, envelope, func(e *dsse.Envelope) {
			e.Payload = base64.StdEncoding.EncodeToString([]byte(`{"_type":"https://in-toto.io/Statement/v1"}`))
		}), evidence.Builder, now, evidence.ErrBadSignature, "the key builder did not sign this"},
		"signature of another": {builder, edit(t, provenance(t, "stranger"), func(e *dsse.Envelope) {
			e.Signatures[0].KeyID = evidencetest.Keyring(t, builder).Keys()[0].ID
		}), evidence.Builder, now, evidence.ErrBadSignature, "the key builder did not sign this"},
		"stranger without key id": {builder, edit(t, provenance(t, "stranger"), unnamed), evidence.Builder, now,
			evidence.ErrBadSignature, "no trusted key made it, and it names none"},
		"signature that is no base64": {builder, edit(t, envelope, func(e *dsse.Envelope) { e.Signatures[0].Sig = "!" }),
			evidence.Builder, now, evidence.ErrBadSignature, "the key builder did not sign this"},
	} {
		_, err := evidencetest.Keyring(t, tc.key).Verify(tc.envelope, tc.role, tc.at)
		var untrusted *evidence.UntrustedError
		if !errors.Is(err, tc.is) || !errors.As(err, &untrusted) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerify_MalformedEnvelopes(t *testing.T) {
	ring := evidencetest.Keyring(t, evidencetest.Key(t, "builder", evidence.Builder))
	envelope := provenance(t, "builder")
	for name, tc := range map[string]struct {
		envelope []byte
		says     string
	}{
		"no JSON":       {[]byte("{"), "envelope: "},
		"trailing text": {append(envelope, "{}"...), "envelope: "},
		"other type": {edit(t, envelope, func(e *dsse.Envelope) { e.PayloadType = "text/plain" }),
			`envelope: payloadType is "text/plain"`},
		"names in another case": {[]byte(strings.Replace(string(envelope), `"payloadType"`, `"PayloadType"`, 1)),
			`envelope: payloadType is ""`},
		"no signature": {edit(t, envelope, func(e *dsse.Envelope) { e.Signatures = nil }), "envelope: it has no signatures"},
		"many signatures": {edit(t, envelope, func(e *dsse.Envelope) { e.Signatures = make([]dsse.Signature, 17) }),
			"envelope: it has 17 signatures, and 16 are allowed"},
		"payload that is no base64": {edit(t, envelope, func(e *dsse.Envelope) { e.Payload = "!" }), "envelope: "},
		"too large":                 {make([]byte, evidence.MaxEnvelope+1), "envelope: it has 33554433 bytes"},
	} {
		_, err := ring.Verify(tc.envelope, evidence.Builder, now)
		var malformed *evidence.DecodeError
		if !errors.As(err, &malformed) || !strings.HasPrefix(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSign_TheSameStatementIsTheSameEnvelope(t *testing.T) {
	if diff := cmp.Diff(provenance(t, "builder"), provenance(t, "builder")); diff != "" {
		t.Error(diff)
	}
}

func TestNewSigner_KeyForms(t *testing.T) {
	pkcs8, err := evidence.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.NewSigner(pkcs8); err != nil {
		t.Error(err)
	}
	for name, tc := range map[string]struct{ pem, says string }{
		"nothing":      {"", "there is no PEM block in it"},
		"a public key": {evidencetest.Signer(t, "builder").PublicKey(), `its PEM block is a "PUBLIC KEY"`},
		"encrypted": {"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
			`its PEM block is a "ENCRYPTED SIGSTORE PRIVATE KEY"`},
		"no key": {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "read the signing key: "},
	} {
		_, err := evidence.NewSigner([]byte(tc.pem))
		hint, code := fault.Of(err)
		if err == nil || !strings.Contains(err.Error(), tc.says) || hint == "" || code != fault.ExitInvalid {
			t.Errorf("%s: %v (%s)", name, err, hint)
		}
	}
}

func TestNewKeyring_SaysWhichKeyIsWrong(t *testing.T) {
	good := evidencetest.Key(t, "good", evidence.Builder)
	change := func(f func(*evidence.Key)) evidence.Key {
		k := evidencetest.Key(t, "bad", evidence.Builder)
		f(&k)
		return k
	}
	for name, tc := range map[string]struct {
		key  evidence.Key
		says string
	}{
		"no PEM":   {change(func(k *evidence.Key) { k.PublicKey = "x" }), "publicKey: there is no PEM block in it"},
		"other id": {change(func(k *evidence.Key) { k.ID = "x" }), `id is "x", and the public key's is "SHA256:`},
		"no name":  {change(func(k *evidence.Key) { k.Name = "" }), "name is empty"},
		"no role":  {change(func(k *evidence.Key) { k.Role = "king" }), `role is "king"`},
		"backwards": {change(func(k *evidence.Key) { k.NotBefore, k.NotAfter = now, now.Add(-1) }),
			"notAfter is before notBefore"},
		"twice": {change(func(k *evidence.Key) { k.PublicKey = good.PublicKey }), "stands there twice"},
	} {
		_, err := evidence.NewKeyring(good, tc.key)
		place := "keys[1] (" + tc.key.Name + "): "
		if err == nil || !strings.Contains(err.Error(), place) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyImage(t *testing.T) {
	ring := evidencetest.Keyring(t, evidencetest.Key(t, "builder", evidence.Builder))
	sign := func(by string, d evidence.Digest) evidence.ImageSignature {
		s, err := evidence.SignImage("registry.example/team/shop", d, evidencetest.Signer(t, by))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	key, err := ring.VerifyImage(sign("builder", image), image, evidence.Builder, now)
	if err != nil || key.Name != "builder" {
		t.Errorf("%+v, %v", key, err)
	}
	swapped := sign("builder", image)
	swapped.Payload = sign("builder", evidencetest.Image(2)).Payload
	for name, tc := range map[string]struct {
		signature evidence.ImageSignature
		image     evidence.Digest
		says      string
	}{
		"another image": {sign("builder", evidencetest.Image(2)), image,
			"it is of the image " + string(evidencetest.Image(2))},
		"a stranger":      {sign("stranger", image), image, "no trusted key made it"},
		"payload swapped": {swapped, evidencetest.Image(2), "no trusted key made it"},
		"no payload":      {evidence.ImageSignature{}, image, "image signature: "},
		"another type":    {evidence.ImageSignature{Payload: []byte("{}")}, image, `critical.type is ""`},
	} {
		_, err := ring.VerifyImage(tc.signature, tc.image, evidence.Builder, now)
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
