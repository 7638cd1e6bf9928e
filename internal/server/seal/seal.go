// Package seal keeps what the server gives away and takes back from being read or changed: cookies,
// and what the database keeps for later. Each thing is sealed for a purpose and opens for no other.
// It holds no state besides the keys.
package seal

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// keyBytes is the length of one key.
const keyBytes = 32

// ErrForged says that something was not sealed with these keys for this purpose.
var ErrForged = errors.New("not sealed by this server")

// Keys seal with the first key and open with any, so that keys can be replaced one at a time.
type Keys struct {
	boxes []cipher.AEAD
	macs  [][]byte
}

// New makes keys of 32 bytes of randomness each; at least one.
func New(secrets ...[]byte) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no key is given")
	}
	k := &Keys{}
	for i, secret := range secrets {
		if len(secret) != keyBytes {
			return nil, fmt.Errorf("key %d has %d bytes, not %d", i+1, len(secret), keyBytes)
		}
		if err := k.add(secret); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func (k *Keys) add(secret []byte) error {
	boxKey, err := hkdf.Key(sha256.New, secret, nil, "slipway server: seal", keyBytes)
	if err != nil {
		return err
	}
	macKey, err := hkdf.Key(sha256.New, secret, nil, "slipway server: authenticate", keyBytes)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(boxKey)
	if err != nil {
		return err
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return err
	}
	k.boxes, k.macs = append(k.boxes, box), append(k.macs, macKey)
	return nil
}

// Read reads a file of keys: one a line, 32 bytes in base64, the newest first. Empty lines and
// lines that begin with # are left out.
func Read(file string) (*Keys, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the cookie keys: %w", err)
	}
	var secrets [][]byte
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(secret) != keyBytes {
			return nil, fmt.Errorf("%s:%d: a key is %d random bytes in base64", file, n, keyBytes)
		}
		secrets = append(secrets, secret)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	keys, err := New(secrets...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// Seal encrypts and authenticates plain for a purpose; the result is base64url text.
func (k *Keys) Seal(purpose string, plain []byte) string {
	return base64.RawURLEncoding.EncodeToString(k.boxes[0].Seal(nil, nil, plain, []byte(purpose)))
}

// Open gives back what was sealed for the purpose. The error is ErrForged.
func (k *Keys) Open(purpose, sealed string) ([]byte, error) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return nil, ErrForged
	}
	for _, box := range k.boxes {
		if plain, err := box.Open(nil, nil, text, []byte(purpose)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrForged
}

// Sign gives a code in base64url that proves that this server saw the message.
func (k *Keys) Sign(purpose, message string) string {
	return base64.RawURLEncoding.EncodeToString(mac(k.macs[0], purpose, message))
}

// Verify says whether code is what Sign gave for the message.
func (k *Keys) Verify(purpose, message, code string) bool {
	given, err := base64.RawURLEncoding.Strict().DecodeString(code)
	if err != nil {
		return false
	}
	for _, key := range k.macs {
		if hmac.Equal(given, mac(key, purpose, message)) {
			return true
		}
	}
	return false
}

func mac(key []byte, purpose, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(purpose + "\x00" + message))
	return h.Sum(nil)
}

// Secret gives a fresh secret of 256 bits in base64url.
func Secret() string {
	secret := make([]byte, keyBytes)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(secret)
}

// Fingerprint is the SHA-256 of a secret in base64url: what is stored in its place. It needs no salt
// and no stretching, since secrets here have 256 bits of randomness.
func Fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ID gives a fresh public name of 80 bits with a prefix.
func ID(prefix string) string {
	id := make([]byte, 10)
	_, _ = rand.Read(id)
	return fmt.Sprintf("%s%x", prefix, id)
}
