package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/render/cnoe"
	"github.com/slipway-dev/slipway/internal/render/manifest"
)

// readCNOE reads a package as idpbuilder does: only the files at the directory's top count, and
// of their objects those that refer to a repository; what lies in folders is content. Another
// directory gives a Package without a Kind.
func readCNOE(o Options, root string, top []string) (Package, error) {
	p := Package{}
	for _, name := range top {
		objects, err := decode(o, name)
		var other *manifest.NotKubernetesError
		if errors.As(err, &other) {
			p.Skipped = append(p.Skipped, err.Error())
			continue
		}
		if err != nil {
			return Package{}, err
		}
		for _, object := range objects {
			if cnoe.HasRepository(object.Object) {
				p.Objects = append(p.Objects, object)
				continue
			}
			p.Skipped = append(p.Skipped, fmt.Sprintf("%s: %s %s refers to no repository", object.Source, object.GetKind(), object.GetName()))
		}
	}
	if len(p.Objects) == 0 {
		return Package{}, nil
	}
	p.Kind = CNOE
	for _, object := range p.Objects {
		if object.GetNamespace() == "" && o.ApplicationNamespace != "" {
			object.SetNamespace(o.ApplicationNamespace)
		}
	}
	return p, resolve(&p, o, root, o.Dir)
}

// resolve rewrites references to local content, which are relative to from, and notes the
// directories as contents.
func resolve(p *Package, o Options, root, from string) error {
	for _, object := range p.Objects {
		err := cnoe.Rewrite(object.Object, func(ref string) (string, error) {
			dir := filepath.Join(from, filepath.FromSlash(ref))
			info, err := os.Stat(dir)
			if err != nil || !info.IsDir() {
				return "", fault.Invalid(fmt.Errorf("%s%s: there is no directory %s", cnoe.Scheme, ref, dir),
					"the path after "+cnoe.Scheme+" is relative to the manifest that holds it")
			}
			if err := inside(root, dir); err != nil {
				return "", fault.Invalid(err, "keep content in the package's directory or its Git repository")
			}
			rel, err := filepath.Rel(o.Dir, dir)
			if err != nil {
				return "", err
			}
			repository := RepositoryName(o.Name, filepath.ToSlash(rel))
			url, err := o.RepositoryURL(repository)
			if err != nil {
				return "", err
			}
			if p.Contents == nil {
				p.Contents = map[string]string{}
			}
			p.Contents[repository] = dir
			return url, nil
		})
		if err != nil {
			return fmt.Errorf("%s: %s %s: %w", object.Source, object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

var notInName = regexp.MustCompile(`[^a-z0-9-]+`)

// RepositoryName names the repository for a package's directory. Names of packages have no
// underscore, and a path that the name does not show exactly is told apart by a hash, so that no
// two directories of any packages meet.
func RepositoryName(pkg, path string) string {
	slug := strings.Trim(notInName.ReplaceAllString(strings.ToLower(path), "-"), "-")
	const longest = 24 // Git servers allow names of about a hundred characters
	if slug != path || len(slug) > longest {
		sum := sha256.Sum256([]byte(path))
		slug = strings.Trim(slug[:min(len(slug), longest)], "-")
		slug = strings.Trim(slug+"-"+hex.EncodeToString(sum[:4]), "-")
	}
	return pkg + "_" + slug
}
