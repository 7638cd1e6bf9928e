package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// lister is the program that lists what an image holds.
const lister = "syft-listing"

// listing has Syft list the packages that an image holds; the result is an SPDX document. The program gets the image as
// files, and neither a login nor the key.
func (j Job) listing(ctx context.Context, image v1.Image, name string) (document []byte, err error) {
	dir, err := os.MkdirTemp("", "image-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	files, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = files.AppendImage(image)
	}
	if err != nil {
		return nil, err
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, lister, dir, name)
	cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(j.Out, &said)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, Meaningful(said.String()))
	}
	return out.Bytes(), nil
}
