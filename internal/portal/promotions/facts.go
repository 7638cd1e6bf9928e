package promotions

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// evidenceOf collects what is stored about an image, and verifies it.
func (p *Promotions) evidenceOf(ctx context.Context, repository string, image evidence.Digest,
	in gate.Input) (gate.Evidence, error) {
	from, err := p.o.Evidence.Of(repository)
	if err != nil {
		return gate.Evidence{}, fmt.Errorf("open the evidence about %s: %w", repository, err)
	}
	found, err := evidence.Collect(ctx, from, p.keys, image, in.Now)
	if err != nil {
		return gate.Evidence{}, err
	}
	return factsOf(found, in.Release.Repository), nil
}

// factsOf gives the newest verified statement of each kind; where none is verified, why.
func factsOf(c evidence.Collection, repository string) gate.Evidence {
	var out gate.Evidence
	subject := string(c.Image)
	if n := len(c.Signatures); n > 0 {
		s := c.Signatures[n-1]
		out.Signature = &gate.Signature{Statement: gate.Statement{Digest: string(s.Payload), Subject: subject,
			Verified: true, Signer: s.Signer}}
	}
	if f, at, ok := newest(c.Provenance, func(v evidence.Provenance) time.Time { return v.Finished }); ok {
		out.Provenance = &gate.Provenance{Statement: verified(f, subject, at), Repository: f.Value.Repository,
			Commit: f.Value.Commit, Builder: f.Value.Builder}
		if evidence.SameRepository(f.Value.Repository, repository) {
			out.Provenance.Repository = repository
		}
	}
	if f, _, ok := newest(c.Tests, func(evidence.TestResult) time.Time { return time.Time{} }); ok {
		v := f.Value
		out.Tests = &gate.Tests{Statement: verified(f, subject, time.Time{}), Failed: v.FailedTests,
			Total: v.PassedTests + v.WarnedTests + v.FailedTests, Passed: v.Result != evidence.Failed}
	}
	if f, at, ok := newest(c.SBOMs, func(v evidence.SBOM) time.Time { return v.Created }); ok {
		out.SBOM = &gate.SBOM{Statement: verified(f, subject, at), Packages: []gate.Package{}}
		for _, item := range f.Value.Packages {
			licenses := []string{}
			if item.License != "" {
				licenses = append(licenses, item.License)
			}
			out.SBOM.Packages = append(out.SBOM.Packages, gate.Package{Name: item.Name, Version: item.Version,
				PURL: item.PURL, Licenses: licenses})
		}
	}
	unverified(&out, c.Rejected, subject)
	return out
}

// newest gives the newest fact; of those of one time the one that was stored last.
func newest[T any](facts []evidence.Fact[T], at func(T) time.Time) (f evidence.Fact[T], made time.Time, ok bool) {
	for i, candidate := range facts {
		if t := at(candidate.Value); i == 0 || !t.Before(made) {
			f, made, ok = candidate, t, true
		}
	}
	return f, made, ok
}

func verified[T any](f evidence.Fact[T], subject string, at time.Time) gate.Statement {
	return gate.Statement{Digest: string(f.Envelope), Subject: subject, Verified: true, Signer: f.Signer, Time: at}
}

// unverified puts what was stored and does not count where nothing else is, so that its gate says why.
func unverified(to *gate.Evidence, rejected []evidence.Rejection, subject string) {
	for _, r := range rejected {
		s := gate.Statement{Digest: string(r.Stored), Subject: subject, Problem: r.Reason}
		switch r.Type {
		case evidence.ProvenanceType:
			if to.Provenance == nil || !to.Provenance.Verified {
				to.Provenance = &gate.Provenance{Statement: s}
			}
		case evidence.TestResultType:
			if to.Tests == nil || !to.Tests.Verified {
				to.Tests = &gate.Tests{Statement: s}
			}
		case evidence.SPDXType, evidence.SPDXType + "/v2.2", evidence.SPDXType + "/v2.3":
			if to.SBOM == nil || !to.SBOM.Verified {
				to.SBOM = &gate.SBOM{Statement: s}
			}
		case "":
			if to.Signature == nil {
				to.Signature = &gate.Signature{Statement: s}
			}
		}
	}
}
