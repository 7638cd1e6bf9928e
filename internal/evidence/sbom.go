package evidence

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// SBOM lists what an image holds: facts out of an SPDX 2.2 or 2.3 document in JSON.
type SBOM struct {
	// Format is the document's spdxVersion: "SPDX-2.3".
	Format string `json:"format"`
	Name   string `json:"name"`
	// Tools are creationInfo.creators, as they stand: "Tool: syft-1.30.0".
	Tools    []string  `json:"tools,omitempty"`
	Created  time.Time `json:"created,omitzero"`
	Packages []Package `json:"packages"`
}

// Package is one package of a bill of materials.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	// PURL is the package URL (externalRefs of type purl); "" where there is none.
	PURL string `json:"purl,omitempty"`
	// Purpose is primaryPackagePurpose: "CONTAINER" is the image itself.
	Purpose string `json:"purpose,omitempty"`
	// License is the licence expression that was concluded or, failing that, declared; "" where neither is asserted.
	License string `json:"license,omitempty"`
	// Licenses are the licences that the expression names, sorted, each alternative of an OR included. An
	// exception stays with its licence: "GPL-2.0-only WITH Classpath-exception-2.0".
	Licenses []string `json:"licenses,omitempty"`
}

// spdxDocument is the part of an SPDX document that is read (SPDX 2.3, clauses 6 and 7).
type spdxDocument struct {
	SPDXVersion  string `json:"spdxVersion"`
	Name         string `json:"name"`
	CreationInfo struct {
		Created  time.Time `json:"created"`
		Creators []string  `json:"creators"`
	} `json:"creationInfo"`
	Packages []spdxPackage `json:"packages"`
}

type spdxPackage struct {
	Name             string `json:"name"`
	VersionInfo      string `json:"versionInfo"`
	Purpose          string `json:"primaryPackagePurpose"`
	LicenseConcluded string `json:"licenseConcluded"`
	LicenseDeclared  string `json:"licenseDeclared"`
	ExternalRefs     []struct {
		Type    string `json:"referenceType"`
		Locator string `json:"referenceLocator"`
	} `json:"externalRefs"`
}

// noAssertion is how SPDX says that nothing is said about a licence.
const noAssertion = "NOASSERTION"

// DecodeSBOM reads a bill of materials.
func DecodeSBOM(s Statement) (SBOM, error) {
	const what = "bill of materials"
	if err := s.of(what, SPDXType, SPDXType+"/v2.2", SPDXType+"/v2.3"); err != nil {
		return SBOM{}, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(s.Predicate), []byte(`"`)) {
		return SBOM{}, decodeErrorf(what, "the predicate is a text, not an SPDX document in JSON")
	}
	var d spdxDocument
	if err := decode(what, s.Predicate, &d); err != nil {
		return SBOM{}, err
	}
	switch {
	case !strings.HasPrefix(d.SPDXVersion, "SPDX-2."):
		return SBOM{}, decodeErrorf(what, "spdxVersion is %q; SPDX-2.2 and SPDX-2.3 are read", shorten(d.SPDXVersion))
	case len(d.Packages) == 0:
		return SBOM{}, decodeErrorf(what, "it lists no packages")
	}
	out := SBOM{Format: d.SPDXVersion, Name: d.Name, Tools: d.CreationInfo.Creators, Created: d.CreationInfo.Created,
		Packages: make([]Package, len(d.Packages))}
	for i, p := range d.Packages {
		if p.Name == "" {
			return SBOM{}, decodeErrorf(what, "packages[%d] has no name", i)
		}
		out.Packages[i] = p.facts()
	}
	return out, nil
}

func (p spdxPackage) facts() Package {
	license := p.LicenseConcluded
	if license == "" || license == noAssertion {
		license = p.LicenseDeclared
	}
	if license == noAssertion {
		license = ""
	}
	out := Package{Name: p.Name, Version: p.VersionInfo, Purpose: p.Purpose, License: license, Licenses: licenses(license)}
	for _, r := range p.ExternalRefs {
		if r.Type == "purl" {
			out.PURL = r.Locator
			break
		}
	}
	return out
}

// licenses gives the licences that an SPDX expression names (SPDX 2.3, annex D). A text that is no expression is
// one licence.
func licenses(expression string) []string {
	var out []string
	words := strings.Fields(strings.NewReplacer("(", " ", ")", " ").Replace(expression))
	for i := 0; i < len(words); i++ {
		switch strings.ToUpper(words[i]) {
		case "AND", "OR":
			continue
		case "WITH":
			if len(out) > 0 && i+1 < len(words) {
				i++
				out[len(out)-1] += " WITH " + words[i]
			}
			continue
		}
		out = append(out, words[i])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// NewSBOM makes the statement that holds an SPDX document about an image.
func NewSBOM(about Subject, spdx []byte) (Statement, error) {
	s := newStatement(about, SPDXType, spdx)
	_, err := DecodeSBOM(s)
	return s, err
}
