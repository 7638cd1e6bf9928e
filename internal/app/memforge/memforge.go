// Package memforge is a Git server in memory with what package forge speaks of: good enough for
// the tests of everything above it. It passes the same suite (package forgetest) as the adapters
// to real servers, and tells of its events at once.
package memforge

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Server is the server. It is safe for concurrent use.
type Server struct {
	// OnEvent, where it is set, is called after each change as a webhook would be.
	OnEvent func(forge.Event)

	mu           sync.Mutex
	repositories map[forge.Repository]*repository
	users        map[string]*forge.User
	teams        map[string]*team // by organization/name
	owners       map[string]bool  // organizations
	webhooks     map[string]string
	ticks        int
}

// New makes a server with one account, which may do everything that protection leaves open.
func New(account string) (*Server, *Forge) {
	s := &Server{repositories: map[forge.Repository]*repository{}, users: map[string]*forge.User{},
		teams:  map[string]*team{},
		owners: map[string]bool{account: true}, webhooks: map[string]string{}}
	s.users[account] = &forge.User{Name: account}
	return s, s.As(account)
}

// As gives the server as an account sees it.
func (s *Server) As(account string) *Forge { return &Forge{s, account} }

// Forge is the server as one account sees it.
type Forge struct {
	s       *Server
	account string
}

type repository struct {
	info       forge.RepositoryInfo
	branches   map[string]string
	commits    map[string]commit
	statuses   map[string]map[string]forge.Status
	protection map[string]forge.Protection
	pulls      []*pull
	pushes     []forge.Push
}

type commit struct {
	files   map[string]string
	parents []string
	message string
	author  forge.Person
	time    time.Time
	changed []string
}

type pull struct {
	forge.PullRequest
	reviews  []forge.Review
	comments []forge.Comment
}

type team struct {
	forge.Team
	members []string
}

// now moves on by a second each time it is asked.
func (s *Server) now() time.Time {
	s.ticks++
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(s.ticks) * time.Second)
}

// tell calls OnEvent after the lock is let go; use it as: defer s.lock()(&events).
func (s *Server) lock() func(*[]forge.Event) {
	s.mu.Lock()
	return func(events *[]forge.Event) {
		s.mu.Unlock()
		for _, e := range *events {
			if s.OnEvent != nil {
				s.OnEvent(e)
			}
		}
	}
}

func (s *Server) event(r forge.Repository, kind string) forge.Event {
	s.ticks++
	return forge.Event{ID: fmt.Sprintf("delivery-%d", s.ticks), Kind: kind, Repository: r}
}

func (s *Server) repository(r forge.Repository) (*repository, error) {
	found, ok := s.repositories[r]
	if !ok {
		return nil, fmt.Errorf("look for repository %s: %w", r, forge.ErrNotFound)
	}
	return found, nil
}

// resolve gives the commit that a branch or a commit's hash stands for.
func (r *repository) resolve(ref string) (commit, error) {
	if hash, ok := r.branches[ref]; ok {
		ref = hash
	}
	c, ok := r.commits[ref]
	if !ok {
		return commit{}, fmt.Errorf("look for %s in %s: %w", ref, r.info.Repository, forge.ErrNotFound)
	}
	return c, nil
}

// add makes a commit.
func (r *repository) add(c commit) string {
	before := map[string]string{}
	if len(c.parents) > 0 {
		before = r.commits[c.parents[0]].files
	}
	for name := range c.files {
		if old, had := before[name]; !had || old != c.files[name] {
			c.changed = append(c.changed, name)
		}
	}
	for name := range before {
		if _, stays := c.files[name]; !stays {
			c.changed = append(c.changed, name)
		}
	}
	slices.Sort(c.changed)
	h := sha1.New()
	fmt.Fprintf(h, "%d %v %s %v", len(r.commits), c.parents, c.message, c.author)
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		fmt.Fprintf(h, "%s\x00%s\x00", name, c.files[name])
	}
	hash := hex.EncodeToString(h.Sum(nil))
	r.commits[hash] = c
	return hash
}

// version is a Git blob's hash, as real servers use it.
func version(data string) string {
	sum := sha1.Sum([]byte(fmt.Sprintf("blob %d\x00%s", len(data), data)))
	return hex.EncodeToString(sum[:])
}

// tree is the hash of a folder's Git tree (Pro Git, "Git Internals - Git Objects").
func tree(files map[string]string, folder string) []byte {
	entries := map[string][]byte{} // in Git's order: folders as if their names ended in a slash
	for name, data := range files {
		rest, below := strings.CutPrefix(name, folder)
		if !below {
			continue
		}
		if sub, _, deeper := strings.Cut(rest, "/"); deeper {
			if entries[sub+"/"] == nil {
				entries[sub+"/"] = append([]byte("40000 "+sub+"\x00"), tree(files, folder+sub+"/")...)
			}
			continue
		}
		blob, _ := hex.DecodeString(version(data))
		entries[rest] = append([]byte("100644 "+rest+"\x00"), blob...)
	}
	var body []byte
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		body = append(body, entries[name]...)
	}
	sum := sha1.Sum(append([]byte(fmt.Sprintf("tree %d\x00", len(body))), body...))
	return sum[:]
}

// ancestors are a commit and all that came before it.
func (r *repository) ancestors(hash string) map[string]bool {
	seen := map[string]bool{}
	for queue := []string{hash}; len(queue) > 0; queue = queue[1:] {
		if h := queue[0]; !seen[h] {
			seen[h] = true
			queue = append(queue, r.commits[h].parents...)
		}
	}
	return seen
}

// fork is the newest commit that two have in common, along the second's first parents.
func (r *repository) fork(a, b string) commit {
	before := r.ancestors(a)
	for hash := b; hash != ""; {
		if before[hash] {
			return r.commits[hash]
		}
		parents := r.commits[hash].parents
		if len(parents) == 0 {
			break
		}
		hash = parents[0]
	}
	return commit{}
}

// merged puts what head changed since the fork into base; ok is false where both changed a file.
func (r *repository) merged(base, head string) (files map[string]string, ok bool) {
	from, ours, theirs := r.fork(base, head).files, r.commits[base].files, r.commits[head].files
	files = maps.Clone(ours)
	names := slices.Concat(slices.Collect(maps.Keys(from)), slices.Collect(maps.Keys(theirs)))
	for _, name := range names {
		before, had := from[name]
		after, has := theirs[name]
		if had == has && before == after {
			continue
		}
		if mine, there := ours[name]; (there != had || mine != before) && (there != has || mine != after) {
			return nil, false
		}
		if has {
			files[name] = after
		} else {
			delete(files, name)
		}
	}
	return files, true
}

func isBelow(name, folder string) bool { return folder == "" || strings.HasPrefix(name, folder+"/") }
