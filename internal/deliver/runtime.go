package deliver

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
)

// CA is the platform's certificate authority, in PEM.
type CA struct {
	Certificate, Key []byte
	// Trusted are the platform's own CA bundles, Public the well-known roots.
	Trusted, Public []byte
}

// material gives what a [v1alpha1.RuntimeValue]'s CA asks for.
func (ca CA) material(what string) ([]byte, error) {
	switch what {
	case "certificate":
		return ca.Certificate, nil
	case "key":
		return ca.Key, nil
	case "bundle":
		var bundle bytes.Buffer
		for _, part := range [][]byte{ca.Certificate, ca.Trusted, ca.Public} {
			if part = bytes.TrimSpace(part); len(part) > 0 {
				bundle.Write(part)
				bundle.WriteByte('\n')
			}
		}
		return bundle.Bytes(), nil
	}
	return nil, fmt.Errorf("unknown CA material %q: certificate, key or bundle", what)
}

// Runtime makes the Secrets and ConfigMaps of a platform that are never stored in Git.
type Runtime struct {
	Client   *kube.Client
	Platform string
	CA       CA
	// Identity opens the provider at which clients are registered; may be nil where none are.
	Identity func(context.Context) (IdentityProvider, error)
	// Server opens the server that gives a capability, for tools' accounts; may be nil where there are none.
	Server func(ctx context.Context, capability string) (GitServer, error)
}

// Ensure makes or completes objects; those without a namespace go to namespace. Keys that exist
// are kept and missing ones added; keys with Follow, and labels and annotations, are brought up
// to date. It waits, until ctx ends, for Secrets that values are copied from; task (which may be
// nil) says so.
func (r Runtime) Ensure(ctx context.Context, namespace string, objects []v1alpha1.RuntimeObject, task *progress.Task) error {
	objects = slices.Clone(objects)
	slices.SortStableFunc(objects, func(a, b v1alpha1.RuntimeObject) int { return copies(a) - copies(b) })
	for _, o := range objects {
		if o.Namespace == "" {
			o.Namespace = namespace
		}
		what := fmt.Sprintf("make %s %s/%s", o.Kind, o.Namespace, o.Name)
		if err := ensureNamespace(ctx, r.Client, r.Platform, o.Namespace); err != nil {
			return err
		}
		waits := func(missing string) {
			if task != nil {
				task.Wait(what + ": waits for " + missing)
			}
		}
		copied, err := r.copied(ctx, o, waits)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		registered, err := r.registered(ctx, o, waits)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		o = with(o, registered)
		if o, err = r.account(ctx, o, waits); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if err := retry(ctx, func() error { return r.write(ctx, o, copied) }, what); err != nil {
			return err
		}
	}
	return nil
}

// with gives o with values that come from elsewhere.
func with(o v1alpha1.RuntimeObject, values map[string][]byte) v1alpha1.RuntimeObject {
	data := make(map[string]v1alpha1.RuntimeValue, len(o.Data)+len(values))
	maps.Copy(data, o.Data)
	for key, value := range values {
		data[key] = v1alpha1.RuntimeValue{Value: string(value), Follow: true}
	}
	o.Data = data
	return o
}

// merged are both, in a map of its own.
func merged(a, b map[string]string) map[string]string {
	all := make(map[string]string, len(a)+len(b))
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

// copies counts the values that come from other Secrets: objects with none go first, since they
// may be the ones that others copy from.
func copies(o v1alpha1.RuntimeObject) int {
	n := 0
	for _, v := range o.Data {
		if sourceOf(v) != "" {
			n++
		}
	}
	return n
}

// sourceOf is the key of another Secret that a value is made from; "" where it is made from none.
func sourceOf(v v1alpha1.RuntimeValue) string { return cmp.Or(v.From, v.PublicOf) }

// Sources are the keys of other Secrets that run-time objects of a namespace are made from; one that cannot be read
// is left out: making the object says what is wrong with it.
func Sources(objects []v1alpha1.RuntimeObject) []KeyRef {
	var out []KeyRef
	for _, o := range objects {
		for _, v := range o.Data {
			if ref, err := ParseKeyRef(sourceOf(v)); err == nil {
				out = append(out, ref)
			}
		}
	}
	return out
}

// copied reads the values that o copies from other Secrets, waiting until they are there.
func (r Runtime) copied(ctx context.Context, o v1alpha1.RuntimeObject, waits func(missing string)) (map[string][]byte, error) {
	values := map[string][]byte{}
	for key, v := range o.Data {
		source := sourceOf(v)
		if source == "" {
			continue
		}
		ref, err := ParseKeyRef(source)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", key, err)
		}
		err = wait.PollUntilContextCancel(ctx, 250*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			value, err := ref.Read(ctx, r.Client)
			if err != nil {
				waits(ref.String() + ": " + err.Error())
				return false, nil
			}
			values[key] = value
			return true, nil
		})
		if err != nil {
			return nil, fmt.Errorf("key %s: %s is not there: %w", key, ref, err)
		}
	}
	return values, nil
}

// KeyRef names one key of a Secret.
type KeyRef struct{ Namespace, Name, Key string }

// ParseKeyRef reads "namespace/name/key".
func ParseKeyRef(s string) (KeyRef, error) {
	parts := strings.SplitN(s, "/", 3)
	if len(parts) != 3 || slices.Contains(parts, "") {
		return KeyRef{}, fmt.Errorf("%q is not namespace/name/key of a Secret", s)
	}
	return KeyRef{parts[0], parts[1], parts[2]}, nil
}

// String is "namespace/name/key".
func (k KeyRef) String() string { return k.Namespace + "/" + k.Name + "/" + k.Key }

// Read gives the key's value.
func (k KeyRef) Read(ctx context.Context, c *kube.Client) ([]byte, error) {
	data, err := ReadSecret(ctx, c, k.Namespace, k.Name)
	if err != nil {
		return nil, err
	}
	value, ok := data[k.Key]
	if !ok {
		return nil, fmt.Errorf("secret %s/%s has no key %q", k.Namespace, k.Name, k.Key)
	}
	return value, nil
}
