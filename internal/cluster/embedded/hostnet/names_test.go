package hostnet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// ask sends one question to a name server.
func ask(t *testing.T, network, server, name string, kind dnsmessage.Type) dnsmessage.Message {
	t.Helper()
	question := dnsmessage.Message{Header: dnsmessage.Header{ID: 4711, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	packed, err := question.Pack()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&NameServer{}).ask(context.Background(), network, server, packed)
	if err != nil {
		t.Fatalf("%s %s: %v", network, name, err)
	}
	var m dnsmessage.Message
	if err := m.Unpack(answer); err != nil {
		t.Fatal(err)
	}
	if m.ID != 4711 || !m.Response {
		t.Errorf("answer's header %+v", m.Header)
	}
	return m
}

// serve runs a name server and returns its address, the same for UDP and TCP.
func serve(t *testing.T, s *NameServer) string {
	t.Helper()
	for range 20 { // until a port is free for both
		streams, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		packets, err := net.ListenPacket("udp", streams.Addr().String())
		if err != nil {
			streams.Close()
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		go s.Serve(ctx, packets, streams)
		return streams.Addr().String()
	}
	t.Fatal("no free port")
	return ""
}

func TestNameServer_AnswersForThePlatformsDomain(t *testing.T) {
	address := serve(t, &NameServer{Domain: "acme.localhost", Gateway: netip.MustParseAddr("10.96.0.20"), ResolvConf: "/nonexistent"})
	for _, network := range []string{"udp", "tcp"} {
		for _, name := range []string{"acme.localhost.", "git.acme.localhost.", "Git.ACME.localhost."} {
			m := ask(t, network, address, name, dnsmessage.TypeA)
			if len(m.Answers) != 1 {
				t.Fatalf("%s: %+v", name, m)
			}
			a, ok := m.Answers[0].Body.(*dnsmessage.AResource)
			if !ok || a.A != [4]byte{10, 96, 0, 20} {
				t.Errorf("%s: %+v", name, m.Answers)
			}
		}
		if m := ask(t, network, address, "git.acme.localhost.", dnsmessage.TypeAAAA); len(m.Answers) != 0 || m.RCode != dnsmessage.RCodeSuccess {
			t.Errorf("AAAA: %+v", m)
		}
	}
}

func TestNameServer_SaysThatNobodyKnows(t *testing.T) {
	address := serve(t, &NameServer{Domain: "acme.localhost", ResolvConf: "/nonexistent"})
	for _, name := range []string{"example.com.", "notacme.localhost."} {
		if m := ask(t, "udp", address, name, dnsmessage.TypeA); m.RCode != dnsmessage.RCodeServerFailure {
			t.Errorf("%s: %+v", name, m.Header)
		}
	}
}

func TestNameServer_ServersFollowTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	s := &NameServer{ResolvConf: file}
	for _, test := range []struct {
		text string
		want []string
	}{
		{"# none\nsearch example.com\n", nil},
		{"nameserver 127.0.0.53\noptions edns0\n", []string{"127.0.0.53:53"}},
		{"nameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver junk\nnameserver\n", []string{"192.0.2.1:53", "[fe80::1%eth0]:53"}},
	} {
		if err := os.WriteFile(file, []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := s.servers(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: %v, want %v", test.text, got, test.want)
		}
	}
}

func TestNameServer_IgnoresWhatIsNoQuestion(t *testing.T) {
	s := &NameServer{Domain: "acme.localhost", ResolvConf: "/nonexistent", Patience: time.Second}
	response, err := (&dnsmessage.Message{Header: dnsmessage.Header{Response: true}}).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, packet := range [][]byte{nil, []byte("x"), response} {
		if got := s.answer(context.Background(), packet, "udp"); got != nil {
			t.Errorf("%q got an answer", packet)
		}
	}
}

func FuzzNameServer_NeverPanics(f *testing.F) {
	q, err := (&dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("git.acme.localhost."), Type: dnsmessage.TypeA}}}).Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q)
	f.Add([]byte(fmt.Sprint(q)))
	s := &NameServer{Domain: "acme.localhost", Gateway: netip.MustParseAddr("10.96.0.20"), ResolvConf: "/nonexistent"}
	f.Fuzz(func(t *testing.T, packet []byte) {
		if answer := s.answer(context.Background(), packet, "udp"); answer != nil {
			var m dnsmessage.Message
			if err := m.Unpack(answer); err != nil {
				t.Errorf("the answer can't be read: %v", err)
			}
		}
	})
}
