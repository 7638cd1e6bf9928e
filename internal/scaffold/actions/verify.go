package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// prerequisite is CNOE's description of what a resource needs (cnoe-io/cnoe-cli, pkg/lib/config.go).
type prerequisite struct {
	APIVersion string
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		CRDs []struct{ Group, Kind, Version string }
		Pods []struct{ Name, Namespace, State string }
	}
}

// prerequisites reads the files that a step names: from the workspace, or else from beside the template.
func prerequisites(c *scaffold.Call) ([]prerequisite, string, error) {
	var in struct {
		Verifiers   []string
		ClusterName string
	}
	if err := c.Decode(&in); err != nil {
		return nil, "", err
	}
	if len(in.Verifiers) == 0 {
		c.Logf("no verifier was given: nothing is verified") // as upstream, which goes on too
	}
	var out []prerequisite
	for _, name := range in.Verifiers {
		text, err := verifier(c, name)
		if err != nil {
			return nil, "", err
		}
		documents, err := fromYAML(name, text)
		if err != nil {
			return nil, "", err
		}
		for _, d := range documents {
			var p prerequisite
			text, err := json.Marshal(d)
			if err == nil {
				err = json.Unmarshal(text, &p)
			}
			if err != nil {
				return nil, "", fmt.Errorf("%s: %w", name, err)
			}
			if p.APIVersion != "cnoe.io/v1alpha1" || p.Kind != "Prerequisite" || p.Metadata.Name == "" {
				return nil, "", fmt.Errorf("%s: is not a Prerequisite of cnoe.io/v1alpha1 with a name", name)
			}
			out = append(out, p)
		}
	}
	return out, in.ClusterName, nil
}

func verifier(c *scaffold.Call, name string) ([]byte, error) {
	if c.Workspace.Exists(name) {
		file, err := c.Workspace.Read(name)
		return file.Data, err
	}
	at, err := beside(c.Origin.Dir, name)
	if err != nil {
		return nil, err
	}
	if c.Origin.Files == nil {
		return nil, fmt.Errorf("%s: %w in the workspace", name, fs.ErrNotExist)
	}
	return fs.ReadFile(c.Origin.Files, at)
}

func previewVerify(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	all, _, err := prerequisites(c)
	for _, p := range all {
		c.Logf("would verify %s: %d kinds, %d pods", p.Metadata.Name, len(p.Spec.CRDs), len(p.Spec.Pods))
	}
	return nil, err
}

func (k applier) verify(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	all, name, err := prerequisites(c)
	if err != nil {
		return nil, err
	}
	cluster, err := k.clusters.Cluster(ctx, name, c.User)
	if err != nil {
		return nil, err
	}
	var missing []string
	note := func(ok bool, what string) {
		if ok {
			c.Logf("found %s", what)
		} else {
			c.Logf("missing %s", what)
			missing = append(missing, what)
		}
	}
	for _, p := range all {
		for _, crd := range p.Spec.CRDs {
			served, err := cluster.Serves(ctx, crd.Group, crd.Version, crd.Kind)
			if err != nil {
				return nil, err
			}
			note(served, fmt.Sprintf("kind %s of %s/%s", crd.Kind, crd.Group, crd.Version))
		}
		for _, wanted := range p.Spec.Pods {
			if wanted.State == "" {
				wanted.State = "Running"
			}
			pods, err := cluster.Pods(ctx, wanted.Namespace)
			if err != nil {
				return nil, err
			}
			note(inState(pods, wanted.Name, wanted.State), fmt.Sprintf("pod %s in state %s", wanted.Name, wanted.State))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("missing: %s", strings.Join(missing, "; "))
	}
	return nil, nil
}

// inState says whether there are pods with a part of their name, all in one state.
func inState(pods []Pod, part, state string) bool {
	found := false
	for _, p := range pods {
		if strings.Contains(p.Name, part) {
			if p.Phase != state {
				return false
			}
			found = true
		}
	}
	return found
}
