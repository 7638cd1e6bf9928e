package supply

import (
	"context"
	"errors"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/supply/build"
	"github.com/slipway-dev/slipway/internal/supply/command"
	"github.com/slipway-dev/slipway/internal/supply/store"
)

// Action is what is done for an image.
type Action string

// Actions.
const (
	Present Action = "present" // nothing: the store has it
	Pull    Action = "pull"
	Build   Action = "build"
)

// Decision says how an image comes, and why so.
type Decision struct {
	Recipe string `json:"recipe"`
	// Ref is the image's first reference; of a recipe that only serves as a base, its own.
	Ref    string `json:"ref"`
	Action Action `json:"action"`
	Reason string `json:"reason"`
	// Digest of an image that is present.
	Digest string `json:"digest,omitempty"`
	// Estimate is how long it will take, 0 where unknown.
	Estimate time.Duration `json:"estimate,omitempty"`

	key   string // what it is or would be built from
	found found
}

// found is an image in the store.
type found struct {
	v1.Descriptor
	how   Action // Pull or Build; empty: nothing was found
	image build.Image
}

// Decide says for each recipe how its image comes. Bases that must be built first are listed
// before the recipes that stand on them. Where everything is present it asks no network.
func (s *Supplier) Decide(ctx context.Context, recipes []string) ([]Decision, error) {
	decided := make([]Decision, len(recipes))
	g, gctx := errgroup.WithContext(ctx)
	for i, name := range recipes {
		g.Go(func() (err error) {
			decided[i], err = s.decide(gctx, name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	byName := map[string]Decision{}
	for _, d := range decided {
		byName[d.Recipe] = d
	}
	for _, name := range recipes {
		if err := s.decideBases(ctx, name, byName); err != nil {
			return nil, err
		}
	}
	return s.ordered(recipes, byName), nil
}

// decideBases decides on what a recipe stands on, if it is to be built: only a base that was
// built here itself will do.
func (s *Supplier) decideBases(ctx context.Context, recipe string, decided map[string]Decision) error {
	if decided[recipe].Action != Build {
		return nil
	}
	for _, name := range s.recipes[recipe].Bases() {
		if d, ok := decided[name]; !ok || (d.Action != Build && d.found.how != Build) {
			var err error
			if decided[name], err = s.decideBase(ctx, name); err != nil {
				return err
			}
		}
		if err := s.decideBases(ctx, name, decided); err != nil {
			return err
		}
	}
	return nil
}

// ordered lists the decisions in the order of need, what others are built on before them.
func (s *Supplier) ordered(recipes []string, decided map[string]Decision) []Decision {
	all, listed := []Decision{}, map[string]bool{}
	var list func(name string)
	list = func(name string) {
		if listed[name] {
			return
		}
		listed[name] = true
		if decided[name].Action == Build {
			for _, base := range s.recipes[name].Bases() {
				list(base)
			}
		}
		all = append(all, decided[name])
	}
	for _, name := range recipes {
		list(name)
	}
	return all
}

func (s *Supplier) decide(ctx context.Context, recipe string) (Decision, error) {
	r, err := s.recipe(recipe)
	if err != nil {
		return Decision{}, err
	}
	d := Decision{Recipe: recipe, Ref: refs(r)[0]}
	if d.found, d.key, err = s.present(ctx, r); err != nil {
		return d, err
	}
	if d.found.how != "" {
		d.present()
		return d, nil
	}
	d.Action, d.Reason = s.choose(ctx, r)
	d.Estimate = s.timings.estimate(recipe, d.Action, r.Spec.Seconds)
	return d, nil
}

// decideBase is decide for something that others are built on: it is always built itself.
func (s *Supplier) decideBase(ctx context.Context, recipe string) (Decision, error) {
	r, err := s.recipe(recipe)
	if err != nil {
		return Decision{}, err
	}
	d := Decision{Recipe: recipe, Ref: refs(r)[0], Action: Build, Reason: "others are built on it"}
	if d.key, err = s.builder.Key(ctx, r, s.recipes); err != nil {
		return d, err
	}
	if i, ok := s.builder.Built(d.key); ok {
		d.found = found{i.Descriptor, Build, i}
		d.present()
		return d, nil
	}
	d.Estimate = s.timings.estimate(recipe, Build, r.Spec.Seconds)
	return d, nil
}

// Pulled gives the digest of an image that is present and was pulled.
func (d Decision) Pulled() (digest string, ok bool) {
	return d.Digest, d.Action == Present && d.found.how == Pull
}

// present makes d say that its image is there.
func (d *Decision) present() {
	d.Action, d.Reason, d.Digest = Present, "built before", d.found.Digest.String()
	if d.found.how == Pull {
		d.Reason = "pulled before"
	}
}

// choose decides between pulling and building.
func (s *Supplier) choose(ctx context.Context, r build.Recipe) (Action, string) {
	switch {
	case r.Spec.BuildOnly:
		return Build, "nobody publishes this image"
	case len(r.Spec.Images) == 0 && r.Spec.Pull == "":
		return Build, "it only serves as a base"
	case s.Mode == v1alpha1.SupplyBuild:
		return Build, "the platform says so"
	case s.Mode == v1alpha1.SupplyPull:
		return Pull, "the platform says so"
	}
	if err := s.puller.Probe(ctx, s.upstream(r)); err != nil {
		return Build, err.Error()
	}
	from, err := s.puller.At(s.upstream(r))
	if err != nil {
		return Build, err.Error()
	}
	return Pull, store.Host(from.Context().RegistryStr()) + " has it"
}

// upstream is the reference by which an image is pulled: by digest where one is known.
func (s *Supplier) upstream(r build.Recipe) string {
	if digest := s.Pinned[r.Metadata.Name]; digest != "" && len(r.Spec.Images) > 0 {
		if full, err := store.Normalize(r.Spec.Images[0]); err == nil {
			return full[:strings.LastIndex(full, ":")] + "@" + digest
		}
	}
	if r.Spec.Pull != "" {
		return r.Spec.Pull
	}
	if len(r.Spec.Images) > 0 {
		return r.Spec.Images[0]
	}
	return ""
}

// refs are the references that the image gets in the store; at least one.
func refs(r build.Recipe) []string {
	if len(r.Spec.Images) > 0 {
		return r.Spec.Images
	}
	return []string{"slipway.dev/recipes/" + r.Metadata.Name + ":" + r.Spec.Version}
}

// present finds an image that is whole in the store and came in a way that the mode allows.
func (s *Supplier) present(ctx context.Context, r build.Recipe) (f found, key string, err error) {
	pullable := !r.Spec.BuildOnly && s.upstream(r) != ""
	key, err = s.builder.Key(ctx, r, s.recipes)
	var missing *command.MissingError
	if errors.As(err, &missing) && pullable && s.Mode != v1alpha1.SupplyBuild {
		err = nil // it can't be built here, and need not be
	}
	if err != nil {
		return f, "", err
	}
	if key != "" && (s.Mode != v1alpha1.SupplyPull || !pullable) {
		if i, ok := s.builder.Built(key); ok {
			return found{i.Descriptor, Build, i}, key, nil
		}
	}
	if pullable && s.Mode != v1alpha1.SupplyBuild {
		if d, ok := s.pulled(s.upstream(r)); ok {
			return found{Descriptor: d, how: Pull}, key, nil
		}
	}
	return f, key, nil
}
