package render

import (
	"cmp"
	"slices"

	"github.com/fluxcd/cli-utils/pkg/ordering"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/kube"
)

// Tree is the rendered platform: one object a file, sorted by path. The same plan, lock and
// sources give the same bytes.
type Tree struct {
	Files []File
	// Contents are directories that packages refer to and that need Git repositories of their
	// own, sorted by repository. They are not files of the tree and are not read back by ReadTree.
	Contents []Content
}

// File is one rendered object.
type File struct {
	// Path in the repository, slash-separated: "tools/<tool>/<kind>-<namespace>-<name>.yaml",
	// "packages/<package>/...", "applications/<unit>.yaml".
	Path string
	// Unit is the unit it belongs to; "" for the applications that hand units over.
	Unit string
	// Object is the decoded manifest; Data its canonical YAML.
	Object *unstructured.Unstructured
	Data   []byte
}

// ID names the file's object in the cluster.
func (f File) ID() kube.ID { return kube.IDOf(f.Object) }

// The folders of a tree.
const (
	ToolsFolder        = "tools"
	PackagesFolder     = "packages"
	ApplicationsFolder = "applications"
)

// Unit is the part of the tree that belongs to a unit; "" gives the applications.
func (t Tree) Unit(name string) Tree {
	var out Tree
	for _, f := range t.Files {
		if f.Unit == name {
			out.Files = append(out.Files, f)
		}
	}
	for _, c := range t.Contents {
		if c.Unit == name {
			out.Contents = append(out.Contents, c)
		}
	}
	return out
}

// ApplyOrder gives the objects in the order in which they can be applied: namespaces and
// definitions first, what watches everything last, and within a kind by namespace and name.
func (t Tree) ApplyOrder() []*unstructured.Unstructured {
	out := make(ordering.SortableUnstructureds, 0, len(t.Files))
	for _, f := range t.Files {
		out = append(out, f.Object)
	}
	slices.SortFunc(out, func(a, b *unstructured.Unstructured) int {
		pair := ordering.SortableUnstructureds{a, b}
		switch {
		case pair.Less(0, 1):
			return -1
		case pair.Less(1, 0):
			return 1
		}
		return 0
	})
	return out
}

// sort puts files and contents in their order.
func (t *Tree) sort() {
	slices.SortFunc(t.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(t.Contents, func(a, b Content) int { return cmp.Compare(a.Repository, b.Repository) })
}
