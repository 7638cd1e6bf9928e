package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The world comes in as arguments: no cluster, no network, no files, no clock.
func TestPackage_IsPure(t *testing.T) {
	forbidden := []string{"k8s.io/client-go/", "k8s.io/kubectl/", "net", "net/http", "os", "os/exec", "syscall", "math/rand", "database/sql"}
	clock := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			if slices.ContainsFunc(forbidden, func(f string) bool {
				return name == f || strings.HasSuffix(f, "/") && strings.HasPrefix(name, f)
			}) {
				t.Errorf("%s imports %s", path, name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, s.Sel.Name) {
				t.Errorf("%s: time.%s", set.Position(s.Pos()), s.Sel.Name)
			}
			return true
		})
	}
}
