package promotions

import (
	"context"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/slipway-dev/slipway/internal/app"
)

// maxDiff bounds what is shown of a change, in bytes.
const maxDiff = 256 << 10

// diff is what a promotion changes in its folder, as a unified diff; empty where it cannot be read any more.
func (p *Promotions) diff(ctx context.Context, o *observation) string {
	old, err := p.changedAt(ctx, o, o.asked.Base)
	if err != nil {
		return ""
	}
	fresh, err := p.changedAt(ctx, o, o.asked.Head)
	if err != nil {
		return ""
	}
	all := map[string]bool{}
	for name := range old {
		all[name] = true
	}
	for name := range fresh {
		all[name] = true
	}
	var b strings.Builder
	for _, name := range sorted(all) {
		from, to := "a/"+name, "b/"+name
		if _, was := old[name]; !was {
			from = "/dev/null"
		}
		if _, is := fresh[name]; !is {
			to = "/dev/null"
		}
		b.Write(diff.Diff(from, old[name], to, fresh[name]))
		if b.Len() > maxDiff {
			return b.String()[:maxDiff] + "\n… and more\n"
		}
	}
	return b.String()
}

// changedAt are the files that a request is about, at a commit.
func (p *Promotions) changedAt(ctx context.Context, o *observation, commit string) (app.Files, error) {
	if o.asked.ofGates() {
		data, digest, err := p.fileAt(ctx, commit, o.asked.Path)
		if err != nil || digest == nothing {
			return app.Files{}, err
		}
		return app.Files{o.asked.Path: data}, nil
	}
	files, err := p.o.Forge.ReadFolder(ctx, Environments, commit, o.asked.folder())
	out, _ := held(files)
	return out, err
}
