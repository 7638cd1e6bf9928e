package promotions

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
	"github.com/slipway-dev/slipway/internal/server/api"
)

const mainBranch = app.Branch

// request is who asked for which promotion, or for which change of gates. It stands at requests/<head>.json, and so is
// about one commit.
type request struct {
	// Path and Digest are the file of a change of gates and its new content, that of no bytes where the file goes; Before
	// is the content that it replaces, empty where there is none. All three are empty for a promotion; what follows,
	// down to By, is for a promotion alone.
	Path   string          `json:"path,omitempty"`
	Digest evidence.Digest `json:"digest,omitempty"`
	Before evidence.Digest `json:"before,omitempty"`

	Team        string           `json:"team"`
	Application string           `json:"application"`
	From        string           `json:"from"`
	To          string           `json:"to"`
	Release     v1alpha1.Release `json:"release"`
	By          api.Actor        `json:"by"`
	At          time.Time        `json:"at"`
	Note        string           `json:"note,omitempty"`
	// Head is the commit that was made for it, and Base the one below, on the environments' branch.
	Head string `json:"head"`
	Base string `json:"base"`
	// Content is the digest of the folder's files at Head; BaseTree is its Git tree at Base, empty where it was not there.
	Content  string `json:"content"`
	BaseTree string `json:"baseTree,omitempty"`
	// Replaces is the release that the environment has at Base.
	Replaces *v1alpha1.Release `json:"replaces,omitempty"`
}

func (r request) folder() string { return app.Folder(r.To, r.Application) }

// ofGates says whether a change of gates was asked for, and not a promotion.
func (r request) ofGates() bool { return r.Path != "" }

// digest is that of the release's image, or of the changed file.
func (r request) digest() string {
	if r.ofGates() {
		return string(r.Digest)
	}
	_, digest := app.Image(r.Release.Spec.Image)
	return digest
}

// waiver is somebody's word that a gate need not be passed.
type waiver struct {
	Gate   string    `json:"gate"`
	By     api.Actor `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// glass is a broken glass.
type glass struct {
	By     api.Actor    `json:"by"`
	At     time.Time    `json:"at"`
	Reason string       `json:"reason"`
	Head   string       `json:"head"`
	Review *glassReview `json:"review,omitempty"`
}

type glassReview struct {
	By       api.Actor `json:"by"`
	At       time.Time `json:"at"`
	Accepted bool      `json:"accepted"`
	Comment  string    `json:"comment"`
}

// Where records stand.
func requestPath(head string) string { return "requests/" + head + ".json" }
func waiversPath(number int) string  { return fmt.Sprintf("promotions/%d/waivers.json", number) }
func glassPath(number int) string    { return fmt.Sprintf("promotions/%d/break-glass.json", number) }
func inputPath(d evidence.Digest) string {
	return "inputs/" + d.Hex()[:2] + "/" + d.Hex() + ".json"
}

// read reads a record; found is false where there is none. The version is what a change of it rests on.
func read[T any](ctx context.Context, g Git, path string) (value T, version string, found bool, err error) {
	f, err := g.ReadFile(ctx, Records, recordsBranch, path)
	if errors.Is(err, forge.ErrNotFound) {
		return value, "", false, nil
	}
	if err != nil {
		return value, "", false, fmt.Errorf("read the record %s: %w", path, err)
	}
	if err := json.Unmarshal(f.Data, &value); err != nil {
		return value, "", false, fmt.Errorf("read the record %s of %s: %w", path, Records, err)
	}
	return value, f.Version, true, nil
}

// keep writes a record in the place of its version, "" for a new one. The same record again is none.
func keep(ctx context.Context, g Git, path string, value any, version, message string, by api.Actor) error {
	data, err := encode(value)
	if err != nil {
		return fmt.Errorf("write the record %s: %w", path, err)
	}
	_, err = g.Commit(ctx, Records, forge.Commit{Branch: recordsBranch, Message: message, Author: author(by),
		Changes: []forge.FileChange{{Path: path, Data: data, Version: version}}})
	if errors.Is(err, forge.ErrConflict) && version == "" {
		if f, readErr := g.ReadFile(ctx, Records, recordsBranch, path); readErr == nil && bytes.Equal(f.Data, data) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("write the record %s: %w", path, err)
	}
	return nil
}

func encode(value any) ([]byte, error) {
	data, err := json.MarshalIndent(value, "", "  ")
	return append(data, '\n'), err
}

// author is somebody as the author of a commit.
func author(by api.Actor) forge.Person {
	if by.Username == "" {
		return forge.Person{}
	}
	name := by.Name
	if name == "" {
		name = by.Username
	}
	return forge.Person{Name: name, Email: by.Username + "@users.noreply.slipway.invalid"}
}

// keepInput writes the input of gates, and gives its digest.
func (p *Promotions) keepInput(ctx context.Context, in gate.Input) (evidence.Digest, error) {
	data, err := encode(in)
	if err != nil {
		return "", fmt.Errorf("write the gates' input: %w", err)
	}
	digest := evidence.DigestOf(data)
	err = keep(ctx, p.o.Forge, inputPath(digest), json.RawMessage(data), "", "Input of gates for "+in.Promotion.ID, api.Actor{})
	return digest, err
}

// readInput reads the input of gates; found is false where it is not kept, or is not what it was.
func (p *Promotions) readInput(ctx context.Context, digest evidence.Digest) (in gate.Input, found bool, err error) {
	f, err := p.o.Forge.ReadFile(ctx, Records, recordsBranch, inputPath(digest))
	if errors.Is(err, forge.ErrNotFound) {
		return in, false, nil
	}
	if err != nil {
		return in, false, fmt.Errorf("read the gates' input %s: %w", digest.Short(), err)
	}
	if evidence.DigestOf(f.Data) != digest || json.Unmarshal(f.Data, &in) != nil {
		return in, false, nil
	}
	return in, true, nil
}

// contentOf is a digest over files: their paths and their contents.
func contentOf(files []forge.File) string {
	h := sha256.New()
	for _, f := range files { // the forge gives them by path
		sum := sha256.Sum256(f.Data)
		fmt.Fprintf(h, "%s  %s\n", hex.EncodeToString(sum[:]), f.Path)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
