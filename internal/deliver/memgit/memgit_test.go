package memgit_test

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/deliver/gittest"
	"github.com/slipway-dev/slipway/internal/deliver/memgit"
)

func TestServer_DoesWhatEveryGitServerDoes(t *testing.T) {
	gittest.Run(t, func(*testing.T) (deliver.GitServer, string) { return &memgit.Server{}, "owner" })
}
