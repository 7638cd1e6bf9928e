package promotions

import (
	"context"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// maxDiff bounds what is shown of a change, in bytes.
const maxDiff = 256 << 10

// diff is what a promotion changes in its folder, as a unified diff; empty where it cannot be read any more.
func (p *Promotions) diff(ctx context.Context, o *observation) string {
	before, err := p.o.Forge.ReadFolder(ctx, Environments, o.asked.Base, o.asked.folder())
	if err != nil {
		return ""
	}
	after, err := p.o.Forge.ReadFolder(ctx, Environments, o.asked.Head, o.asked.folder())
	if err != nil {
		return ""
	}
	old, _ := held(before)
	fresh, _ := held(after)
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
