package main

import (
	"fmt"
	"os"
	"time"
)

// heartbeat is a file that a job touches as long as it gets on.
type heartbeat struct {
	file string
	// patience is how old the file may be.
	patience time.Duration
	now      func() time.Time
}

// tick touches the file.
func (h heartbeat) tick() error {
	if err := os.WriteFile(h.file, nil, 0o600); err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

// check is an error if the file is too old. One that is not there yet is not: the job has only begun.
func (h heartbeat) check() error {
	info, err := os.Stat(h.file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if age := h.now().Sub(info.ModTime()); age > h.patience {
		return fmt.Errorf("the job has not moved for %s", age.Round(time.Second))
	}
	return nil
}
