// Package health says how what was delivered is doing: whether every object is there and ready
// (kstatus and the tools' own conditions), whether the tools answer (probes), and, for a thing
// that is not well, why. It changes nothing in the cluster and knows Kubernetes' kinds, but no
// tool. Called by the command line.
package health
