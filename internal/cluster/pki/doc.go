// Package pki makes the keys and certificates that Slipway signs itself: the platform's own
// authority and a node's serving certificates. Private keys are written with mode 0600 and never
// leave their directory.
package pki
