package executor

import "github.com/tidwall/gjson"

// Lookup completes what Kubernetes 1.34's libraries ask of a set of labels; upstream's type was
// written against 1.33's.
func (g gjsonLabels) Lookup(label string) (value string, exists bool) {
	found := gjson.GetBytes(g.json, label)
	return found.String(), found.Exists()
}
