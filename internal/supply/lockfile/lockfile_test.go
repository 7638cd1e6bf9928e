package lockfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/fault"
)

func TestTry_SaysWhoHoldsTheLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "x.lock")
	first, err := Try(path, "the image store")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Try(path, "the image store")
	var held *HeldError
	if !errors.As(err, &held) {
		t.Fatalf("got %v", err)
	}
	if held.Holder.PID != os.Getpid() || !strings.Contains(err.Error(), "is using the image store") {
		t.Errorf("got %v", err)
	}
	if hint, _ := fault.Of(err); hint == "" {
		t.Error("no hint")
	}
	if err := first.Unlock(); err != nil {
		t.Fatal(err)
	}
	if second, err := Try(path, "the image store"); err != nil {
		t.Error(err)
	} else if err := second.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestWait_TellsOnceAndTakesTheLockWhenItIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	first, err := Try(path, "x")
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	second, err := Wait(t.Context(), path, "x", func(Holder) {
		told++
		if err := first.Unlock(); err != nil {
			t.Error(err)
		}
	})
	if err != nil || told != 1 {
		t.Fatalf("told %d times, %v", told, err)
	}
	if err := second.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestWait_EndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	if _, err := Try(path, "x"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Wait(ctx, path, "x", func(Holder) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
