package platform

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// rootFiles are where distributions keep the certificates that the machine trusts (the list of
// crypto/x509's root_linux.go).
var rootFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// publicRoots are the well-known roots that this machine trusts, in PEM; empty where none are found.
func publicRoots() []byte {
	for _, f := range rootFiles {
		if text, err := os.ReadFile(f); err == nil {
			return text
		}
	}
	return nil
}

// trustedBundles are the CA bundles that the Platform file names, one after the other.
func (l *Line) trustedBundles() ([]byte, error) {
	var all bytes.Buffer
	for _, f := range l.record.Platform.Spec.Trust.CABundles {
		if !filepath.IsAbs(f) {
			f = filepath.Join(l.record.Base, f)
		}
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read spec.trust.caBundles: %w", err)
		}
		all.Write(bytes.TrimSpace(text))
		all.WriteByte('\n')
	}
	return all.Bytes(), nil
}
