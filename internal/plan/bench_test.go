package plan

import (
	"testing"

	builtin "github.com/slipway-dev/slipway/catalog"
	"github.com/slipway-dev/slipway/components"
	"github.com/slipway-dev/slipway/internal/catalog"
)

// BenchmarkLoadAndResolve is what every command pays before it does anything: the whole
// catalogue read, and the default platform resolved.
func BenchmarkLoadAndResolve(b *testing.B) {
	recipes, err := components.FS()
	if err != nil {
		b.Fatal(err)
	}
	p := platform(b, "")
	for b.Loop() {
		c, err := catalog.Load(builtin.FS(), recipes, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Resolve(p, c, machine); err != nil {
			b.Fatal(err)
		}
	}
}
