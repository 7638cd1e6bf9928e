package hostnet

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// NameServer is the node's way to the names that the host knows. It listens on the host's end of
// the link, so its address never changes, whatever network the host moves to. Names below Domain
// it answers itself with Gateway: the node's containerd pulls from the platform's own registry.
type NameServer struct {
	Domain  string
	Gateway netip.Addr
	// ResolvConf names the host's name servers; it is read for every question.
	ResolvConf string
	// Patience bounds the wait for one name server.
	Patience time.Duration
}

// Serve answers on both sockets until ctx is done, and closes them.
func (s *NameServer) Serve(ctx context.Context, packets net.PacketConn, streams net.Listener) {
	stop := context.AfterFunc(ctx, func() { packets.Close(); streams.Close() })
	defer stop()
	go s.serveStreams(ctx, streams)
	limit := make(chan struct{}, 256) // questions under way at once
	for {
		question := make([]byte, 4096)
		n, from, err := packets.ReadFrom(question)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			continue
		}
		limit <- struct{}{}
		go func() {
			defer func() { <-limit }()
			if answer := s.answer(ctx, question[:n], "udp"); answer != nil {
				_, _ = packets.WriteTo(answer, from)
			}
		}()
	}
}

func (s *NameServer) serveStreams(ctx context.Context, streams net.Listener) {
	for {
		conn, err := streams.Accept()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			continue
		}
		go func() {
			defer conn.Close()
			for {
				_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
				question, err := readFramed(conn)
				if err != nil {
					return
				}
				if answer := s.answer(ctx, question, "tcp"); answer == nil || writeFramed(conn, answer) != nil {
					return
				}
			}
		}()
	}
}

// answer returns the packet to send back, or nil for what is no question.
func (s *NameServer) answer(ctx context.Context, question []byte, network string) []byte {
	var parser dnsmessage.Parser
	header, err := parser.Start(question)
	if err != nil || header.Response {
		return nil
	}
	q, err := parser.Question()
	if err != nil {
		return refuse(header, nil, dnsmessage.RCodeFormatError)
	}
	name := strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")
	if name == s.Domain || strings.HasSuffix(name, "."+s.Domain) {
		return s.own(header, q)
	}
	for _, server := range s.servers() {
		if answer, err := s.ask(ctx, network, server, question); err == nil {
			return answer
		}
	}
	return refuse(header, &q, dnsmessage.RCodeServerFailure)
}

// own answers for the platform's domain: the gateway for IPv4, nothing for all else.
func (s *NameServer) own(header dnsmessage.Header, q dnsmessage.Question) []byte {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true,
		RecursionDesired: header.RecursionDesired, RecursionAvailable: true})
	_ = b.StartQuestions()
	_ = b.Question(q)
	if q.Type == dnsmessage.TypeA {
		_ = b.StartAnswers()
		_ = b.AResource(dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 30}, dnsmessage.AResource{A: s.Gateway.As4()})
	}
	out, err := b.Finish()
	if err != nil {
		return refuse(header, &q, dnsmessage.RCodeServerFailure)
	}
	return out
}

func refuse(header dnsmessage.Header, q *dnsmessage.Question, code dnsmessage.RCode) []byte {
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: header.ID, Response: true, RCode: code,
		RecursionDesired: header.RecursionDesired, RecursionAvailable: true}}
	if q != nil {
		m.Questions = []dnsmessage.Question{*q}
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}

func (s *NameServer) ask(ctx context.Context, network, server string, question []byte) ([]byte, error) {
	patience := s.Patience
	if patience == 0 {
		patience = 3 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	if network == "tcp" {
		if err := writeFramed(conn, question); err != nil {
			return nil, err
		}
		return readFramed(conn)
	}
	if _, err := conn.Write(question); err != nil {
		return nil, err
	}
	answer := make([]byte, 65535)
	for {
		n, err := conn.Read(answer)
		if err != nil {
			return nil, err
		}
		// Another answer than the one asked for may come late.
		if n >= 2 && answer[0] == question[0] && answer[1] == question[1] {
			return answer[:n], nil
		}
	}
}

// servers reads the host's name servers, loopback ones included: the server runs on the host.
func (s *NameServer) servers() []string {
	f, err := os.Open(s.ResolvConf)
	if err != nil {
		return nil
	}
	defer f.Close()
	var all []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(fields[1]); err == nil {
			all = append(all, netip.AddrPortFrom(a, 53).String())
		}
	}
	return all
}

// readFramed and writeFramed speak DNS over TCP: a length before each message (RFC 1035, 4.2.2).
func readFramed(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, message)
	return message, err
}

func writeFramed(w io.Writer, message []byte) error {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, len(message)+2), uint16(len(message)))
	_, err := w.Write(append(framed, message...))
	return err
}
