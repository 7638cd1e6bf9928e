package spec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

// Load reads a Platform file, and looks whether the files it names are there. Besides the
// defaulted platform it gives warnings: what is valid and yet probably not meant. The error is
// of type [Errors] where the file's content is to blame.
func Load(ctx context.Context, path string) (v1alpha1.Platform, []Finding, error) {
	if err := ctx.Err(); err != nil {
		return v1alpha1.Platform{}, nil, err
	}
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v1alpha1.Platform{}, nil, fault.Invalid(fmt.Errorf("read the platform: %w", err),
			"name the file with -f, or begin with a blueprint: slipway blueprint list")
	}
	if err != nil {
		return v1alpha1.Platform{}, nil, fmt.Errorf("read the platform: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return v1alpha1.Platform{}, nil, fmt.Errorf("read the platform: %w", err)
	}
	return decodePlatform(path, data, dir)
}

// Decode reads a Platform from memory, a blueprint for example; file is its name in messages.
// Files that it names are not looked for.
func Decode(file string, data []byte) (v1alpha1.Platform, []Finding, error) {
	return decodePlatform(file, data, "")
}

// Validate checks a platform that was changed after it was read. Its findings have no lines.
func Validate(p v1alpha1.Platform) error {
	c := &checker{doc: &Document{}}
	checkPlatform(c, &p)
	if err := AsError(c.found); err != nil {
		return fault.Invalid(err, "")
	}
	return nil
}

// decodePlatform reads a platform whose relative paths begin at dir; "" leaves them unchecked.
func decodePlatform(file string, data []byte, dir string) (v1alpha1.Platform, []Finding, error) {
	var warnings []Finding
	p, _, err := decode(file, data, "Platform", func(c *checker, p *v1alpha1.Platform) {
		SetDefaults(p)
		checkPlatform(c, p)
		if dir != "" {
			checkFiles(c, p, dir)
		}
		warnings = Sorted(warn(c.doc, p))
	})
	var wrong Errors
	if errors.As(err, &wrong) {
		return p, warnings, fault.Invalid(err, "")
	}
	return p, warnings, err
}

// warn finds what is valid and yet probably not meant.
func warn(d *Document, p *v1alpha1.Platform) []Finding {
	var found []Finding
	if p.Spec.Cluster.Provider == v1alpha1.ProviderKubeconfig && strings.HasSuffix(p.Spec.Domain, ".localhost") {
		found = append(found, d.At("spec.domain", "",
			"%s leads every machine to itself; name a domain that leads to the cluster's gateway", p.Spec.Domain))
	}
	listen, err := netip.ParseAddr(p.Spec.Cluster.Embedded.Listen)
	if err == nil && !listen.IsLoopback() && p.Spec.Cluster.Provider == v1alpha1.ProviderEmbedded {
		found = append(found, d.At("spec.cluster.embedded.listen", "", "the gateway can be reached from other machines at %s", listen))
	}
	return found
}

// SetDefaults fills what a platform leaves out.
func SetDefaults(p *v1alpha1.Platform) {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&p.APIVersion, v1alpha1.APIVersion)
	set(&p.Kind, "Platform")
	if p.Metadata.Name != "" {
		set(&p.Spec.Domain, p.Metadata.Name+".localhost")
	}
	set(&p.Spec.Cluster.Provider, v1alpha1.ProviderEmbedded)
	set(&p.Spec.Supply.Mode, v1alpha1.SupplyAuto)
	node := &p.Spec.Cluster.Embedded
	set(&node.Listen, "127.0.0.1")
	set(&node.PodCIDR, "10.244.0.0/16")
	set(&node.ServiceCIDR, "10.96.0.0/16")
	if node.LoopbackGateway == nil {
		yes := true
		node.LoopbackGateway = &yes
	}
	for i := range p.Spec.Packages {
		set(&p.Spec.Packages[i].Namespace, p.Spec.Packages[i].Name)
	}
}

// readFile reads at most a little more than Parse accepts.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return data, nil
}
