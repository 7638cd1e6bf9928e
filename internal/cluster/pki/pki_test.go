package pki

import (
	"bytes"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func ca(t *testing.T, dir string) []byte {
	t.Helper()
	cert, _, err := EnsureCA(dir, "acme")
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestEnsureCA_IsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "pki")
	first, second := ca(t, dir), ca(t, dir)
	if !bytes.Equal(first, second) {
		t.Error("the second call made another one")
	}
	cert, err := ParseCertificate(first)
	if err != nil {
		t.Fatal(err)
	}
	if !cert.IsCA || cert.Subject.CommonName != "Slipway acme" || cert.CheckSignatureFrom(cert) != nil {
		t.Errorf("certificate %v", cert.Subject)
	}
	info, err := os.Stat(filepath.Join(dir, "ca.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v %v", info.Mode(), err)
	}
}

func TestEnsureCA_RefusesWhatDoesNotFit(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"key missing":   func(dir string) error { return os.Remove(filepath.Join(dir, "ca.key")) },
		"key truncated": func(dir string) error { return os.WriteFile(filepath.Join(dir, "ca.key"), []byte("x"), 0o600) },
		"key of another": func(dir string) error {
			other := filepath.Join(dir, "other")
			_, key, err := EnsureCA(other, "other")
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "ca.key"), key, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			before := ca(t, dir)
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			if _, _, err := EnsureCA(dir, "acme"); err == nil {
				t.Error("no error")
			}
			if after, _ := os.ReadFile(filepath.Join(dir, "ca.crt")); !bytes.Equal(before, after) {
				t.Error("the certificate was replaced")
			}
		})
	}
}

func TestEnsureServing(t *testing.T) {
	dir := t.TempDir()
	root := x509.NewCertPool()
	root.AppendCertsFromPEM(ca(t, dir))
	want := Leaf{CommonName: "n", DNSNames: []string{"node.example"}, IPs: []net.IP{net.IPv4(10, 0, 0, 1)}}
	ensure := func(l Leaf) []byte {
		t.Helper()
		if err := EnsureServing(dir, "ca", "leaf", l); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "leaf.crt"))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	first := ensure(want)
	cert, err := ParseCertificate(first)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"node.example", "10.0.0.1"} {
		if _, err := cert.Verify(x509.VerifyOptions{DNSName: host, Roots: root}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if !bytes.Equal(first, ensure(want)) {
		t.Error("a good certificate was replaced")
	}
	moved := want
	moved.IPs = []net.IP{net.IPv4(10, 0, 0, 2)}
	second := ensure(moved)
	if bytes.Equal(first, second) {
		t.Error("a certificate without the address was kept")
	}
	if err := os.Remove(filepath.Join(dir, "ca.crt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "ca.key")); err != nil {
		t.Fatal(err)
	}
	ca(t, dir)
	if bytes.Equal(second, ensure(moved)) {
		t.Error("a certificate of another authority was kept")
	}
}

func TestExpiresSoon(t *testing.T) {
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for name, test := range map[string]struct {
		life, age time.Duration
		want      bool
	}{
		"a year, new":          {365 * day, 0, false},
		"a year, 240 days":     {365 * day, 240 * day, false},
		"a year, 250 days":     {365 * day, 250 * day, true},
		"a year, over":         {365 * day, 366 * day, true},
		"three days, one gone": {3 * day, day, false},
		"three days, last one": {3 * day, 2*day + time.Hour, true},
	} {
		cert := &x509.Certificate{NotBefore: begin, NotAfter: begin.Add(test.life)}
		if got := ExpiresSoon(cert, begin.Add(test.age)); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
