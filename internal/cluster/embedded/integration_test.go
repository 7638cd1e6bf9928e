//go:build integration

package embedded

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/cluster/embedded/hostshare"
	"github.com/slipway-dev/slipway/internal/cluster/supervise"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/supply/store"
	"github.com/slipway-dev/slipway/internal/testcluster"
)

// payloadImage is what the tests' pods run; no registry has it.
const payloadImage = "registry.example.com/slipway/payload:1"

// binDir makes a directory of the kubernetes component's programs, as its image has it.
func binDir(t *testing.T) string {
	t.Helper()
	program := os.Getenv(testcluster.EnvKube)
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s must name the program \"kube\" of the component kubernetes: %v", testcluster.EnvKube, err)
	}
	dir := t.TempDir()
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kube-network-policy", "kubeadm", "kubectl"} {
		if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// testNode is a node of its own name below a directory of its own; it is purged at the end.
func testNode(t *testing.T, name, images string, change ...func(*Options)) *Node {
	t.Helper()
	// Not t.TempDir: its removal comes before the node's when the purge fails, and hides why.
	root, err := os.MkdirTemp("/var/tmp", "slipway-test-")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Name: name, StateDir: filepath.Join(root, name), BinDir: binDir(t), Store: images,
		Report: progress.Func(func(e progress.Event) {
			if e.State != progress.Running && e.State != progress.Waiting {
				t.Logf("%s %s %s %s", e.Time.Format("05.000"), e.Task, e.State, e.Message)
			}
		}),
	}
	for _, f := range change {
		f(&o)
	}
	n := New(o)
	t.Cleanup(func() {
		if t.Failed() {
			for _, log := range []string{"supervisor", "kubelet", "containerd"} {
				t.Logf("end of %s.log:%s", log, lastLines(n.dir.Logs(log+".log"), 12))
			}
		}
		if err := n.Purge(context.Background()); err != nil {
			t.Errorf("purge: %v", err)
		}
		if err := os.Remove(root); err != nil {
			t.Errorf("the purge left something: %v", err)
		}
	})
	return n
}

func up(t *testing.T, n *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if err := n.Up(ctx); err != nil {
		t.Fatalf("up: %v", err)
	}
}

// imageStore makes a store with the payload, also under the name of the pause image.
func imageStore(t *testing.T) string {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	program := filepath.Join(t.TempDir(), "payload")
	build := exec.Command("go", "build", "-o", program, "./testdata/payload")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the payload: %v\n%s", err, out)
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	for _, err := range []error{
		archive.WriteHeader(&tar.Header{Name: "payload", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(binary))}),
		second(archive.Write(binary)), archive.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	images, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	hash, size, err := v1.SHA256(bytes.NewReader(layer.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := images.WriteBlob(ctx, hash, &layer); err != nil {
		t.Fatal(err)
	}
	config := &v1.ConfigFile{Architecture: "amd64", OS: "linux",
		Config: v1.Config{Entrypoint: []string{"/payload"}, Cmd: []string{"pause"}, User: "65532:65532"},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{hash}}}
	d, err := images.PutImage(ctx, config, []v1.Descriptor{{MediaType: types.OCIUncompressedLayer, Digest: hash, Size: size}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := images.Tag(ctx, d, "test", payloadImage, "registry.k8s.io/pause:3.10.1"); err != nil {
		t.Fatal(err)
	}
	return dir
}

func second[T any](_ T, err error) error { return err }

func client(t *testing.T, n *Node) kubernetes.Interface {
	t.Helper()
	c, err := clientOf(n.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// eventually waits until check finds nothing wrong any more.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// pod makes a pod of the payload and waits until it runs (or, where it only does one thing, is done).
func pod(t *testing.T, n *Node, name string, change func(*corev1.Pod), args ...string) {
	t.Helper()
	ctx := context.Background()
	pods := client(t, n).CoreV1().Pods("default")
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: payloadImage, Args: args}}},
	}
	if change != nil {
		change(p)
	}
	eventually(t, "make pod "+name, func(ctx context.Context) error {
		_, err := pods.Create(ctx, p, metav1.CreateOptions{}) // the default ServiceAccount comes a moment after the API
		return err
	})
	t.Cleanup(func() {
		now := int64(0)
		_ = pods.Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	})
	eventually(t, "pod "+name, func(ctx context.Context) error {
		p, err := pods.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if p.Status.Phase == corev1.PodSucceeded || len(p.Status.ContainerStatuses) > 0 && p.Status.ContainerStatuses[0].Ready {
			return nil
		}
		text, _ := yaml.Marshal(p.Status)
		return fmt.Errorf("it is %s:\n%s", p.Status.Phase, text)
	})
}

func kubectl(t *testing.T, n *Node, args ...string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(n.opts.BinDir, "kubectl"), append([]string{"--kubeconfig", n.Kubeconfig()}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// leftovers lists what on this machine bears the node's name or directory.
func leftovers(t *testing.T, n *Node) []string {
	t.Helper()
	var found []string
	for _, source := range [][]string{{"ip", "-details", "link"}, {"nft", "list", "tables"}, {"cat", "/proc/self/mountinfo"}} {
		out, err := exec.Command(source[0], source[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v", source[0], err)
		}
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, n.dir.Root()) || strings.Contains(line, "slipway_"+n.opts.Name) || strings.Contains(line, "slipway platform "+n.opts.Name) {
				found = append(found, strings.Join(source, " ")+": "+line)
			}
		}
	}
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, d fs.DirEntry, _ error) error {
		if strings.HasSuffix(path, "/slipway/"+n.opts.Name) {
			found = append(found, path)
		}
		return nil
	})
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range commands {
		if text, _ := os.ReadFile(file); bytes.Contains(text, []byte(n.dir.Root())) {
			found = append(found, file+": "+string(bytes.ReplaceAll(text, []byte{0}, []byte{' '})))
		}
	}
	host := hostshare.This()
	if _, err := os.Stat(host.Socket(n.opts.Name)); err == nil {
		found = append(found, host.Socket(n.opts.Name))
	}
	return found
}

// partNamed waits until the part is ready and returns it.
func partNamed(t *testing.T, n *Node, name string) Part {
	t.Helper()
	var found Part
	eventually(t, "part "+name, func(ctx context.Context) error {
		s, err := n.Status(ctx)
		if err != nil {
			return err
		}
		for _, p := range s.Parts {
			if p.Name == name && p.State == string(supervise.Ready) && p.PID != 0 {
				found = p
				return nil
			}
		}
		return fmt.Errorf("%+v", s)
	})
	return found
}
