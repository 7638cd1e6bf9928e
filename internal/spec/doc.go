// Package spec reads the files that people write: strictly, with defaults, and with every
// mistake reported at once by field path, line and a near-miss suggestion. It is the border:
// behind it values are complete and need no further checks, except those that need the
// catalogue. It never looks at a cluster or at the network.
package spec

//go:generate go run ./schemagen
