package deliver

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/kube"
)

// ReadSecret gives a Secret's data.
func ReadSecret(ctx context.Context, c *kube.Client, namespace, name string) (map[string][]byte, error) {
	secret, err := c.Core.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return secret.Data, nil
}

// write creates or completes the object once.
func (r Runtime) write(ctx context.Context, o v1alpha1.RuntimeObject, copied map[string][]byte) error {
	switch o.Kind {
	case "Secret":
		return r.writeSecret(ctx, o, copied)
	case "ConfigMap":
		return r.writeConfigMap(ctx, o, copied)
	}
	return fmt.Errorf("kind %q: only Secret and ConfigMap are made at run time", o.Kind)
}

func (r Runtime) writeSecret(ctx context.Context, o v1alpha1.RuntimeObject, copied map[string][]byte) error {
	secrets := r.Client.Core.CoreV1().Secrets(o.Namespace)
	live, err := secrets.Get(ctx, o.Name, metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	if missing {
		live, err = &corev1.Secret{Type: corev1.SecretType(o.Type)}, nil
		live.Name, live.Namespace = o.Name, o.Namespace
	}
	if err != nil {
		return err
	}
	data, changed, err := r.complete(live.Data, o, copied)
	if err != nil {
		return err
	}
	live.Data = data
	changed = r.mark(&live.ObjectMeta, o, missing) || changed
	switch {
	case missing:
		_, err = secrets.Create(ctx, live, metav1.CreateOptions{FieldManager: kube.FieldManager})
	case changed:
		_, err = secrets.Update(ctx, live, metav1.UpdateOptions{FieldManager: kube.FieldManager})
	}
	return err
}

func (r Runtime) writeConfigMap(ctx context.Context, o v1alpha1.RuntimeObject, copied map[string][]byte) error {
	configMaps := r.Client.Core.CoreV1().ConfigMaps(o.Namespace)
	live, err := configMaps.Get(ctx, o.Name, metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	if missing {
		live, err = &corev1.ConfigMap{}, nil
		live.Name, live.Namespace = o.Name, o.Namespace
	}
	if err != nil {
		return err
	}
	data := make(map[string][]byte, len(live.Data))
	for key, value := range live.Data {
		data[key] = []byte(value)
	}
	data, changed, err := r.complete(data, o, copied)
	if err != nil {
		return err
	}
	live.Data = make(map[string]string, len(data))
	for key, value := range data {
		live.Data[key] = string(value)
	}
	changed = r.mark(&live.ObjectMeta, o, missing) || changed
	switch {
	case missing:
		_, err = configMaps.Create(ctx, live, metav1.CreateOptions{FieldManager: kube.FieldManager})
	case changed:
		_, err = configMaps.Update(ctx, live, metav1.UpdateOptions{FieldManager: kube.FieldManager})
	}
	return err
}

// complete adds the keys that data lacks and renews those that follow their source.
func (r Runtime) complete(data map[string][]byte, o v1alpha1.RuntimeObject, copied map[string][]byte) (map[string][]byte, bool, error) {
	data = maps.Clone(data)
	if data == nil {
		data = map[string][]byte{}
	}
	changed := false
	for key, v := range o.Data {
		old, exists := data[key]
		if exists && (!v.Follow || v.Random > 0 || v.Bytes > 0 || v.Key != "") { // nothing can be followed in a random value
			continue
		}
		value, err := r.value(v, copied[key])
		if err != nil {
			return nil, false, fmt.Errorf("key %s: %w", key, err)
		}
		if !exists || !bytes.Equal(old, value) {
			data[key], changed = value, true
		}
	}
	return data, changed, nil
}

func (r Runtime) value(v v1alpha1.RuntimeValue, copied []byte) ([]byte, error) {
	switch {
	case v.From != "":
		return copied, nil
	case v.PublicOf != "":
		signer, err := evidence.NewSigner(copied)
		if err != nil {
			return nil, fmt.Errorf("public half of %s: %w", v.PublicOf, err)
		}
		return []byte(signer.PublicKey()), nil
	case v.Key != "":
		return evidence.GenerateKey()
	case v.CA != "":
		return r.CA.material(v.CA)
	case v.Random > 0:
		return random(v.Random)
	case v.Bytes > 0:
		return randomBytes(v.Bytes)
	}
	return []byte(v.Value), nil
}

// mark sets o's labels and annotations and says whether that changed anything. Only what is
// made here is labelled as Slipway's own.
func (r Runtime) mark(m *metav1.ObjectMeta, o v1alpha1.RuntimeObject, made bool) bool {
	labels, annotations := maps.Clone(m.Labels), maps.Clone(m.Annotations)
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	if made {
		labels[LabelManagedBy], labels[LabelMadeBy] = managedBy, r.Platform
	}
	maps.Copy(labels, o.Labels)
	maps.Copy(annotations, o.Annotations)
	changed := !maps.Equal(labels, m.Labels) || !maps.Equal(annotations, m.Annotations)
	m.Labels, m.Annotations = labels, annotations
	return changed
}

// randomBytes are length random bytes in base64.
func randomBytes(length int) ([]byte, error) {
	raw := make([]byte, length)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("draw a random value: %w", err)
	}
	return []byte(base64.StdEncoding.EncodeToString(raw)), nil
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// random is a text of letters and digits, each equally likely.
func random(length int) ([]byte, error) {
	var b strings.Builder
	limit := big.NewInt(int64(len(alphabet)))
	for range length {
		n, err := rand.Int(rand.Reader, limit)
		if err != nil {
			return nil, fmt.Errorf("draw a random value: %w", err)
		}
		b.WriteByte(alphabet[n.Int64()])
	}
	return []byte(b.String()), nil
}
