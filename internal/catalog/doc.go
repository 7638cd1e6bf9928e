// Package catalog reads what a platform can be made of: capabilities and their contracts,
// tools, the recipes of the images they run, and blueprints. It is data from folders; user
// catalogues add to Slipway's own or shadow entries of it. It never looks at a cluster or at
// the network. Resolving, supply and rendering take their input from it.
package catalog

//go:generate go run ./refgen ../../docs/reference/catalogue.md
