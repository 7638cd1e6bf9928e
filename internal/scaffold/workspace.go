package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Limits of a workspace, where none are given.
const (
	defaultFiles = 5000
	defaultBytes = 64 << 20
	maxPath      = 1024
)

// Limits bound a workspace; a zero is replaced by the default.
type Limits struct {
	Files int   // how many files; 5000 by default
	Bytes int64 // in all files together; 64 MiB by default
}

// File is a file of a workspace.
type File struct {
	// Path is relative, with slashes: "deploy/service.yaml".
	Path string `json:"path"`
	// Executable says that the file can be run.
	Executable bool   `json:"executable,omitempty"`
	Data       []byte `json:"data"`
}

// Workspace is the folder that the steps of a run work in. It is kept in memory: there are no links to
// follow, and a path can lead nowhere else. Folders are there as long as they hold a file.
type Workspace struct {
	limits Limits
	files  map[string]File
	bytes  int64
	// changed says that files are not saved yet.
	changed bool
}

// NewWorkspace makes a workspace that holds files.
func NewWorkspace(limits Limits, files []File) (*Workspace, error) {
	if limits.Files == 0 {
		limits.Files = defaultFiles
	}
	if limits.Bytes == 0 {
		limits.Bytes = defaultBytes
	}
	w := &Workspace{limits: limits, files: map[string]File{}}
	for _, f := range files {
		if err := w.Write(f); err != nil {
			return nil, err
		}
	}
	w.changed = false
	return w, nil
}

// Clean makes the relative path that a template gives plain: "./a//b/" is "a/b", and "" or "." is ".". A path that
// leads out of the workspace is an error.
func Clean(name string) (string, error) {
	switch {
	case strings.ContainsAny(name, "\x00\\"):
		return "", fmt.Errorf("the path %q has a character that paths may not have", name)
	case len(name) > maxPath:
		return "", fmt.Errorf("the path %.40q... is longer than %d characters", name, maxPath)
	case strings.HasPrefix(name, "/"):
		return "", fmt.Errorf("the path %q is absolute; paths are relative to the workspace", name)
	}
	clean := path.Clean(name)
	if !fs.ValidPath(clean) {
		return "", fmt.Errorf("the path %q leads out of the workspace", name)
	}
	return clean, nil
}

// Write puts a file, in place of one that is there.
func (w *Workspace) Write(f File) error {
	clean, err := Clean(f.Path)
	if err != nil {
		return err
	}
	if clean == "." {
		return fmt.Errorf("%q is a folder", f.Path)
	}
	f.Path = clean
	if w.isFolder(clean) {
		return fmt.Errorf("%s is a folder, and cannot be a file too", clean)
	}
	for parent := path.Dir(clean); parent != "."; parent = path.Dir(parent) {
		if _, is := w.files[parent]; is {
			return fmt.Errorf("%s is a file, and cannot hold %s", parent, clean)
		}
	}
	before, there := w.files[clean]
	if !there && len(w.files) >= w.limits.Files {
		return fmt.Errorf("the workspace holds %d files already, and no more are allowed", w.limits.Files)
	}
	size := w.bytes - int64(len(before.Data)) + int64(len(f.Data))
	if size > w.limits.Bytes {
		return fmt.Errorf("%s makes the workspace larger than %d MiB, which is not allowed", clean, w.limits.Bytes>>20)
	}
	w.files[clean], w.bytes, w.changed = f, size, true
	return nil
}

// Read gives a file.
func (w *Workspace) Read(name string) (File, error) {
	clean, err := Clean(name)
	if err != nil {
		return File{}, err
	}
	f, ok := w.files[clean]
	if !ok {
		return File{}, fmt.Errorf("%s: %w in the workspace", name, fs.ErrNotExist)
	}
	return f, nil
}

// Exists says whether there is a file or a folder of a name.
func (w *Workspace) Exists(name string) bool {
	clean, err := Clean(name)
	if err != nil {
		return false
	}
	_, file := w.files[clean]
	return file || clean == "." || w.isFolder(clean)
}

func (w *Workspace) isFolder(clean string) bool {
	for name := range w.files {
		if strings.HasPrefix(name, clean+"/") {
			return true
		}
	}
	return false
}

// Files are the files at or below a path, by name.
func (w *Workspace) Files(below string) ([]File, error) {
	clean, err := Clean(below)
	if err != nil {
		return nil, err
	}
	var out []File
	for _, name := range sortedKeys(w.files) {
		if clean == "." || name == clean || strings.HasPrefix(name, clean+"/") {
			out = append(out, w.files[name])
		}
	}
	return out, nil
}

// Remove deletes a file, or a folder with all that is in it. What is not there is no error.
func (w *Workspace) Remove(name string) error {
	files, err := w.Files(name)
	for _, f := range files {
		w.bytes -= int64(len(f.Data))
		delete(w.files, f.Path)
		w.changed = true
	}
	return err
}

// Rename moves a file or a folder. What is at the new place is replaced only if overwrite says so.
func (w *Workspace) Rename(from, to string, overwrite bool) error {
	source, err := Clean(from)
	if err != nil {
		return err
	}
	target, err := Clean(to)
	switch {
	case err != nil:
		return err
	case !w.Exists(source):
		return fmt.Errorf("%s: %w in the workspace", from, fs.ErrNotExist)
	case source == target:
		return nil
	case source == "." || target == "." || strings.HasPrefix(target, source+"/"):
		return fmt.Errorf("%s cannot be moved to %s, which is inside it", from, to)
	case w.Exists(target) && !overwrite:
		return fmt.Errorf("%s: %w; set overwrite to replace it", to, fs.ErrExist)
	}
	files, err := w.Files(source)
	if err == nil {
		err = errors.Join(w.Remove(target), w.Remove(source))
	}
	for _, f := range files {
		if err != nil {
			return err
		}
		f.Path = target + strings.TrimPrefix(f.Path, source)
		err = w.Write(f)
	}
	return err
}

// Entry is a file or a folder in a folder.
type Entry struct {
	Name, Path string
	Folder     bool
}

// List gives what is in a folder, by name; recursive goes into its folders too.
func (w *Workspace) List(folder string, recursive bool) ([]Entry, error) {
	clean, err := Clean(folder)
	if err != nil {
		return nil, err
	}
	if clean != "." && !w.isFolder(clean) {
		return nil, fmt.Errorf("%s: %w as a folder in the workspace", folder, fs.ErrNotExist)
	}
	found := map[string]Entry{}
	for name := range w.files {
		inside, ok := strings.CutPrefix(name, clean+"/")
		if clean == "." {
			inside, ok = name, true
		}
		if !ok {
			continue
		}
		steps := strings.Split(inside, "/")
		if !recursive {
			steps = steps[:1]
		}
		for i := range steps {
			at := path.Join(clean, strings.Join(steps[:i+1], "/"))
			found[at] = Entry{Name: steps[i], Path: at, Folder: at != name}
		}
	}
	out := make([]Entry, 0, len(found))
	for _, at := range sortedKeys(found) {
		out = append(out, found[at])
	}
	return slices.Clip(out), nil
}

// CopyFrom reads the files below a tree's root, bounded by the workspace's limits, and gives each to
// add. Links and other things that are not plain files are refused, for a template could reach through them.
func (w *Workspace) CopyFrom(files fs.FS, add func(File) error) error {
	count, size := 0, int64(0)
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is a link or a special file; a template may hold plain files only", name)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if count, size = count+1, size+info.Size(); count > w.limits.Files || size > w.limits.Bytes {
			return fmt.Errorf("the folder holds more than %d files or %d MiB, which is not allowed",
				w.limits.Files, w.limits.Bytes>>20)
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return add(File{Path: name, Executable: info.Mode()&0o111 != 0, Data: data})
	})
}
