package v1alpha1

// Recipe says how one container image is put together, without a container engine, from
// pinned and verified sources. It stands at components/<name>/recipe.yaml; where it compiles
// Go, the wrapper module (go.mod, go.sum, main packages) stands in the same folder.
type Recipe struct {
	TypeMeta `json:",inline"`
	Metadata Metadata   `json:"metadata"`
	Spec     RecipeSpec `json:"spec"`
}

// RecipeSpec is the body of a [Recipe].
type RecipeSpec struct {
	// Description says in one sentence what the image holds.
	Description string `json:"description"`
	// Version is upstream's version without a leading "v", such as "1.34.3".
	Version string `json:"version"`
	// Source is where upstream's source lives, for the label org.opencontainers.image.source.
	Source string `json:"source,omitempty"`
	// License is the SPDX expression of what the image mainly holds.
	License string `json:"license,omitempty"`
	// Images are the references by which manifests ask for this image, upstream's own names
	// ("quay.io/argoproj/argocd:v3.2.11"). A recipe that only serves as a base has none.
	Images []string `json:"images,omitempty"`
	// Pull names upstream's image by digest ("quay.io/argoproj/argocd@sha256:...") when the
	// image can also be pulled. Empty: the tag in Images is resolved when the lock is written.
	Pull string `json:"pull,omitempty"`
	// BuildOnly says that nobody publishes such an image: it is built or comes from a bundle.
	BuildOnly bool `json:"buildOnly,omitempty"`
	// Layers are put on each other in this order, the first at the bottom.
	Layers []Layer `json:"layers"`
	// Config is the image's runtime configuration.
	Config ImageConfig `json:"config,omitempty"`
	// HostPackages are Debian packages that building needs on the host, such as "gcc".
	HostPackages []string `json:"hostPackages,omitempty"`
	// Seconds is about how long a cold build takes on two cores; it feeds the first estimate.
	Seconds int `json:"seconds,omitempty"`
}

// Layer is one layer of an image: exactly one of its fields is set.
type Layer struct {
	// Base takes all layers of another recipe.
	Base string `json:"base,omitempty"`
	// Debian unpacks Debian packages and what they depend on, running none of their scripts.
	Debian *DebianLayer `json:"debian,omitempty"`
	// Go compiles programs of the wrapper module beside the recipe.
	Go *GoLayer `json:"go,omitempty"`
	// Module copies files out of a Go module's checksummed zip.
	Module *ModuleLayer `json:"module,omitempty"`
	// Wheel copies files out of a Python wheel.
	Wheel *WheelLayer `json:"wheel,omitempty"`
	// NPM runs a JavaScript build and copies its result.
	NPM *NPMLayer `json:"npm,omitempty"`
	// Maven copies files out of a Maven artifact.
	Maven *MavenLayer `json:"maven,omitempty"`
	// Self puts the slipway program that builds the image at this path.
	Self string `json:"self,omitempty"`
	// Files writes small files whose text stands in the recipe.
	Files []FileEntry `json:"files,omitempty"`
	// Links makes symbolic links: path in the image to target.
	Links map[string]string `json:"links,omitempty"`
	// Directories makes empty directories.
	Directories []DirectoryEntry `json:"directories,omitempty"`
}

// DebianLayer names Debian packages, "name" or "name=version".
type DebianLayer struct {
	Packages []string `json:"packages"`
	// Exclude lists path globs (as dpkg's --path-exclude) to leave out, documentation for example.
	Exclude []string `json:"exclude,omitempty"`
	// Include lists globs that are kept though an exclude matches (as dpkg's --path-include).
	Include []string `json:"include,omitempty"`
	// Record lists what was unpacked in /var/lib/dpkg/status.d, a file a package, where scanners
	// look for it in images without a package manager.
	Record bool `json:"record,omitempty"`
}

// GoLayer compiles main packages with CGO_ENABLED=0 -trimpath, unless told otherwise.
type GoLayer struct {
	// Programs maps a path in the image to a package path relative to the wrapper module
	// (".", "./controller") or an import path of a module it requires.
	Programs map[string]string `json:"programs"`
	Tags     []string          `json:"tags,omitempty"`
	// LDFlags are added to "-s -w".
	LDFlags []string `json:"ldflags,omitempty"`
	CGO     bool     `json:"cgo,omitempty"`
	// Patches adds files to a required module, for zips that upstream published incomplete.
	Patches []ModulePatch `json:"patches,omitempty"`
}

// ModulePatch adds files of ours to a copy of a required module.
type ModulePatch struct {
	Module string `json:"module"`
	// Add maps a path inside the module to a file beside the recipe.
	Add map[string]string `json:"add"`
}

// ModuleLayer copies out of a module that the wrapper's go.mod requires.
type ModuleLayer struct {
	Module string `json:"module"`
	// Copy maps a path in the image to a file or directory inside the module.
	Copy map[string]string `json:"copy"`
	// Exclude lists globs of paths in the image (as a Debian layer's) that stay out.
	Exclude []string `json:"exclude,omitempty"`
	// Mode is the octal mode of the copied files; 0644 where empty, and 0755 for those that can be executed in
	// the module's zip. Zips of Go modules hold none that can.
	Mode string `json:"mode,omitempty"`
}

// WheelLayer copies files out of a wheel, fetched by pip with its hash required.
type WheelLayer struct {
	Package string `json:"package"`
	Version string `json:"version"`
	// SHA256 lists the accepted hashes of the wheel file, by platform tag
	// ("manylinux2014_x86_64") as in its file name.
	SHA256 map[string]string `json:"sha256"`
	// Copy maps a path in the image to a path inside the wheel.
	Copy map[string]string `json:"copy"`
	// Mode is the octal mode of the copied files, "0755" where empty.
	Mode string `json:"mode,omitempty"`
}

// NPMLayer builds a JavaScript project that lies inside a required Go module or beside the recipe.
type NPMLayer struct {
	// Module is the required Go module that holds the project; empty: the recipe's own folder.
	Module string `json:"module,omitempty"`
	// Tools are npm packages put on PATH for the build, by exact version: {"node": "22.21.1"}.
	Tools map[string]string `json:"tools,omitempty"`
	// Run lists the commands, each as its argument vector, run in the project's folder.
	Run [][]string `json:"run"`
	// Env is added to the commands' environment.
	Env map[string]string `json:"env,omitempty"`
	// Copy maps a path in the image to a path inside the project after the build.
	Copy map[string]string `json:"copy"`
}

// MavenLayer copies files out of an artifact fetched by Maven.
type MavenLayer struct {
	// Artifact is group:artifact:packaging:version.
	Artifact string            `json:"artifact"`
	SHA256   string            `json:"sha256"`
	Copy     map[string]string `json:"copy"`
}

// FileEntry is a small file. Mode is octal, "0644" where empty.
type FileEntry struct {
	Path    string `json:"path"`
	Mode    string `json:"mode,omitempty"`
	Content string `json:"content"`
}

// DirectoryEntry is an empty directory. Mode is octal, "0755" where empty; Owner is "uid:gid", "0:0" where empty.
type DirectoryEntry struct {
	Path  string `json:"path"`
	Mode  string `json:"mode,omitempty"`
	Owner string `json:"owner,omitempty"`
}

// ImageConfig is the part of an OCI image configuration that a recipe sets.
type ImageConfig struct {
	// User is "uid:gid". Empty means 65532:65532, never root by accident.
	User       string            `json:"user,omitempty"`
	Entrypoint []string          `json:"entrypoint,omitempty"`
	Cmd        []string          `json:"cmd,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
	WorkingDir string            `json:"workingDir,omitempty"`
}
