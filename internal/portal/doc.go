// Package portal puts together what stands behind the server's API on a running platform: the Git
// server, the index, templates, the environments' repository, delivery and health. Everything that
// lasts is in Git, the audit log, and the records of template runs; the rest is found anew after a
// kill. It knows tools by the neutral interfaces below only: adapters are given to it by name. Called
// by the command `slipway server`.
package portal
