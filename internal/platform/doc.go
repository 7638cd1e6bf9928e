// Package platform puts the stages together: what `slipway up`, `plan`, `status` and `down` do,
// as graphs of steps over spec, plan, supply, render, cluster, deliver and health. It decides
// order and keeps the state directory; the work itself is the stages'. internal/cli calls it.
package platform
