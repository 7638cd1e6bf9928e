package sources

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/server/index"
	"github.com/slipway-dev/slipway/internal/spec"
)

// CatalogueFile is where a repository describes what is in it.
const CatalogueFile = "catalog-info.yaml"

// Catalogue is the catalogue file of a repository, with the files that it leads to. Its positions
// are commits.
type Catalogue struct {
	Git        Git
	Repository forge.Repository
	Branch     string
	// File is the file's path; catalog-info.yaml where empty.
	File string
	// Kinds are those that the repository may define; nil lets it define all.
	Kinds []string
	// Rank is the precedence of what it defines: the lowest counts.
	Rank int
}

// Name tells the source from others.
func (s Catalogue) Name() string { return "catalogue:" + s.Repository.String() + "/" + s.file() }

func (s Catalogue) file() string {
	if s.File == "" {
		return CatalogueFile
	}
	return s.File
}

// Changes gives all that the repository defines, where it has moved on from a commit. A repository
// without the file defines nothing.
func (s Catalogue) Changes(ctx context.Context, position string) (index.Changes, error) {
	to, err := head(ctx, s.Git, s.Repository, s.Branch)
	if err != nil || to == position {
		return index.Changes{Position: position}, err
	}
	out := index.Changes{Position: to, Replace: true, Rank: s.Rank, Findings: map[string][]spec.Finding{}}
	if to == "" {
		return out, nil
	}
	files, err := entity.Collect(ctx, reader{s, to}, s.file(), s.Kinds)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return out, nil
	case err != nil:
		return index.Changes{}, err
	}
	for _, file := range files {
		file.Location = s.Repository.String() + "/" + file.Location
		entities, found := entity.Decode(file)
		out.Entities = append(out.Entities, entities...)
		out.Findings[file.Location] = found
	}
	return out, nil
}

// errElsewhere is why a catalogue file cannot lead out of its repository.
var errElsewhere = errors.New("only files of the same repository are read; register the other one by itself")

// reader reads files of the repository at one commit.
type reader struct {
	Catalogue
	commit string
}

func (r reader) Read(ctx context.Context, target string) ([]byte, error) {
	if strings.Contains(target, "://") {
		return nil, errElsewhere
	}
	f, err := r.Git.ReadFile(ctx, r.Repository, r.commit, target)
	if errors.Is(err, forge.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", target, fs.ErrNotExist)
	}
	return f.Data, err
}
