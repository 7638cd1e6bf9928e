package gitea

import (
	"bytes"
	"sync"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// maxBlobs bounds what is remembered of files, in bytes; beyond it everything is forgotten.
const maxBlobs = 16 << 20

// blobs are contents of files that were read, by repository and by Git's hash: the same hash is the same content.
type blobs struct {
	mu    sync.Mutex
	known map[blob][]byte
	size  int
}

type blob struct {
	repository forge.Repository
	hash       string
}

func (b *blobs) get(r forge.Repository, hash string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, known := b.known[blob{r, hash}]
	return bytes.Clone(data), known
}

func (b *blobs) put(r forge.Repository, hash string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil || b.size+len(data) > maxBlobs {
		b.known, b.size = map[blob][]byte{}, 0
	}
	b.known[blob{r, hash}] = bytes.Clone(data)
	b.size += len(data)
}
