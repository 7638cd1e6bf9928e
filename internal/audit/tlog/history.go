package tlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
)

// history is the file of checkpoints that were seen. What a crash leaves unfinished at its end is cut off.
type history struct {
	path string
	mu   sync.Mutex
	file *os.File
	last []byte
}

func openHistory(path string) (*history, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	h := &history{path: path, file: file}
	if err := h.recover(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return h, nil
}

// recover cuts off an unfinished line and reads the last checkpoint.
func (h *history) recover() error {
	data, err := os.ReadFile(h.path)
	if err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(data, '\n') + 1; whole < len(data) {
		if err := h.file.Truncate(int64(whole)); err != nil {
			return err
		}
	}
	all, err := h.all()
	if err == nil && len(all) > 0 {
		h.last = all[len(all)-1]
	}
	return err
}

// add writes a checkpoint, unless it is the last one already.
func (h *history) add(signed []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if bytes.Equal(signed, h.last) {
		return nil
	}
	line, err := json.Marshal(string(signed))
	if err != nil {
		return err
	}
	if _, err := h.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("keep the checkpoint: %w", err)
	}
	h.last = bytes.Clone(signed)
	return nil
}

// all reads the checkpoints, in the order of time.
func (h *history) all() ([][]byte, error) {
	data, err := os.ReadFile(h.path)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for n, line := range bytes.Split(data[:bytes.LastIndexByte(data, '\n')+1], []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var signed string
		if err := json.Unmarshal(line, &signed); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", h.path, n+1, err)
		}
		out = append(out, []byte(signed))
	}
	return out, nil
}

func (h *history) close() error { return h.file.Close() }
