package build

import (
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Labels of built images beyond those of the OCI image specification.
const (
	// LabelRecipe names the recipe.
	LabelRecipe = "dev.slipway.recipe"
	// LabelDigest is the digest of everything that the image is made from.
	LabelDigest = "dev.slipway.recipe.digest"
)

// defaultUser is nobody in particular, and never root.
const defaultUser = "65532:65532"

// configuration is the image's, without labels and layers.
func configuration(r Recipe, i Image) *v1.ConfigFile {
	c := r.Spec.Config
	user := c.User
	if user == "" {
		user = defaultUser
	}
	var env []string
	for _, k := range slices.Sorted(maps.Keys(i.Env)) {
		env = append(env, k+"="+i.Env[k])
	}
	return &v1.ConfigFile{
		Architecture: arch(), OS: "linux",
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{}},
		Config: v1.Config{User: user, Entrypoint: c.Entrypoint, Cmd: c.Cmd, Env: env, WorkingDir: c.WorkingDir},
	}
}

func labels(r Recipe, key string) map[string]string {
	all := map[string]string{
		"org.opencontainers.image.title":       r.Metadata.Name,
		"org.opencontainers.image.description": r.Spec.Description,
		"org.opencontainers.image.version":     r.Spec.Version,
		"org.opencontainers.image.source":      r.Spec.Source,
		"org.opencontainers.image.licenses":    r.Spec.License,
		LabelRecipe:                            r.Metadata.Name,
		LabelDigest:                            "sha256:" + key,
	}
	maps.DeleteFunc(all, func(_, v string) bool { return v == "" })
	return all
}
