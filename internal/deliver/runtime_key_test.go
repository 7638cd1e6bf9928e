package deliver

import (
	"testing"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/evidence"
)

func TestRuntime_KeyIsMadeOnceAndItsPublicHalfFollows(t *testing.T) {
	o := v1alpha1.RuntimeObject{Kind: "Secret", Data: map[string]v1alpha1.RuntimeValue{"key": {Key: "ecdsa-p256"}}}
	made, changed, err := Runtime{}.complete(nil, o, nil)
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	signer, err := evidence.NewSigner(made["key"])
	if err != nil {
		t.Fatal(err)
	}
	again, changed, err := Runtime{}.complete(made, o, nil)
	if err != nil || changed || string(again["key"]) != string(made["key"]) {
		t.Errorf("a second run changed the key: %v", err)
	}
	public := v1alpha1.RuntimeObject{Kind: "ConfigMap", Data: map[string]v1alpha1.RuntimeValue{"builder.pem": {PublicOf: "ci/key/key", Follow: true}}}
	shown, changed, err := Runtime{}.complete(map[string][]byte{"builder.pem": []byte("of an older key")}, public, map[string][]byte{"builder.pem": made["key"]})
	if err != nil || !changed || string(shown["builder.pem"]) != signer.PublicKey() {
		t.Errorf("%s %v", shown["builder.pem"], err)
	}
	if _, _, err := (Runtime{}).complete(nil, public, map[string][]byte{"builder.pem": []byte("no key")}); err == nil {
		t.Error("no error for what is no key")
	}
}
