package ci

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// shown is how many of an application's runs are kept in step with the statuses of their commits.
const shown = 10

// statuses are those of a commit, by context.
func (c *Controller) statuses(ctx context.Context, r forge.Repository, commit string) (map[string]forge.Status, error) {
	key := r.String() + "@" + commit
	c.mu.Lock()
	known, ok := c.seen[key]
	known = maps.Clone(known)
	c.mu.Unlock()
	if ok {
		return known, nil
	}
	all, err := c.Forge.Statuses(ctx, r, commit)
	if err != nil {
		return nil, fmt.Errorf("read the statuses of %s: %w", commit, err)
	}
	out := map[string]forge.Status{}
	for _, s := range all {
		out[s.Context] = s
	}
	c.mu.Lock()
	c.seen[key] = maps.Clone(out)
	c.mu.Unlock()
	return out, nil
}

// setStatus writes a status. Where it can't tell whether that was done, it is read the next time.
func (c *Controller) setStatus(ctx context.Context, r forge.Repository, commit string, s forge.Status) error {
	key := r.String() + "@" + commit
	err := c.Forge.SetStatus(ctx, r, commit, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		delete(c.seen, key)
		return err
	}
	if there := c.seen[key]; there != nil {
		there[s.Context] = s
	}
	return nil
}

// show writes how the newest runs go to their commits, where it does not stand there already.
func (c *Controller) show(ctx context.Context, a Application, runs []Run) error {
	var errs []error
	seen := map[string]bool{}
	for _, r := range runs[:min(len(runs), shown)] {
		if seen[r.Commit] { // an earlier attempt
			continue
		}
		seen[r.Commit] = true
		there, err := c.statuses(ctx, a.Repository, r.Commit)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, s := range statusesOf(r, c.Portal.RunURL(r)) {
			old := there[s.Context]
			if old.State == s.State && old.Description == s.Description && old.URL == s.URL {
				continue
			}
			if err := c.setStatus(ctx, a.Repository, r.Commit, s); err != nil {
				errs = append(errs, fmt.Errorf("show %s at %s: %w", s.Context, r.Commit, err))
			}
		}
	}
	return errors.Join(errs...)
}

// statusesOf says how a run goes: the whole of it last, because with it the run is done for good.
func statusesOf(r Run, url string) []forge.Status {
	var out []forge.Status
	done, current := 0, ""
	for _, s := range r.Steps {
		switch s.Phase {
		case Succeeded:
			done++
			out = append(out, forge.Status{Context: StatusStep + s.Name, State: forge.Success, Description: took(s), URL: url})
		case Failed:
			out = append(out, forge.Status{Context: StatusStep + s.Name, State: forge.Failure, Description: line(s.Message), URL: url})
		case Running:
			current = s.Name
		}
	}
	whole := forge.Status{Context: StatusRun, State: forge.Pending, URL: url}
	switch r.Phase {
	case Pending:
		whole.Description = "waits to be built"
	case Running:
		whole.Description = fmt.Sprintf("%d of %d steps done", done, len(r.Steps))
		if current != "" {
			whole.Description = fmt.Sprintf("%s (%s)", current, whole.Description)
		}
	case Succeeded:
		whole.State, whole.Description = forge.Success, "built and signed in "+r.Finished.Sub(r.Started).Round(1e9).String()
	case Failed:
		whole.State, whole.Description = forge.Failure, line(r.Reason)
	case Cancelled:
		whole.State, whole.Description = forge.Error, line("cancelled: "+r.Reason)
	}
	return append(out, whole)
}

func took(s Step) string {
	if s.Started.IsZero() || s.Finished.IsZero() {
		return "done"
	}
	return "done in " + s.Finished.Sub(s.Started).Round(1e9).String()
}

// line makes a text fit a status.
func line(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if runes := []rune(text); len(runes) > 250 {
		text = string(runes[:249]) + "…"
	}
	return text
}

// release hands over, once, the newest image of the application's branch, and that of each pull request's head for its
// preview. An older one is never handed over after a newer, because only the newest run that has succeeded is looked at.
func (c *Controller) release(ctx context.Context, a Application, targets []target, runs []Run) error {
	var errs []error
	if i := slices.IndexFunc(runs, func(r Run) bool {
		return r.Release && r.Branch == a.Branch && r.Phase == Succeeded && r.Digest != ""
	}); i >= 0 {
		errs = append(errs, c.handOver(ctx, a, runs[i], StatusRelease, "released as "))
	}
	for _, t := range targets {
		if t.release {
			continue
		}
		i := slices.IndexFunc(runs, func(r Run) bool { return r.Commit == t.commit && r.Phase == Succeeded && r.Digest != "" })
		if i >= 0 {
			errs = append(errs, c.handOver(ctx, a, runs[i], StatusPreview, "in the preview as "))
		}
	}
	return errors.Join(errs...)
}

// handOver hands over a run's image where its commit does not say that it was.
func (c *Controller) handOver(ctx context.Context, a Application, r Run, in, text string) error {
	statuses, err := c.statuses(ctx, a.Repository, r.Commit)
	if err != nil {
		return err
	}
	said := text + short(r.Digest)
	if s := statuses[in]; s.State == forge.Success && s.Description == said {
		return nil
	}
	to := c.Portal.Released
	if in == StatusPreview {
		to = c.Portal.Previewed
	}
	if err := to(ctx, r); err != nil {
		return fmt.Errorf("hand over %s: %w", r.Digest, err)
	}
	c.Log.InfoContext(ctx, text+short(r.Digest), "run", r.ID, "image", r.Digest)
	return c.setStatus(ctx, a.Repository, r.Commit, forge.Status{Context: in, State: forge.Success,
		Description: said, URL: c.Portal.RunURL(r)})
}

// short is an image's digest in few digits.
func short(image string) string {
	_, digest, _ := strings.Cut(image, "@sha256:")
	return digest[:min(12, len(digest))]
}
