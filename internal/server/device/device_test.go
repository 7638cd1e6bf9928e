package device_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/device"
	"github.com/slipway-dev/slipway/internal/server/store"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func flow(t *testing.T) (*device.Flow, *clock) {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	return device.New(s, c.now), c
}

func begin(t *testing.T, f *device.Flow) device.Codes {
	t.Helper()
	codes, err := f.Begin(t.Context(), "slipway", "192.0.2.1", access.Grants{{Role: access.Viewer}})
	if err != nil {
		t.Fatal(err)
	}
	return codes
}

// redeem asks after waiting as long as a well-behaved client does.
func redeem(t *testing.T, f *device.Flow, c *clock, code string) (device.Request, error) {
	t.Helper()
	c.at = c.at.Add(device.Interval)
	return f.Redeem(t.Context(), code)
}

func TestFlow_ApprovedIsRedeemedOnce(t *testing.T) {
	f, c := flow(t)
	codes := begin(t, f)
	if _, err := redeem(t, f, c, codes.Device); !errors.Is(err, device.ErrPending) {
		t.Fatal(err)
	}
	if err := f.Decide(t.Context(), strings.ToLower(strings.ReplaceAll(codes.User, "-", " ")), "p-1", true); err != nil {
		t.Fatal(err)
	}
	r, err := redeem(t, f, c, codes.Device)
	if err != nil || r.Person != "p-1" || r.Client != "slipway" {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := redeem(t, f, c, codes.Device); !errors.Is(err, device.ErrUnknown) {
		t.Error(err)
	}
}

func TestFlow_DecidedOnlyOnce(t *testing.T) {
	f, c := flow(t)
	codes := begin(t, f)
	if err := f.Decide(t.Context(), codes.User, "p-1", false); err != nil {
		t.Fatal(err)
	}
	if err := f.Decide(t.Context(), codes.User, "p-2", true); !errors.Is(err, device.ErrUnknown) {
		t.Error("a denied code was approved:", err)
	}
	if _, err := redeem(t, f, c, codes.Device); !errors.Is(err, device.ErrDenied) {
		t.Error(err)
	}
}

func TestFlow_WhoAsksTooOftenMustWaitLonger(t *testing.T) {
	f, c := flow(t)
	codes := begin(t, f)
	steps := []struct {
		wait time.Duration
		want error
	}{
		{0, device.ErrPending}, {time.Second, device.ErrSlowDown}, {device.Interval, device.ErrSlowDown},
		{3 * device.Interval, device.ErrPending},
	}
	for i, step := range steps {
		c.at = c.at.Add(step.wait)
		if _, err := f.Redeem(t.Context(), codes.Device); !errors.Is(err, step.want) {
			t.Errorf("step %d: %v", i, err)
		}
	}
}

func TestFlow_CodesExpire(t *testing.T) {
	f, c := flow(t)
	codes := begin(t, f)
	c.at = c.at.Add(device.Lifetime)
	if _, err := f.Waiting(t.Context(), codes.User); !errors.Is(err, device.ErrUnknown) {
		t.Error(err)
	}
	if err := f.Decide(t.Context(), codes.User, "p-1", true); !errors.Is(err, device.ErrUnknown) {
		t.Error(err)
	}
	if _, err := f.Redeem(t.Context(), codes.Device); !errors.Is(err, device.ErrExpired) {
		t.Error(err)
	}
}

func TestFlow_ApprovedTooLateToRedeem(t *testing.T) {
	f, c := flow(t)
	codes := begin(t, f)
	if err := f.Decide(t.Context(), codes.User, "p-1", true); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(device.Lifetime)
	if _, err := f.Redeem(t.Context(), codes.Device); !errors.Is(err, device.ErrExpired) {
		t.Error(err)
	}
}

func TestFlow_UserCodeIsNoDeviceCode(t *testing.T) {
	f, _ := flow(t)
	codes := begin(t, f)
	for _, wrong := range []string{codes.User, device.Normal(codes.User), "", codes.Device + "x"} {
		if _, err := f.Redeem(t.Context(), wrong); !errors.Is(err, device.ErrUnknown) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := f.Waiting(t.Context(), codes.Device); !errors.Is(err, device.ErrUnknown) {
		t.Error(err)
	}
}

func TestUserCode_IsReadableAndUnlikeAnother(t *testing.T) {
	f, _ := flow(t)
	form := regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`)
	seen := map[string]bool{}
	for range 50 {
		codes := begin(t, f)
		if !form.MatchString(codes.User) || seen[codes.User] {
			t.Fatalf("%q", codes.User)
		}
		seen[codes.User] = true
	}
}

func FuzzNormal(f *testing.F) {
	f.Add("bdwp-hqkr")
	f.Add("é")
	f.Fuzz(func(t *testing.T, code string) {
		n := device.Normal(code)
		if device.Normal(n) != n || strings.Trim(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Errorf("%q became %q", code, n)
		}
	})
}
