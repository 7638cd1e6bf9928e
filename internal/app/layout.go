package app

import (
	"path"
	"strings"
)

// The environments' repository on the platform's Git server, and the branch that counts.
const (
	RepositoryOwner = "slipway"
	RepositoryName  = "environments"
	Branch          = "main"
)

// The folders of the repository, and names in them.
const (
	ApplicationsFolder = "applications"
	EnvironmentsFolder = "environments"
	NamespacesFolder   = "namespaces"

	applicationFile = "application.yaml"
	environmentFile = "environment.yaml"
	releaseFile     = "release.yaml"
	releasesFolder  = "releases"
	manifestsFolder = "manifests"
)

// ApplicationFile is where an application is defined.
func ApplicationFile(application string) string {
	return path.Join(ApplicationsFolder, application, applicationFile)
}

// ReleaseFile is where a release is recorded, whether it runs anywhere or not.
func ReleaseFile(application, release string) string {
	return path.Join(ApplicationsFolder, application, releasesFolder, release+".yaml")
}

// EnvironmentFile is where an environment is defined.
func EnvironmentFile(environment string) string {
	return path.Join(EnvironmentsFolder, environment, environmentFile)
}

// Folder is what an environment holds of an application; a promotion changes only this.
func Folder(environment, application string) string {
	return path.Join(EnvironmentsFolder, environment, application)
}

// PlacedFile is the record of the release that an environment holds of an application.
func PlacedFile(environment, application string) string {
	return path.Join(Folder(environment, application), releaseFile)
}

// ManifestsFolder is what the delivery tool applies of an application in an environment.
func ManifestsFolder(environment, application string) string {
	return path.Join(Folder(environment, application), manifestsFolder)
}

// NamespaceFolder is what the delivery tool applies to make a namespace.
func NamespaceFolder(namespace string) string { return path.Join(NamespacesFolder, namespace) }

// DocumentKind says what a path of the repository holds.
type DocumentKind string

// What paths hold; everything else is manifests, or not ours.
const (
	NoDocument          DocumentKind = ""
	ApplicationDocument DocumentKind = "application"
	ReleaseDocument     DocumentKind = "release"
	EnvironmentDocument DocumentKind = "environment"
	PlacedDocument      DocumentKind = "placed release"
)

// Place is where in the repository a document stands.
type Place struct {
	Kind DocumentKind
	// Application, Environment and Release are those that the path names.
	Application, Environment, Release string
}

// PlaceOf reads a path of the repository.
func PlaceOf(name string) Place {
	parts := strings.Split(name, "/")
	switch {
	case len(parts) == 3 && parts[0] == ApplicationsFolder && parts[2] == applicationFile:
		return Place{Kind: ApplicationDocument, Application: parts[1]}
	case len(parts) == 4 && parts[0] == ApplicationsFolder && parts[2] == releasesFolder &&
		strings.HasSuffix(parts[3], ".yaml"):
		return Place{Kind: ReleaseDocument, Application: parts[1], Release: strings.TrimSuffix(parts[3], ".yaml")}
	case len(parts) == 3 && parts[0] == EnvironmentsFolder && parts[2] == environmentFile:
		return Place{Kind: EnvironmentDocument, Environment: parts[1]}
	case len(parts) == 4 && parts[0] == EnvironmentsFolder && parts[3] == releaseFile:
		return Place{Kind: PlacedDocument, Environment: parts[1], Application: parts[2]}
	}
	return Place{}
}
