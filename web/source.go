package web

import (
	"embed"
	"io/fs"
)

// source is what `vite build` reads. What is generated beside it begins with "_", which keeps it out:
// types are checked in development, and a build does not read them.
//
//go:embed .npmrc package.json pnpm-lock.yaml index.html vite.config.ts tsconfig.json public scripts src
var source embed.FS

// Source gives the files that the console is built from, so that the platform can build it for the image
// that serves it.
func Source() fs.FS { return source }
