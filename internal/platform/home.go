package platform

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/slipway-dev/slipway/internal/deliver"
)

// Home says where Slipway keeps things on this machine.
type Home struct {
	State string // one directory a platform
	Cache string // image store and build caches, shared by all platforms
	// Adapters speak to the tools' own APIs.
	Adapters deliver.Adapters
}

// Dir is one platform's state directory.
type Dir string

// Platform gives the state directory of the platform called name.
func (h Home) Platform(name string) Dir { return Dir(filepath.Join(h.State, name)) }

// Store is the directory of the image store.
func (h Home) Store() string { return filepath.Join(h.Cache, "store") }

// Names lists the platforms that have been brought up here, sorted.
func (h Home) Names() []string {
	entries, _ := os.ReadDir(h.State)
	var names []string
	for _, e := range entries {
		if _, err := os.Stat(h.Platform(e.Name()).record()); err == nil {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

func (d Dir) path(elem ...string) string {
	return filepath.Join(append([]string{string(d)}, elem...)...)
}

// record holds which platform this is: the defaulted Platform and where it came from.
func (d Dir) record() string { return d.path("platform.json") }

// lockFile is locked by whoever changes the platform.
func (d Dir) lockFile() string { return d.path("lock") }

// lock is the copy of the lock that was delivered last.
func (d Dir) lock() string { return d.path("platform.lock.yaml") }

// delivered says what was delivered last; repositories holds this host's copies of the
// repositories on the platform's Git server.
func (d Dir) delivered() string    { return d.path("delivered.json") }
func (d Dir) repositories() string { return d.path("repositories") }

// drift remembers comparisons of delivered with live objects.
func (d Dir) drift() string { return d.path("drift.json") }

// events holds the events of the last up.
func (d Dir) events() string { return d.path("last-up.jsonl") }

// programs holds the node's programs, extracted from their image.
func (d Dir) programs() string { return d.path("programs") }

// ca holds the platform's certificate authority.
func (d Dir) ca() string { return d.path("pki", "platform") }
