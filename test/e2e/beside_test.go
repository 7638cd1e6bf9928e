//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// testBeside runs a second platform, the smallest there is, beside the first; and, with the
// second's cluster as a given one, a third.
func testBeside(t *testing.T, p *platform) {
	bare := newPlatform(t, p.name+"-bare")
	bare.write(t, "platform.yaml", bare.header()+"spec:\n  capabilities:\n"+
		without("git", "registry", "identity", "delivery", "workflow", "certificates", "gateway", "metrics", "portal", "ci"))
	bare.up(t)
	if out := bare.run(t, "kubectl", "get", "nodes", "-o", "name"); strings.TrimSpace(out) != "node/"+bare.name {
		t.Errorf("the second platform's nodes: %q", out)
	}
	testHealthy(t, p)
	t.Run("a-given-cluster", func(t *testing.T) { testGivenCluster(t, bare) })
	bare.run(t, "down", "--purge", "--yes", "--name", bare.name)
	testHealthy(t, p)
}

// testGivenCluster brings a platform up in a cluster that Slipway is only given, and sees that
// `down --purge` takes away what it brought and nothing else.
func testGivenCluster(t *testing.T, cluster *platform) {
	guest := newPlatform(t, strings.TrimSuffix(cluster.name, "-bare")+"-guest")
	guest.domain = "guest.example"
	kubeconfig := strings.TrimSpace(cluster.run(t, "get", "kubeconfig", "--path", "--name", cluster.name))
	guest.write(t, "platform.yaml", guest.header()+
		"spec:\n  domain: "+guest.domain+"\n  cluster:\n    provider: kubeconfig\n    kubeconfig: {path: "+kubeconfig+"}\n  capabilities:\n"+
		without("git", "registry", "identity", "delivery", "workflow", "gateway", "metrics", "portal", "ci"))
	before := cluster.objects(t)
	guest.up(t)
	s := decode[struct {
		Health       string
		Capabilities []struct{ Capability, Tool, Health, Message string }
	}](t, guest.run(t, "status", "--name", guest.name, "-o", "json"))
	if s.Health != "healthy" || len(s.Capabilities) == 0 {
		t.Errorf("status: %+v", s)
	}
	if out := cluster.run(t, "kubectl", "-n", "cert-manager", "get", "deployments", "-o", "name"); !strings.Contains(out, "cert-manager") {
		t.Errorf("the tool is not in the given cluster: %q", out)
	}
	guest.run(t, "down", "--purge", "--yes", "--name", guest.name)
	after := cluster.objects(t)
	for name := range before {
		if !after[name] {
			t.Errorf("%s was there before the platform and is gone", name)
		}
	}
	for name := range after {
		if !before[name] {
			t.Errorf("%s is left of the platform", name)
		}
	}
}

// objects names the cluster's objects whose names do not change by themselves.
func (p *platform) objects(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	out := p.run(t, "kubectl", "get", "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,"+
		"validatingwebhookconfigurations,mutatingwebhookconfigurations,storageclasses,deployments,services,configmaps,secrets,serviceaccounts,roles,rolebindings",
		"-A", "--no-headers", "-o", "custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name")
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		found[strings.Join(strings.Fields(line), " ")] = true
	}
	return found
}

// without leaves capabilities out of a Platform file.
func without(capabilities ...string) string {
	text := ""
	for _, c := range capabilities {
		text += "    " + c + ": {tool: none}\n"
	}
	return text
}
