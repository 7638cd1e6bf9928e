package memgit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// atomic does what go-git's server leaves out: one exchange at a time, and a push only from the
// head that the client has seen, as real servers have it.
type atomic struct {
	transport.Transport
	repository *repository
}

// NewUploadPackSession serves fetches.
func (a atomic) NewUploadPackSession(e *transport.Endpoint, auth transport.AuthMethod) (transport.UploadPackSession, error) {
	session, err := a.Transport.NewUploadPackSession(e, auth)
	return uploads{session, a.repository}, err
}

// NewReceivePackSession serves pushes.
func (a atomic) NewReceivePackSession(e *transport.Endpoint, auth transport.AuthMethod) (transport.ReceivePackSession, error) {
	session, err := a.Transport.NewReceivePackSession(e, auth)
	return receives{session, a.repository}, err
}

type uploads struct {
	transport.UploadPackSession
	repository *repository
}

func (u uploads) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	u.repository.mu.Lock()
	defer u.repository.mu.Unlock()
	return u.UploadPackSession.AdvertisedReferencesContext(ctx)
}

func (u uploads) UploadPack(ctx context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	u.repository.mu.Lock()
	defer u.repository.mu.Unlock()
	response, err := u.UploadPackSession.UploadPack(ctx, request)
	if err != nil {
		return nil, err
	}
	pack, err := io.ReadAll(response) // while nobody changes the store
	if err != nil {
		return nil, err
	}
	return packp.NewUploadPackResponseWithPackfile(request, io.NopCloser(bytes.NewReader(pack))), response.Close()
}

type receives struct {
	transport.ReceivePackSession
	repository *repository
}

func (r receives) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	r.repository.mu.Lock()
	defer r.repository.mu.Unlock()
	return r.ReceivePackSession.AdvertisedReferencesContext(ctx)
}

func (r receives) ReceivePack(ctx context.Context, request *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	r.repository.mu.Lock()
	defer r.repository.mu.Unlock()
	for _, command := range request.Commands {
		head := plumbing.ZeroHash
		ref, err := r.repository.store.Reference(command.Name)
		if err == nil {
			head = ref.Hash()
		} else if !errors.Is(err, plumbing.ErrReferenceNotFound) {
			return nil, err
		}
		if head != command.Old {
			return nil, fmt.Errorf("%s is at %s, not at %s", command.Name, head, command.Old)
		}
	}
	return r.ReceivePackSession.ReceivePack(ctx, request)
}
