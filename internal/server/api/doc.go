// Package api is the server's HTTP API: its routes, the types that go in and out, and its OpenAPI
// description, which is made from them. What stands behind the routes comes through the small
// interfaces of Backends; a route whose backend is nil answers 501. Who may call is decided before
// (internal/server/guard); here callers only see what is theirs. The web interface, the command line
// and users' scripts are built against the description in docs/reference/openapi.json.
package api

//go:generate go run ./openapigen ../../../docs/reference/openapi.json
