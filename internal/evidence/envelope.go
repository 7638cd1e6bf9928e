package evidence

import (
	"context"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// PayloadType is the type of an envelope's payload that holds an in-toto statement.
const PayloadType = "application/vnd.in-toto+json"

// Limits of envelopes, in bytes and signatures.
const (
	// MaxEnvelope bounds any envelope: a software bill of materials may list tens of thousands of packages.
	MaxEnvelope = 32 << 20
	// MaxLogged bounds an envelope that goes into a log: entries of a tile log have a length of 16 bits
	// (https://c2sp.org/tlog-tiles).
	MaxLogged = 1<<16 - 1

	maxSignatures = 16
)

// Sign puts a statement into an envelope with the signer's signature, and gives the envelope's JSON.
func Sign(s Statement, by *Signer) ([]byte, error) {
	body, err := s.payload()
	if err != nil {
		return nil, fmt.Errorf("sign a statement: %w", err)
	}
	signer, err := dsse.NewEnvelopeSigner(by)
	if err != nil {
		return nil, fmt.Errorf("sign a statement: %w", err)
	}
	sealed, err := signer.SignPayload(context.Background(), PayloadType, body)
	if err != nil {
		return nil, fmt.Errorf("sign a statement: %w", err)
	}
	data, err := encode(sealed)
	if err != nil {
		return nil, fmt.Errorf("sign a statement: %w", err)
	}
	if len(data) > MaxEnvelope {
		return nil, fmt.Errorf("sign a statement: its envelope has %d bytes, and %d are allowed", len(data), MaxEnvelope)
	}
	return data, nil
}

// parseEnvelope reads an envelope and its payload; it verifies nothing.
func parseEnvelope(data []byte) (*dsse.Envelope, []byte, error) {
	const what = "envelope"
	if len(data) > MaxEnvelope {
		return nil, nil, decodeErrorf(what, "it has %d bytes, and %d are allowed", len(data), MaxEnvelope)
	}
	var e dsse.Envelope
	if err := decode(what, data, &e); err != nil {
		return nil, nil, err
	}
	switch {
	case e.PayloadType != PayloadType:
		return nil, nil, decodeErrorf(what, "payloadType is %q, not %q", shorten(e.PayloadType), PayloadType)
	case len(e.Signatures) == 0:
		return nil, nil, decodeErrorf(what, "it has no signatures")
	case len(e.Signatures) > maxSignatures:
		return nil, nil, decodeErrorf(what, "it has %d signatures, and %d are allowed", len(e.Signatures), maxSignatures)
	}
	payload, err := e.DecodeB64Payload()
	if err != nil {
		return nil, nil, &DecodeError{What: what, Err: err}
	}
	return &e, payload, nil
}

// Payload gives what an envelope holds, without looking at its signatures.
func Payload(envelope []byte) ([]byte, error) {
	_, payload, err := parseEnvelope(envelope)
	return payload, err
}

// Unverified reads the statement in an envelope without looking at its signatures: for showing it, and for
// learning what it says it is. Nothing may be decided by it; that takes [Keyring.Verify].
func Unverified(envelope []byte) (Statement, error) {
	_, payload, err := parseEnvelope(envelope)
	if err != nil {
		return Statement{}, err
	}
	return ParseStatement(payload)
}
