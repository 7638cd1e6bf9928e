package spec

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fieldpath"
)

func checkRecipe(c *checker, r *v1alpha1.Recipe) {
	s := r.Spec
	c.name("metadata.name", r.Metadata.Name)
	c.required("spec.description", s.Description)
	c.version("spec.version", s.Version)
	c.images(s)
	if len(s.Layers) == 0 {
		c.add("spec.layers", "", "required, but empty")
	}
	for i, layer := range s.Layers {
		c.layer(fieldpath.Item("spec.layers", i), layer)
	}
	for i, p := range s.HostPackages {
		if !debianPackage.MatchString(p) {
			c.add(fieldpath.Item("spec.hostPackages", i), "", "%q is not the name of a Debian package", p)
		}
	}
	if s.Config.User != "" && !owner.MatchString(s.Config.User) {
		c.add("spec.config.user", "", "%q must be uid:gid in numbers", s.Config.User)
	}
	if s.Seconds < 0 {
		c.add("spec.seconds", "", "must not be negative, is %d", s.Seconds)
	}
}

// images checks references: those that manifests use have a tag, upstream's has a digest.
func (c *checker) images(s v1alpha1.RecipeSpec) {
	for i, ref := range s.Images {
		at := fieldpath.Item("spec.images", i)
		if _, err := name.NewTag(ref, name.WithDefaultTag("")); err != nil {
			c.add(at, "", "%q is not an image reference with a tag", ref)
		} else if host, _, ok := strings.Cut(ref, "/"); !ok || !strings.ContainsAny(host, ".:") {
			c.add(at, "docker.io/"+ref, "%q must begin with its registry's host", ref)
		} else if _, tag, ok := strings.Cut(path.Base(ref), ":"); !ok || tag == "" {
			c.add(at, "", "%q must have a tag", ref)
		}
		if slices.Index(s.Images, ref) < i {
			c.add(at, "", "%q is listed twice", ref)
		}
	}
	if s.Pull == "" {
		return
	}
	if _, err := name.NewDigest(s.Pull, name.StrictValidation); err != nil {
		c.add("spec.pull", "", "%q is not an image reference with a digest (REGISTRY/NAME@sha256:...)", s.Pull)
	}
	if s.BuildOnly {
		c.add("spec.pull", "", "the recipe is buildOnly, and yet upstream's image is named")
	}
}

func (c *checker) layer(at string, l v1alpha1.Layer) {
	c.exactlyOne(at, map[string]bool{
		"base": l.Base != "", "debian": l.Debian != nil, "go": l.Go != nil, "module": l.Module != nil, "wheel": l.Wheel != nil,
		"npm": l.NPM != nil, "maven": l.Maven != nil, "files": l.Files != nil, "links": l.Links != nil, "directories": l.Directories != nil,
		"self": l.Self != "",
	})
	c.optionalName(at+".base", l.Base)
	if l.Debian != nil {
		c.debian(at+".debian", *l.Debian)
	}
	if l.Go != nil {
		c.goLayer(at+".go", *l.Go)
	}
	if l.Module != nil {
		c.required(at+".module.module", l.Module.Module)
		c.copies(at+".module.copy", l.Module.Copy)
	}
	if l.Wheel != nil {
		c.wheel(at+".wheel", *l.Wheel)
	}
	if l.NPM != nil {
		c.npm(at+".npm", *l.NPM)
	}
	if l.Maven != nil {
		if strings.Count(l.Maven.Artifact, ":") != 3 {
			c.add(at+".maven.artifact", "", "%q must be group:artifact:packaging:version", l.Maven.Artifact)
		}
		c.sha256(at+".maven.sha256", l.Maven.SHA256)
		c.copies(at+".maven.copy", l.Maven.Copy)
	}
	if l.Self != "" {
		c.imagePath(at+".self", l.Self)
	}
	for i, f := range l.Files {
		below := fieldpath.Item(at+".files", i)
		c.imagePath(below+".path", f.Path)
		c.mode(below+".mode", f.Mode)
	}
	for _, link := range slices.Sorted(maps.Keys(l.Links)) {
		c.imagePath(fieldpath.Child(at+".links", link), link)
		c.required(fieldpath.Child(at+".links", link), l.Links[link])
	}
	for i, d := range l.Directories {
		below := fieldpath.Item(at+".directories", i)
		c.imagePath(below+".path", d.Path)
		c.mode(below+".mode", d.Mode)
		if d.Owner != "" && !owner.MatchString(d.Owner) {
			c.add(below+".owner", "", "%q must be uid:gid in numbers", d.Owner)
		}
	}
}

var (
	debianPackage = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+:~-]+)?$`)
	octalMode     = regexp.MustCompile(`^0?[0-7]{3,4}$`)
	owner         = regexp.MustCompile(`^[0-9]+:[0-9]+$`)
	hexDigest     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	exactVersion  = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$`)
)

func (c *checker) debian(at string, d v1alpha1.DebianLayer) {
	if len(d.Packages) == 0 {
		c.add(at+".packages", "", "required, but empty")
	}
	for i, p := range d.Packages {
		if !debianPackage.MatchString(p) {
			c.add(fieldpath.Item(at+".packages", i), "", "%q is not a Debian package, name or name=version", p)
		}
	}
}

func (c *checker) goLayer(at string, g v1alpha1.GoLayer) {
	if len(g.Programs) == 0 {
		c.add(at+".programs", "", "required, but empty")
	}
	for _, p := range slices.Sorted(maps.Keys(g.Programs)) {
		c.imagePath(fieldpath.Child(at+".programs", p), p)
		c.required(fieldpath.Child(at+".programs", p), g.Programs[p])
	}
	for i, patch := range g.Patches {
		below := fieldpath.Item(at+".patches", i)
		c.required(below+".module", patch.Module)
		if len(patch.Add) == 0 {
			c.add(below+".add", "", "required, but empty")
		}
	}
}

func (c *checker) wheel(at string, w v1alpha1.WheelLayer) {
	c.required(at+".package", w.Package)
	if !exactVersion.MatchString(w.Version) && !strings.Contains(w.Version, ".") {
		c.add(at+".version", "", "%q is not an exact version", w.Version)
	}
	if len(w.SHA256) == 0 {
		c.add(at+".sha256", "", "required, but empty")
	}
	for _, platform := range slices.Sorted(maps.Keys(w.SHA256)) {
		c.sha256(fieldpath.Child(at+".sha256", platform), w.SHA256[platform])
	}
	c.copies(at+".copy", w.Copy)
	c.mode(at+".mode", w.Mode)
}

func (c *checker) npm(at string, n v1alpha1.NPMLayer) {
	for _, tool := range slices.Sorted(maps.Keys(n.Tools)) {
		if !exactVersion.MatchString(n.Tools[tool]) {
			c.add(fieldpath.Child(at+".tools", tool), "", "%q is not an exact version", n.Tools[tool])
		}
	}
	if len(n.Run) == 0 {
		c.add(at+".run", "", "required, but empty")
	}
	for i, command := range n.Run {
		if len(command) == 0 || command[0] == "" {
			c.add(fieldpath.Item(at+".run", i), "", "names no program")
		}
	}
	c.copies(at+".copy", n.Copy)
}

// copies checks a map from paths in the image to where their content comes from.
func (c *checker) copies(at string, m map[string]string) {
	if len(m) == 0 {
		c.add(at, "", "required, but empty")
	}
	for _, to := range slices.Sorted(maps.Keys(m)) {
		below := fieldpath.Child(at, to)
		c.imagePath(below, to)
		if clean := path.Clean(m[to]); path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
			c.add(below, "", "%q leads out of the source", m[to])
		}
	}
}

// imagePath checks an absolute path in an image.
func (c *checker) imagePath(at, p string) {
	switch clean := path.Clean(p); {
	case !path.IsAbs(p):
		c.add(at, "/"+strings.TrimLeft(p, "./"), "%q is not an absolute path", p)
	case clean != strings.TrimSuffix(p, "/") && p != "/":
		c.add(at, clean, "%q is not a clean path", p)
	}
}

func (c *checker) mode(at, s string) {
	if s != "" && !octalMode.MatchString(s) {
		c.add(at, "", "%q is not an octal mode, such as 0644", s)
	}
}

func (c *checker) sha256(at, s string) {
	if !hexDigest.MatchString(s) {
		c.add(at, "", "%q is not a SHA-256 digest in 64 hexadecimal digits", s)
	}
}
