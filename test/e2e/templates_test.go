//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// publishedTemplate is the example that every new Backstage app begins with, as it is published on npm.
const publishedTemplate = "@backstage/create-app@0.9.2"

// aRun is how a run of a template is, as the API shows it.
type aRun struct {
	ID, State, Error string
	Remains          []string
	Steps            []struct{ ID, State string }
	Output           map[string]any
}

// testTemplates runs templates as others have written them: Backstage's own example, as published, and one in the way
// of CNOE's, whose steps reach Git, the cluster, the delivery tool and the catalogue, while the portal is killed.
func testTemplates(t *testing.T, p *platform, team string, ada *person) {
	own := "https://" + strings.TrimPrefix(p.url(t, "gitea"), "https://") + "/" + team
	t.Run("backstage-as-published", func(t *testing.T) {
		name := team + "-published"
		files := npmFiles(t, publishedTemplate, "package/templates/default-app/examples/template/")
		p.repository(t, team, name, files)
		t.Log(ada.run(t, "catalog", "register", own+"/"+name+"/src/branch/main/template.yaml", "--team", team))
		out := ada.run(t, "template", "run", "example-nodejs-template", "--team", team, "--set", "name="+team+"-node",
			"--set", "repoUrl=github.com?owner="+team+"&repo="+team+"-node")
		t.Log(tail(out, 20))
		var made struct{ Content string }
		p.forge(t, http.MethodGet, "/repos/"+team+"/"+team+"-node/contents/package.json", nil, &made)
		text, err := base64.StdEncoding.DecodeString(made.Content)
		if err != nil || !strings.Contains(string(text), `"name": "`+team+`-node"`) {
			t.Errorf("%s %v", text, err)
		}
		ada.get(t, "/catalog/entities/component/default/"+team+"-node", &struct{}{})
	})

	t.Run("mistakes-are-found-at-registration", func(t *testing.T) {
		name := team + "-broken"
		p.repository(t, team, name, map[string]string{"template.yaml": "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: broken}\nspec:\n  type: service\n  steps:\n" +
			"    - {id: a, action: 'cnoe:kubernetes:aply', input: {message: \"${{ 'x' | uper }}\"}}\n"})
		out, err := ada.try(t, "catalog", "register", own+"/"+name+"/src/branch/main/template.yaml", "--team", team)
		if err == nil || !strings.Contains(out, "template.yaml:7:") || !strings.Contains(out, `"uper"`) || !strings.Contains(out, `"cnoe:kubernetes:aply"`) {
			t.Errorf("%v\n%s", err, out)
		}
	})

	ada.run(t, "env", "create", team+"-play", "--team", team)
	var environment struct{ Namespace string }
	ada.get(t, "/teams/"+team+"/environments/"+team+"-play", &environment)
	eventually(t, settle, "the environment's namespace lets templates in", func() error {
		_, err := p.try(t.Context(), "kubectl", "-n", environment.Namespace, "get", "rolebinding", "templates")
		return err
	})
	p.repository(t, team, team+"-cnoe", map[string]string{"template.yaml": cnoeStyle,
		"skeleton/catalog-info.yaml":  "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: \"${{ values.name }}\"}\nspec: {type: service, lifecycle: experimental, owner: \"${{ values.owner }}\"}\n",
		"skeleton/manifests/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"${{ values.name }}-delivered\"}\ndata: {from: git}\n"})
	ada.run(t, "catalog", "register", own+"/"+team+"-cnoe/src/branch/main/template.yaml", "--team", team)

	// The portal dies as soon as a step has begun, and as soon as one is over.
	for i, moment := range []struct{ step, state string }{{"publish", "running"}, {"apply", "running"}, {"wait", "running"}, {"register", "running"}} {
		t.Run("killed-while-"+moment.step, func(t *testing.T) {
			name := fmt.Sprintf("%s-killed-%d", team, i)
			portal := ada.portal(t)
			begun := decode[aRun](t, ada.run(t, "template", "run", "deploy-things", "--team", team, "--set", "name="+name, "--detach", "-o", "json"))
			seen := portal.await(t, team, begun.ID, func(r aRun) bool {
				return slices.ContainsFunc(r.Steps, func(s struct{ ID, State string }) bool {
					return s.ID == moment.step && s.State != "pending"
				})
			})
			p.run(t, "kubectl", "-n", "slipway", "delete", "pod", "-l", "app.kubernetes.io/name=console", "--grace-period=0", "--force")
			killed := time.Now()
			t.Logf("killed: the run was %s, steps %v", seen.State, seen.Steps)
			run := portal.await(t, team, begun.ID, func(r aRun) bool { return r.State == "succeeded" || r.State == "failed" })
			if run.State != "succeeded" {
				t.Fatalf("%s: %s %v", run.State, run.Error, run.Remains)
			}
			t.Logf("converged %s after the kill", time.Since(killed).Round(time.Second))
			p.madeOnce(t, team, name, environment.Namespace)
		})
	}

	t.Run("refused-and-taken-back", func(t *testing.T) {
		p.repository(t, team, team+"-greedy", map[string]string{"template.yaml": strings.NewReplacer("deploy-things", "take-over", "kind: ConfigMap", "kind: Secret").Replace(cnoeStyle),
			"skeleton/README.md": "x\n"})
		ada.run(t, "catalog", "register", own+"/"+team+"-greedy/src/branch/main/template.yaml", "--team", team)
		out, err := ada.try(t, "template", "run", "take-over", "--team", team, "--set", "name="+team+"-greed")
		if err == nil || !strings.Contains(out, "may not apply objects of kind Secret") {
			t.Errorf("%v\n%s", err, out)
		}
		t.Log(tail(out, 12))
		if err := p.tryForge(t, http.MethodGet, "/repos/"+team+"/"+team+"-greed", nil, nil); err == nil {
			t.Error("the repository of the failed run is still there")
		}
	})
}

// cnoeStyle publishes, applies by itself, has a repository delivered, and registers.
const cnoeStyle = `apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata:
  name: deploy-things
  title: Deploy things
spec:
  owner: guest
  type: service
  parameters:
    - title: Options
      required: [name]
      properties:
        name: {type: string, ui:autofocus: true}
  steps:
    - id: template
      action: fetch:template
      input:
        url: ./skeleton
        values: {name: "${{ parameters.name }}", owner: "${{ user.ref }}"}
    - id: publish
      action: publish:gitea
      input:
        repoUrl: cnoe.localtest.me:8443/gitea?repo=${{ parameters.name }}
        defaultBranch: main
    - id: serialize
      action: roadiehq:utils:serialize:yaml
      input:
        data:
          apiVersion: v1
          kind: ConfigMap
          metadata: {generateName: "${{ parameters.name }}-", labels: {made-by: "${{ parameters.name }}"}}
          data: {a: b, c: null}
    - id: sanitize
      action: cnoe:utils:sanitize
      input: {document: "${{ steps['serialize'].output.serialized }}"}
    - id: apply
      action: cnoe:kubernetes:apply
      input: {namespaced: true, clusterName: local, manifest: "${{ steps['sanitize'].output.sanitized }}"}
    - id: deliver
      action: cnoe:create-argocd-app
      input:
        appName: ${{ parameters.name }}
        appNamespace: ${{ parameters.name }}
        argoInstance: in-cluster
        projectName: default
        repoUrl: https://cnoe.localtest.me:8443/gitea/giteaAdmin/${{ parameters.name }}
        path: manifests
    - id: wait
      action: debug:wait
      input: {seconds: 3}
    - id: register
      action: catalog:register
      input:
        repoContentsUrl: ${{ steps['publish'].output.repoContentsUrl }}
        catalogInfoPath: /catalog-info.yaml
  output:
    links:
      - {title: In the catalogue, entityRef: "${{ steps['register'].output.entityRef }}"}
`

// madeOnce looks at everything that a run of cnoeStyle makes: it is there, and no second time.
func (p *platform) madeOnce(t *testing.T, team, name, namespace string) {
	t.Helper()
	var commits []struct{ Files []struct{ Filename string } }
	p.forge(t, http.MethodGet, "/repos/"+team+"/"+name+"/commits", nil, &commits)
	changes := 0
	for _, c := range commits {
		if len(c.Files) > 0 { // the one that made the server take note of a commit that was cut off changes nothing
			changes++
		}
	}
	if changes != 1 || len(commits) > 2 {
		t.Errorf("%d commits in the repository, %d of which change something", len(commits), changes)
	}
	count := func(want int, args ...string) {
		t.Helper()
		out := p.run(t, append([]string{"kubectl"}, append(args, "-o", "name")...)...)
		if got := len(strings.Fields(out)); got != want {
			t.Errorf("kubectl %s: %d, not %d\n%s", strings.Join(args, " "), got, want, out)
		}
	}
	count(1, "-n", namespace, "get", "configmaps", "-l", "made-by="+name)
	count(1, "-n", "argocd", "get", "applications.argoproj.io", "-l", "backstage-name="+name)
	eventually(t, settle, "what stands in the repository is delivered", func() error {
		_, err := p.try(t.Context(), "kubectl", "-n", namespace, "get", "configmap", name+"-delivered")
		return err
	})
	dir := filepath.Join(t.TempDir(), "environments")
	user, password := p.login(t, "gitea")
	p.git(t, "", "clone", "-q", strings.Replace(p.url(t, "gitea"), "https://", "https://"+user+":"+password+"@", 1)+"/slipway/environments", dir)
	files, err := filepath.Glob(filepath.Join(dir, "catalog", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	registered := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "/"+team+"/"+name+"/") {
			registered++
		}
	}
	if registered != 1 {
		t.Errorf("registered %d times", registered)
	}
}

// repository makes a repository with files.
func (p *platform) repository(t *testing.T, owner, name string, files map[string]string) {
	t.Helper()
	p.forge(t, http.MethodPost, "/orgs/"+owner+"/repos", map[string]any{"name": name, "private": false, "default_branch": "main"}, nil)
	var changes []map[string]any
	for file, text := range files {
		changes = append(changes, map[string]any{"operation": "create", "path": file, "content": base64.StdEncoding.EncodeToString([]byte(text))})
	}
	p.forge(t, http.MethodPost, "/repos/"+owner+"/"+name+"/contents", map[string]any{"branch": "main", "message": "Begin", "files": changes}, nil)
}

// portalOf is the portal's API as somebody sees it.
type portalOf struct {
	client       *http.Client
	url, account string
}

func (who *person) portal(t *testing.T) portalOf {
	t.Helper()
	return portalOf{who.p.client(t), who.p.url(t, "console") + "/api/v1", who.token}
}

func (p portalOf) get(path string, into any) error {
	text, err := getAs(p.client, p.url+path, p.account)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), into)
}

// get reads something of the portal's API.
func (who *person) get(t *testing.T, path string, into any) {
	t.Helper()
	if err := who.portal(t).get(path, into); err != nil {
		t.Fatal(err)
	}
}

// await waits until a run is as wanted, looking all the time; the portal may be away meanwhile.
func (p portalOf) await(t *testing.T, team, id string, wanted func(aRun) bool) aRun {
	t.Helper()
	var last string
	for deadline := time.Now().Add(promotes); time.Now().Before(deadline) && t.Context().Err() == nil; time.Sleep(20 * time.Millisecond) {
		var r aRun
		if err := p.get("/teams/"+team+"/template-runs/"+id, &r); err != nil {
			last = err.Error()
			time.Sleep(200 * time.Millisecond) // it is away
			continue
		}
		if wanted(r) {
			return r
		}
		last = fmt.Sprintf("it is %s: %+v", r.State, r.Steps)
	}
	t.Fatalf("run %s: not within %s: %s", id, promotes, last)
	return aRun{}
}

// npmFiles are the files below a folder of a package, as npm's registry has it.
func npmFiles(t *testing.T, pkg, folder string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	c := exec.CommandContext(t.Context(), "npm", "pack", "--silent", pkg)
	c.Dir = dir
	out, err := c.Output()
	if err != nil {
		t.Fatalf("npm pack %s: %v", pkg, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, strings.TrimSpace(string(out))))
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if name, below := strings.CutPrefix(h.Name, folder); below && h.Typeflag == tar.TypeReg {
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = string(text)
		}
	}
	if files["template.yaml"] == "" {
		t.Fatalf("%s has no template in %s", pkg, folder)
	}
	return files
}
