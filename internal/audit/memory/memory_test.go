package memory

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/audit/audittest"
)

func TestLog(t *testing.T) {
	audittest.Run(t, func(t *testing.T) audittest.Log {
		signer, _ := audittest.LogSigner(t, audittest.Origin)
		l, err := New(signer, audittest.Keyring(t))
		if err != nil {
			t.Fatal(err)
		}
		return l
	})
}
