package build

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"

	"github.com/slipway-dev/slipway/internal/supply/layer"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// self puts the running program at a path of the image.
type self string

func (s self) key(context.Context, *workshop) (any, error) {
	id, err := ProgramID()
	return []string{string(s), id}, err
}

// ProgramID identifies the running program by what was compiled into it.
func ProgramID() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	return buildID(program)
}

func (s self) fill(_ context.Context, w *workshop, t *layer.Tree) ([]sbom.Package, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := t.PutFile(w.at(string(s)), 0o755, program); err != nil {
		return nil, err
	}
	return sbom.FromGoProgram(program)
}

// noteHeader is the length of what stands before an ELF note's content: three sizes of 4 bytes and the name "Go".
const noteHeader = 16

// buildID identifies a Go program by what was compiled into it: the note that Go's linker writes
// (cmd/internal/buildid), whose last part is a digest of the program's content.
func buildID(program string) (string, error) {
	f, err := elf.Open(program)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", program, err)
	}
	defer f.Close()
	note := f.Section(".note.go.buildid")
	if note == nil {
		return "", fmt.Errorf("read %s: %w", program, errors.New("no Go build id"))
	}
	data, err := note.Data()
	if err == nil && len(data) <= noteHeader {
		err = errors.New("the Go build id is empty")
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", program, err)
	}
	return string(data[noteHeader:]), nil
}
