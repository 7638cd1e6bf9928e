package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/fault"
)

func TestChoosePort(t *testing.T) {
	busy := func(ports ...int) func(string, int) error {
		return func(_ string, port int) error {
			for _, p := range ports {
				if p == port {
					return errors.New("address already in use")
				}
			}
			return nil
		}
	}
	other := []settings{{Name: "other", Listen: "127.0.0.1", Port: 443}}
	for name, test := range map[string]struct {
		asked  int
		others []settings
		busy   []int
		want   int
		wrong  string
	}{
		"443 where it is free":          {want: 443},
		"8443 where 443 is taken":       {busy: []int{443}, want: 8443},
		"upwards":                       {busy: []int{443, 8443, 8444}, want: 8445},
		"not a stopped platform's":      {others: other, want: 8443},
		"a platform on another address": {others: []settings{{Name: "o", Listen: "192.0.2.1", Port: 443}}, want: 443},
		"as asked":                      {asked: 9443, want: 9443},
		"asked, taken":                  {asked: 9443, busy: []int{9443}, wrong: "port 9443 of 127.0.0.1 can't be used: address already in use"},
		"asked, another platform's":     {asked: 443, others: other, wrong: "belongs to the platform other"},
		"nothing free":                  {busy: append(portRange(8443, 8643), 443), wrong: "no free port"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := choosePort("127.0.0.1", test.asked, test.others, busy(test.busy...))
			if got != test.want {
				t.Errorf("port %d, want %d", got, test.want)
			}
			if test.wrong == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("error %v, want %q", err, test.wrong)
			}
			if hint, _ := fault.Of(err); hint == "" {
				t.Error("no next step")
			}
		})
	}
}

func TestEnvironment_ChoicesStayAndKeepApart(t *testing.T) {
	ctx := context.Background()
	home := t.TempDir()
	node := func(name string) *Node {
		dir := filepath.Join(home, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return New(Options{Name: name, StateDir: dir, Cluster: v1alpha1.EmbeddedCluster{}})
	}
	first, err := node("one").Environment(ctx)
	if err != nil {
		t.Fatal(err)
	}
	again, err := node("one").Environment(ctx)
	if err != nil || again.Port != first.Port || again.Nameservers[0] != first.Nameservers[0] {
		t.Errorf("%+v, then %+v (%v)", first, again, err)
	}
	second, err := node("two").Environment(ctx)
	if err != nil || second.Port == first.Port || second.Nameservers[0] == first.Nameservers[0] {
		t.Errorf("two platforms share %+v and %+v (%v)", first, second, err)
	}
	if first.GatewayIP != "10.96.0.20" || first.DNSIP != "10.96.0.10" || first.GatewayNodePort != gatewayNodePort || first.VolumesDir == "" {
		t.Errorf("%+v", first)
	}
}

func TestEnvironment_ALookKeepsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := New(Options{Name: "one", StateDir: dir}).Environment(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s was made (%v)", dir, err)
	}
}

func TestEnvironment_RefusesAnotherPlatformsDirectory(t *testing.T) {
	dir := t.TempDir()
	if _, err := New(Options{Name: "one", StateDir: dir}).Environment(context.Background()); err != nil {
		t.Fatal(err)
	}
	_, err := New(Options{Name: "two", StateDir: dir}).Environment(context.Background())
	if err == nil || !strings.Contains(err.Error(), `holds the platform "one"`) {
		t.Errorf("error %v", err)
	}
}

func TestEnvironment_RefusesNetworksThatMeet(t *testing.T) {
	for name, c := range map[string]v1alpha1.EmbeddedCluster{
		"no network":       {PodCIDR: "10.244.0.0"},
		"too small":        {ServiceCIDR: "10.96.0.0/28"},
		"IPv6":             {PodCIDR: "fd00::/64"},
		"pods in services": {PodCIDR: "10.96.4.0/24"},
		"pods on the link": {PodCIDR: "10.231.0.0/16"},
	} {
		if _, err := New(Options{Name: "one", StateDir: t.TempDir(), Cluster: c}).Environment(context.Background()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
