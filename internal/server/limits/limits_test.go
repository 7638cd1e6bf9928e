package limits

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestBuckets_BoundEachKeyAlone(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	b := NewBuckets(Rate{PerSecond: 2, Burst: 3}, c.now)
	for range 3 {
		if _, ok := b.Take("a"); !ok {
			t.Fatal("a full bucket gives nothing")
		}
	}
	wait, ok := b.Take("a")
	if ok || wait != 500*time.Millisecond {
		t.Fatalf("an empty bucket: %v, wait %s", ok, wait)
	}
	if _, empty := b.Empty("a"); !empty {
		t.Error("an empty bucket does not say so")
	}
	if _, ok := b.Take("b"); !ok {
		t.Error("another key is bounded too")
	}
	c.at = c.at.Add(wait)
	if _, ok := b.Take("a"); !ok {
		t.Error("after the wait there is still nothing")
	}
}

func TestBuckets_MemoryIsBounded(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	b := NewBuckets(Rate{PerSecond: 1, Burst: 1}, c.now)
	for i := range 5 * maxKeys {
		b.Take(fmt.Sprint(i))
	}
	if n := len(b.recent) + len(b.before); n > 2*maxKeys {
		t.Errorf("%d buckets are kept", n)
	}
}

func TestBuckets_KeysInUseOutliveASweep(t *testing.T) {
	c := &clock{time.Unix(1000, 0)}
	b := NewBuckets(Rate{PerSecond: 0.001, Burst: 1}, c.now)
	b.Take("steady")
	for i := range 3 * maxKeys {
		b.Take(fmt.Sprint(i))
		if i%1000 == 0 {
			if _, ok := b.Take("steady"); ok {
				t.Fatalf("the bucket was full again after %d other keys", i)
			}
		}
	}
}

func TestPlaces_AreGivenBackOnce(t *testing.T) {
	p := NewPlaces(2)
	leave, ok := p.Take("a")
	if _, second := p.Take("a"); !ok || !second {
		t.Fatal("no place")
	}
	if _, ok := p.Take("a"); ok {
		t.Fatal("a third place")
	}
	if _, ok := p.Take("b"); !ok {
		t.Error("another key is bounded too")
	}
	leave()
	leave()
	if _, ok := p.Take("a"); !ok {
		t.Error("the place was not given back")
	}
	if _, ok := p.Take("a"); ok {
		t.Error("the place was given back twice")
	}
}

func TestPlaces_Concurrently(t *testing.T) {
	p := NewPlaces(4)
	var wg sync.WaitGroup
	var mu sync.Mutex
	now, most := 0, 0
	for range 50 {
		wg.Go(func() {
			leave, ok := p.Take("a")
			if !ok {
				return
			}
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			mu.Lock()
			now--
			mu.Unlock()
			leave()
		})
	}
	wg.Wait()
	if most > 4 || len(p.taken) != 0 {
		t.Errorf("%d at once, %d left", most, len(p.taken))
	}
}

func TestClient_ProxiesAreBelievedOnlyWhereTrusted(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct{ peer, forwarded, want string }{
		{"203.0.113.7:1000", "", "203.0.113.7"},
		{"203.0.113.7:1000", "198.51.100.1", "203.0.113.7"}, // not a proxy of ours: not believed
		{"10.0.0.1:1000", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:1000", "1.1.1.1, 198.51.100.1", "198.51.100.1"}, // what the client wrote itself
		{"10.0.0.1:1000", "198.51.100.1, 10.0.0.9", "198.51.100.1"},
		{"10.0.0.1:1000", "nonsense", "10.0.0.1"},
		{"10.0.0.1:1000", "nonsense, 10.0.0.2", "10.0.0.2"},
		{"10.0.0.1:1000", "", "10.0.0.1"},
		{"[fd00::1]:1000", "2001:db8::5", "2001:db8::5"},
		{"[::ffff:10.0.0.1]:1000", "198.51.100.1", "198.51.100.1"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := Client(r, trusted).String(); got != tt.want {
			t.Errorf("%s for %q: %s, not %s", tt.peer, tt.forwarded, got, tt.want)
		}
	}
}

func TestKey_OneSubscriberIsOneClient(t *testing.T) {
	a, b := netip.MustParseAddr("2001:db8:1:2::1"), netip.MustParseAddr("2001:db8:1:2:ffff::9")
	if Key(a) != Key(b) {
		t.Errorf("%s and %s", Key(a), Key(b))
	}
	if Key(netip.MustParseAddr("192.0.2.1")) == Key(netip.MustParseAddr("192.0.2.2")) {
		t.Error("two IPv4 addresses are one client")
	}
}

func FuzzClient(f *testing.F) {
	f.Add("10.0.0.1:1", "a, b")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(_ *testing.T, peer, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = []string{forwarded}
		Key(Client(r, trusted))
	})
}
