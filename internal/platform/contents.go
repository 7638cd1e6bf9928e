package platform

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/render"
)

// contentChanges are the differences of the directories that packages have in repositories of
// their own, from what was delivered last.
func (l *Line) contentChanges(contents []render.Content) ([]render.Change, error) {
	var changes []render.Change
	for _, c := range contents {
		now, err := contentFiles(c)
		if err != nil {
			return nil, err
		}
		before, err := l.deliveredContent(c)
		if err != nil {
			return nil, err
		}
		changes = append(changes, render.Tree{Files: now}.Diff(render.Tree{Files: before})...)
	}
	return changes, nil
}

// contentFile is a file of a content's repository as one of a tree.
func contentFile(c render.Content, name string, data []byte) render.File {
	object := &unstructured.Unstructured{Object: map[string]any{}}
	if bytes.Contains(data, []byte("kind: Secret")) {
		// Its values are not for a log; that it has changed is still seen.
		data = fmt.Appendf(nil, "a file with a Secret, sha256:%x\n", sha256.Sum256(data))
	}
	return render.File{Path: c.Repository + "/" + name, Unit: c.Unit, Object: object, Data: data}
}

func contentFiles(c render.Content) ([]render.File, error) {
	names, err := c.Files()
	if err != nil {
		return nil, fmt.Errorf("read content %s: %w", c.Repository, err)
	}
	var files []render.File
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(c.Dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, fmt.Errorf("read content %s: %w", c.Repository, err)
		}
		files = append(files, contentFile(c, name, data))
	}
	return sorted(files), nil
}

// deliveredContent is what the content's repository held when it was delivered last.
func (l *Line) deliveredContent(c render.Content) ([]render.File, error) {
	dir := filepath.Join(l.dir.repositories(), render.RepositoryOwner, c.Repository)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	repository, err := deliver.OpenRepository(dir)
	if err != nil {
		return nil, err
	}
	tree, _, ok, err := repository.Delivered()
	if err != nil || !ok {
		return nil, err
	}
	var files []render.File
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, name)
		files = append(files, contentFile(c, name, data))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was delivered of %s: %w", c.Repository, err)
	}
	return sorted(files), nil
}

func sorted(files []render.File) []render.File {
	slices.SortFunc(files, func(a, b render.File) int { return strings.Compare(a.Path, b.Path) })
	return files
}
