// Package fieldpath writes the paths of fields in a tree of maps and lists, as messages show
// them: spec.packages[0].values["app.kubernetes.io/name"].
package fieldpath

import (
	"strconv"
	"strings"
)

// Child is the path of a map's entry.
func Child(path, key string) string {
	if !plain(key) {
		return path + "[" + strconv.Quote(key) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// Item is the path of a list's entry.
func Item(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// Join is path followed by a path below it.
func Join(path, below string) string {
	if path == "" || below == "" || below[0] == '[' {
		return path + below
	}
	return path + "." + below
}

// Of is the path that the given steps lead along through a tree: names of entries, and
// indexes where the tree has a list.
func Of(tree any, steps []string) string {
	path := ""
	for _, step := range steps {
		switch t := tree.(type) {
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(t) {
				return Child(path, step)
			}
			path, tree = Item(path, i), t[i]
		case map[string]any:
			path, tree = Child(path, step), t[step]
		default:
			path, tree = Child(path, step), nil
		}
	}
	return path
}

// Parent is the path one step up; "" at the top.
func Parent(path string) string {
	if strings.HasSuffix(path, `"]`) { // a quoted key may hold dots and brackets
		for i := strings.LastIndex(path, `["`); i >= 0; i = strings.LastIndex(path[:i], `["`) {
			if _, err := strconv.Unquote(path[i+1 : len(path)-1]); err == nil {
				return path[:i]
			}
		}
	}
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// plain says whether a key needs no quotes in a path.
func plain(key string) bool {
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return key != ""
}
