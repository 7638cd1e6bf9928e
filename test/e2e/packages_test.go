//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// packages are one of each kind; two of them are CNOE packages whose content has the same name.
const packages = `    - name: plain
      path: plain
    - name: helm-hello
      path: chart
      expressions: true
      values: {host: "helm.${platform.domain}"}
    - name: kustomize-hello
      path: kustomize/overlay
    - name: cnoe-hello
      path: cnoe
    - name: cnoe-other
      path: other
    - name: workflow-hello
      path: workflow/package
      namespace: workflows
`

// testPackages has packages of every kind delivered, some edited, and all removed.
func testPackages(t *testing.T, p *platform) {
	p.copyExample(t, "plain-app/app", "plain")
	p.replace(t, "plain/namespace.yaml", "name: hello", "name: plain")
	p.replace(t, "plain/route.yaml", "hello."+p.domain, "plain."+p.domain)
	p.copyExample(t, "helm-app/chart", "chart")
	p.copyExample(t, "kustomize-app", "kustomize")
	p.copyExample(t, "cnoe-package/package", "cnoe")
	p.copyExample(t, "cnoe-package/package", "other")
	for _, file := range []string{"app.yaml", "manifests/deployment.yaml", "manifests/service.yaml", "manifests/route.yaml"} {
		p.replace(t, "other/"+file, "cnoe-hello", "cnoe-other")
	}
	p.replace(t, "other/manifests/route.yaml", "cnoe."+p.domain, "other."+p.domain)
	p.replace(t, "other/manifests/deployment.yaml", "Hello from a CNOE package", "Hello from another")

	p.copyExample(t, "workflow", "workflow")

	p.write(t, "platform.yaml", p.platformFile(packages))
	p.wantPlan(t, 3, "+  plain", "+  helm-hello", "+  kustomize-hello", "+  cnoe-hello", "+  cnoe-other", "+  workflow-hello")
	p.up(t)
	p.wantPlan(t, 0)
	eventually(t, settle, "the plain package is served", p.serves(t, "plain", "Hello from plain manifests"))
	eventually(t, settle, "the Helm package is served", p.serves(t, "helm", "Hello from a Helm chart"))
	eventually(t, settle, "the Kustomize package is served", p.serves(t, "kustomize", "Hello from an overlay"))
	eventually(t, settle, "the CNOE package is served", p.serves(t, "cnoe", "Hello from a CNOE package"))
	eventually(t, settle, "the other CNOE package is served", p.serves(t, "other", "Hello from another"))

	t.Run("workflow-passes-an-artifact", func(t *testing.T) { testWorkflow(t, p) })

	p.replace(t, "chart/values.yaml", "Hello from a Helm chart", "Hello after an edit")
	p.replace(t, "cnoe/manifests/deployment.yaml", "Hello from a CNOE package", "Hello after an edit")
	plan := p.wantPlan(t, 3, "helm-hello", "cnoe-hello", "Hello after an edit")
	if n := strings.Count(plan, "+            <h1>Hello after an edit") + strings.Count(plan, "+                <h1>Hello after an edit"); n != 2 {
		t.Errorf("plan shows %d of two edits:\n%s", n, plan)
	}
	for _, untouched := range []string{"plain", "kustomize-hello", "cnoe-other"} {
		if strings.Contains(plan, "packages/"+untouched+"/") || strings.Contains(plan, "~  "+untouched) {
			t.Errorf("plan after an edit changes %s, which was not edited:\n%s", untouched, plan)
		}
	}
	p.up(t)
	eventually(t, settle, "the edited Helm package is served", p.serves(t, "helm", "Hello after an edit"))
	eventually(t, settle, "the edited CNOE package is served", p.serves(t, "cnoe", "Hello after an edit"))
	if err := p.serves(t, "other", "Hello from another")(); err != nil {
		t.Errorf("the package whose content has the same name: %v", err)
	}

	p.write(t, "platform.yaml", p.platformFile(""))
	p.wantPlan(t, 3, "-  plain", "-  helm-hello", "-  kustomize-hello", "-  cnoe-hello", "-  cnoe-other", "-  workflow-hello")
	p.up(t)
	eventually(t, settle, "removed packages are pruned", func() error { return p.pruned(t.Context()) })
}

// pruned checks that nothing of testPackages' is left in the cluster.
func (p *platform) pruned(ctx context.Context) error {
	for _, name := range []string{"plain", "helm-hello", "kustomize-hello", "cnoe-hello", "cnoe-other"} {
		for _, what := range [][]string{
			{"-n", name, "deployments,services,httproutes,pods"},
			{"-n", "argocd", "application", name},
		} {
			out, err := p.try(ctx, append([]string{"kubectl", "get", "-o", "name", "--ignore-not-found"}, what...)...)
			if err != nil || strings.TrimSpace(out) != "" {
				return fmt.Errorf("there are still %s", out)
			}
		}
	}
	return nil
}

// testWorkflow runs the example workflow, whose second step reads what the first has written
// through the platform's object store, and fetches that file as a person would.
func testWorkflow(t *testing.T, p *platform) {
	name := strings.TrimSpace(p.run(t, "kubectl", "create", "-f", "workflow/run.yaml", "-o", "jsonpath={.metadata.name}"))
	p.run(t, "kubectl", "-n", "workflows", "wait", "--for=jsonpath={.status.phase}=Succeeded", "workflow/"+name, "--timeout=5m")

	w := decode[struct {
		Status struct {
			Nodes map[string]struct{ DisplayName string }
		}
	}](t, p.run(t, "kubectl", "-n", "workflows", "get", "workflow", name, "-o", "json"))
	// Steps' own account may not look at workflows; this is a person's.
	p.run(t, "kubectl", "-n", "workflows", "create", "serviceaccount", name)
	p.run(t, "kubectl", "-n", "workflows", "create", "rolebinding", name, "--clusterrole=admin", "--serviceaccount=workflows:"+name)
	token := strings.TrimSpace(p.run(t, "kubectl", "-n", "workflows", "create", "token", name))
	client := p.client(t)
	for _, want := range []struct{ step, artifact, text string }{
		{"write", "greeting", ""}, // an archive
		{"read", "main-logs", "Hello, Slipway"},
	} {
		found := false
		for id, n := range w.Status.Nodes {
			if n.DisplayName != want.step {
				continue
			}
			found = true
			text, err := getAs(client, fmt.Sprintf("https://%s/artifact-files/workflows/workflows/%s/%s/outputs/%s",
				p.host(t, "workflows"), name, id, want.artifact), token)
			if err != nil || text == "" || !strings.Contains(text, want.text) {
				t.Errorf("%s of %s: error %v, text %q", want.artifact, want.step, err, text)
			}
		}
		if !found {
			t.Errorf("the workflow had no step %s: %+v", want.step, w.Status.Nodes)
		}
	}
}

// wantPlan runs `plan`, which must end with the exit code and contain all texts; it gives its output.
func (p *platform) wantPlan(t *testing.T, code int, texts ...string) string {
	t.Helper()
	out, got := p.plan(t)
	if got != code {
		t.Fatalf("plan: exit code %d; want %d\n%s", got, code, out)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			t.Errorf("plan does not say %q:\n%s", text, out)
		}
	}
	return out
}

// plan gives `plan`'s text and exit code.
func (p *platform) plan(t *testing.T) (string, int) {
	t.Helper()
	out, err := p.try(t.Context(), "plan", "--exit-code")
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return out, exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	return out, 0
}
