package pipeline

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/supply/sbom"
)

// Limits of what is looked into: a program, and a file that describes a package.
const (
	maxProgram  = 512 << 20
	maxMetadata = 1 << 20
)

// licensed is a package with the licence that it says of itself.
type licensed struct {
	sbom.Package
	license string
}

// listing finds in an image what its programs were linked from (Go), and what is installed in it (npm, Python,
// Debian), and writes it as an SPDX document.
func listing(image v1.Image, repository string, digest evidence.Digest, now time.Time) (document []byte, count int, err error) {
	files := mutate.Extract(image)
	defer func() { err = errors.Join(err, files.Close()) }()
	packages := map[string]licensed{}
	add := func(found ...licensed) {
		for _, p := range found {
			if old, there := packages[p.PURL]; !there || old.license == "" {
				packages[p.PURL] = p
			}
		}
	}
	archive := tar.NewReader(files)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		found, err := look(h, archive)
		if err != nil {
			return nil, 0, err
		}
		add(found...)
	}
	document, err = spdx(repository, digest, packages, now)
	return document, len(packages), err
}

// look finds the packages that a file speaks of. A file that isn't what its name says speaks of none.
func look(h *tar.Header, r io.Reader) ([]licensed, error) {
	p := path.Clean("/" + h.Name)
	switch base := path.Base(p); {
	case base == "package.json" && strings.Contains(p, "/node_modules/"):
		return fromNPM(io.LimitReader(r, maxMetadata))
	case base == "METADATA" && strings.HasSuffix(path.Dir(p), ".dist-info"):
		return fromPython(io.LimitReader(r, maxMetadata))
	case p == "/var/lib/dpkg/status" || path.Dir(p) == "/var/lib/dpkg/status.d":
		return fromDebian(r)
	case h.FileInfo().Mode()&0o111 != 0 && h.Size > 1<<16 && h.Size < maxProgram:
		return fromProgram(r)
	}
	return nil, nil
}

// fromProgram reads what a Go program was linked from; other programs don't say.
func fromProgram(r io.Reader) ([]licensed, error) {
	start := bufio.NewReader(r)
	if magic, err := start.Peek(4); err != nil || string(magic) != "\x7fELF" {
		return nil, nil
	}
	file, err := os.CreateTemp("", "program-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = io.Copy(file, start)
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	packages, err := sbom.FromGoProgram(file.Name())
	if err != nil {
		return nil, nil // not Go
	}
	var out []licensed
	for _, p := range packages {
		out = append(out, licensed{Package: p})
	}
	return out, nil
}

func fromNPM(r io.Reader) ([]licensed, error) {
	var p struct {
		Name, Version string
		License       any
	}
	if err := json.NewDecoder(r).Decode(&p); err != nil || p.Name == "" || p.Version == "" {
		return nil, nil
	}
	license, _ := p.License.(string)
	return []licensed{{Package: sbom.NPM(p.Name, p.Version), license: license}}, nil
}

// fromPython reads core metadata (https://packaging.python.org/en/latest/specifications/core-metadata).
func fromPython(r io.Reader) ([]licensed, error) {
	fields := header(bufio.NewScanner(r))
	if fields["Name"] == "" || fields["Version"] == "" {
		return nil, nil
	}
	license := fields["License-Expression"]
	if license == "" {
		license = fields["License"]
	}
	return []licensed{{Package: sbom.PyPI(fields["Name"], fields["Version"], ""), license: license}}, nil
}

func fromDebian(r io.Reader) ([]licensed, error) {
	var out []licensed
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxMetadata)
	for {
		fields := header(lines)
		if len(fields) == 0 {
			return out, nil
		}
		if fields["Package"] != "" && fields["Version"] != "" {
			out = append(out, licensed{Package: sbom.Debian("debian", fields["Package"], fields["Version"], fields["Architecture"])})
		}
	}
}

// header reads "Name: value" lines up to the first empty one.
func header(lines *bufio.Scanner) map[string]string {
	fields := map[string]string{}
	for lines.Scan() && lines.Text() != "" {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok && !strings.HasPrefix(k, " ") {
			fields[k] = strings.TrimSpace(v)
		}
	}
	return fields
}

// expression is what looks like an SPDX licence expression (SPDX 2.3, Annex D).
var expression = regexp.MustCompile(`^[A-Za-z0-9.+() -]{1,200}$`)

// spdxID is what may not stand in an SPDX identifier.
var spdxID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// spdx writes an SPDX 2.3 document (https://spdx.github.io/spdx-spec/v2.3).
func spdx(repository string, digest evidence.Digest, packages map[string]licensed, now time.Time) ([]byte, error) {
	type object = map[string]any
	const noAssertion = "NOASSERTION"
	main := object{"SPDXID": "SPDXRef-image", "name": repository, "versionInfo": string(digest), "downloadLocation": noAssertion,
		"filesAnalyzed": false, "primaryPackagePurpose": "CONTAINER", "licenseConcluded": noAssertion, "licenseDeclared": noAssertion,
		"copyrightText": noAssertion, "checksums": []object{{"algorithm": "SHA256", "checksumValue": digest.Hex()}}}
	all, relations := []object{main}, []object{{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-image"}}
	var purls []string
	for purl := range packages {
		purls = append(purls, purl)
	}
	slices.Sort(purls)
	for _, purl := range purls {
		p := packages[purl]
		license := noAssertion
		if expression.MatchString(p.license) && !strings.Contains(p.license, "  ") {
			license = p.license
		}
		id := "SPDXRef-" + spdxID.ReplaceAllString(strings.TrimPrefix(purl, "pkg:"), "-")
		all = append(all, object{"SPDXID": id, "name": p.Name, "versionInfo": p.Version, "downloadLocation": noAssertion, "filesAnalyzed": false,
			"licenseConcluded": noAssertion, "licenseDeclared": license, "copyrightText": noAssertion,
			"externalRefs": []object{{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}}})
		relations = append(relations, object{"spdxElementId": "SPDXRef-image", "relationshipType": "CONTAINS", "relatedSpdxElement": id})
	}
	return json.Marshal(object{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "dataLicense": "CC0-1.0", "name": repository,
		"documentNamespace": "https://slipway.dev/spdx/" + digest.Hex(),
		"creationInfo":      object{"created": now.UTC().Format(time.RFC3339), "creators": []string{"Tool: slipway"}},
		"packages":          all, "relationships": relations})
}
