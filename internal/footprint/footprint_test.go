package footprint

import (
	"testing"

	"github.com/prometheus/procfs"
)

func TestRelease_UnmapsWhatIsReadAgainWhenNeeded(t *testing.T) {
	before := resident(t)
	if err := Release(); err != nil {
		t.Fatal(err)
	}
	after := resident(t)
	t.Logf("of the program's file %d KiB are mapped, before %d KiB", after/1024, before/1024)
	if after >= before {
		t.Errorf("%d bytes of files are mapped, before %d", after, before)
	}
}

// resident is how many bytes of files are mapped into the process.
func resident(t *testing.T) uint64 {
	t.Helper()
	self, err := procfs.Self()
	if err != nil {
		t.Fatal(err)
	}
	status, err := self.NewStatus()
	if err != nil {
		t.Fatal(err)
	}
	return status.RssFile
}
