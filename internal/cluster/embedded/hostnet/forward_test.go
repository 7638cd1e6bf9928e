package hostnet

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
)

// echo answers each connection with what it got, once the client has said all.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				all, _ := io.ReadAll(c)
				fmt.Fprintf(c, "got %s", all)
			}()
		}
	}()
	return l.Addr().String()
}

func forwardTo(t *testing.T, target string) (address string, stop func()) {
	t.Helper()
	l, err := Listen("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = Forward(ctx, l, target) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

func TestForward_PassesBothDirectionsAndTheEndOfEach(t *testing.T) {
	address, _ := forwardTo(t, echo(t))
	for i := range 3 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "message %d", i)
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		if want := fmt.Sprintf("got message %d", i); err != nil || string(answer) != want {
			t.Errorf("answer %q (%v), want %q", answer, err, want)
		}
		c.Close()
	}
}

func TestForward_TargetDownClosesTheConnection(t *testing.T) {
	address, _ := forwardTo(t, "127.0.0.1:1")
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes", n)
	}
}

func TestForward_EndsWithItsContext(t *testing.T) {
	address, stop := forwardTo(t, echo(t))
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stop()
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("the port is still open")
	}
}
