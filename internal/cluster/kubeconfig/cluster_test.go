package kubeconfig

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

// cluster answers as an API server of the given version that denies one verb does, and returns
// the path of a kubeconfig for it.
func cluster(t *testing.T, running, deny string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, version.Info{GitVersion: running})
	})
	mux.HandleFunc("GET /api/v1/namespaces/kube-system/services/kube-dns", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{"apiVersion": "v1", "kind": "Service", "spec": map[string]any{"clusterIP": "10.43.0.10"}})
	})
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", func(w http.ResponseWriter, r *http.Request) {
		var review authorizationv1.SelfSubjectAccessReview
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, &review) // clients speak protobuf
		}
		if err != nil {
			t.Error(err)
			return
		}
		review.APIVersion, review.Kind = "authorization.k8s.io/v1", "SelfSubjectAccessReview"
		review.Status.Allowed = review.Spec.ResourceAttributes.Verb != deny
		reply(w, http.StatusCreated, review)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return kubeconfigFor(t, server.URL)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func kubeconfigFor(t *testing.T, url string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: url}
	config.Contexts["here"] = &clientcmdapi.Context{Cluster: "c"}
	config.CurrentContext = "here"
	path := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheck(t *testing.T) {
	for name, test := range map[string]struct {
		running, deny, want string
	}{
		"new enough and allowed": {running: "v1.34.3"},
		"a vendor's version":     {running: "v1.33.1+k3s1"},
		"too old":                {running: "v1.28.4", want: "runs Kubernetes 1.28.4; the platform needs 1.31.0"},
		"missing rights":         {running: "v1.34.0", deny: "escalate", want: "does not allow you to escalate clusterroles.rbac.authorization.k8s.io"},
	} {
		t.Run(name, func(t *testing.T) {
			err := New(v1alpha1.KubeconfigCluster{Path: cluster(t, test.running, test.deny)}).Check(context.Background())
			wantError(t, err, test.want)
		})
	}
}

func TestCheck_SaysHowToGoOnWhenNothingAnswers(t *testing.T) {
	wantError(t, New(v1alpha1.KubeconfigCluster{Path: kubeconfigFor(t, "http://127.0.0.1:1")}).Check(context.Background()), "ask the cluster")
}

func TestRESTConfig_NamesWhatIsMissing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	_, err := New(v1alpha1.KubeconfigCluster{Path: missing}).RESTConfig()
	wantError(t, err, missing)

	_, err = New(v1alpha1.KubeconfigCluster{Path: cluster(t, "v1.34.3", ""), Context: "elsewhere"}).RESTConfig()
	wantError(t, err, `"elsewhere"`)

	t.Setenv("KUBECONFIG", missing)
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	_, err = New(v1alpha1.KubeconfigCluster{}).RESTConfig()
	wantError(t, err, missing)
}

func TestEnvironment_FindsTheClustersDNS(t *testing.T) {
	got, err := New(v1alpha1.KubeconfigCluster{Path: cluster(t, "v1.34.3", "")}).Environment(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got.DNSIP != "10.43.0.10" || got.Provider != v1alpha1.ProviderKubeconfig || got.Port != 443 || got.GatewayIP != "" {
		t.Errorf("environment %+v", got)
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if part == "" {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Fatalf("error %v, want one with %q", err, part)
	}
	if hint, _ := fault.Of(err); hint == "" {
		t.Errorf("%v has no next step", err)
	}
}

func TestMain(m *testing.M) {
	os.Unsetenv("KUBECONFIG") // the tests' own clusters only
	os.Exit(m.Run())
}
