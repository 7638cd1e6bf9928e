package hostnet

import (
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
)

// Inside does work with the calling thread in the network namespace at path
// ("/proc/PID/ns/net"). Sockets that work opens stay in that namespace. A thread that can't
// come back is not used for anything else.
func Inside(path string, work func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		back, err := enter(path)
		if err != nil {
			done <- err
			return // still locked: the thread ends here
		}
		defer back.Close()
		err = work()
		if netns.Set(back) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// enter changes the thread's network namespace and returns the former one.
func enter(path string) (back netns.NsHandle, err error) {
	if back, err = netns.Get(); err != nil {
		return back, fmt.Errorf("look at the own network namespace: %w", err)
	}
	target, err := netns.GetFromPath(path)
	if err == nil {
		defer target.Close()
		err = netns.Set(target)
	}
	if err != nil {
		back.Close()
		return back, fmt.Errorf("enter network namespace %s: %w", path, err)
	}
	return back, nil
}
