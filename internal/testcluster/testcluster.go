// Package testcluster runs a real API server and etcd on loopback for integration tests: no
// nodes, no controllers unless asked for. It never leaves anything behind. Only tests import it.
package testcluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// EnvKube is the environment variable that names the program that is etcd, kube-apiserver and
// kube-controller-manager in one, chosen by the name it is called by.
const EnvKube = "SLIPWAY_TEST_KUBE"

// Cluster is a running control plane.
type Cluster struct {
	// Config connects as a cluster administrator.
	Config *rest.Config
	// Kubeconfig is a file that does the same.
	Kubeconfig string

	dir      string
	children []child
}

// child is a program of the control plane.
type child struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
}

// Shared runs a package's tests with one control plane, started when a test first asks for it.
//
//	var shared testcluster.Shared
//	func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }
type Shared struct {
	// Controllers are run beside the API server, see [Start].
	Controllers []string

	cluster *Cluster
	err     error
}

// Run runs the tests, then stops the control plane if one was started.
func (s *Shared) Run(m *testing.M) int {
	code := m.Run()
	if s.cluster != nil {
		s.cluster.Stop()
	}
	return code
}

// Cluster gives the running control plane. Tests that call it for the first time must not do so
// in parallel.
func (s *Shared) Cluster(t testing.TB) *Cluster {
	t.Helper()
	if s.cluster == nil && s.err == nil {
		s.cluster, s.err = Start(t.Context(), s.Controllers...)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.cluster
}

// Start starts a control plane and waits until it is ready. controllers are run by
// kube-controller-manager ("namespace-controller"); it is left out where there are none.
func Start(ctx context.Context, controllers ...string) (*Cluster, error) {
	program := os.Getenv(EnvKube)
	if program == "" {
		return nil, fmt.Errorf("integration tests need a Kubernetes control plane: run them by make integration, or set %s to the program \"kube\" of the component kubernetes", EnvKube)
	}
	if info, err := os.Stat(program); err == nil && info.IsDir() {
		program = filepath.Join(program, "kube")
	}
	if _, err := os.Stat(program); err != nil {
		return nil, fmt.Errorf("%s: %w", EnvKube, err)
	}
	dir, err := os.MkdirTemp("", "slipway-testcluster-")
	if err != nil {
		return nil, fmt.Errorf("start a control plane: %w", err)
	}
	c := &Cluster{dir: dir}
	if err := c.start(ctx, program, controllers); err != nil {
		c.Stop()
		return nil, fmt.Errorf("start a control plane: %w", err)
	}
	return c, nil
}

// Stop ends the control plane and removes its files.
func (c *Cluster) Stop() {
	for i := len(c.children) - 1; i >= 0; i-- {
		_ = c.children[i].cmd.Process.Kill()
		<-c.children[i].ended
	}
	c.children = nil
	_ = os.RemoveAll(c.dir)
}

func (c *Cluster) start(ctx context.Context, program string, controllers []string) error {
	ports, err := freePorts(3)
	if err != nil {
		return err
	}
	client, peer, api := ports[0], ports[1], ports[2]
	pki, err := newPKI(c.dir)
	if err != nil {
		return err
	}
	etcdURL := "http://127.0.0.1:" + client
	peerURL := "http://127.0.0.1:" + peer
	if err := c.run(program, "etcd",
		"--data-dir="+filepath.Join(c.dir, "etcd"), "--unsafe-no-fsync",
		"--listen-client-urls="+etcdURL, "--advertise-client-urls="+etcdURL,
		"--listen-peer-urls="+peerURL, "--initial-advertise-peer-urls="+peerURL,
		"--initial-cluster=default="+peerURL); err != nil {
		return err
	}
	if err := c.run(program, "kube-apiserver",
		"--etcd-servers="+etcdURL,
		"--bind-address=127.0.0.1", "--secure-port="+api, "--advertise-address=127.0.0.1",
		"--tls-cert-file="+pki.serverCert, "--tls-private-key-file="+pki.serverKey,
		"--client-ca-file="+pki.ca, "--authorization-mode=RBAC", "--anonymous-auth=false",
		"--service-account-issuer=https://testcluster", "--service-account-key-file="+pki.serverKey,
		"--service-account-signing-key-file="+pki.serverKey, "--service-cluster-ip-range=10.0.0.0/24",
		"--disable-admission-plugins=ServiceAccount"); err != nil {
		return err
	}
	c.Config = &rest.Config{
		Host:            "https://127.0.0.1:" + api,
		TLSClientConfig: rest.TLSClientConfig{CAFile: pki.ca, CertFile: pki.adminCert, KeyFile: pki.adminKey},
	}
	if c.Kubeconfig, err = pki.kubeconfig(c.dir, c.Config.Host); err != nil {
		return err
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	if len(controllers) == 0 {
		return nil
	}
	return c.run(program, "kube-controller-manager",
		"--kubeconfig="+c.Kubeconfig, "--bind-address=127.0.0.1", "--secure-port=0", "--leader-elect=false",
		"--use-service-account-credentials=false", "--controllers="+strings.Join(controllers, ","))
}

// run starts one program of the control plane; it ends with this process, however that ends.
func (c *Cluster) run(program, name string, args ...string) error {
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(program)
	cmd.Args = append([]string{name}, args...)
	cmd.Dir = c.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	c.children = append(c.children, child{name, cmd, ended})
	return nil
}

// ready waits until the API server says so and its default namespace exists.
func (c *Cluster) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return err
	}
	var last error
	for {
		_, last = client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if last == nil {
			return nil
		}
		for _, child := range c.children {
			select {
			case <-child.ended:
				return fmt.Errorf("%s ended; its log ends: %s", child.name, c.tail(child.name))
			default:
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server is not ready: %w; its log ends: %s", last, c.tail("kube-apiserver"))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tail is the end of a program's log.
func (c *Cluster) tail(name string) string {
	data, err := os.ReadFile(filepath.Join(c.dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	const shown = 2000
	return string(data[max(0, len(data)-shown):])
}

// freePorts finds n ports of loopback that nobody uses now.
func freePorts(n int) ([]string, error) {
	ports := make([]string, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}
