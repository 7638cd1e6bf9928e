package components

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/web"
)

// pages is the component that is built from a folder of Slipway's own source, and project where its
// recipe finds that folder.
const (
	pages   = "console-pages"
	project = pages + "/web"
)

// FS is the folder of components, with the sources of the console's pages in the folder of the component
// that builds them.
func FS() (fs.FS, error) {
	recipes, err := folder()
	if err != nil {
		return nil, err
	}
	return joined{recipes, web.Source()}, nil
}

// joined is a file system with another one in it.
type joined struct{ recipes, web fs.FS }

func (j joined) in(name string) (fs.FS, string) {
	if name == project {
		return j.web, "."
	}
	if below, ok := strings.CutPrefix(name, project+"/"); ok {
		return j.web, below
	}
	return j.recipes, name
}

func (j joined) Open(name string) (fs.File, error) {
	files, name := j.in(name)
	return files.Open(name)
}

// ReadDir lists the other file system's root too, as a folder.
func (j joined) ReadDir(name string) ([]fs.DirEntry, error) {
	files, below := j.in(name)
	entries, err := fs.ReadDir(files, below)
	if name != pages || err != nil {
		return entries, err
	}
	info, err := fs.Stat(j.web, ".")
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == path.Base(project) }) {
		return nil, &fs.PathError{Op: "readdir", Path: project, Err: errors.New("is there already")}
	}
	return append(entries, named{fs.FileInfoToDirEntry(info), path.Base(project)}), nil
}

// named is an entry under another name.
type named struct {
	fs.DirEntry
	name string
}

func (n named) Name() string { return n.name }
