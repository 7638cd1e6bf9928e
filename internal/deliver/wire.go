package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/revlist"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// This file speaks Git's wire protocol through a given transport. go-git's own Remote looks
// transports up in a process-wide table, where two platforms with two CAs would meet.

// packWindow is how many objects the packer compares with each other; 10 is Git's default.
const packWindow = 10

// pushing is one connection that sends to a repository.
type pushing struct {
	session    transport.ReceivePackSession
	advertised *packp.AdvRefs
	head       plumbing.Hash // of [Branch] on the server; zero where it has none
}

func (m Remote) open(ctx context.Context) (*pushing, error) {
	endpoint, err := transport.NewEndpoint(m.URL)
	if err != nil {
		return nil, fmt.Errorf("reach repository %s: %w", m.URL, err)
	}
	session, err := m.Transport.NewReceivePackSession(endpoint, m.Auth)
	if err != nil {
		return nil, fmt.Errorf("reach repository %s: %w", m.URL, err)
	}
	advertised, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		_ = session.Close()
		return nil, fmt.Errorf("reach repository %s: %w", m.URL, err)
	}
	return &pushing{session: session, advertised: advertised, head: advertised.References[string(deliveredRef)]}, nil
}

func (p *pushing) close() { _ = p.session.Close() }

// send pushes commit as the branch's new head; the server refuses if its head is no longer the
// one that was seen.
func (p *pushing) send(ctx context.Context, r *Repository, commit plumbing.Hash) error {
	var known []plumbing.Hash
	if !p.head.IsZero() {
		known = append(known, p.head)
	}
	objects, err := revlist.Objects(r.store, []plumbing.Hash{commit}, known)
	if err != nil {
		return fmt.Errorf("list what to push: %w", err)
	}
	request := packp.NewReferenceUpdateRequestFromCapabilities(p.advertised.Capabilities)
	request.Commands = []*packp.Command{{Name: deliveredRef, Old: p.head, New: commit}}
	reader, writer := io.Pipe()
	request.Packfile = reader
	packed := make(chan error, 1)
	go func() {
		encoder := packfile.NewEncoder(writer, r.store, !p.advertised.Capabilities.Supports(capability.OFSDelta))
		_, err := encoder.Encode(objects, packWindow)
		_ = writer.CloseWithError(err)
		packed <- err
	}()
	status, err := p.session.ReceivePack(ctx, request)
	_ = reader.Close()
	if packErr := <-packed; err == nil && packErr != nil {
		err = packErr
	}
	if err == nil && status != nil {
		err = status.Error()
	}
	return err
}

// fetch brings commit with all that it needs.
func (m Remote) fetch(ctx context.Context, r *Repository, commit plumbing.Hash) (err error) {
	if r.store.HasEncodedObject(commit) == nil {
		return nil
	}
	endpoint, err := transport.NewEndpoint(m.URL)
	if err != nil {
		return fmt.Errorf("fetch from %s: %w", m.URL, err)
	}
	session, err := m.Transport.NewUploadPackSession(endpoint, m.Auth)
	if err != nil {
		return fmt.Errorf("fetch from %s: %w", m.URL, err)
	}
	defer func() { _ = session.Close() }()
	advertised, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return fmt.Errorf("fetch from %s: %w", m.URL, err)
	}
	request := packp.NewUploadPackRequestFromCapabilities(advertised.Capabilities)
	request.Wants = []plumbing.Hash{commit}
	if have, err := r.head(); err == nil && !have.IsZero() {
		request.Haves = []plumbing.Hash{have}
	}
	response, err := session.UploadPack(ctx, request)
	if errors.Is(err, transport.ErrEmptyUploadPackRequest) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("fetch from %s: %w", m.URL, err)
	}
	defer func() { _ = response.Close() }()
	if err := packfile.UpdateObjectStorage(r.store, demultiplex(request.Capabilities, response)); err != nil {
		return fmt.Errorf("fetch from %s: %w", m.URL, err)
	}
	return nil
}

// demultiplex takes the pack out of the stream that the server may mix with progress messages.
func demultiplex(capabilities *capability.List, stream io.Reader) io.Reader {
	switch {
	case capabilities.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, stream)
	case capabilities.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, stream)
	}
	return stream
}
