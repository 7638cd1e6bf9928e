package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Load reads Slipway's own catalogue and components, then the user's folders in order. A
// user's folder is laid out as
//
//	capabilities/<name>.yaml
//	tools/<name>/tool.yaml
//	components/<name>/recipe.yaml
//	blueprints/<name>/platform.yaml, README.md
//
// with any of these left out; an entry takes the place of one with the same name before it.
// components may be nil. All files' mistakes come back at once, as [spec.Errors].
func Load(builtin, components fs.FS, extraDirs []string) (*Catalog, error) {
	l := &loader{catalog: &Catalog{
		Capabilities: map[string]v1alpha1.Capability{},
		Tools:        map[string]Tool{},
		Recipes:      map[string]Recipe{},
		Blueprints:   map[string]Blueprint{},
		contracts:    map[string]*spec.Document{},
	}}
	if err := l.folder(builtin, "catalog"); err != nil {
		return nil, err
	}
	if components != nil {
		if err := l.recipes(components, "components"); err != nil {
			return nil, err
		}
	}
	for _, dir := range extraDirs {
		if err := l.extra(dir); err != nil {
			return nil, err
		}
	}
	if err := spec.AsError(l.found); err != nil {
		return nil, fault.Invalid(err, "")
	}
	return l.catalog, nil
}

type loader struct {
	catalog *Catalog
	found   []spec.Finding
}

// extra reads a user's catalogue.
func (l *loader) extra(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fault.Invalid(fmt.Errorf("read catalogue %s: %w", dir, err), "")
	}
	if !info.IsDir() {
		return fault.Invalid(fmt.Errorf("read catalogue %s: not a directory", dir), "")
	}
	files := os.DirFS(dir)
	if err := l.folder(files, dir); err != nil {
		return err
	}
	components, err := fs.Sub(files, "components")
	if err != nil {
		return fmt.Errorf("read catalogue %s: %w", dir, err)
	}
	return l.recipes(components, filepath.Join(dir, "components"))
}

// folder reads capabilities, tools and blueprints.
func (l *loader) folder(files fs.FS, name string) error {
	if err := l.capabilities(files, name); err != nil {
		return err
	}
	err := l.each(files, "tools", "tool.yaml", name, func(dir fs.FS, entry, file string, data []byte) error {
		tool, doc, err := spec.DecodeTool(file, data)
		if !l.keep(doc, "metadata.name", tool.Metadata.Name, entry, err) {
			return unlessFindings(err)
		}
		digest, err := Digest(dir)
		l.catalog.Tools[entry] = Tool{Tool: tool, FS: dir, Digest: digest, File: file, doc: doc}
		return err
	})
	if err != nil {
		return err
	}
	return l.each(files, "blueprints", "platform.yaml", name, func(dir fs.FS, entry, file string, data []byte) error {
		page, err := fs.ReadFile(dir, "README.md")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		l.catalog.Blueprints[entry] = Blueprint{Data: data, Page: page, Description: firstParagraph(page), File: file}
		return nil
	})
}

func (l *loader) capabilities(files fs.FS, name string) error {
	entries, err := fs.ReadDir(files, "capabilities")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read catalogue %s: %w", name, err)
	}
	for _, e := range entries {
		entry, ok := strings.CutSuffix(e.Name(), ".yaml")
		if !ok || e.IsDir() {
			continue
		}
		data, err := fs.ReadFile(files, path.Join("capabilities", e.Name()))
		if err != nil {
			return fmt.Errorf("read catalogue %s: %w", name, err)
		}
		capability, doc, err := spec.DecodeCapability(path.Join(filepath.ToSlash(name), "capabilities", e.Name()), data)
		if l.keep(doc, "metadata.name", capability.Metadata.Name, entry, err) {
			l.catalog.Capabilities[entry] = capability
			l.catalog.contracts[entry] = doc
		} else if err := unlessFindings(err); err != nil {
			return err
		}
	}
	return nil
}

// recipes reads a folder of components.
func (l *loader) recipes(files fs.FS, name string) error {
	return l.each(files, ".", "recipe.yaml", name, func(dir fs.FS, entry, file string, data []byte) error {
		recipe, doc, err := spec.DecodeRecipe(file, data)
		if !l.keep(doc, "metadata.name", recipe.Metadata.Name, entry, err) {
			return unlessFindings(err)
		}
		digest, err := Digest(dir)
		l.catalog.Recipes[entry] = Recipe{Recipe: recipe, FS: dir, Digest: digest, File: file, doc: doc}
		return err
	})
}

// each visits the folders below a folder that hold the given file.
func (l *loader) each(files fs.FS, below, file, name string, visit func(dir fs.FS, entry, file string, data []byte) error) error {
	entries, err := fs.ReadDir(files, below)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for _, e := range entries {
		at := path.Join(below, e.Name())
		data, err := fs.ReadFile(files, path.Join(at, file))
		if errors.Is(err, fs.ErrNotExist) || (err != nil && !e.IsDir()) {
			continue // a file beside the folders, or a folder for something else
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		dir, err := fs.Sub(files, at)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if err := visit(dir, e.Name(), path.Join(filepath.ToSlash(name), at, file), data); err != nil {
			return fmt.Errorf("read %s: %w", path.Join(filepath.ToSlash(name), at), err)
		}
	}
	return nil
}

// keep collects a file's findings, and says whether its content can be used.
func (l *loader) keep(doc *spec.Document, path, name, entry string, err error) bool {
	var wrong spec.Errors
	if errors.As(err, &wrong) {
		l.found = append(l.found, wrong...)
		return false
	}
	if err != nil {
		return false
	}
	if name != entry {
		l.found = append(l.found, doc.At(path, entry, "is %q, but the file stands under the name %q", name, entry))
		return false
	}
	return true
}

// unlessFindings passes errors that are not about a file's content.
func unlessFindings(err error) error {
	var wrong spec.Errors
	if errors.As(err, &wrong) {
		return nil
	}
	return err
}

// firstParagraph is the first text of a Markdown page that is not a heading, on one line.
func firstParagraph(page []byte) string {
	for _, block := range strings.Split(strings.ReplaceAll(string(page), "\r\n", "\n"), "\n\n") {
		lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(block), "\n"), func(line string) bool {
			return strings.HasPrefix(line, "#") || strings.TrimSpace(line) == ""
		})
		if len(lines) > 0 {
			return strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
		}
	}
	return ""
}
