// Package components finds the recipes of container images. They cannot be embedded as they
// stand, because wrapper modules have go.mod files of their own: a released binary carries
// them as an archive (build tag embed_components), and a development one reads the folder.
package components
