package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// full is a commit's hash in full.
var full = regexp.MustCompile(`^[0-9a-f]{40}$`)

// askpass gives Git a login out of files; Git calls it with what it asks for.
const askpass = "#!/bin/sh\ncase \"$1\" in Username*) exec cat \"$SLIPWAY_LOGIN/username\" ;; esac\nexec cat \"$SLIPWAY_LOGIN/password\"\n"

// Clone fetches the one commit, and nothing of what a repository could make Git run: no hooks, no submodules, no filters.
func (j Job) Clone(ctx context.Context) error {
	if !full.MatchString(j.Commit) {
		return fmt.Errorf("%q is not a commit in full, 40 hexadecimal digits", j.Commit)
	}
	if !strings.HasPrefix(j.CloneURL, "https://") && !strings.HasPrefix(j.CloneURL, "http://") {
		return fmt.Errorf("the repository's URL %q is not one over HTTPS", j.CloneURL)
	}
	dir, err := os.MkdirTemp("", "clone-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ask := filepath.Join(dir, "askpass")
	if err := os.WriteFile(ask, []byte(askpass), 0o700); err != nil {
		return err
	}
	if err := os.MkdirAll(j.source(), 0o755); err != nil {
		return err
	}
	env := []string{"GIT_ASKPASS=" + ask, "SLIPWAY_LOGIN=" + j.GitLogin, "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_LFS_SKIP_SMUDGE=1", "GIT_ALLOW_PROTOCOL=https:http", "GIT_ADVICE=0"}
	if bundle := os.Getenv("SSL_CERT_FILE"); bundle != "" {
		env = append(env, "GIT_SSL_CAINFO="+bundle)
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main", "--template="},
		{"fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", j.CloneURL, j.Commit},
		{"-c", "advice.detachedHead=false", "-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "--detach", "FETCH_HEAD"},
	} {
		if _, err := j.run(ctx, command{args: append([]string{"git"}, args...), dir: j.source(), env: env}); err != nil {
			return err
		}
	}
	head, err := j.run(ctx, command{args: []string{"git", "rev-parse", "HEAD"}, dir: j.source(), env: env})
	if err != nil {
		return err
	}
	if strings.TrimSpace(head) != j.Commit {
		return fmt.Errorf("asked for commit %s and got %s", j.Commit, strings.TrimSpace(head))
	}
	// The steps that build run as another user.
	return os.Chmod(j.source(), 0o777)
}
