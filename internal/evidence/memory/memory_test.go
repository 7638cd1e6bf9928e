package memory

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
)

func TestStore(t *testing.T) {
	evidencetest.RunStore(t, func(*testing.T) evidencetest.Store { return &Store{} })
}
