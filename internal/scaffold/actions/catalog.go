package actions

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// Entity names an entity of the catalogue.
type Entity struct{ Kind, Namespace, Name string }

// Ref is "kind:namespace/name", in lower case but for the name, as Backstage writes references.
func (e Entity) Ref() string {
	return strings.ToLower(e.Kind) + ":" + strings.ToLower(e.Namespace) + "/" + e.Name
}

// ErrNoEntity says that the catalogue has no entity, or no file, of a name.
var ErrNoEntity = errors.New("not in the catalogue")

// Catalogue is the software catalogue.
type Catalogue interface {
	// Registered says whether a file is registered already.
	Registered(ctx context.Context, address string) (bool, error)
	// Register adds the entities of a catalog-info file by its address, now and as it changes.
	Register(ctx context.Context, address string) error
	// Entities are those that a registered file holds.
	Entities(ctx context.Context, address string) ([]Entity, error)
	// Unregister takes the file, and with it its entities, out again.
	Unregister(ctx context.Context, address string) error
	// Entity gives an entity as it stands in its file, by its reference, or [ErrNoEntity].
	Entity(ctx context.Context, ref string) (map[string]any, error)
}

// Catalog are the actions of the software catalogue.
func Catalog(catalogue Catalogue) []scaffold.Action {
	r := registrar{catalogue}
	return []scaffold.Action{
		{ID: "catalog:register", Description: "Registers the entities of a catalog-info.yaml in the catalogue.",
			Input:   input("catalog:register"),
			Outputs: []string{"entityRef", "catalogInfoUrl"}, Run: r.register, Preview: previewRegister, Undo: r.unregister},
		{ID: "catalog:fetch", Description: "Gives entities of the catalogue.", Input: input("catalog:fetch"),
			Outputs: []string{"entity", "entities"}, Run: r.fetch, Preview: r.fetch},
	}
}

type registrar struct{ catalogue Catalogue }

type registration struct {
	CatalogInfoURL  string `json:"catalogInfoUrl"`
	RepoContentsURL string `json:"repoContentsUrl"`
	CatalogInfoPath string `json:"catalogInfoPath"`
	Optional        bool   `json:"optional"`
}

// address is that of the catalog-info file.
func (r registration) address() string {
	if r.CatalogInfoURL != "" {
		return r.CatalogInfoURL
	}
	if r.CatalogInfoPath == "" {
		r.CatalogInfoPath = "catalog-info.yaml"
	}
	return strings.TrimRight(r.RepoContentsURL, "/") + "/" + strings.TrimLeft(r.CatalogInfoPath, "/")
}

func previewRegister(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	var in registration
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	return map[string]any{"catalogInfoUrl": in.address(), "entityRef": "<entityRef of " + c.Step + ">"}, nil
}

func (r registrar) register(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	var in registration
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	address := in.address()
	output := map[string]any{"catalogInfoUrl": address}
	err := r.add(ctx, c, address, in.Optional)
	if err == nil {
		var entities []Entity
		if entities, err = r.catalogue.Entities(ctx, address); err == nil && len(entities) > 0 {
			output["entityRef"] = principal(entities).Ref()
			c.Logf("registered %s", output["entityRef"])
		}
	}
	if err != nil && in.Optional && errors.Is(err, ErrNoEntity) {
		c.Logf("%s", err)
		err = nil
	}
	return output, err
}

// add registers a file, unless an interrupted attempt of the same step did.
func (r registrar) add(ctx context.Context, c *scaffold.Call, address string, optional bool) error {
	registered, err := r.catalogue.Registered(ctx, address)
	if err != nil {
		return err
	}
	ours := len(c.Made) > 0
	switch {
	case registered && ours:
		return c.Certain(ctx, 0)
	case registered && optional:
		return nil
	case registered:
		return fmt.Errorf("%s is registered already", address)
	}
	at := 0
	if !ours {
		if at, err = c.Making(ctx, "catalogue entry of "+address, map[string]string{"address": address}); err != nil {
			return err
		}
	}
	if err := r.catalogue.Register(ctx, address); err != nil {
		return err // whether it was made is for Undo to find out
	}
	return c.Certain(ctx, at)
}

// principal is the entity that a file is about: its component, if it has one.
func principal(entities []Entity) Entity {
	best := entities[0]
	for _, e := range entities {
		if e.Kind == "Component" && !strings.HasPrefix(e.Name, "generated-") {
			return e
		}
		if strings.HasPrefix(best.Name, "generated-") {
			best = e
		}
	}
	return best
}

func (r registrar) unregister(ctx context.Context, made scaffold.Made) error {
	address := made.Detail["address"]
	registered, err := r.catalogue.Registered(ctx, address)
	if err != nil || !registered {
		return err
	}
	return r.catalogue.Unregister(ctx, address)
}

func (r registrar) fetch(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	var in struct {
		EntityRef                     string
		EntityRefs                    []string
		Optional                      bool
		DefaultKind, DefaultNamespace string
	}
	if err := c.Decode(&in); err != nil {
		return nil, err
	}
	one := func(ref string) (any, error) {
		if in.DefaultKind != "" && !strings.Contains(ref, ":") {
			if in.DefaultNamespace != "" && !strings.Contains(ref, "/") {
				ref = in.DefaultNamespace + "/" + ref
			}
			ref = in.DefaultKind + ":" + ref
		}
		entity, err := r.catalogue.Entity(ctx, ref)
		if errors.Is(err, ErrNoEntity) && in.Optional {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", ref, err)
		}
		return entity, nil
	}
	output := map[string]any{}
	if in.EntityRef != "" {
		entity, err := one(in.EntityRef)
		if err != nil {
			return nil, err
		}
		output["entity"] = entity
	}
	if in.EntityRefs == nil {
		return output, nil
	}
	entities := make([]any, len(in.EntityRefs))
	for i, ref := range in.EntityRefs {
		var err error
		if entities[i], err = one(ref); err != nil {
			return nil, err
		}
	}
	output["entities"] = entities
	return output, nil
}
