package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	slsa "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// BuildType is the type of the builds that [Provenance.Statement] describes. Its external parameters are
// "repository", a URL, and "ref", a full Git reference.
const BuildType = "https://slipway.dev/build/v1"

// Provenance says where an image comes from: facts out of SLSA provenance v1.
type Provenance struct {
	// BuildType says how to read the rest of the provenance (buildDefinition.buildType).
	BuildType string `json:"buildType"`
	// Builder identifies the build platform (runDetails.builder.id).
	Builder string `json:"builder"`
	// Repository is the source repository: https://HOST/OWNER/NAME, without "git+", ".git" and reference.
	Repository string `json:"repository"`
	// Ref is the Git reference that was built, "refs/heads/main"; "" where the provenance does not say.
	Ref string `json:"ref,omitempty"`
	// Commit is the source's commit: the 40 hexadecimal digits of resolvedDependencies[].digest.gitCommit.
	Commit string `json:"commit"`
	// Inputs are the other resolved dependencies.
	Inputs []Input `json:"inputs,omitempty"`
	// Invocation identifies the run at the builder (runDetails.metadata.invocationId).
	Invocation string    `json:"invocation,omitempty"`
	Started    time.Time `json:"started,omitzero"`
	Finished   time.Time `json:"finished,omitzero"`
}

// Input is something that went into a build.
type Input struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

// DecodeProvenance reads SLSA provenance v1. The source is the resolved dependency with a Git commit; where there are
// several, it is that of externalParameters.repository, as in the specification's example. Provenance
// from which one source cannot be told is an error.
func DecodeProvenance(s Statement) (Provenance, error) {
	const what = "provenance"
	if err := s.of(what, ProvenanceType); err != nil {
		return Provenance{}, err
	}
	var m slsa.Provenance
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(s.Predicate, &m); err != nil {
		return Provenance{}, &DecodeError{What: what, Err: err}
	}
	if err := m.Validate(); err != nil {
		return Provenance{}, &DecodeError{What: what, Err: err}
	}
	definition, run := m.GetBuildDefinition(), m.GetRunDetails()
	source, others, err := splitSource(definition)
	if err != nil {
		return Provenance{}, &DecodeError{What: what, Err: err}
	}
	repository, ref := splitRepository(source.GetUri())
	if ref == "" {
		ref = definition.GetExternalParameters().GetFields()["ref"].GetStringValue()
	}
	return Provenance{
		BuildType: definition.GetBuildType(), Builder: run.GetBuilder().GetId(),
		Repository: repository, Ref: ref, Commit: source.GetDigest()[gitCommit], Inputs: inputs(others),
		Invocation: run.GetMetadata().GetInvocationId(),
		Started:    instant(run.GetMetadata().GetStartedOn()), Finished: instant(run.GetMetadata().GetFinishedOn()),
	}, nil
}

// gitCommit is the digest algorithm of a Git commit (in-toto/attestation, spec/v1/digest_set.md).
const gitCommit = "gitCommit"

// dependency is a resolved dependency as it stands in provenance.
type dependency = intoto.ResourceDescriptor

// splitSource tells the source from the other dependencies.
func splitSource(d *slsa.BuildDefinition) (source *dependency, others []*dependency, err error) {
	wanted, _ := splitRepository(d.GetExternalParameters().GetFields()["repository"].GetStringValue())
	for _, r := range d.GetResolvedDependencies() {
		repository, _ := splitRepository(r.GetUri())
		if r.GetDigest()[gitCommit] == "" || wanted != "" && repository != wanted {
			others = append(others, r)
			continue
		}
		if source != nil {
			return nil, nil, fmt.Errorf("its source cannot be told: both %s and %s are dependencies with a commit",
				shorten(source.GetUri()), shorten(r.GetUri()))
		}
		source = r
	}
	switch {
	case source == nil && wanted != "":
		return nil, nil, fmt.Errorf("no resolved dependency tells the commit of its repository %s", shorten(wanted))
	case source == nil:
		return nil, nil, fmt.Errorf("no resolved dependency has a digest %s, so its source cannot be told", gitCommit)
	case source.GetUri() == "":
		return nil, nil, fmt.Errorf("the resolved dependency with the commit %s has no uri", source.GetDigest()[gitCommit])
	}
	return source, others, nil
}

// SameRepository says whether two URLs name the same repository: with or without "git+", ".git", user and reference.
func SameRepository(a, b string) bool {
	ra, _ := splitRepository(a)
	rb, _ := splitRepository(b)
	return ra != "" && ra == rb
}

// splitRepository takes "git+https://host/owner/name.git@refs/heads/main" apart (the form is SPDX's download location).
func splitRepository(uri string) (repository, ref string) {
	u, err := url.Parse(strings.TrimPrefix(uri, "git+"))
	if err != nil || u.Host == "" {
		return uri, ""
	}
	path, ref, _ := strings.Cut(u.Path, "@")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/"), ".git")
	return (&url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: path}).String(), ref
}

func inputs(dependencies []*dependency) []Input {
	var out []Input
	for _, d := range dependencies {
		out = append(out, Input{Name: d.GetName(), URI: d.GetUri(), Digest: d.GetDigest()})
	}
	return out
}

func instant(t *timestamppb.Timestamp) time.Time {
	if t == nil || !t.IsValid() {
		return time.Time{}
	}
	return t.AsTime()
}

// Statement writes SLSA provenance of [BuildType] about an image. [DecodeProvenance] reads the same from it, with the
// repository in its plain form.
func (p Provenance) Statement(about Subject) (Statement, error) {
	const what = "provenance"
	uri := "git+" + p.Repository
	if p.Ref != "" {
		uri += "@" + p.Ref
	}
	parameters, err := structpb.NewStruct(map[string]any{"repository": p.Repository, "ref": p.Ref})
	if err != nil {
		return Statement{}, &DecodeError{What: what, Err: err}
	}
	m := &slsa.Provenance{
		BuildDefinition: &slsa.BuildDefinition{
			BuildType: p.BuildType, ExternalParameters: parameters,
			ResolvedDependencies: []*dependency{{Uri: uri, Digest: map[string]string{gitCommit: p.Commit}}},
		},
		RunDetails: &slsa.RunDetails{
			Builder: &slsa.Builder{Id: p.Builder},
			Metadata: &slsa.BuildMetadata{InvocationId: p.Invocation, StartedOn: stamp(p.Started),
				FinishedOn: stamp(p.Finished)},
		},
	}
	for _, i := range p.Inputs {
		m.BuildDefinition.ResolvedDependencies = append(m.BuildDefinition.ResolvedDependencies,
			&dependency{Name: i.Name, Uri: i.URI, Digest: i.Digest})
	}
	if err := m.Validate(); err != nil {
		return Statement{}, &DecodeError{What: what, Err: err}
	}
	predicate, err := protojson.Marshal(m)
	if err != nil {
		return Statement{}, &DecodeError{What: what, Err: err}
	}
	// protojson varies its white space on purpose; compact, the same provenance is the same bytes.
	var compact bytes.Buffer
	if err := json.Compact(&compact, predicate); err != nil {
		return Statement{}, &DecodeError{What: what, Err: err}
	}
	s := newStatement(about, ProvenanceType, slices.Clone(compact.Bytes()))
	if _, err := DecodeProvenance(s); err != nil {
		return Statement{}, err
	}
	return s, nil
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
