package actions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// Object names a Kubernetes object. Namespace is "" for one that has none, and where the manifest names none.
type Object struct{ APIVersion, Kind, Namespace, Name string }

// String is "Kind namespace/name".
func (o Object) String() string {
	return o.Kind + " " + strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")
}

// Pod is a pod's name and its phase, "Running" for example.
type Pod struct{ Namespace, Name, Phase string }

// Cluster is a Kubernetes cluster, as far as the person who started the run may use it: the adapter checks that.
type Cluster interface {
	Objects
	Contents
}

// Objects are what steps apply.
type Objects interface {
	// Prepare gives a manifest its namespace where it needs one, and refuses what the run may not apply, or the
	// cluster would not take. It changes nothing in the cluster.
	Prepare(ctx context.Context, manifest map[string]any) error
	// Exists says whether an object is there.
	Exists(ctx context.Context, o Object) (bool, error)
	// Apply makes an object, or changes it, by server-side apply.
	Apply(ctx context.Context, manifest map[string]any) error
	// Delete removes an object that Apply has made; one that is not there is no error.
	Delete(ctx context.Context, o Object) error
}

// Contents are what steps look for.
type Contents interface {
	// Serves says whether the cluster knows a kind.
	Serves(ctx context.Context, group, version, kind string) (bool, error)
	// Pods are the pods of a namespace, of all where it is "".
	Pods(ctx context.Context, namespace string) ([]Pod, error)
}

// Clusters gives a cluster by its name, for a run's user; "" is the platform's own.
type Clusters interface {
	Cluster(ctx context.Context, name string, user scaffold.User) (Cluster, error)
}

// Kubernetes are the actions that apply manifests and look for what they need.
func Kubernetes(clusters Clusters) []scaffold.Action {
	k := applier{clusters}
	var out []scaffold.Action
	for _, id := range []string{"kubernetes:apply", "kube:apply", "cnoe:kubernetes:apply"} {
		out = append(out, scaffold.Action{ID: id, Description: "Applies Kubernetes manifests.",
			Input: input("kubernetes:apply"), Outputs: []string{},
			Run: k.apply, Preview: previewApply, Undo: k.undo})
	}
	return append(out, scaffold.Action{ID: "cnoe:verify:dependency",
		Description: "Verifies that kinds are known and that pods run, as CNOE's Prerequisite files say.",
		Input:       input("cnoe:verify:dependency"),
		Outputs:     []string{}, Run: k.verify, Preview: previewVerify})
}

type applier struct{ clusters Clusters }

type applying struct {
	Manifest, ManifestString, ManifestPath, ClusterName string
	ManifestObject                                      map[string]any
	Manifests                                           []any
}

// manifests are those of an input. Where kubectl would make up a name, one is made that is the same each time.
func manifests(c *scaffold.Call) ([]map[string]any, string, error) {
	var in applying
	if err := c.Decode(&in); err != nil {
		return nil, "", err
	}
	texts := []string{in.Manifest, in.ManifestString}
	var trees []any
	if object, ok := c.Input["manifestObject"]; ok {
		trees = append(trees, object)
	}
	list, _ := c.Input["manifests"].([]any)
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		} else {
			trees = append(trees, item)
		}
	}
	if in.ManifestPath != "" {
		file, err := c.Workspace.Read(in.ManifestPath)
		if err != nil {
			return nil, "", err
		}
		texts = append(texts, string(file.Data))
	}
	for _, text := range texts {
		documents, err := fromYAML("the manifest", []byte(text))
		if err != nil {
			return nil, "", err
		}
		trees = append(trees, documents...)
	}
	if len(trees) == 0 {
		return nil, "", fmt.Errorf("there is no manifest: give manifest, manifestObject or manifestPath")
	}
	trees = unlisted(trees)
	out := make([]map[string]any, len(trees))
	for i, tree := range trees {
		manifest, ok := tree.(map[string]any)
		if !ok {
			return nil, "", fmt.Errorf("manifest %d is not an object", i+1)
		}
		if err := named(manifest, fmt.Sprintf("%s/%s/%d/%d", c.RunID, c.Step, c.Round, i)); err != nil {
			return nil, "", fmt.Errorf("manifest %d: %w", i+1, err)
		}
		out[i] = manifest
	}
	return out, in.ClusterName, nil
}

// unlisted puts the items of lists, as kubectl prints them, in the lists' places.
func unlisted(trees []any) []any {
	var out []any
	for _, tree := range trees {
		manifest, _ := tree.(map[string]any)
		kind, _ := manifest["kind"].(string)
		if items, ok := manifest["items"].([]any); ok && strings.HasSuffix(kind, "List") {
			out = append(out, unlisted(items)...)
		} else {
			out = append(out, tree)
		}
	}
	return out
}

// named gives an object with generateName its name.
func named(manifest map[string]any, seed string) error {
	for _, field := range []string{"apiVersion", "kind"} {
		if s, _ := manifest[field].(string); s == "" {
			return fmt.Errorf("has no %s", field)
		}
	}
	metadata, ok := manifest["metadata"].(map[string]any)
	if !ok {
		return fmt.Errorf("has no metadata")
	}
	if name, _ := metadata["name"].(string); name != "" {
		return nil
	}
	prefix, _ := metadata["generateName"].(string)
	if prefix == "" {
		return fmt.Errorf("has no name")
	}
	sum := sha256.Sum256([]byte(seed))
	metadata["name"] = prefix + hex.EncodeToString(sum[:4])
	delete(metadata, "generateName")
	return nil
}

func objectOf(manifest map[string]any) Object {
	metadata, _ := manifest["metadata"].(map[string]any)
	o := Object{}
	o.APIVersion, _ = manifest["apiVersion"].(string)
	o.Kind, _ = manifest["kind"].(string)
	o.Namespace, _ = metadata["namespace"].(string)
	o.Name, _ = metadata["name"].(string)
	return o
}

func previewApply(_ context.Context, c *scaffold.Call) (map[string]any, error) {
	all, _, err := manifests(c)
	for _, manifest := range all {
		c.Logf("would apply %s", objectOf(manifest))
	}
	return nil, err
}

func (k applier) apply(ctx context.Context, c *scaffold.Call) (map[string]any, error) {
	all, name, err := manifests(c)
	if err != nil {
		return nil, err
	}
	cluster, err := k.clusters.Cluster(ctx, name, c.User)
	if err != nil {
		return nil, err
	}
	// All of them first: what is refused is refused before anything is made.
	for _, manifest := range all {
		if err := cluster.Prepare(ctx, manifest); err != nil {
			return nil, fmt.Errorf("%s: %w", objectOf(manifest), err)
		}
	}
	for _, manifest := range all {
		if err := applyOne(ctx, c, cluster, name, manifest); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func applyOne(ctx context.Context, c *scaffold.Call, cluster Cluster, name string, manifest map[string]any) error {
	o := objectOf(manifest)
	at := -1
	for i, m := range c.Made {
		if objectIn(m) == o {
			at = i
		}
	}
	if at < 0 {
		existed, err := cluster.Exists(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: %w", o, err)
		}
		what := o.String()
		detail := map[string]string{"cluster": name, "user": c.User.Ref,
			"apiVersion": o.APIVersion, "kind": o.Kind, "namespace": o.Namespace, "name": o.Name}
		if existed {
			what, detail["existed"] = "change to "+what, "true"
		}
		if at, err = c.Making(ctx, what, detail); err != nil {
			return err
		}
	}
	if err := cluster.Apply(ctx, manifest); err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	c.Logf("applied %s", o)
	return c.Certain(ctx, at)
}

func (k applier) undo(ctx context.Context, made scaffold.Made) error {
	d := made.Detail
	if d["existed"] != "" {
		return fmt.Errorf("it was there before the run, and what it was is not known")
	}
	cluster, err := k.clusters.Cluster(ctx, d["cluster"], scaffold.User{Ref: d["user"]})
	if err != nil {
		return err
	}
	return cluster.Delete(ctx, objectIn(made))
}

// objectIn is the object that a record is about.
func objectIn(m scaffold.Made) Object {
	d := m.Detail
	return Object{APIVersion: d["apiVersion"], Kind: d["kind"], Namespace: d["namespace"], Name: d["name"]}
}
