// Package scaffold runs Backstage's software templates (scaffolder.backstage.io/v1beta3): it reads
// them, finds their mistakes when they are registered, validates the values that a person gives,
// shows what a run would do, and runs the steps, so that a run can be interrupted at any moment,
// is undone when it fails, and never does a completed step twice.
//
// The package itself touches nothing: what steps do is done by actions (internal/scaffold/actions and
// the packages of single tools beside it), which reach the forge, the catalogue and the cluster
// through small interfaces. internal/app puts the pieces together.
package scaffold
