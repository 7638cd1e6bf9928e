package deliver

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Content is what a repository shall hold.
type Content struct {
	// Files are the contents by slash-separated path.
	Files map[string][]byte
	// Executable are those of Files that may be run.
	Executable map[string]bool
	// Owned are the folders that hold nothing but Files; nil means the whole repository.
	Owned []string
	// Keep are files and folders below Owned that stay as they are on the server.
	Keep []string
}

// Pushed is what a push did.
type Pushed struct {
	// Commit is the head of the branch on the server now; empty where it has none.
	Commit string
	// Added, Changed and Removed are the paths that the new commit differs in from the one
	// before; all empty where nothing was to be pushed.
	Added, Changed, Removed []string
	// Overwritten are files that somebody else had changed in Git since the last delivery and
	// that are now as rendered again.
	Overwritten []string
}

// Any says whether a commit was made.
func (p Pushed) Any() bool { return len(p.Added)+len(p.Changed)+len(p.Removed) > 0 }

// maxRaces is how often a push is tried when others push at the same moment.
const maxRaces = 8

// Push makes the branch on the server hold content, by one commit on top of what it holds now,
// and none where it does already. Commits of others are kept in history, never forced away.
func (r *Repository) Push(ctx context.Context, remote Remote, content Content) (Pushed, error) {
	var err error
	for range maxRaces {
		var pushed Pushed
		if pushed, err = r.push(ctx, remote, content); err == nil {
			return pushed, nil
		}
		var refused *refusedError
		if !errors.As(err, &refused) || ctx.Err() != nil {
			break
		}
	}
	return Pushed{}, fmt.Errorf("push to %s: %w", remote.URL, err)
}

// refusedError is the server's answer that it does not take a push, which another push at the
// same moment explains.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

func (r *Repository) push(ctx context.Context, remote Remote, content Content) (Pushed, error) {
	connection, err := remote.open(ctx)
	if err != nil {
		return Pushed{}, err
	}
	defer connection.close()
	if !connection.head.IsZero() {
		if err := remote.fetch(ctx, r, connection.head); err != nil {
			return Pushed{}, err
		}
	}
	before, err := r.flatten(connection.head)
	if err != nil {
		return Pushed{}, err
	}
	after, err := r.merge(before, content)
	if err != nil {
		return Pushed{}, err
	}
	pushed := compare(before, after)
	if !pushed.Any() {
		if connection.head.IsZero() {
			return pushed, nil
		}
		pushed.Commit = connection.head.String()
		return pushed, r.setHead(connection.head)
	}
	if pushed.Overwritten, err = r.foreign(connection.head, content, after); err != nil {
		return Pushed{}, err
	}
	commit, err := r.commit(connection.head, after, message(pushed))
	if err != nil {
		return Pushed{}, err
	}
	if err := connection.send(ctx, r, commit); err != nil {
		return Pushed{}, &refusedError{err}
	}
	pushed.Commit = commit.String()
	return pushed, r.setHead(commit)
}

// merge gives the files of the next commit: what is not owned or is to be kept, and content's.
func (r *Repository) merge(before map[string]entry, content Content) (map[string]entry, error) {
	after := make(map[string]entry, len(content.Files))
	for name, e := range before {
		if !content.owns(name) || below(name, content.Keep) {
			after[name] = e
		}
	}
	for name, data := range content.Files {
		if below(name, content.Keep) {
			continue
		}
		hash, err := r.write(data)
		if err != nil {
			return nil, err
		}
		mode := filemode.Regular
		if content.Executable[name] {
			mode = filemode.Executable
		}
		after[name] = entry{mode, hash}
	}
	return after, nil
}

func (c Content) owns(name string) bool { return c.Owned == nil || below(name, c.Owned) }

// below says whether name is one of places or lies in one of them.
func below(name string, places []string) bool {
	return slices.ContainsFunc(places, func(place string) bool {
		return name == place || strings.HasPrefix(name, place+"/")
	})
}

func compare(before, after map[string]entry) Pushed {
	var p Pushed
	for name, e := range after {
		old, existed := before[name]
		switch {
		case !existed:
			p.Added = append(p.Added, name)
		case old != e:
			p.Changed = append(p.Changed, name)
		}
	}
	for name := range before {
		if _, stays := after[name]; !stays {
			p.Removed = append(p.Removed, name)
		}
	}
	sort.Strings(p.Added)
	sort.Strings(p.Changed)
	sort.Strings(p.Removed)
	return p
}

// foreign lists the owned files that others changed since Slipway's last commit and that will
// be put back.
func (r *Repository) foreign(head plumbing.Hash, content Content, after map[string]entry) ([]string, error) {
	ours, err := r.lastOwn(head)
	if err != nil || ours == head || ours.IsZero() {
		return nil, err
	}
	theirs, err := r.flatten(head)
	if err != nil {
		return nil, err
	}
	delivered, err := r.flatten(ours)
	if err != nil {
		return nil, err
	}
	difference := compare(delivered, theirs)
	var overwritten []string
	for _, name := range slices.Concat(difference.Added, difference.Changed, difference.Removed) {
		if content.owns(name) && after[name] != theirs[name] {
			overwritten = append(overwritten, name)
		}
	}
	sort.Strings(overwritten)
	return overwritten, nil
}

// author of all of Slipway's commits.
const (
	authorName  = "Slipway"
	authorEmail = "slipway@slipway.dev"
)

// lastOwn is the newest commit of Slipway's, along first parents from head; zero where there is none.
func (r *Repository) lastOwn(head plumbing.Hash) (plumbing.Hash, error) {
	for !head.IsZero() {
		c, err := object.GetCommit(r.store, head)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("read commit %s: %w", head, err)
		}
		if c.Author.Email == authorEmail {
			return head, nil
		}
		if len(c.ParentHashes) == 0 {
			break
		}
		head = c.ParentHashes[0]
	}
	return plumbing.ZeroHash, nil
}

// commit writes the commit and its trees.
func (r *Repository) commit(parent plumbing.Hash, files map[string]entry, message string) (plumbing.Hash, error) {
	root := newFolder()
	for name, e := range files {
		f := root
		dir, base := path.Split(name)
		for _, part := range strings.FieldsFunc(dir, func(c rune) bool { return c == '/' }) {
			if f.folders[part] == nil {
				f.folders[part] = newFolder()
			}
			f = f.folders[part]
		}
		f.files[base] = e
	}
	tree, err := r.tree(root)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	who := object.Signature{Name: authorName, Email: authorEmail, When: time.Now().UTC()}
	c := &object.Commit{Author: who, Committer: who, Message: message, TreeHash: tree}
	if !parent.IsZero() {
		c.ParentHashes = []plumbing.Hash{parent}
	}
	return r.encode(c, "commit")
}

// message says which units a commit touches, and how.
func message(p Pushed) string {
	type count struct{ added, changed, removed int }
	units := map[string]*count{}
	add := func(names []string, field func(*count) *int) {
		for _, name := range names {
			unit := unitOf(name)
			if units[unit] == nil {
				units[unit] = &count{}
			}
			*field(units[unit])++
		}
	}
	add(p.Added, func(c *count) *int { return &c.added })
	add(p.Changed, func(c *count) *int { return &c.changed })
	add(p.Removed, func(c *count) *int { return &c.removed })
	names := make([]string, 0, len(units))
	for name := range units {
		names = append(names, name)
	}
	sort.Strings(names)

	var b strings.Builder
	const shown = 4
	b.WriteString("Deliver " + strings.Join(names[:min(len(names), shown)], ", "))
	if len(names) > shown {
		fmt.Fprintf(&b, " and %d more", len(names)-shown)
	}
	b.WriteString("\n\n")
	for _, name := range names {
		var parts []string
		for _, part := range []struct {
			n    int
			word string
		}{{units[name].added, "added"}, {units[name].changed, "changed"}, {units[name].removed, "removed"}} {
			if part.n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", part.n, part.word))
			}
		}
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(parts, ", "))
	}
	return b.String()
}

// unitOf names the unit that a path in the platform's repository belongs to.
func unitOf(name string) string {
	parts := strings.Split(name, "/")
	if len(parts) == 1 {
		return parts[0]
	}
	return strings.TrimSuffix(parts[1], ".yaml")
}
