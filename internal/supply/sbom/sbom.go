// Package sbom lists what an image holds as a CycloneDX document, so that audits and scanners
// can read it. The same content gives the same bytes.
package sbom

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"net/url"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"golang.org/x/mod/modfile"
)

// MediaType is CycloneDX's own, in JSON (https://cyclonedx.org/specification/overview/).
const MediaType = "application/vnd.cyclonedx+json"

// Package is one thing in an image, by its package URL (https://github.com/package-url/purl-spec).
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	// SHA256 of the fetched file, in hex; may be empty.
	SHA256 string `json:"sha256,omitempty"`
}

// GoModule is a package from a Go module.
func GoModule(path, version string) Package {
	return Package{Name: path, Version: version, PURL: "pkg:golang/" + path + "@" + url.PathEscape(version)}
}

// Debian is a package of a Debian-like distribution.
func Debian(distribution, name, version, arch string) Package {
	return Package{Name: name, Version: version,
		PURL: fmt.Sprintf("pkg:deb/%s/%s@%s?arch=%s", distribution, name, url.QueryEscape(version), arch)}
}

// PyPI is a Python package.
func PyPI(name, version, sha256 string) Package {
	return Package{Name: name, Version: version, SHA256: sha256,
		PURL: "pkg:pypi/" + strings.ToLower(strings.ReplaceAll(name, "_", "-")) + "@" + url.PathEscape(version)}
}

// NPM is an npm package.
func NPM(name, version string) Package {
	return Package{Name: name, Version: version, PURL: "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + url.PathEscape(version)}
}

// Maven is a Maven artifact.
func Maven(group, artifact, version, sha256 string) Package {
	return Package{Name: group + ":" + artifact, Version: version, SHA256: sha256,
		PURL: "pkg:maven/" + group + "/" + artifact + "@" + url.PathEscape(version)}
}

// FromGoProgram lists the modules that are linked into a Go program, and Go's own library.
func FromGoProgram(file string) ([]Package, error) {
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("list modules of %s: %w", file, err)
	}
	packages := []Package{GoModule("stdlib", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, d := range info.Deps {
		if d.Replace != nil && !modfile.IsDirectoryPath(d.Replace.Path) {
			d = d.Replace
		}
		packages = append(packages, GoModule(d.Path, d.Version))
	}
	return packages, nil
}

// Subject is the image that a document is about.
type Subject struct {
	Name, Version, License, Source, Digest string
}

// Document writes the list of packages of an image. It bears no time and no random serial
// number, which CycloneDX leaves optional.
func Document(s Subject, packages []Package) ([]byte, error) {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: "image", Type: cdx.ComponentTypeContainer, Name: s.Name, Version: s.Version,
	}}
	if s.Digest != "" {
		bom.Metadata.Component.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: s.Digest}}
	}
	if s.License != "" {
		bom.Metadata.Component.Licenses = &cdx.Licenses{{Expression: s.License}}
	}
	if s.Source != "" {
		bom.Metadata.Component.ExternalReferences = &[]cdx.ExternalReference{{Type: cdx.ERTypeVCS, URL: s.Source}}
	}
	packages = slices.Clone(packages)
	slices.SortFunc(packages, func(a, b Package) int { return strings.Compare(a.PURL, b.PURL) })
	packages = slices.CompactFunc(packages, func(a, b Package) bool { return a.PURL == b.PURL })
	components := make([]cdx.Component, 0, len(packages))
	for _, p := range packages {
		c := cdx.Component{BOMRef: p.PURL, Type: cdx.ComponentTypeLibrary, Name: p.Name, Version: p.Version, PackageURL: p.PURL}
		if p.SHA256 != "" {
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: p.SHA256}}
		}
		components = append(components, c)
	}
	bom.Components = &components
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(bom); err != nil {
		return nil, fmt.Errorf("write SBOM: %w", err)
	}
	return out.Bytes(), nil
}
