package actions

import (
	"embed"
	"strings"
)

//go:embed inputs
var inputs embed.FS

// input is the JSON Schema of an action's input: inputs/fs-delete.json of fs:delete. One that is missing is
// "", which the registry's test finds.
func input(id string) string {
	text, err := inputs.ReadFile("inputs/" + strings.ReplaceAll(id, ":", "-") + ".json")
	if err != nil {
		return ""
	}
	return string(text)
}
