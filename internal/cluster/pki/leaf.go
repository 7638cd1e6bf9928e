package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Leaf describes a serving certificate.
type Leaf struct {
	CommonName   string
	Organization []string
	DNSNames     []string
	IPs          []net.IP
}

// EnsureServing keeps NAME.crt and NAME.key in dir, signed by the authority caName of the same
// directory: it makes them where they are missing, expire soon, lack a name, or were signed by
// another authority.
func EnsureServing(dir, caName, name string, want Leaf) error {
	caCertPEM, err := os.ReadFile(filepath.Join(dir, caName+".crt"))
	if err != nil {
		return err
	}
	caKeyPEM, err := os.ReadFile(filepath.Join(dir, caName+".key"))
	if err != nil {
		return err
	}
	ca, caKey, err := parsePair(caCertPEM, caKeyPEM)
	if err != nil {
		return fmt.Errorf("authority %s: %w", caName, err)
	}
	certFile, keyFile := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	if good(certFile, keyFile, ca, want) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: want.CommonName, Organization: want.Organization},
		DNSNames:     want.DNSNames,
		IPAddresses:  want.IPs,
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(leafLifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		return fmt.Errorf("sign %s: %w", name, err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	if err := WriteFile(keyFile, keyPEM, 0o600); err != nil {
		return err
	}
	return WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

func good(certFile, keyFile string, ca *x509.Certificate, want Leaf) bool {
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return false
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return false
	}
	cert, _, err := parsePair(certPEM, keyPEM)
	if err != nil || ExpiresSoon(cert, time.Now()) || cert.CheckSignatureFrom(ca) != nil || cert.Subject.CommonName != want.CommonName {
		return false
	}
	for _, name := range want.DNSNames {
		if cert.VerifyHostname(name) != nil {
			return false
		}
	}
	for _, ip := range want.IPs {
		if cert.VerifyHostname(ip.String()) != nil {
			return false
		}
	}
	return true
}

// ExpiresSoon says that a certificate is to be renewed: less than RenewBefore is left, or less
// than a third of its life for short ones.
func ExpiresSoon(cert *x509.Certificate, now time.Time) bool {
	before := min(RenewBefore, cert.NotAfter.Sub(cert.NotBefore)/3)
	return now.After(cert.NotAfter.Add(-before))
}
