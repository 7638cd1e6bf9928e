//go:build keycloak

package keycloak_test

import (
	"os"
	"testing"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/deliver/idptest"
	"github.com/slipway-dev/slipway/internal/deliver/keycloak"
)

// The test runs with the build tag "keycloak" (`make keycloak`), not with those whose servers Slipway
// starts itself. The environment variables name a running Keycloak, and the password of its administrator
// "operator". The test leaves a realm of its own behind.
const (
	envURL      = "SLIPWAY_TEST_KEYCLOAK"
	envPassword = "SLIPWAY_TEST_KEYCLOAK_PASSWORD"
)

func TestProvider_DoesWhatEveryIdentityProviderDoes(t *testing.T) {
	url, password := os.Getenv(envURL), os.Getenv(envPassword)
	if url == "" || password == "" {
		t.Fatalf("this test needs a Keycloak: start the distribution as\n"+
			"  KC_BOOTSTRAP_ADMIN_USERNAME=operator KC_BOOTSTRAP_ADMIN_PASSWORD=... bin/kc.sh start-dev --http-host=127.0.0.1\n"+
			"and set %s to its URL and %s to the password", envURL, envPassword)
	}
	access := deliver.IdentityAccess{Issuer: url + "/realms/adapter-test", Username: "operator", Password: password}
	idptest.Run(t, access.Issuer, func(t *testing.T) deliver.IdentityProvider {
		p, err := keycloak.New(access)
		if err != nil {
			t.Fatal(err)
		}
		return p
	})
	t.Run("a wrong password is told", func(t *testing.T) {
		wrong := access
		wrong.Password = "wrong"
		p, err := keycloak.New(wrong)
		if err != nil {
			t.Fatal(err)
		}
		idptest.Refuses(t, p)
	})
}
