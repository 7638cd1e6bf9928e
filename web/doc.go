// Package web finds the built console, a web interface in React and TypeScript, for `slipway server` to
// serve. A released binary carries it (build tag embed_web, after `make web`); a development one reads
// the folder that $SLIPWAY_WEB names, and has none where it names nothing. What the console asks of the
// server stands in docs/reference/openapi.json, from which its types are generated.
package web
