// Package catalogue proves the catalogue against upstream's real sources: everything in it
// resolves and renders, the same each time, and every image that manifests ask for is one that a
// recipe makes. It downloads the modules that upstream's manifests come from.
//
//	make catalogue
//
// The tests have the build tag catalogue.
package catalogue
