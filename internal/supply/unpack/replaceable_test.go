package unpack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/slipway-dev/slipway/internal/fault"
)

func TestReplaceable_OnlyWhatAnImageWasUnpackedInto(t *testing.T) {
	empty, unpacked, filled := t.TempDir(), t.TempDir(), t.TempDir()
	i, digest := image(t, []entryOf{text("a", "1")})
	if err := Image(t.Context(), i, digest, unpacked); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filled, "precious")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]bool{
		filepath.Join(empty, "new"): true, empty: true, unpacked: true, filled: false, file: false,
	} {
		err := Replaceable(dir)
		if (err == nil) != want {
			t.Errorf("%s: %v", dir, err)
		}
		if _, code := fault.Of(err); err != nil && code != fault.ExitInvalid {
			t.Errorf("%s: exit code %d", dir, code)
		}
	}
}
