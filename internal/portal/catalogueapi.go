package portal

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/server/api"
)

// sourceOf is the file of a location in the index; nil for what is in no repository.
func (p *Portal) sourceOf(location string) *api.Source {
	if location == "" || strings.HasPrefix(location, builtin) {
		return nil
	}
	parts := strings.SplitN(location, "/", 3)
	if len(parts) < 3 {
		return nil
	}
	repository := parts[0] + "/" + parts[1]
	return &api.Source{Repository: repository, Path: parts[2],
		URL: p.gitURL + "/" + repository + "/src/branch/" + p.branchOf(repository) + "/" + parts[2]}
}

// branchOf is the branch that counts of a repository, as far as its application says.
func (p *Portal) branchOf(repository string) string {
	if s, err := p.environments.now(); err == nil {
		for _, a := range s.state.Applications {
			if a.Spec.Repository == repository {
				return a.Spec.Branch
			}
		}
	}
	return mainBranch
}

// mainBranch counts where nothing else is said.
const mainBranch = "main"

// files reads all files of a repository at a branch or commit.
func (p *Portal) files(ctx context.Context, r forge.Repository, ref, folder string) ([]forge.File, error) {
	files, err := p.git.Forge.ReadFolder(ctx, r, ref, folder)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r, err)
	}
	return files, nil
}
