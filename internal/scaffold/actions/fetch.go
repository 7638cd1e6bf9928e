package actions

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/slipway-dev/slipway/internal/scaffold"
	"github.com/slipway-dev/slipway/internal/scaffold/nunjucks"
)

// Source reads what templates name by an absolute address.
type Source interface {
	// Folder gives the files below an address.
	Folder(ctx context.Context, url string) (fs.FS, error)
	// File gives one file.
	File(ctx context.Context, url string) ([]byte, error)
}

// Fetch are the actions that bring files into the workspace. source may be nil: then only what stands
// beside the template can be fetched.
func Fetch(source Source) []scaffold.Action {
	f := fetcher{source}
	return []scaffold.Action{
		{ID: "fetch:template",
			Description: "Copies a folder into the workspace, and renders files and names as Nunjucks templates.",
			Input:       input("fetch:template"), Outputs: []string{}, Local: true, Run: f.template, Check: checkSkeleton},
		{ID: "fetch:plain", Description: "Copies a folder into the workspace as it is.",
			Input: input("fetch:plain"), Outputs: []string{}, Local: true, Run: f.plain},
		{ID: "fetch:plain:file", Description: "Copies one file into the workspace as it is.",
			Input: input("fetch:plain:file"), Outputs: []string{}, Local: true, Run: f.file},
	}
}

type fetcher struct{ source Source }

// isAddress tells absolute URLs from paths.
func isAddress(url string) bool { return strings.Contains(url, "://") }

// beside is the path, in the tree of the template, of what stands beside it.
func beside(dir, url string) (string, error) {
	if strings.HasPrefix(url, "/") {
		return "", fmt.Errorf("%q is neither relative to the template nor an absolute URL", url)
	}
	at := path.Join(dir, url)
	if !fs.ValidPath(at) {
		return "", fmt.Errorf("%q leads out of the template's repository", url)
	}
	return at, nil
}

func (f fetcher) folder(ctx context.Context, origin scaffold.Origin, url string) (fs.FS, error) {
	if isAddress(url) {
		if f.source == nil {
			return nil, fmt.Errorf("%s: only folders beside the template can be fetched here", url)
		}
		return f.source.Folder(ctx, url)
	}
	return folderBeside(origin.Files, origin.Dir, url)
}

func folderBeside(files fs.FS, dir, url string) (fs.FS, error) {
	at, err := beside(dir, url)
	if err != nil {
		return nil, err
	}
	if files == nil {
		return nil, fmt.Errorf("the files beside the template are not at hand")
	}
	if info, err := fs.Stat(files, at); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file, not a folder", at)
	}
	return fs.Sub(files, at)
}

func (f fetcher) plain(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct{ URL, TargetPath string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	files, err := f.folder(ctx, c.Origin, in.URL)
	if err != nil {
		return nil, err
	}
	n := 0
	err = c.Workspace.CopyFrom(files, func(file scaffold.File) error {
		n++
		file.Path = path.Join(in.TargetPath, file.Path)
		return c.Workspace.Write(file)
	})
	c.Logf("copied %d files from %s", n, in.URL)
	return nil, err
}

func (f fetcher) file(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct{ URL, TargetPath string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	data, err := f.read(ctx, c.Origin, in.URL)
	if err != nil {
		return nil, err
	}
	c.Logf("copied %s to %s", in.URL, in.TargetPath)
	return nil, c.Workspace.Write(scaffold.File{Path: in.TargetPath, Data: data})
}

func (f fetcher) read(ctx context.Context, origin scaffold.Origin, url string) ([]byte, error) {
	if isAddress(url) {
		if f.source == nil {
			return nil, fmt.Errorf("%s: only files beside the template can be fetched here", url)
		}
		return f.source.File(ctx, url)
	}
	at, err := beside(origin.Dir, url)
	if err != nil {
		return nil, err
	}
	if origin.Files == nil {
		return nil, fmt.Errorf("the files beside the template are not at hand")
	}
	return fs.ReadFile(origin.Files, at)
}

// templating is the input of fetch:template.
type templating struct {
	URL                   string         `json:"url"`
	TargetPath            string         `json:"targetPath"`
	Values                map[string]any `json:"-"`
	CopyWithoutRender     []string       `json:"copyWithoutRender"`
	CopyWithoutTemplating []string       `json:"copyWithoutTemplating"`
	CookiecutterCompat    bool           `json:"cookiecutterCompat"`
	TemplateFileExtension any            `json:"templateFileExtension"`
	Replace               bool           `json:"replace"`
	TrimBlocks            bool           `json:"trimBlocks"`
	LstripBlocks          bool           `json:"lstripBlocks"`
}

// environment is the dialect that the files are written in.
func (t templating) environment() *nunjucks.Environment {
	options := nunjucks.Options{VariableStart: scaffold.VariableStart, Filters: scaffold.Filters(),
		TrimBlocks: t.TrimBlocks, LstripBlocks: t.LstripBlocks}
	if t.CookiecutterCompat {
		options.VariableStart, options.Jinja = "{{", true
	}
	return nunjucks.New(options)
}

// root is the name that the values have in the files.
func (t templating) root() string {
	if t.CookiecutterCompat {
		return "cookiecutter"
	}
	return "values"
}

// extension is the one of files that are rendered; "" where all are.
func (t templating) extension() string {
	switch e := t.TemplateFileExtension.(type) {
	case bool:
		if e {
			return ".njk"
		}
	case string:
		if e != "" {
			return "." + strings.TrimPrefix(e, ".")
		}
	}
	return ""
}

func (t templating) check() error {
	both := len(t.CopyWithoutRender) > 0 && len(t.CopyWithoutTemplating) > 0
	some := len(t.CopyWithoutRender)+len(t.CopyWithoutTemplating) > 0
	switch {
	case both:
		return fmt.Errorf("copyWithoutRender and copyWithoutTemplating cannot be used together")
	case t.extension() != "" && (some || t.CookiecutterCompat):
		return fmt.Errorf("templateFileExtension cannot be used with copyWithoutRender, copyWithoutTemplating " +
			"or cookiecutterCompat")
	}
	for _, pattern := range append(t.CopyWithoutRender, t.CopyWithoutTemplating...) {
		if !doublestar.ValidatePattern(strings.TrimPrefix(pattern, "!")) {
			return fmt.Errorf("%q is not a pattern of paths", pattern)
		}
	}
	return nil
}

// plan says what is done with a file: whether its content is rendered, and its name, which name is meant.
func (t templating) plan(name string) (content, renderName bool, plain string) {
	if extension := t.extension(); extension != "" {
		plain, templated := strings.CutSuffix(name, extension)
		return templated, true, plain
	}
	if matches(t.CopyWithoutRender, name) {
		return false, false, name
	}
	return !matches(t.CopyWithoutTemplating, name), true, name
}

// matches says whether a path, or a folder above it, fits one of the patterns; "!" before a pattern takes out again.
func matches(patterns []string, name string) bool {
	matched := false
	for _, pattern := range patterns {
		pattern, not := strings.CutPrefix(pattern, "!")
		pattern = strings.TrimSuffix(strings.TrimPrefix(pattern, "./"), "/")
		for at := name; at != "."; at = path.Dir(at) {
			if ok, err := doublestar.Match(pattern, at); ok && err == nil {
				matched = !not
				break
			}
		}
	}
	return matched
}

// isBinary tells what cannot be text: such files are copied as they are.
func isBinary(data []byte) bool { return bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) }

func (f fetcher) template(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	var in templating
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	in.Values, _ = c.Input["values"].(map[string]any)
	if err := in.check(); err != nil {
		return nil, err
	}
	files, err := f.folder(ctx, c.Origin, in.URL)
	if err != nil {
		return nil, err
	}
	if in.Values == nil {
		in.Values = map[string]any{}
	}
	r := rendering{templating: in, env: in.environment(), values: map[string]any{in.root(): in.Values}, call: c}
	err = c.Workspace.CopyFrom(files, func(file scaffold.File) error { return r.add(ctx, file) })
	c.Logf("wrote %d files from %s, %d of them rendered", r.written, in.URL, r.rendered)
	return nil, err
}

// rendering is one fetch:template under way.
type rendering struct {
	templating
	env               *nunjucks.Environment
	values            map[string]any
	call              *scaffold.Call
	written, rendered int
}

func (r *rendering) add(ctx context.Context, file scaffold.File) error {
	content, renderName, name := r.plan(file.Path)
	if renderName {
		var err error
		if name, err = r.render(ctx, "name of "+file.Path, name); err != nil {
			return err
		}
	}
	if skipped(name) {
		return nil
	}
	target := path.Join(r.TargetPath, name)
	if !r.Replace && r.call.Workspace.Exists(target) {
		return nil
	}
	if content && !isBinary(file.Data) {
		text, err := r.render(ctx, path.Join(r.URL, file.Path), string(file.Data))
		if err != nil {
			return err
		}
		file.Data = []byte(text)
		r.rendered++
	}
	// The rendered name is checked by itself: it must not climb out of the target.
	if _, err := scaffold.Clean(name); err != nil {
		return err
	}
	file.Path = target
	r.written++
	return r.call.Workspace.Write(file)
}

func (r *rendering) render(ctx context.Context, name, source string) (string, error) {
	parsed, err := r.env.Parse(name, source)
	if err != nil {
		return "", err
	}
	return parsed.Render(ctx, r.values)
}

// skipped says that a part of a name came out empty, which leaves the file out.
func skipped(name string) bool {
	return name == "" || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") || strings.Contains(name, "//")
}
