//go:build integration

package portal_test

import (
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-dev/slipway/internal/app"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/portal"
	"github.com/slipway-dev/slipway/internal/portal/config"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/testcluster"
)

var shared testcluster.Shared

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

// account is what the portal is to the API server, role what templates may do where it is bound.
const (
	account = "system:serviceaccount:slipway:console"
	role    = "templates"
)

// withCluster is a world whose portal uses a real API server with the rights that it has on a platform: it sees
// namespaces and pods, and applies what templates hold where the environments' namespaces let it.
func withCluster(t *testing.T) (*world, kubernetes.Interface) {
	t.Helper()
	admin, err := kubernetes.NewForConfig(shared.Cluster(t).Config)
	if err != nil {
		t.Fatal(err)
	}
	made := func(_ any, err error) {
		t.Helper()
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	ctx, rbac := t.Context(), admin.RbacV1()
	made(rbac.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: role}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "create", "patch", "delete"}}}}, metav1.CreateOptions{}))
	made(rbac.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "watches"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"namespaces", "pods"}, Verbs: []string{"get", "list"}}}}, metav1.CreateOptions{}))
	made(rbac.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "watches"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "watches"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: account}}}, metav1.CreateOptions{}))
	limited := rest.CopyConfig(shared.Cluster(t).Config)
	limited.Impersonate.UserName = account
	client, err := kube.New(limited)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldWith(t, func(o *portal.Options) {
		o.Kube = client
		o.Config.Templates = &config.Templates{Role: "templates", ServiceAccount: "slipway/console"}
	})
	return w, admin
}

// deliver makes the namespaces that the environments' repository asks for, as the delivery tool would.
func (w *world) deliver(admin kubernetes.Interface) {
	w.t.Helper()
	files, err := w.forge.ReadFolder(w.t.Context(), own, app.Branch, app.NamespacesFolder)
	w.must(err)
	for _, f := range files {
		parts := strings.Split(f.Path, "/")
		namespace, file := parts[1], parts[2]
		if strings.HasPrefix(file, "namespace-") {
			_, err := admin.CoreV1().Namespaces().Create(w.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
			w.made(err)
		}
		if file == "rolebinding-templates.yaml" {
			_, err := admin.RbacV1().RoleBindings(namespace).Create(w.t.Context(), &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "templates"},
				RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
				Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "slipway", Name: "console"}}}, metav1.CreateOptions{})
			w.made(err)
		}
	}
}

func (w *world) made(err error) {
	w.t.Helper()
	if !apierrors.IsAlreadyExists(err) {
		w.must(err)
	}
}

// publish puts a template with steps into a repository of the team's and registers it.
func (w *world) publish(team, name, steps string) (api.TemplateRef, error) {
	w.t.Helper()
	at := w.published(team, "template-"+name, map[string]string{"template.yaml": "apiVersion: scaffolder.backstage.io/v1beta3\nkind: Template\nmetadata: {name: " +
		name + "}\nspec:\n  type: resource\n  steps:\n" + steps})
	_, err := w.back.CatalogFiles.Register(w.t.Context(), ada, team, at+"template.yaml")
	return api.TemplateRef{Namespace: "default", Name: name}, err
}

// finish runs a template and waits for its end.
func (w *world) finish(team string, ref api.TemplateRef) api.Run {
	w.t.Helper()
	run, err := w.back.Runs.Start(w.t.Context(), ada, team, ref, nil)
	w.must(err)
	w.must(w.back.Runs.Watch(w.t.Context(), team, run.ID, "", func(api.RunEvent) error { return nil }))
	run, err = w.back.Runs.Run(w.t.Context(), team, run.ID)
	w.must(err)
	return run
}

const configMap = "    - {id: apply, action: 'cnoe:kubernetes:apply', input: {namespaced: true, clusterName: local, manifestObject: " +
	"{apiVersion: v1, kind: ConfigMap, metadata: {name: %NAME%%WHERE%}, data: {a: b}}}}\n"

func applies(name, namespace string) string {
	where := ""
	if namespace != "" {
		where = ", namespace: " + namespace
	}
	return strings.NewReplacer("%NAME%", name, "%WHERE%", where).Replace(configMap)
}

func TestApply_GoesToTheTeamsOwnEnvironmentAndNowhereElse(t *testing.T) {
	w, admin := withCluster(t)
	in := func(team, name string) {
		_, err := w.back.Environments.Create(t.Context(), ada, team, api.NewEnvironment{Name: name})
		w.must(err)
	}
	ref, err := w.publish("shop", "apply-here", applies("here", ""))
	w.must(err)
	if run := w.finish("shop", ref); run.State != api.RunFailed || !strings.Contains(run.Error, "no environment") {
		t.Errorf("without an environment: %s %s", run.State, run.Error)
	}
	in("shop", "play")
	in("other", "theirs")
	w.deliver(admin)
	for namespace, want := range map[string]string{"": "shop-play", "default": "shop-play", "shop-play": "shop-play"} {
		name := "to-" + strings.TrimSuffix("x-"+namespace, "-")
		ref, err := w.publish("shop", name, applies(name, namespace))
		w.must(err)
		if run := w.finish("shop", ref); run.State != api.RunSucceeded {
			t.Fatalf("namespace %q: %s", namespace, run.Error)
		}
		if _, err := admin.CoreV1().ConfigMaps(want).Get(t.Context(), name, metav1.GetOptions{}); err != nil {
			t.Errorf("namespace %q: %v", namespace, err)
		}
	}
	refused := map[string][2]string{
		"theirs":    {applies("stray", "other-theirs"), "other-theirs"},
		"system":    {applies("stray", "kube-system"), "kube-system"},
		"secret":    {strings.Replace(applies("stray", ""), "ConfigMap", "Secret", 1), "kind Secret"},
		"cluster":   {strings.Replace(applies("stray", ""), "kind: ConfigMap", "kind: Namespace", 1), "whole cluster"},
		"unknown":   {strings.Replace(applies("stray", ""), "apiVersion: v1, kind: ConfigMap", "apiVersion: example.com/v1, kind: Bucket", 1), "no kind Bucket"},
		"elsewhere": {strings.Replace(applies("stray", ""), "clusterName: local", "clusterName: workshop", 1), "no cluster \"workshop\""},
		// The first of two manifests is fine: it is not made either.
		"half": {"    - {id: apply, action: 'kubernetes:apply', input: {manifests: [{apiVersion: v1, kind: ConfigMap, metadata: {name: stray}}, " +
			"{apiVersion: v1, kind: Secret, metadata: {name: stray}}]}}\n", "kind Secret"},
	}
	for name, tc := range refused {
		ref, err := w.publish("shop", "refused-"+name, tc[0])
		w.must(err)
		run := w.finish("shop", ref)
		if run.State != api.RunFailed || !strings.Contains(run.Error, tc[1]) || len(run.Remains) > 0 {
			t.Errorf("%s: %s %s %v", name, run.State, run.Error, run.Remains)
		}
	}
	if list, err := admin.CoreV1().ConfigMaps("").List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=stray"}); err != nil || len(list.Items) > 0 {
		t.Errorf("%v %v", list.Items, err)
	}
}

// The API server itself keeps the portal out of governed namespaces, whatever the portal thinks.
func TestApply_GovernedNamespacesHaveNoBinding(t *testing.T) {
	w, _ := withCluster(t)
	w.make("shop", orders())
	for namespace, want := range map[string]bool{"orders-dev": true, "orders-prod": false} {
		_, err := w.forge.ReadFile(t.Context(), own, app.Branch, "namespaces/"+namespace+"/rolebinding-templates.yaml")
		if (err == nil) != want {
			t.Errorf("%s: %v", namespace, err)
		}
	}
}

func TestApply_FailedRunTakesBackWhatItMadeAndLeavesWhatItDidNot(t *testing.T) {
	w, admin := withCluster(t)
	_, err := w.back.Environments.Create(t.Context(), ada, "shop", api.NewEnvironment{Name: "play"})
	w.must(err)
	w.deliver(admin)
	maps := admin.CoreV1().ConfigMaps("shop-play")
	_, err = maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "before"}, Data: map[string]string{"a": "theirs"}}, metav1.CreateOptions{})
	w.made(err)
	const fails = "    - {id: fail, action: 'fs:rename', input: {files: [{from: a, to: b}]}}\n"
	ref, err := w.publish("shop", "fails", applies("made", "")+fails)
	w.must(err)
	if run := w.finish("shop", ref); run.State != api.RunFailed || len(run.Remains) > 0 {
		t.Errorf("%s %v", run.State, run.Remains)
	}
	if _, err := maps.Get(t.Context(), "made", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("what the run made: %v", err)
	}
	ref, err = w.publish("shop", "conflicts", applies("before", ""))
	w.must(err)
	if run := w.finish("shop", ref); run.State != api.RunFailed || !strings.Contains(run.Error, "somebody else's") {
		t.Errorf("%s %s", run.State, run.Error)
	}
	if m, err := maps.Get(t.Context(), "before", metav1.GetOptions{}); err != nil || m.Data["a"] != "theirs" {
		t.Errorf("%v %v", m, err)
	}
}
