// Command openapigen writes the API's OpenAPI description to the file that its argument names.
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/slipway-dev/slipway/internal/server/api"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: openapigen FILE")
		os.Exit(2)
	}
	text, err := api.New(http.NewServeMux(), api.Backends{}, api.Identity{}, api.Streams{}).Document()
	if err == nil {
		err = os.WriteFile(os.Args[1], text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "openapigen:", err)
		os.Exit(1)
	}
}
