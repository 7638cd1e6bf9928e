// Package e2e proves the whole platform on a real embedded node, under a name and in a state
// directory of its own, beside whatever else runs on the machine. It uses the program that
// `make build` made, as a person would.
//
//	make e2e                          TestPlatform and TestGoldenPath
//	make e2e RUN=TestPlatform/git     the platform and one part of it
//	make e2e RUN=TestGoldenPath       from a template to a verified promotion, and around it
//	make e2e NO_INSTALL=1             without installing what is missing
//
// With E2E_KEEP=DIR the platform is named for DIR, has its state there and stays up after the test,
// so that a single part can be run again and again: parts of the golden path stand on the application that
// from-template-to-dev and git-push-is-live-in-dev made. E2E_BINARY names another program than bin/slipway.
//
// TestSignIn runs against a platform that is up already, named by E2E_RUNNING.
//
// The tests have the build tag e2e.
package e2e
