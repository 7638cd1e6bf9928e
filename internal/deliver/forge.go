package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

// Forge is the platform's Git server with the repositories that Slipway keeps there.
type Forge struct {
	Server GitServer
	// Dir holds this host's copies of the repositories.
	Dir string
	// Task says what is waited for; may be nil.
	Task *progress.Task
}

// OpenForge finds the plan's Git server, and its administrator's login in the cluster. client
// reaches the platform from here, see package endpoint.
func OpenForge(ctx context.Context, c *kube.Client, p plan.Plan, servers GitServers, client *http.Client, dir string) (*Forge, error) {
	server, err := OpenServer(ctx, c, p, "git", servers, client)
	if err != nil {
		return nil, err
	}
	return &Forge{Server: server, Dir: dir}, nil
}

// provider is the unit that gives a capability, with the outputs it gives.
func provider(p plan.Plan, capability string) (*plan.Unit, map[string]any) {
	for i, u := range p.Units {
		if slices.Contains(u.Capabilities, capability) {
			return &p.Units[i], u.Outputs[capability]
		}
	}
	return nil, nil
}

// TreeRepository opens this host's copy of the platform's own repository below dir, a Forge's Dir.
func TreeRepository(dir string) (*Repository, error) {
	return OpenRepository(filepath.Join(dir, render.RepositoryOwner, render.RepositoryName))
}

// ensure makes a repository, waiting until ctx ends for a server that does not answer yet.
func (f *Forge) ensure(ctx context.Context, name string) (remote Remote, err error) {
	err = f.patiently(ctx, func() error {
		remote, err = f.Server.EnsureRepository(ctx, render.RepositoryOwner, name, true)
		return err
	})
	return remote, err
}

// patiently calls do until the server answers, or ctx ends.
func (f *Forge) patiently(ctx context.Context, do func() error) error {
	for {
		err := do()
		if !errors.Is(err, ErrNotYet) {
			return err
		}
		if f.Task != nil {
			f.Task.Wait(err.Error())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// Refresh brings this host's copy of the platform's repository up to what the server has: a host
// that has not delivered yet learns so what is delivered.
func (f *Forge) Refresh(ctx context.Context) error {
	remote, err := f.ensure(ctx, render.RepositoryName)
	if err != nil {
		return err
	}
	repository, err := TreeRepository(f.Dir)
	if err != nil {
		return err
	}
	_, err = repository.Push(ctx, remote, Content{Owned: []string{}}) // nothing owned, nothing changed
	return err
}

// PushTree makes the platform's repository hold tree. Of the units in hold, whose images are
// not there yet for example, it leaves what the repository has.
func (f *Forge) PushTree(ctx context.Context, tree render.Tree, hold ...string) (Pushed, error) {
	remote, err := f.ensure(ctx, render.RepositoryName)
	if err != nil {
		return Pushed{}, err
	}
	repository, err := TreeRepository(f.Dir)
	if err != nil {
		return Pushed{}, err
	}
	content := Content{
		Files: make(map[string][]byte, len(tree.Files)),
		Owned: []string{render.ApplicationsFolder, render.ToolsFolder, render.PackagesFolder},
	}
	for _, file := range tree.Files {
		content.Files[file.Path] = file.Data
	}
	for _, unit := range hold {
		content.Keep = append(content.Keep, render.ToolsFolder+"/"+unit, render.PackagesFolder+"/"+unit,
			render.ApplicationsFolder+"/"+unit+".yaml")
	}
	return repository.Push(ctx, remote, content)
}

// PushContents makes a repository for each directory that packages refer to, and gives what was
// pushed by repository name.
func (f *Forge) PushContents(ctx context.Context, contents []render.Content) (map[string]Pushed, error) {
	all := map[string]Pushed{}
	for _, c := range contents {
		remote, err := f.ensure(ctx, c.Repository)
		if err != nil {
			return all, err
		}
		content, err := read(c)
		if err != nil {
			return all, err
		}
		repository, err := OpenRepository(filepath.Join(f.Dir, render.RepositoryOwner, c.Repository))
		if err != nil {
			return all, err
		}
		if all[c.Repository], err = repository.Push(ctx, remote, content); err != nil {
			return all, err
		}
	}
	return all, nil
}

// read gives what a content's repository shall hold.
func read(c render.Content) (Content, error) {
	names, err := c.Files()
	if err != nil {
		return Content{}, fmt.Errorf("read content %s: %w", c.Repository, err)
	}
	content := Content{Files: make(map[string][]byte, len(names)), Executable: map[string]bool{}}
	for _, name := range names {
		file := filepath.Join(c.Dir, filepath.FromSlash(name))
		info, err := os.Stat(file)
		if err != nil {
			return Content{}, fmt.Errorf("read content %s: %w", c.Repository, err)
		}
		content.Executable[name] = info.Mode()&0o111 != 0
		if content.Files[name], err = os.ReadFile(file); err != nil {
			return Content{}, fmt.Errorf("read content %s: %w", c.Repository, err)
		}
	}
	return content, nil
}

// Hook makes the Git server call the delivery tool after every push to any repository, those of
// its users included, so that nothing waits for polling. It does nothing where the tool takes no
// calls.
func (f *Forge) Hook(ctx context.Context, c *kube.Client, p plan.Plan) error {
	unit, outputs := provider(p, "delivery")
	if unit == nil || unit.Tool == nil || unit.Tool.Spec.Delivery == nil || unit.Tool.Spec.Delivery.WebhookPath == "" {
		return nil
	}
	url, _ := outputs["url"].(string)
	hook := Webhook{URL: url + unit.Tool.Spec.Delivery.WebhookPath}
	if from := unit.Tool.Spec.Delivery.WebhookSecret; from != "" {
		ref, err := ParseKeyRef(from)
		if err != nil {
			return fmt.Errorf("tool %s: webhookSecret: %w", unit.Name, err)
		}
		secret, err := ref.Read(ctx, c)
		if err != nil {
			return fmt.Errorf("read the secret of the delivery tool's webhook: %w", err)
		}
		hook.Secret = string(secret)
	}
	// The server may be starting anew: with another identity provider, for one.
	return f.patiently(ctx, func() error { return f.Server.EnsureWebhook(ctx, hook) })
}
