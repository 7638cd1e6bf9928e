package gitea

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// pushed is the content of the server's note of a push (modules/repository, PushCommits).
type pushed struct {
	HeadCommit *struct{ Sha1 string }
}

// Pushes lists the pushes to any branch since a time, the newest first. Before is empty: the server's notes do not
// tell it.
func (f *Forge) Pushes(ctx context.Context, r forge.Repository, since time.Time) ([]forge.Push, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []forge.Push
	for page := 1; ; page++ {
		feed, res, err := c.ListRepoActivityFeeds(r.Owner, r.Name,
			sdk.ListRepoActivityFeedsOptions{ListOptions: sdk.ListOptions{Page: page, PageSize: 50}})
		if err != nil {
			return nil, failed(res, err, "list the pushes to %s", r)
		}
		for _, a := range feed {
			if a.Created.Before(since) {
				return out, nil
			}
			var content pushed
			branch, isBranch := strings.CutPrefix(a.RefName, "refs/heads/")
			if a.OpType != "commit_repo" || !isBranch || json.Unmarshal([]byte(a.Content), &content) != nil ||
				content.HeadCommit == nil {
				continue // merges, tags, issues; an old note of another form
			}
			out = append(out, forge.Push{Branch: branch, After: content.HeadCommit.Sha1, Pusher: name(a.ActUser)})
		}
		if len(feed) == 0 || res == nil || res.NextPage == 0 {
			return out, nil
		}
	}
}
