package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/deliver/gitea"
	"github.com/slipway-dev/slipway/internal/deliver/idptest"
	"github.com/slipway-dev/slipway/internal/endpoint"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/server/api"
)

const (
	benchTeam = "bench"
	benchUser = "bench-developer"
	benchApp  = "bench-push"
	// pushLimit ends what hangs; the first build of an application fills its caches.
	pushLimit = 10 * time.Minute
)

// pusher is a developer who pushes to an application and waits for it to answer.
type pusher struct {
	*bench
	http          *http.Client
	kube          *kube.Client
	git, console  string // URLs
	admin, secret string
	ca, clone     string // files
	token         string
	url           string // of the application in dev
}

// pushes measures the way from `git push` until the new version answers in dev, times times, after one that fills
// caches; and where the time goes, by what the portal, Git and the cluster wrote down meanwhile. The platform is
// the bench's own, or the one that the environment names.
func (b *bench) pushes(ctx context.Context, times int) ([]number, error) {
	p, err := b.pusher(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.application(ctx); err != nil {
		return nil, err
	}
	if _, err := p.push(ctx); err != nil {
		return nil, fmt.Errorf("the push before: %w", err)
	}
	var all []passage
	for i := range times {
		one, err := p.push(ctx)
		if err != nil {
			return nil, fmt.Errorf("push %d: %w", i+1, err)
		}
		load, _ := os.ReadFile("/proc/loadavg")
		fmt.Printf("  push %2d: %5.1f s (load %s)\n", i+1, one.whole().Seconds(), strings.Fields(string(load) + " ?")[0])
		all = append(all, one)
	}
	fmt.Println()
	printPassages(os.Stdout, all)
	slices.SortFunc(all, func(a, b passage) int { return int(a.whole() - b.whole()) })
	return []number{
		{"git push until the new version answers in dev (median)", "s", 60, all[len(all)/2].whole().Seconds()},
		{"the same, the slowest", "s", 60, all[len(all)-1].whole().Seconds()},
	}, nil
}

// mark is a moment on the way of a push, and what had been waited for until then.
type mark struct {
	what string
	at   time.Time
}

// passage is the way of one push, from its beginning to the answer.
type passage struct {
	began time.Time
	marks []mark
}

func (p passage) whole() time.Duration { return p.marks[len(p.marks)-1].at.Sub(p.began) }

// printPassages has a line for each part of the way: median and worst, in seconds.
func printPassages(out io.Writer, all []passage) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHERE THE TIME GOES\tMEDIAN\tWORST\t")
	for i, m := range all[0].marks {
		var took []float64
		for _, p := range all {
			before := p.began
			if i > 0 {
				before = p.marks[i-1].at
			}
			took = append(took, p.marks[i].at.Sub(before).Seconds())
		}
		slices.Sort(took)
		fmt.Fprintf(w, "%s\t%.1f s\t%.1f s\t\n", m.what, took[len(took)/2], took[len(took)-1])
	}
	_ = w.Flush()
}

// pusher finds the platform and makes a developer known to it.
func (b *bench) pusher(ctx context.Context) (*pusher, error) {
	p := &pusher{bench: b, ca: filepath.Join(b.dir, "ca.crt"), clone: filepath.Join(b.dir, benchApp)}
	ca, err := b.output(ctx, "get", "ca", "--name", b.name)
	if err == nil {
		err = os.WriteFile(p.ca, ca, 0o644)
	}
	if err != nil {
		return nil, err
	}
	var urls []struct{ Name, URL string }
	if err := b.json(ctx, &urls, "get", "urls"); err != nil {
		return nil, err
	}
	for _, u := range urls {
		switch u.Name {
		case "gitea":
			p.git = u.URL
		case "console":
			p.console = u.URL
		}
	}
	if p.git == "" || p.console == "" {
		return nil, errors.New("the platform needs the tools gitea and console: slipway blueprint show starter")
	}
	var logins []struct{ Username, Password string }
	if err := b.json(ctx, &logins, "get", "credentials", "gitea"); err != nil || len(logins) == 0 {
		return nil, fmt.Errorf("credentials of the Git server: %w", err)
	}
	p.admin, p.secret = logins[0].Username, logins[0].Password
	path, err := b.output(ctx, "get", "kubeconfig", "--path", "--name", b.name)
	if err == nil {
		p.kube, err = kube.FromKubeconfig(strings.TrimSpace(string(path)), "")
	}
	if err != nil {
		return nil, err
	}
	host, err := url.Parse(p.console)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(host.Hostname(), ".")
	p.http = &http.Client{Timeout: 20 * time.Second, Transport: endpoint.Transport(domain, "127.0.0.1", ca)}
	return p, p.signIn(ctx)
}

// json runs the program and reads its JSON.
func (b *bench) json(ctx context.Context, into any, args ...string) error {
	text, err := b.output(ctx, append(args, "-o", "json")...)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// signIn makes the developer and signs in at the portal for an API token.
func (p *pusher) signIn(ctx context.Context) error {
	identity, err := gitea.NewIdentity(deliver.IdentityAccess{Issuer: p.git, Username: p.admin, Password: p.secret, HTTP: p.http})
	if err != nil {
		return err
	}
	name := benchUser + "-" + strings.ToLower(rand.Text()[:6])
	password := rand.Text()
	if err := identity.EnsurePerson(ctx, deliver.Person{Name: name, Email: name + "@example.com", Password: password,
		Groups: []string{benchTeam + ":developers"}}); err != nil {
		return err
	}
	browser := idptest.NewBrowser(p.http.Transport, name, password)
	if _, err := browser.SignIn(p.console + "/auth/login"); err != nil {
		return err
	}
	page, err := browser.Do(http.MethodGet, p.console+"/api/v1/me", nil)
	if err != nil {
		return err
	}
	var me struct {
		CSRFToken string
		Grants    []string
	}
	if err := json.Unmarshal([]byte(page.Body), &me); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"name": "bench", "scopes": me.Grants, "days": 1})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.console+"/api/v1/me/tokens", bytes.NewReader(body))
	if err != nil {
		return err
	}
	for key, value := range map[string]string{"Content-Type": "application/json", "Origin": p.console, "X-CSRF-Token": me.CSRFToken} {
		req.Header.Set(key, value)
	}
	page, err = browser.Send(req)
	if err != nil {
		return err
	}
	var made struct{ Secret string }
	if err := json.Unmarshal([]byte(page.Body), &made); err != nil || made.Secret == "" {
		return fmt.Errorf("make an API token: %s %w", page, err)
	}
	p.token = made.Secret
	p.env = append(p.env, "SLIPWAY_TOKEN="+p.token)
	return nil
}

// application makes the application where it is missing, and a clone of it.
func (p *pusher) application(ctx context.Context) error {
	show := func() (a api.Application, err error) {
		return a, p.json(ctx, &a, "app", "show", benchTeam+"/"+benchApp)
	}
	if _, err := show(); err != nil {
		if _, err := p.output(ctx, "app", "create", benchApp, "--template", "go-service", "--team", benchTeam, "--set", "description=Is measured",
			"--set", "owner=group:default/"+benchTeam, "--wait", "--timeout", pushLimit.String()); err != nil {
			return err
		}
	}
	a, err := show()
	if err != nil {
		return err
	}
	for _, d := range a.Deployments {
		if d.Environment == "dev" {
			p.url = d.URL
		}
	}
	if p.url == "" {
		return fmt.Errorf("%s has no URL in dev", benchApp)
	}
	remote, err := url.Parse(p.git + "/" + benchTeam + "/" + benchApp + ".git")
	if err != nil {
		return err
	}
	remote.User = url.UserPassword(p.admin, p.secret)
	return p.run(ctx, p.dir, "clone", "-q", remote.String(), p.clone)
}

func (p *pusher) run(ctx context.Context, dir string, args ...string) error {
	c := exec.CommandContext(ctx, "git", append([]string{"-c", "user.name=Bench", "-c", "user.email=bench@example.com"}, args...)...)
	c.Dir, c.Env = dir, append(os.Environ(), "GIT_SSL_CAINFO="+p.ca)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, out)
	}
	return nil
}

// greeting is what the template's service says, in its program and its test.
var greeting = regexp.MustCompile("([\"`])(Hello|Welcome [A-Z0-9]+), ")

// push changes the greeting, pushes, and waits until the application greets so.
func (p *pusher) push(ctx context.Context) (passage, error) {
	ctx, cancel := context.WithTimeout(ctx, pushLimit)
	defer cancel()
	want := "Welcome " + rand.Text()[:8]
	for _, name := range []string{"service.go", "service_test.go"} {
		file := filepath.Join(p.clone, name)
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(file, greeting.ReplaceAll(text, []byte("${1}"+want+", ")), 0o644)
		}
		if err != nil {
			return passage{}, err
		}
	}
	if err := p.run(ctx, p.clone, "commit", "-qam", want); err != nil {
		return passage{}, err
	}
	commit, err := exec.CommandContext(ctx, "git", "-C", p.clone, "rev-parse", "HEAD").Output()
	if err != nil {
		return passage{}, err
	}
	way := passage{began: time.Now()}
	if err := p.run(ctx, p.clone, "push", "-q", "origin", "HEAD:main"); err != nil {
		return way, err
	}
	pushed := time.Now()
	if err := p.answers(ctx, want); err != nil {
		return way, err
	}
	answered := time.Now()
	way.marks, err = p.marks(ctx, strings.TrimSpace(string(commit)))
	if err != nil {
		return way, err
	}
	way.marks = append(append([]mark{{"git push itself", pushed}}, way.marks...), mark{"ready until it answers through the gateway", answered})
	// The records are in whole seconds: none may seem to lie before the one before it.
	last := way.began
	for i, m := range way.marks {
		if m.at.Before(last) {
			way.marks[i].at = last
		}
		last = way.marks[i].at
	}
	return way, nil
}

func (p *pusher) answers(ctx context.Context, want string) error {
	last := ""
	for {
		if res, err := p.http.Get(p.url); err == nil {
			text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<16))
			_ = res.Body.Close()
			if last = string(text); strings.Contains(last, want) {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not greet by %q, but by %q: %w", p.url, want, last, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// marks are what was written down about the way of a commit that answers in dev.
func (p *pusher) marks(ctx context.Context, commit string) ([]mark, error) {
	var a api.Application
	if err := p.json(ctx, &a, "app", "show", benchTeam+"/"+benchApp); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(a.Builds, func(b api.Build) bool { return b.Commit == commit })
	if i < 0 || a.Builds[i].Started == nil {
		return nil, fmt.Errorf("no build of %s is shown", commit)
	}
	all := []mark{{"push until its build starts", *a.Builds[i].Started}}
	for _, s := range a.Builds[i].Steps {
		if s.Finished != nil {
			all = append(all, mark{"step " + s.ID, *s.Finished})
		}
	}
	var commits []struct {
		Created time.Time
		Commit  struct{ Message string }
	}
	if err := p.api(ctx, &commits, "/repos/slipway/environments/commits?limit=20&stat=false&files=false&verification=false"); err != nil {
		return nil, err
	}
	for _, c := range commits {
		if strings.Contains(c.Commit.Message, commit[:12]) {
			all = append(all, mark{"built until the release is committed", c.Created})
			break
		}
	}
	pods, err := p.kube.Core.CoreV1().Pods(benchApp+"-dev").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + benchApp})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return b.CreationTimestamp.Compare(a.CreationTimestamp.Time) })
	if len(pods.Items) > 0 {
		newest := pods.Items[0]
		all = append(all, mark{"release until its pod is made", newest.CreationTimestamp.Time})
		for _, c := range newest.Status.Conditions {
			if c.Type == corev1.PodReady {
				all = append(all, mark{"pod until it is ready", c.LastTransitionTime.Time})
			}
		}
	}
	return all, nil
}

// api asks the Git server.
func (p *pusher) api(ctx context.Context, into any, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.git+"/api/v1"+path, nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(p.admin, p.secret)
	res, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
