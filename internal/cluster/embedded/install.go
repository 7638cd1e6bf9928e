package embedded

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/nodeconf"
	"github.com/slipway-dev/slipway/internal/cluster/pki"
)

// complete adds to the spec what is found out about programs and host.
func (n *Node) complete(ctx context.Context, s nodeconf.Spec) (nodeconf.Spec, error) {
	s.RestrictOOMScore = !mayLowerOOMScores()
	build, err := buildOf(s.Program("kubelet"))
	if err != nil {
		return s, fmt.Errorf("the node's programs: %w", err)
	}
	s.Build = build
	if former, err := readSpec(n.dir); err == nil && former.Build == s.Build && former.BinDir == s.BinDir {
		s.Version = former.Version
		return s, nil
	}
	out, err := exec.CommandContext(ctx, s.Program("kubeadm"), "version", "-o", "short").Output()
	if err != nil {
		return s, fmt.Errorf("ask kubeadm for its version: %w", err)
	}
	s.Version = strings.TrimSpace(string(out))
	return s, nil
}

// buildOf identifies a program: by the build ID that the Go linker leaves in it, which changes
// with anything that goes into it; where there is none, by size and time.
func buildOf(path string) (string, error) {
	if program, err := elf.Open(path); err == nil {
		defer program.Close()
		if note := program.Section(".note.go.buildid"); note != nil {
			if id, err := note.Data(); err == nil {
				return fmt.Sprintf("%x", sha256.Sum256(id)), nil
			}
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes, %s", info.Size(), info.ModTime().UTC().Format(time.RFC3339Nano)), nil
}

// install writes all that the supervisors and the parts read, but for the spec itself.
func (n *Node) install(s nodeconf.Spec) error {
	for _, dir := range []string{s.Dir.Etcd(), s.Dir.Containerd(), s.Dir.Kubelet(), s.Dir.CNI(), s.Dir.VarLog(), s.Dir.Logs(), s.Dir.Config("cni-bin")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	// Pods with other users walk through these to their volumes and logs.
	for dir, mode := range map[string]fs.FileMode{s.Dir.Root(): 0o711, s.Dir.Volumes(): 0o711, s.Dir.Kubelet(): 0o711, s.Dir.VarLog(): 0o755} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return err
		}
		if err := os.Chmod(dir, mode); err != nil {
			return err
		}
	}
	if err := forgetMirrors(s); err != nil {
		return err
	}
	for _, f := range s.Files() {
		if err := pki.WriteFile(f.Path, []byte(f.Data), 0o644); err != nil {
			return err
		}
	}
	for name, target := range s.CNIPrograms() {
		if err := link(target, s.Dir.Config("cni-bin", name)); err != nil {
			return err
		}
	}
	return copyExecutable(s.Dir.Bin("slipway"))
}

// forgetMirrors removes the files of registries that have no mirror any more, and no login.
func forgetMirrors(s nodeconf.Spec) error {
	dirs, err := filepath.Glob(s.Dir.Config("certs.d", "*"))
	for _, dir := range dirs {
		registry := filepath.Base(dir)
		if text, readErr := os.ReadFile(filepath.Join(dir, "hosts.toml")); readErr == nil && strings.HasPrefix(string(text), nodeconf.LoginMark) {
			continue
		}
		if _, stays := s.Mirrors[registry]; !stays && registry != nodeconf.AnyRegistry {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

// SignIn lets the node pull what a registry shows to an account only. It holds from the next pull on, and is kept where only
// root reads it; changed says that it was not so before.
func (n *Node) SignIn(ctx context.Context, registry, username, password string) (changed bool, err error) {
	settings, err := n.settings(ctx)
	if err != nil {
		return false, err
	}
	s, err := n.spec(settings)
	if err != nil {
		return false, err
	}
	f := s.Login(registry, "Basic "+base64.StdEncoding.EncodeToString([]byte(username+":"+password)))
	if now, err := os.ReadFile(f.Path); err == nil && string(now) == f.Data {
		return false, nil
	}
	return true, pki.WriteFile(f.Path, []byte(f.Data), 0o600)
}

func writeSpec(s nodeconf.Spec) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return pki.WriteFile(s.Dir.Spec(), append(b, '\n'), 0o644)
}

func link(target, path string) error {
	if now, err := os.Readlink(path); err == nil && now == target {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, path)
}

// copyExecutable keeps a copy of the running program for the node, which outlives a build
// directory that is cleaned and is not changed under it by a new build.
func copyExecutable(to string) error {
	from, err := os.Executable()
	if err != nil {
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	want, err := source.Stat()
	if err != nil {
		return err
	}
	if have, err := os.Stat(to); err == nil && (os.SameFile(want, have) || have.Size() == want.Size() && have.ModTime().Equal(want.ModTime())) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	tmp := to + ".new"
	target, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if closeErr := target.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chtimes(tmp, want.ModTime(), want.ModTime())
	}
	if err != nil {
		return fmt.Errorf("copy the program to %s: %w", to, err)
	}
	return os.Rename(tmp, to)
}
