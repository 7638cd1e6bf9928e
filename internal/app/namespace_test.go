package app

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/api/v1alpha1"
)

var platform = Platform{GatewayNamespace: "gateway", TeamGroups: []string{"{team}:developers", "{team}:approvers"}}

func written(files Files) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b.WriteString("# " + name + "\n" + string(files[name]))
	}
	return b.String()
}

func TestNamespace_Golden(t *testing.T) {
	shop := application(t, "shop", "")
	for name, e := range map[string]string{
		"dev":       "",
		"prod":      "kind: prod, limits: {requests: {cpu: 100m}, limits: {memory: 1Gi}}",
		"opened":    `team: payments, quota: {pods: "", requests.cpu: "8"}, network: {from: [a, b], to: [{namespace: db, ports: [5432]}, {cidr: 0.0.0.0/0, ports: [443]}, {cidr: 10.0.0.0/8}]}`,
		"closed-up": "access: none",
	} {
		t.Run(name, func(t *testing.T) {
			s := State{}
			s.Environments = map[string]v1alpha1.Environment{name: environment(t, name, e)}
			s.Applications = map[string]v1alpha1.Application{"shop": shop}
			namespaces := s.Namespaces()
			if len(namespaces) != 1 {
				t.Fatal(namespaces)
			}
			files, err := namespaces[0].Files(platform)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/namespaces/"+name+".golden.yaml", written(files))
		})
	}
}

func TestNamespaces_OneForEachApplicationOrOneForTheTeam(t *testing.T) {
	s := read(t, repository(t))
	var got []string
	for _, n := range s.Namespaces() {
		got = append(got, n.Environment.Metadata.Name+": "+n.Name+" of "+n.Team+" for "+n.Application)
	}
	want := []string{
		"shop-pr-7: shop-pr-7 of payments for shop",
		"dev: mail-dev of payments for mail", "dev: shop-dev of payments for shop",
		"lab: labs-lab of labs for ",
		"stage: shop-stage of payments for shop", "prod: shop-prod of payments for shop",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamespacesChange_RemovesWhatNobodyAsksFor(t *testing.T) {
	files := repository(t)
	files["namespaces/gone/namespace-gone.yaml"] = []byte("x")
	s := read(t, files)
	c, err := s.NamespacesChange(platform, files)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(c.Delete, "namespaces/gone/namespace-gone.yaml") ||
		c.Write["namespaces/labs-lab/namespace-labs-lab.yaml"] == nil {
		t.Errorf("%v, %v", c.Paths(), c.Delete)
	}
	apply(files, c)
	if again, err := s.NamespacesChange(platform, files); err != nil || again.Any() {
		t.Errorf("again: %v, %v", again.Paths(), err)
	}
}
