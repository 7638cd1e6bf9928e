// Package deliver brings a rendered platform into a cluster: it applies the bootstrap set by
// server-side apply, makes the Secrets and ConfigMaps that are never stored in Git, pushes the
// tree to the platform's own Git server, and hands everything over to the GitOps engine, which
// from then on creates, changes and prunes. It deletes only what Slipway made. It knows no tool
// by name: what a Git server or an engine looks like comes from the tools' data and from
// adapters in folders below this one. Called by the command line.
package deliver
