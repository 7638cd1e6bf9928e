//go:build e2e

package e2e

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// copyExample copies a folder of examples/ into the platform's directory, for the platform's domain.
func (p *platform) copyExample(t *testing.T, from, to string) {
	t.Helper()
	from = filepath.Join("../../examples", from)
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		p.write(t, filepath.Join(to, rel), p.adapt(t, string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// adapt makes an example's text that of this platform: its URLs have this one's port, too.
func (p *platform) adapt(t *testing.T, text string) string {
	urls := regexp.MustCompile(`https://([a-z]+)\.starter\.localhost`)
	text = urls.ReplaceAllStringFunc(text, func(u string) string {
		return "https://" + p.host(t, urls.FindStringSubmatch(u)[1])
	})
	return strings.ReplaceAll(text, "starter.localhost", p.domain)
}

// host gives the host name, with the port where it is not 443, below the platform's domain.
func (p *platform) host(t *testing.T, name string) string {
	t.Helper()
	u, err := url.Parse(p.url(t, "gitea"))
	if err != nil {
		t.Fatal(err)
	}
	host := name + "." + p.domain
	if port := u.Port(); port != "" {
		host += ":" + port
	}
	return host
}

// login gives user and password of a tool.
func (p *platform) login(t *testing.T, name string) (user, password string) {
	t.Helper()
	all := decode[[]struct{ Name, Username, Password string }](t, p.run(t, "get", "credentials", name, "--name", p.name, "-o", "json"))
	if len(all) == 0 || all[0].Username == "" || all[0].Password == "" {
		t.Fatalf("credentials of %s: %+v", name, all)
	}
	return all[0].Username, all[0].Password
}

// git runs git in a directory, trusting nothing but the platform's CA.
func (p *platform) git(t *testing.T, dir string, args ...string) {
	t.Helper()
	if out, err := p.tryGit(t, dir, args...); err != nil {
		t.Fatalf("git %s: %v\n%s", args[0], err, out)
	}
}

// tryGit is git that may fail.
func (p *platform) tryGit(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	ca := filepath.Join(p.dir, "ca.crt")
	p.write(t, "ca.crt", p.run(t, "get", "ca", "--name", p.name))
	c := exec.CommandContext(t.Context(), "git", append([]string{
		"-c", "user.name=Test", "-c", "user.email=test@example.com"}, args...)...)
	c.Dir = dir
	// The variable, because where it is set it has precedence over http.sslCAInfo.
	c.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_SSL_CAINFO="+ca)
	out, err := c.CombinedOutput()
	return string(out), err
}

// read reads a file of the platform's working directory.
func (p *platform) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// replace replaces a text, which must be there, in a file of the platform's working directory.
func (p *platform) replace(t *testing.T, name, old, text string) {
	t.Helper()
	was := p.read(t, name)
	if !strings.Contains(was, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	p.write(t, name, strings.ReplaceAll(was, old, text))
}
