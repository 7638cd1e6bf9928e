package gitea

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	sdk "code.gitea.io/sdk/gitea"

	"github.com/slipway-dev/slipway/internal/app/forge"
)

// Head is the newest commit of a branch.
func (f *Forge) Head(ctx context.Context, r forge.Repository, branch string) (string, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return "", err
	}
	b, res, err := c.GetRepoBranch(r.Owner, r.Name, branch)
	if err != nil {
		return "", failed(res, err, "look for branch %s of %s", branch, r)
	}
	if b.Commit == nil || b.Commit.ID == "" {
		return "", fmt.Errorf("look for branch %s of %s: %w", branch, r, forge.ErrNotFound)
	}
	return b.Commit.ID, nil
}

// Log gives the commits that lead to one and not to another, the oldest first; without after all
// that lead to it. Where after does not lead to it, history was rewritten: [forge.ErrConflict].
func (f *Forge) Log(ctx context.Context, r forge.Repository, after, to string) ([]forge.LogEntry, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return nil, err
	}
	if after != "" {
		besides, res, err := c.ListRepoCommits(r.Owner, r.Name,
			sdk.ListCommitOptions{SHA: after, Not: to, ListOptions: sdk.ListOptions{PageSize: 1}})
		if err == nil && len(besides) > 0 || status(res) == http.StatusNotFound {
			return nil, fmt.Errorf("read the log of %s: %w: %s does not lead to %s", r, forge.ErrConflict, after, to)
		}
		if err != nil {
			return nil, failed(res, err, "read the log of %s from %s", r, after)
		}
	}
	all, res, err := pages(func(o sdk.ListOptions) ([]*sdk.Commit, *sdk.Response, error) {
		return c.ListRepoCommits(r.Owner, r.Name, sdk.ListCommitOptions{ListOptions: o, SHA: to, Not: after,
			Files: true})
	})
	if err != nil {
		return nil, failed(res, err, "read the log of %s from %q to %s", r, after, to)
	}
	out := make([]forge.LogEntry, 0, len(all))
	for _, made := range slices.Backward(all) {
		out = append(out, logEntry(made))
	}
	return out, nil
}

func logEntry(c *sdk.Commit) forge.LogEntry {
	var out forge.LogEntry
	if c.CommitMeta != nil {
		out.Hash, out.Time = c.SHA, c.Created.UTC()
	}
	for _, parent := range c.Parents {
		out.Parents = append(out.Parents, parent.SHA)
	}
	if c.Author != nil {
		out.Account = c.Author.UserName
	}
	for _, file := range c.Files {
		out.Files = append(out.Files, file.Filename)
	}
	slices.Sort(out.Files)
	if c.RepoCommit != nil {
		out.Message = c.RepoCommit.Message
		if by := c.RepoCommit.Author; by != nil {
			out.Author = forge.Person{Name: by.Name, Email: by.Email}
		}
	}
	return out
}

// Tree is the hash of a folder's Git tree at a branch, tag or commit: the same for the same contents.
func (f *Forge) Tree(ctx context.Context, r forge.Repository, ref, folder string) (string, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return "", err
	}
	entries, err := f.tree(c, r, ref)
	if err != nil {
		return "", fmt.Errorf("read %s of %s at %s: %w", folder, r, ref, err)
	}
	for _, e := range entries {
		if e.Type == "tree" && e.Path == folder {
			return e.SHA, nil
		}
	}
	return "", fmt.Errorf("read %s of %s at %s: %w", folder, r, ref, forge.ErrNotFound)
}

// ReadFile reads a file at a branch, tag or commit.
func (f *Forge) ReadFile(ctx context.Context, r forge.Repository, ref, path string) (forge.File, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return forge.File{}, err
	}
	content, res, err := c.GetContents(r.Owner, r.Name, ref, path)
	if err != nil {
		return forge.File{}, failed(res, err, "read %s of %s at %s", path, r, ref)
	}
	return file(content)
}

func file(c *sdk.ContentsResponse) (forge.File, error) {
	if c.Type != "file" {
		return forge.File{}, fmt.Errorf("%s is a %s, not a file", c.Path, c.Type)
	}
	if c.Content == nil || c.Encoding == nil || *c.Encoding != "base64" {
		return forge.File{}, fmt.Errorf("%s is too large to be read by the API (%d bytes)", c.Path, c.Size)
	}
	data, err := base64.StdEncoding.DecodeString(*c.Content)
	if err != nil {
		return forge.File{}, fmt.Errorf("read %s: %w", c.Path, err)
	}
	return forge.File{Path: c.Path, Data: data, Version: c.SHA}, nil
}

// ReadFolder reads all files below a folder at a branch, tag or commit, by path; "" is the whole
// repository. A folder that is not there has none.
func (f *Forge) ReadFolder(ctx context.Context, r forge.Repository, ref, folder string) ([]forge.File, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return nil, err
	}
	entries, err := f.list(c, r, ref, folder)
	if err != nil {
		return nil, fmt.Errorf("read %s of %s at %s: %w", folder, r, ref, err)
	}
	// What is known by its hash, as most of a folder is after a commit, is not asked for again.
	out := make([]forge.File, len(entries))
	at := map[string]int{}
	var names []string
	for i, e := range entries {
		if data, known := f.read.get(r, e.SHA); known {
			out[i] = forge.File{Path: e.Path, Data: data, Version: e.SHA}
			continue
		}
		names, at[e.Path] = append(names, e.Path), i
	}
	for len(names) > 0 {
		// The server answers with as many as it likes, in order.
		some, res, err := c.PostRepoFileContents(r.Owner, r.Name, ref,
			sdk.GetFilesOptions{Files: names[:min(len(names), 50)]})
		if err != nil {
			return nil, failed(res, err, "read %s of %s at %s", folder, r, ref)
		}
		if len(some) == 0 {
			return nil, fmt.Errorf("read %s of %s at %s: the server gives no contents", names[0], r, ref)
		}
		for i, content := range some {
			if content == nil {
				return nil, fmt.Errorf("read %s of %s at %s: %w", names[i], r, ref, forge.ErrNotFound)
			}
			read, err := file(content)
			if err != nil {
				return nil, fmt.Errorf("read from %s at %s: %w", r, ref, err)
			}
			f.read.put(r, read.Version, read.Data)
			out[at[names[i]]] = read
		}
		names = names[len(some):]
	}
	return out, nil
}

// list gives the files below a folder, sorted by path.
func (f *Forge) list(c *sdk.Client, r forge.Repository, ref, folder string) ([]sdk.GitEntry, error) {
	entries, err := f.tree(c, r, ref)
	entries = slices.DeleteFunc(entries, func(e sdk.GitEntry) bool {
		return e.Type != "blob" || folder != "" && !strings.HasPrefix(e.Path, folder+"/")
	})
	slices.SortFunc(entries, func(a, b sdk.GitEntry) int { return strings.Compare(a.Path, b.Path) })
	return entries, err
}

// tree gives all files and folders at a branch, tag or commit.
func (f *Forge) tree(c *sdk.Client, r forge.Repository, ref string) ([]sdk.GitEntry, error) {
	var entries []sdk.GitEntry
	for page := 1; ; page++ {
		tree, res, err := c.GetTrees(r.Owner, r.Name, sdk.ListTreeOptions{Ref: ref, Recursive: true,
			ListOptions: sdk.ListOptions{Page: page}})
		if status(res) == http.StatusBadRequest { // how the server says that there is no such commit
			return nil, fmt.Errorf("%w: %w", forge.ErrNotFound, err)
		}
		if err != nil {
			return nil, failed(res, err, "list files")
		}
		entries = append(entries, tree.Entries...)
		if !tree.Truncated {
			return entries, nil
		}
	}
}

// Commit makes one commit of several files, and gives its hash. Where the first commit of a repository was cut off before
// the server took note of it, the error is [forge.ErrConflict], and the branch is there from then on.
func (f *Forge) Commit(ctx context.Context, r forge.Repository, commit forge.Commit) (string, error) {
	c, err := f.client(ctx, "")
	if err != nil {
		return "", err
	}
	option := sdk.ChangeFilesOptions{Message: commit.Message, Branch: commit.Branch,
		Author: sdk.Identity{Name: commit.Author.Name, Email: commit.Author.Email}}
	base := commit.Branch
	if commit.From != "" {
		base = commit.From
		option.Branch, option.NewBranch, option.ForcePush = commit.From, commit.Branch, true
	}
	for _, change := range commit.Changes {
		operation, err := operation(change)
		if err != nil {
			return "", fmt.Errorf("commit to %s of %s: %w", commit.Branch, r, err)
		}
		option.Files = append(option.Files, operation)
	}
	defer f.lock(r)()
	made, res, err := c.ChangeFiles(r.Owner, r.Name, option)
	conflict := status(res) == http.StatusUnprocessableEntity // a file, or a branch, is not as it was
	switch status(res) {
	case http.StatusUnprocessableEntity, http.StatusForbidden: // a push beside another one is forbidden
		noticed, noticeErr := f.notice(c, r, base)
		if noticeErr != nil {
			return "", noticeErr
		}
		conflict = conflict || noticed
	case http.StatusNotFound: // the repository, its branch, or a file that is to be changed
		_, headErr := f.Head(ctx, r, base)
		conflict = headErr == nil
	}
	if conflict {
		return "", fmt.Errorf("commit to %s of %s: %w: %w", commit.Branch, r, forge.ErrConflict, err)
	}
	if err != nil {
		return "", failed(res, err, "commit to %s of %s", commit.Branch, r)
	}
	if made.Commit == nil || made.Commit.SHA == "" {
		return "", fmt.Errorf("commit to %s of %s: the server names no commit", commit.Branch, r)
	}
	return made.Commit.SHA, nil
}

// notice has the server take note of a branch that it does not know, if that is how things are: a request that ends
// between Git's commit and the server's hook leaves a repository that the server's database has as empty, for good, and
// whose branch exists in Git alone (seen with Gitea 1.26; its web page mends it for who looks there). A further
// commit, which changes nothing, makes the server look. Its API reads such a repository by hash only: a path makes it panic.
func (f *Forge) notice(c *sdk.Client, r forge.Repository, branch string) (noticed bool, err error) {
	info, res, err := c.GetRepo(r.Owner, r.Name)
	if err != nil || !info.Empty {
		return false, failed(res, err, "look for repository %s", r)
	}
	refs, res, err := c.GetRepoRefs(r.Owner, r.Name, "heads/"+branch)
	if err != nil && status(res) != http.StatusNotFound {
		return false, failed(res, err, "look for branch %s of %s in Git", branch, r)
	}
	at := slices.IndexFunc(refs, func(ref *sdk.Reference) bool { return ref.Ref == "refs/heads/"+branch })
	if at < 0 || refs[at].Object == nil {
		return false, nil // it is empty
	}
	files, err := f.list(c, r, refs[at].Object.SHA, "")
	if err != nil || len(files) == 0 {
		return false, err
	}
	file := slices.MinFunc(files, func(a, b sdk.GitEntry) int { return cmp.Compare(a.Size, b.Size) })
	blob, res, err := c.GetBlob(r.Owner, r.Name, file.SHA)
	if err != nil {
		return false, failed(res, err, "read %s of %s", file.Path, r)
	}
	data, err := base64.StdEncoding.DecodeString(blob.Content)
	if err != nil || int64(len(data)) != file.Size {
		return false, fmt.Errorf("read %s of %s: %d of %d bytes came: %w", file.Path, r, len(data), file.Size, cmp.Or(err, io.ErrUnexpectedEOF))
	}
	same, err := operation(forge.FileChange{Path: file.Path, Data: data, Version: file.SHA})
	if err != nil {
		return false, err
	}
	_, res, err = c.ChangeFiles(r.Owner, r.Name, sdk.ChangeFilesOptions{Branch: branch,
		Message: "Take note of the commit before, which was cut off", Files: []*sdk.ChangeFileOperation{same}})
	return err == nil, failed(res, err, "have branch %s of %s taken note of", branch, r)
}

func operation(change forge.FileChange) (*sdk.ChangeFileOperation, error) {
	o := &sdk.ChangeFileOperation{Operation: "update", Path: change.Path, SHA: change.Version}
	switch {
	case change.Data == nil && change.Version == "":
		return nil, errors.New("delete " + change.Path + ": its version is not known")
	case change.Data == nil:
		o.Operation = "delete"
		return o, nil
	case change.Version == "":
		o.Operation = "create"
	}
	o.Content = base64.StdEncoding.EncodeToString(change.Data)
	return o, nil
}
