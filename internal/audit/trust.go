package audit

import (
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	kjson "sigs.k8s.io/json"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
)

// Trust are the public keys that an auditor believes in.
type Trust struct {
	// Keys sign decisions and evidence.
	Keys []evidence.Key `json:"keys"`
	// Logs are the keys of the log, as verifier keys of signed notes: "NAME+HASH+KEY". After a change of keys the
	// earlier ones stay, so that earlier checkpoints can be verified.
	Logs []string `json:"logs"`
}

// ParseTrust reads a file of public keys in JSON; unknown fields are errors.
func ParseTrust(data []byte) (Trust, error) {
	var t Trust
	strict, err := kjson.UnmarshalStrict(data, &t)
	if err == nil {
		err = errors.Join(strict...)
	}
	if err == nil {
		_, _, err = t.open()
	}
	if err != nil {
		return Trust{}, fault.Invalid(fmt.Errorf("read the trusted keys: %w", err),
			"slipway audit export writes such a file: keys.json")
	}
	return t, nil
}

// Marshal writes what [ParseTrust] reads.
func (t Trust) Marshal() ([]byte, error) {
	data, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the trusted keys: %w", err)
	}
	return append(data, '\n'), nil
}

// open makes the keys ready to verify.
func (t Trust) open() (*evidence.Keyring, []note.Verifier, error) {
	ring, err := evidence.NewKeyring(t.Keys...)
	if err != nil {
		return nil, nil, err
	}
	logs := make([]note.Verifier, len(t.Logs))
	for i, key := range t.Logs {
		if logs[i], err = note.NewVerifier(key); err != nil {
			return nil, nil, fmt.Errorf("logs[%d]: %w", i, err)
		}
	}
	return ring, logs, nil
}
