package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// algorithm is the only digest algorithm that images and evidence are named by.
const algorithm = "sha256"

// Digest names an image's manifest, or bytes that are stored, by their content: "sha256:" and 64 lower-case
// hexadecimal digits, as in the OCI image specification.
type Digest string

// DigestOf gives the digest of data.
func DigestOf(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest(algorithm + ":" + hex.EncodeToString(sum[:]))
}

// ParseDigest checks a digest's form.
func ParseDigest(s string) (Digest, error) {
	digits, ok := strings.CutPrefix(s, algorithm+":")
	if !ok || !isHex(digits, 2*sha256.Size) {
		return "", fmt.Errorf("%q is no digest: it is \"sha256:\" and 64 hexadecimal digits in lower case", shorten(s))
	}
	return Digest(s), nil
}

// Hex gives the digest's digits, without the algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), algorithm+":") }

// Short gives the first digits, for a line that a person reads.
func (d Digest) Short() string { return d.Hex()[:min(12, len(d.Hex()))] }

func isHex(s string, length int) bool {
	return len(s) == length && strings.Trim(s, "0123456789abcdef") == ""
}

// shown is how much of a value from outside stands in an error.
const shown = 80

// shorten makes a text from outside fit into an error.
func shorten(s string) string {
	if len(s) <= shown {
		return s
	}
	return strings.ToValidUTF8(s[:shown], "") + "…"
}
