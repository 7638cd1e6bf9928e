package supply

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// pulledFile remembers what a reference pointed at when it was pulled.
func (s *Supplier) pulledFile(ref string) string {
	h, _, err := v1.SHA256(strings.NewReader(ref))
	if err != nil {
		return ""
	}
	return filepath.Join(s.CacheDir, "pulled", h.Hex+".json")
}

// pulledImage is the content of such a file.
type pulledImage struct {
	Ref        string        `json:"ref"`
	Descriptor v1.Descriptor `json:"image"`
}

func (s *Supplier) pulled(ref string) (v1.Descriptor, bool) {
	data, err := os.ReadFile(s.pulledFile(ref))
	var p pulledImage
	if err != nil || json.Unmarshal(data, &p) != nil || p.Ref != ref {
		return v1.Descriptor{}, false
	}
	return p.Descriptor, s.Store.Complete(p.Descriptor.Digest)
}

func (s *Supplier) rememberPulled(ref string, d v1.Descriptor) error {
	data, err := json.MarshalIndent(pulledImage{Ref: ref, Descriptor: d}, "", "  ")
	if err == nil {
		err = replaceFile(s.pulledFile(ref), data)
	}
	if err != nil {
		return fmt.Errorf("remember %s: %w", ref, err)
	}
	return nil
}

// replaceFile writes a file in one step.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
