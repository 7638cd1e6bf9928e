package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/fieldpath"
	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/scaffold/nunjucks"
	"github.com/slipway-dev/slipway/internal/spec"
)

// maxChecked bounds the files of a skeleton that are read when a template is registered.
const maxChecked = 2000

// checkSkeleton finds mistakes in the files that fetch:template will render, as far as they are at hand.
func checkSkeleton(c scaffold.CheckCall) []scaffold.Finding {
	var in templating
	text, err := json.Marshal(c.Input)
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil { // an input of a wrong type, which is found elsewhere
		return nil
	}
	if err := in.check(); err != nil {
		return []scaffold.Finding{c.At(c.Path, "", err.Error())}
	}
	if strings.Contains(in.URL, scaffold.VariableStart) || isAddress(in.URL) || c.Files == nil {
		return nil
	}
	files, err := folderBeside(c.Files, c.Dir, in.URL)
	if err != nil {
		return []scaffold.Finding{c.At(fieldpath.Child(c.Path, "url"), nearFolder(c, in.URL), reason(err, in.URL))}
	}
	s := &skeleton{templating: in, env: in.environment(), dir: path.Join(c.Dir, in.URL)}
	s.values, s.known = c.Input["values"].(map[string]any)
	err = fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if s.checked++; s.checked > maxChecked {
			return fmt.Errorf("%s has more than %d files", in.URL, maxChecked)
		}
		data, err := fs.ReadFile(files, name)
		if err == nil {
			s.file(name, data)
		}
		return err
	})
	if err != nil {
		s.found = append(s.found, c.At(fieldpath.Child(c.Path, "url"), "", err.Error()))
	}
	return s.found
}

func reason(err error, url string) string {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("there is no folder %s beside the template", url)
	}
	return err.Error()
}

// nearFolder is the folder beside the template that was probably meant.
func nearFolder(c scaffold.CheckCall, url string) string {
	entries, err := fs.ReadDir(c.Files, path.Join(c.Dir, path.Dir(path.Clean(url))))
	if err != nil {
		return ""
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	return spec.Nearest(path.Base(path.Clean(url)), folders)
}

type skeleton struct {
	templating
	env    *nunjucks.Environment
	dir    string
	values map[string]any
	// known says that the values are written out in the step, so that others are missing.
	known   bool
	checked int
	found   []scaffold.Finding
}

func (s *skeleton) file(name string, data []byte) {
	content, renderName, plain := s.plan(name)
	if renderName {
		s.text(path.Join(s.dir, name), plain, true)
	}
	if content && !isBinary(data) {
		s.text(path.Join(s.dir, name), string(data), false)
	}
}

// text looks at a file's content or name.
func (s *skeleton) text(file, text string, isName bool) {
	note := func(line, column int, suggestion string, warning bool, message string) {
		if isName { // a name has no lines
			line, column, message = 0, 0, "the file's name: "+message
		}
		s.found = append(s.found, scaffold.Finding{Warning: warning,
			Finding: spec.Finding{File: file, Line: line, Column: column, Message: message, Suggestion: suggestion}})
	}
	parsed, err := s.env.Parse(file, text)
	if err != nil {
		var wrong *nunjucks.Error
		if errors.As(err, &wrong) {
			note(wrong.Line, wrong.Column, "", false, wrong.Message)
		}
		return
	}
	filters, tests := s.env.FilterNames(), nunjucks.TestNames()
	for _, ref := range parsed.References() {
		name := ref.Path[0]
		switch {
		case ref.Kind == "filter" && !slices.Contains(filters, name):
			note(ref.Line, ref.Column, spec.Nearest(name, filters), false, fmt.Sprintf("no filter is called %q", name))
		case ref.Kind == "test" && !slices.Contains(tests, name):
			note(ref.Line, ref.Column, spec.Nearest(name, tests), false, fmt.Sprintf("no test is called %q", name))
		case ref.Kind == "name":
			if suggestion, message := s.name(ref); message != "" {
				note(ref.Line, ref.Column, suggestion, true, message)
			}
		}
	}
}

// name says what is wrong with a name that a skeleton uses; "" where nothing is.
func (s *skeleton) name(ref nunjucks.Reference) (suggestion, message string) {
	root := ref.Path[0]
	if root != s.root() {
		if root == "undefined" || slices.Contains(nunjucks.GlobalNames(), root) || s.CookiecutterCompat {
			return "", ""
		}
		return spec.Nearest(root, []string{s.root()}),
			fmt.Sprintf("%q is not known in a skeleton, only %q is, from the step's input", root, s.root())
	}
	if !s.known || len(ref.Path) < 2 {
		return "", ""
	}
	if _, there := s.values[ref.Path[1]]; there {
		return "", ""
	}
	names := make([]string, 0, len(s.values))
	for name := range s.values {
		names = append(names, name)
	}
	return spec.Nearest(ref.Path[1], names), fmt.Sprintf("the step gives no value %q", ref.Path[1])
}
