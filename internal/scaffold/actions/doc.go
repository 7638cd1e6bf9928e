// Package actions holds the actions that templates can rely on wherever Backstage runs: fetching a
// skeleton, working on files, the catalogue, Kubernetes, and the helpers that CNOE's templates use.
// What lies outside a run's workspace is reached through the interfaces declared here. Actions that
// bear a tool's name are in folders of that name.
//
// Inputs and outputs are those of Backstage's built-in actions, of @roadiehq/scaffolder-backend-module-utils and of
// @cnoe-io/plugin-scaffolder-actions.
package actions
