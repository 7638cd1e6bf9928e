// Package app knows what lives in the environments' repository: applications, environments, and
// the releases in them. It reads those documents, renders the namespaces of environments, and says
// which files a release, a promotion, a preview or an end of life changes. It takes values and
// gives values: files go into Git by the caller's hand, and the time comes as an argument.
//
// The repository:
//
//	applications/<application>/application.yaml
//	applications/<application>/releases/<release>.yaml
//	environments/<environment>/environment.yaml
//	environments/<environment>/<application>/release.yaml
//	environments/<environment>/<application>/manifests/*.yaml    what runs; the delivery tool's
//	namespaces/<namespace>/*.yaml                                what it runs in; the delivery tool's
package app
