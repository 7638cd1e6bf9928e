package platform

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/supply"
)

// lockPath is where the platform's lock stands: beside its file, to be kept under version
// control with it, or in the state directory for a blueprint.
func (l *Line) lockPath() string {
	if l.record.File == "" {
		return l.dir.lock()
	}
	base := filepath.Base(l.record.File)
	return filepath.Join(filepath.Dir(l.record.File), strings.TrimSuffix(base, filepath.Ext(base))+".lock.yaml")
}

// readLock reads the lock; one that is missing is empty.
func (l *Line) readLock() (plan.Lock, error) {
	lock, err := plan.ReadLock(l.lockPath())
	if errors.Is(err, fs.ErrNotExist) {
		return plan.Lock{}, nil
	}
	return lock, err
}

// newLock pins the plan as supply and the packages' sources have decided.
func (l *Line) newLock(ctx context.Context, decisions []supply.Decision) (plan.Lock, error) {
	d := plan.Decisions{Components: l.components(), Pulled: map[string]string{}, Packages: map[string]string{}}
	for _, decision := range decisions {
		if digest, ok := decision.Pulled(); ok {
			d.Pulled[decision.Ref] = digest
		}
	}
	for _, p := range l.record.Platform.Spec.Packages {
		if p.Git == nil {
			continue
		}
		commit, err := l.packages.Resolve(ctx, *p.Git)
		if err != nil {
			return plan.Lock{}, err
		}
		d.Packages[p.Name] = commit
	}
	return plan.NewLock(l.plan, l.catalog, d)
}

// pinned are the digests by which the lock has images pulled, by recipe. What a newer recipe
// makes is another image: its digest is found anew.
func (l *Line) pinned(lock plan.Lock) map[string]string {
	out := map[string]string{}
	for _, c := range lock.Components {
		for _, i := range c.Images {
			if i.Digest != "" && l.catalog.Recipes[c.Name].Digest == c.Recipe {
				out[c.Name] = i.Digest
			}
		}
	}
	return out
}
