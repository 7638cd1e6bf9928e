package memory_test

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/audit/memory"
)

func TestLog(t *testing.T) {
	audittest.Run(t, func(t *testing.T) audittest.Log {
		signer, _ := audittest.LogSigner(t, audittest.Origin)
		l, err := memory.New(signer, audittest.Keyring(t))
		if err != nil {
			t.Fatal(err)
		}
		return l
	})
}
