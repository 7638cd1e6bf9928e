package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// Files are the actions that work on the workspace alone: Backstage's fs:*, catalog:write and debug:log, and the
// helpers that CNOE's templates use.
func Files() []scaffold.Action {
	return []scaffold.Action{
		local("fs:delete", deleteFiles, "Deletes files and folders of the workspace."),
		local("fs:rename", renameFiles, "Moves files and folders of the workspace."),
		local("fs:readdir", readDir, "Lists files and folders of the workspace.", "files", "folders"),
		local("catalog:write", writeEntity, "Writes a catalog-info.yaml into the workspace."),
		local("debug:log", debugLog,
			"Writes a message, or the names of the workspace's files, into the log."),
		local("roadiehq:utils:fs:write", writeFile, "Writes a file into the workspace.", "path"),
		local("roadiehq:utils:fs:append", appendFile, "Appends to a file of the workspace.", "path"),
		local("roadiehq:utils:fs:parse", parseFile,
			"Reads a file of the workspace: as YAML or JSON, or as text.", "content"),
		local("roadiehq:utils:fs:replace", replaceInFiles, "Replaces text in files of the workspace."),
		local("roadiehq:utils:serialize:yaml", serializeYAML, "Writes data as YAML.", "serialized"),
		local("roadiehq:utils:serialize:json", serializeJSON, "Writes data as JSON.", "serialized"),
		local("cnoe:utils:sanitize", sanitize, "Leaves empty fields out of a YAML document.", "sanitized"),
	}
}

// act is what runs when a step is run.
type act = func(context.Context, *scaffold.Call) (map[string]any, error)

// local is an action that touches nothing but the workspace.
func local(id string, run act, description string, outputs ...string) scaffold.Action {
	return scaffold.Action{ID: id, Description: description, Input: input(id), Outputs: append([]string{}, outputs...),
		Local: true, Run: run}
}

func deleteFiles(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct{ Files []string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	for _, pattern := range in.Files {
		names, err := matching(c.Workspace, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := c.Workspace.Remove(name); err != nil {
				return nil, err
			}
			c.Logf("deleted %s", name)
		}
	}
	return nil, nil
}

// matching are the files that fit a pattern; a path without wildcards stands for itself.
func matching(w *scaffold.Workspace, pattern string) ([]string, error) {
	clean, err := scaffold.Clean(pattern)
	if err != nil || !strings.ContainsAny(clean, "*?[{") {
		return []string{clean}, err
	}
	files, err := w.Files(".")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range files {
		ok, err := doublestar.Match(clean, f.Path)
		if err != nil {
			return nil, fmt.Errorf("%q is not a pattern of paths", pattern)
		}
		if ok {
			out = append(out, f.Path)
		}
	}
	return out, nil
}

func renameFiles(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct {
		Files []struct {
			From, To  string
			Overwrite bool
		}
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	for _, f := range in.Files {
		if err := c.Workspace.Rename(f.From, f.To, f.Overwrite); err != nil {
			return nil, err
		}
		c.Logf("moved %s to %s", f.From, f.To)
	}
	return nil, nil
}

func readDir(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct {
		Paths     []string
		Recursive bool
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	files, folders := []any{}, []any{}
	for _, p := range in.Paths {
		entries, err := c.Workspace.List(p, in.Recursive)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			// There is no other place than the workspace: the full path is the path.
			entry := map[string]any{"name": e.Name, "path": e.Path, "fullPath": e.Path}
			if e.Folder {
				folders = append(folders, entry)
			} else {
				files = append(files, entry)
			}
		}
	}
	return map[string]any{"files": files, "folders": folders}, nil
}

func writeEntity(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct{ FilePath string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.FilePath == "" {
		in.FilePath = "catalog-info.yaml"
	}
	text, err := toYAML(c.Input["entity"])
	if err != nil {
		return nil, err
	}
	c.Logf("wrote %s", in.FilePath)
	return nil, c.Workspace.Write(scaffold.File{Path: in.FilePath, Data: text})
}

func debugLog(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	text, err := json.MarshalIndent(c.Input, "", "  ")
	if err != nil {
		return nil, err
	}
	c.Logf("%s", text)
	if message, ok := c.Input["message"].(string); ok {
		c.Logf("%s", message)
	}
	if c.Input["listWorkspace"] == nil || c.Input["listWorkspace"] == false {
		return nil, nil
	}
	files, err := c.Workspace.Files(".")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "\n  - %s", f.Path)
		if c.Input["listWorkspace"] == "with-contents" && !isBinary(f.Data) {
			fmt.Fprintf(&b, ":\n%s", f.Data)
		}
	}
	c.Logf("Workspace:%s", b.String())
	return nil, nil
}

// Wait are the actions that wait: debug:wait and roadiehq:utils:sleep. sleep ends early, with the cause, when its
// context does.
func Wait(sleep func(ctx context.Context, d time.Duration) error) []scaffold.Action {
	wait := func(ctx context.Context, c *scaffold.Call, d time.Duration) (map[string]any, error) {
		if d < 0 || d > maxWait {
			return nil, fmt.Errorf("cannot wait for %s; at most %s", d, maxWait)
		}
		c.Logf("waiting for %s", d)
		return nil, sleep(ctx, d)
	}
	silent := func(context.Context, *scaffold.Call) (map[string]any, error) { return nil, nil }
	return []scaffold.Action{
		{ID: "debug:wait", Description: "Waits for a time.", Input: input("debug:wait"),
			Outputs: []string{}, Preview: silent,
			Run: func(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
				var in struct{ Minutes, Seconds, Milliseconds float64 }
				if err := c.Decode(&in); err != nil {
					return nil, err
				}
				return wait(ctx, c, duration(in.Minutes*60+in.Seconds+in.Milliseconds/1000))
			}},
		{ID: "roadiehq:utils:sleep", Description: "Waits for a number of seconds.", Input: input("roadiehq:utils:sleep"),
			Outputs: []string{}, Preview: silent,
			Run: func(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
				var in struct{ Amount float64 }
				if err := c.Decode(&in); err != nil {
					return nil, err
				}
				return wait(ctx, c, duration(in.Amount))
			}},
	}
}

// maxWait is how long a step may wait.
const maxWait = 10 * time.Minute

// duration is a number of seconds; one that is out of every bound is longer than any wait.
func duration(seconds float64) time.Duration {
	if seconds > 1e6 || seconds < 0 {
		return -1
	}
	return time.Duration(seconds * float64(time.Second))
}

func writeFile(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct {
		Path, Content      string
		PreserveFormatting bool
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	if in.PreserveFormatting {
		var v any
		if json.Unmarshal([]byte(in.Content), &v) == nil {
			text, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				return nil, err
			}
			in.Content = string(text)
		}
	}
	c.Logf("wrote %s", in.Path)
	return map[string]any{"path": in.Path}, c.Workspace.Write(scaffold.File{Path: in.Path, Data: []byte(in.Content)})
}

func appendFile(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct{ Path, Content string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	file := scaffold.File{Path: in.Path}
	if c.Workspace.Exists(in.Path) {
		var err error
		if file, err = c.Workspace.Read(in.Path); err != nil {
			return nil, err
		}
	}
	file.Data = append([]byte(string(file.Data)), in.Content...)
	return map[string]any{"path": in.Path}, c.Workspace.Write(file)
}

func parseFile(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct{ Path, Parser string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	file, err := c.Workspace.Read(in.Path)
	if err != nil {
		return nil, err
	}
	if in.Parser == "" {
		return map[string]any{"content": string(file.Data)}, nil
	}
	documents, err := fromYAML(in.Path, file.Data) // JSON is YAML
	if err != nil {
		return nil, err
	}
	if in.Parser == "multiyaml" {
		return map[string]any{"content": documents}, nil
	}
	if len(documents) != 1 {
		return nil, fmt.Errorf("%s holds %d documents; the parser multiyaml reads several", in.Path, len(documents))
	}
	return map[string]any{"content": documents[0]}, nil
}

func replaceInFiles(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct {
		Files []struct {
			File, Find, ReplaceWith string
			MatchRegex              bool
		}
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	for _, f := range in.Files {
		find := regexp.QuoteMeta(f.Find)
		if f.MatchRegex {
			find = f.Find
		} else {
			f.ReplaceWith = strings.ReplaceAll(f.ReplaceWith, "$", "$$")
		}
		expression, err := regexp.Compile(find)
		if err != nil {
			return nil, err
		}
		names, err := matching(c.Workspace, f.File)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			file, err := c.Workspace.Read(name)
			if err != nil {
				return nil, err
			}
			file.Data = expression.ReplaceAll(file.Data, []byte(f.ReplaceWith))
			if err := c.Workspace.Write(file); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

func serializeYAML(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	text, err := toYAML(c.Input["data"])
	return map[string]any{"serialized": string(text)}, err
}

func serializeJSON(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	indent := ""
	switch space := c.Input["space"].(type) {
	case string:
		indent = space[:min(len(space), 10)]
	case int64:
		indent = strings.Repeat(" ", int(max(0, min(10, space))))
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	err := encoder.Encode(c.Input["data"])
	return map[string]any{"serialized": strings.TrimSuffix(b.String(), "\n")}, err
}

func sanitize(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct{ Document string }
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	documents, err := fromYAML("the document", []byte(in.Document))
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, d := range documents {
		text, err := toYAML(withoutEmpty(d))
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(text))
	}
	return map[string]any{"sanitized": strings.Join(texts, "---\n")}, nil
}

// withoutEmpty leaves out what is null, and what is an empty list or object when all that is has been left out.
func withoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, item := range v {
			if item = withoutEmpty(item); !isEmpty(item) {
				out[key] = item
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			if item = withoutEmpty(item); !isEmpty(item) {
				out = append(out, item)
			}
		}
		return out
	}
	return v
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// toYAML writes data as YAML, two spaces a level, keys in alphabetical order.
func toYAML(v any) ([]byte, error) {
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	err := encoder.Close()
	return []byte(b.String()), err
}
