package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func keys(t *testing.T, first ...byte) *Keys {
	t.Helper()
	var secrets [][]byte
	for _, b := range first {
		secrets = append(secrets, bytes.Repeat([]byte{b}, keyBytes))
	}
	k, err := New(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestOpen_EveryChangedBitIsFound(t *testing.T) {
	k := keys(t, 1)
	sealed := k.Seal("cookie", []byte("secret"))
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(raw) * 8 {
		changed := bytes.Clone(raw)
		changed[i/8] ^= 1 << (i % 8)
		if _, err := k.Open("cookie", base64.RawURLEncoding.EncodeToString(changed)); !errors.Is(err, ErrForged) {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	for n := range len(sealed) {
		if _, err := k.Open("cookie", sealed[:n]); !errors.Is(err, ErrForged) {
			t.Fatalf("cut to %d: %v", n, err)
		}
	}
}

func TestOpen_OnlyForItsPurposeAndKey(t *testing.T) {
	k := keys(t, 1)
	sealed := k.Seal("cookie", []byte("secret"))
	if got, err := k.Open("cookie", sealed); err != nil || string(got) != "secret" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := k.Open("login", sealed); !errors.Is(err, ErrForged) {
		t.Errorf("another purpose: %v", err)
	}
	if _, err := keys(t, 2).Open("cookie", sealed); !errors.Is(err, ErrForged) {
		t.Errorf("another key: %v", err)
	}
	if k.Seal("cookie", []byte("secret")) == sealed {
		t.Error("sealing twice gives the same")
	}
}

func TestKeys_CanBeReplacedOneAtATime(t *testing.T) {
	old := keys(t, 1)
	sealed, code := old.Seal("cookie", []byte("secret")), old.Sign("csrf", "m")
	both, fresh := keys(t, 2, 1), keys(t, 2)
	if _, err := both.Open("cookie", sealed); err != nil {
		t.Error("the old key is not tried:", err)
	}
	if !both.Verify("csrf", "m", code) {
		t.Error("the old key's code is not good")
	}
	if _, err := fresh.Open("cookie", both.Seal("cookie", []byte("x"))); err != nil {
		t.Error("the new key does not seal:", err)
	}
	if _, err := fresh.Open("cookie", sealed); err == nil || fresh.Verify("csrf", "m", code) {
		t.Error("the old key still counts after it has gone")
	}
}

func TestVerify_OnlyForItsMessageAndPurpose(t *testing.T) {
	k := keys(t, 1)
	code := k.Sign("csrf", "session")
	for _, tt := range []struct{ purpose, message, code string }{
		{"csrf", "other", code}, {"other", "session", code}, {"csrf", "session", ""}, {"csrf", "session", code[1:]},
		{"csr", "f\x00session", code}, {"csrf", "session", "%"},
	} {
		if k.Verify(tt.purpose, tt.message, tt.code) {
			t.Errorf("%+v is good", tt)
		}
	}
	if !k.Verify("csrf", "session", code) {
		t.Error("the code is not good")
	}
}

func TestRead_SaysWhereAKeyIsWrong(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, keyBytes))
	tests := []struct{ text, want string }{
		{good + "\n", ""},
		{"# newest\n" + good + "\n\n" + good, ""},
		{"", "no key is given"},
		{good + "\nshort\n", ":2: a key is 32 random bytes in base64"},
		{"c2hvcnQ=", ":1: a key is 32 random bytes in base64"},
	}
	for _, tt := range tests {
		file := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(file)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q: %v", tt.text, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, sealed string) {
		k, err := New(bytes.Repeat([]byte{1}, keyBytes))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Open("cookie", sealed); err == nil {
			t.Errorf("%q opens", sealed)
		}
	})
}
