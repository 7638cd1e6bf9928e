package promotions

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/promotion/gate"
)

// policiesFolder and freezesFile stand in the environments' repository: policies of gates that take the place of those
// that Slipway ships, by name, and times in which nothing is promoted.
const (
	policiesFolder = "policies"
	freezesFile    = "freezes.yaml"
)

// branch is the environments' repository at one commit of its branch.
type branch struct {
	head string
	app.State
	files app.Files
}

// main reads the environments' repository as it is now.
func (p *Promotions) main(ctx context.Context) (branch, error) {
	head, err := p.o.Forge.Head(ctx, Environments, mainBranch)
	if err != nil {
		return branch{}, fmt.Errorf("read the environments: %w", err)
	}
	return p.at(ctx, head)
}

// at reads the environments' repository at a commit; the newest that was read is remembered.
func (p *Promotions) at(ctx context.Context, head string) (branch, error) {
	p.mu.Lock()
	last := p.lastBranch
	p.mu.Unlock()
	if last.head == head {
		return last, nil
	}
	files, err := p.o.Forge.ReadFolder(ctx, Environments, head, "")
	if err != nil {
		return branch{}, fmt.Errorf("read the environments at %s: %w", head, err)
	}
	b := branch{head: head, files: app.Files{}}
	for _, f := range files {
		b.files[f.Path] = f.Data
	}
	b.State, _ = app.Read(b.files) // documents that are wrong are left out; what needs them says that they are missing
	p.mu.Lock()
	p.lastBranch = b
	p.mu.Unlock()
	return b, nil
}

// policy gives the gates of an environment: the file of its policy's name on the branch, or what Slipway ships.
func (b branch) policy(e v1alpha1.Environment) (*gate.Policy, error) {
	name := e.Spec.Policy
	if name == "" {
		name = "default"
	}
	file := policyFile(name)
	if data, there := b.files[file]; there {
		return loaded(file, data)
	}
	if name == "default" {
		return standard()
	}
	return nil, fmt.Errorf("environment %s names the policy %q, and there is no %s in %s", e.Metadata.Name, name, file,
		Environments)
}

// policyOfGates gives the gates of changes of gates, in the same way.
func (b branch) policyOfGates() (*gate.Policy, error) {
	file := policyFile(changesPolicy)
	if data, there := b.files[file]; there {
		return loaded(file, data)
	}
	return standardChanges()
}

// changesPolicy names the policy of changes of gates.
const changesPolicy = "changes"

func policyFile(name string) string { return path.Join(policiesFolder, name+".yaml") }

// compiled are policies that were loaded, by the digest of their file: compiling one takes long.
var compiled sync.Map

func loaded(file string, data []byte) (*gate.Policy, error) {
	digest := evidence.DigestOf(data)
	if known, there := compiled.Load(digest); there {
		return known.(*gate.Policy), nil
	}
	policy, err := gate.Load(file, data)
	if err == nil {
		compiled.Store(digest, policy)
	}
	return policy, err
}

// standard is the policy that Slipway ships, and standardChanges that for changes of gates.
var (
	standard        = sync.OnceValues(gate.Default)
	standardChanges = sync.OnceValues(gate.Changes)
)

// freezes are the times in which nothing is promoted to some environments.
type freezes struct {
	Freezes []struct {
		Name         string    `json:"name"`
		Reason       string    `json:"reason"`
		Environments []string  `json:"environments"`
		From         time.Time `json:"from"`
		Until        time.Time `json:"until"`
	} `json:"freezes"`
}

// readFreezes reads a file of freezes.
func readFreezes(data []byte) (all freezes, err error) {
	text, err := yaml.YAMLToJSON(data)
	if err != nil {
		return all, err
	}
	strict, err := kjson.UnmarshalStrict(text, &all)
	if err := errors.Join(append(strict, err)...); err != nil {
		return all, err
	}
	for i, f := range all.Freezes {
		switch {
		case f.From.IsZero() || !f.From.Before(f.Until):
			return all, fmt.Errorf("freezes[%d]: from is to be before until", i)
		case len(f.Environments) == 0:
			return all, fmt.Errorf(`freezes[%d]: names no environments; "*" is all`, i)
		}
	}
	return all, nil
}

// freezesOf are an environment's freeze windows. Where the file cannot be read they are not known: nil.
func (b branch) freezesOf(environment string) []gate.Freeze {
	out := []gate.Freeze{}
	data, there := b.files[freezesFile]
	if !there {
		return out
	}
	all, err := readFreezes(data)
	if err != nil {
		return nil
	}
	for _, f := range all.Freezes {
		for _, e := range f.Environments {
			if e == environment || e == "*" {
				out = append(out, gate.Freeze{Name: f.Name, Reason: f.Reason, From: f.From, Until: f.Until})
			}
		}
	}
	return out
}

// tree is the Git tree of a folder at a commit, "" where it is not there.
func (p *Promotions) tree(ctx context.Context, commit, folder string) (string, error) {
	tree, err := p.o.Forge.Tree(ctx, Environments, commit, folder)
	if errors.Is(err, forge.ErrNotFound) {
		return "", nil
	}
	return tree, err
}

// below says whether a path is in a folder.
func below(name, folder string) bool { return strings.HasPrefix(name, folder+"/") }

// short is a commit or digest as people read it.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(len(id), 12)]
}
