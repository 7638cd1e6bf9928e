// Package footprint keeps the resident memory of programs small that run for months and mostly wait: it gives back what
// they needed to start.
//
// A statically linked program of many packages reads most of its file while these are initialized, and the kernel maps 64 KiB
// around every page that is touched. None of that is needed afterwards; what is, comes back from the page cache by itself.
package footprint

import (
	"context"
	"debug/elf"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

const (
	// settled is after how long a program is taken to have started.
	settled = 30 * time.Second
	// again is how often what was needed since is given back.
	again = 5 * time.Minute
)

// Keep gives memory back once the program has started, and now and then, until ctx ends. What can't be given back is
// logged once, and no reason to stop.
func Keep(ctx context.Context, log *slog.Logger) {
	timer := time.NewTimer(settled)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		debug.FreeOSMemory()
		if err := Release(); err != nil {
			log.WarnContext(ctx, "memory is not given back", "error", err)
			return
		}
		timer.Reset(again)
	}
}

// Release unmaps the pages of the program's own file that can be read from it again: its code, and its constants. It
// refuses a program that is moved when it is loaded, whose constants are not those of its file.
func Release() error {
	if err := unmoved(); err != nil {
		return err
	}
	self, err := procfs.Self()
	if err != nil {
		return fmt.Errorf("look at the process's memory: %w", err)
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("look at the process's memory: %w", err)
	}
	maps, err := self.ProcMaps()
	if err != nil {
		return fmt.Errorf("look at the process's memory: %w", err)
	}
	for _, m := range maps {
		if m.Pathname != program || m.Perms.Write || m.Perms.Shared {
			continue
		}
		// Clean pages of a private mapping of a file come back with the same content (madvise(2)).
		if _, _, code := unix.Syscall(unix.SYS_MADVISE, m.StartAddr, m.EndAddr-m.StartAddr, unix.MADV_DONTNEED); code != 0 {
			return fmt.Errorf("give back %x-%x: %w", m.StartAddr, m.EndAddr, code)
		}
	}
	return nil
}

func unmoved() error {
	f, err := elf.Open("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("look at the program: %w", err)
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC {
		return fmt.Errorf("the program is position-independent (%s)", f.Type)
	}
	return nil
}
