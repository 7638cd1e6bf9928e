// Package cli is the command line: one file a command. A command reads flags, calls a stage or
// internal/platform, and prints what comes back to the streams it was given. It holds no logic of
// the platform itself.
package cli

//go:generate go run ./reference/gen ../../docs/reference/cli
