//go:build integration

package gitea_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "code.gitea.io/sdk/gitea"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/deliver/gitea"
)

// A builder's two logins are of one account, which is in a team that may read code and push images: each may do its
// half, in that organization only.
func TestServer_AccountsDoOnlyWhatTheyWereGiven(t *testing.T) {
	access := server(t)
	s, err := gitea.New(access)
	if err != nil {
		t.Fatal(err)
	}
	ensure := func(purpose, right string, known deliver.Login) deliver.Login {
		t.Helper()
		login, err := s.EnsureAccount(t.Context(), deliver.Account{Name: "builds", Purpose: purpose, Rights: []string{right}}, known)
		if err != nil {
			t.Fatal(err)
		}
		return login
	}
	code, images := ensure("ci/code", v1alpha1.RightReadCode, deliver.Login{}), ensure("ci/images", v1alpha1.RightWritePackages, deliver.Login{})
	for _, owner := range []string{"shop", "other"} {
		if _, err := s.EnsureRepository(t.Context(), owner, "app", true); err != nil {
			t.Fatal(err)
		}
	}
	admin := client(t, access, access.Username, access.Password)
	team, _, err := admin.CreateTeam("shop", sdk.CreateTeamOption{Name: "builds", Permission: sdk.AccessModeRead, IncludesAllRepositories: true,
		Units: []sdk.RepoUnitType{sdk.RepoUnitCode, sdk.RepoUnitPackages}, UnitsMap: map[string]string{"repo.code": "read", "repo.packages": "write"}})
	if err == nil {
		_, err = admin.AddTeamMember(team.ID, "builds")
	}
	if err != nil {
		t.Fatal(err)
	}

	t.Run("code is read, not written, and no other team's", func(t *testing.T) {
		c := client(t, access, code.Username, code.Password)
		if _, _, err := c.GetRepo("shop", "app"); err != nil {
			t.Errorf("the login for code can't read it: %v", err)
		}
		if _, _, err := c.GetRepo("other", "app"); err == nil {
			t.Error("another organization's private repository is read")
		}
		file := sdk.CreateFileOptions{Content: "eA=="}
		if _, _, err := c.CreateFile("shop", "app", "x", file); err == nil {
			t.Error("the login for code writes it")
		}
		if _, _, err := c.CreateOrg(sdk.CreateOrgOption{Name: "mine"}); err == nil {
			t.Error("the login for code makes organizations")
		}
		if _, _, err := c.AdminCreateUser(sdk.CreateUserOption{Username: "x", Email: "x@example.com", Password: access.Password}); err == nil {
			t.Error("the login for code makes users")
		}
	})
	t.Run("images are pushed, and no code is read", func(t *testing.T) {
		if _, _, err := client(t, access, images.Username, images.Password).GetRepo("shop", "app"); err == nil {
			t.Error("the login for images reads code")
		}
		if err := pushImage(t, access, images, "shop"); err != nil {
			t.Errorf("the login for images can't push: %v", err)
		}
		if err := pushImage(t, access, images, "other"); err == nil {
			t.Error("the login for images pushes another organization's")
		}
		if err := pushImage(t, access, code, "shop"); err == nil {
			t.Error("the login for code pushes images")
		}
	})
	t.Run("a lost login ends the one before", func(t *testing.T) {
		again := ensure("ci/code", v1alpha1.RightReadCode, deliver.Login{})
		if _, _, err := client(t, access, again.Username, again.Password).GetRepo("shop", "app"); err != nil {
			t.Errorf("the new login does not work: %v", err)
		}
		if _, _, err := client(t, access, code.Username, code.Password).GetRepo("shop", "app"); err == nil {
			t.Error("the old login works still")
		}
		if err := pushImage(t, access, images, "shop"); err != nil {
			t.Errorf("the other purpose's login ended too: %v", err)
		}
	})
	t.Run("it is nobody whom another provider would take over", func(t *testing.T) {
		identity, err := gitea.NewIdentity(deliver.IdentityAccess{Issuer: access.URL, Username: access.Username, Password: access.Password, HTTP: access.HTTP})
		if err != nil {
			t.Fatal(err)
		}
		people, err := identity.People(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(people, func(p deliver.Person) bool { return p.Name == "builds" }) {
			t.Errorf("the people are %v", people)
		}
	})
	t.Run("an administrator's login", func(t *testing.T) {
		login, err := s.EnsureAccount(t.Context(), deliver.Account{Name: "portal", Purpose: "x/y", Rights: []string{v1alpha1.RightEverything}, Administrator: true}, deliver.Login{})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := client(t, access, login.Username, login.Password).AdminListUsers(sdk.AdminListUsersOptions{}); err != nil {
			t.Error(err)
		}
	})
}

func client(t *testing.T, access deliver.GitAccess, username, password string) *sdk.Client {
	t.Helper()
	c, err := sdk.NewClient(access.URL, sdk.SetGiteaVersion(""), sdk.SetBasicAuth(username, password))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pushImage(t *testing.T, access deliver.GitAccess, login deliver.Login, owner string) error {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(strings.TrimPrefix(access.URL, "http://")+"/"+owner+"/app:x", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return remote.Write(tag, image, remote.WithContext(ctx), remote.WithTransport(http.DefaultTransport),
		remote.WithAuth(&authn.Basic{Username: login.Username, Password: login.Password}))
}
