package entity

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/slipway-dev/slipway/internal/spec"
)

// Reader reads a file of catalogue data: by its path below the root of the repository that is
// read, or by an absolute URL. A file that is not there gives an error that is [fs.ErrNotExist].
type Reader interface {
	Read(ctx context.Context, target string) ([]byte, error)
}

// Bounds on what one file can lead to.
const (
	maxSources = 1000
	maxBytes   = 32 << 20
	maxDepth   = 10
)

// Collect reads the file at target, what its entities take in, and the files that its Locations
// lead to, and theirs. What cannot be read is noted in the source that names it; only the first
// file's own error is returned. Kinds are those that all of them may define.
func Collect(ctx context.Context, reader Reader, target string, kinds []string) ([]Source, error) {
	data, err := reader.Read(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", target, err)
	}
	c := &collector{reader: reader, kinds: kinds, seen: map[string]bool{target: true}, bytes: len(data)}
	c.source(ctx, target, data, 0)
	return c.sources, ctx.Err()
}

type collector struct {
	reader  Reader
	kinds   []string
	seen    map[string]bool
	bytes   int
	sources []Source
}

// source adds a file that was read, and after it what its Locations lead to.
func (c *collector) source(ctx context.Context, location string, data []byte, depth int) {
	s := Source{Location: location, Data: data, Kinds: c.kinds,
		Included: map[string][]byte{}, Failed: map[string]string{}, Absent: map[string]bool{}}
	docs, _ := spec.ParseAll(location, data)
	for _, doc := range docs {
		for _, target := range targets(doc.Tree) {
			if text, err := c.read(ctx, location, target); err != nil {
				s.fail(target, err)
			} else {
				s.Included[target] = text
			}
		}
	}
	type found struct {
		location string
		data     []byte
	}
	var next []found
	entities, _ := Decode(s)
	for _, e := range entities {
		for _, target := range e.Targets() {
			resolved, err := resolve(location, target)
			if err == nil && c.seen[resolved] {
				continue
			}
			if err == nil && depth >= maxDepth {
				err = fmt.Errorf("locations lead on more than %d times", maxDepth)
			}
			if err == nil && len(c.seen) >= maxSources {
				err = fmt.Errorf("locations lead to more than %d files", maxSources)
			}
			var text []byte
			if err == nil {
				c.seen[resolved] = true
				text, err = c.read(ctx, location, target)
			}
			if err != nil {
				s.fail(target, err)
				continue
			}
			next = append(next, found{resolved, text})
		}
	}
	c.sources = append(c.sources, s)
	for _, f := range next {
		c.source(ctx, f.location, f.data, depth+1)
	}
}

func (s *Source) fail(target string, err error) {
	s.Failed[target] = err.Error()
	s.Absent[target] = errors.Is(err, fs.ErrNotExist)
}

func (c *collector) read(ctx context.Context, base, target string) ([]byte, error) {
	resolved, err := resolve(base, target)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := c.reader.Read(ctx, resolved)
	if err != nil {
		return nil, err
	}
	if c.bytes += len(data); c.bytes > maxBytes {
		return nil, fmt.Errorf("the files are larger than %d MiB in all", maxBytes>>20)
	}
	return data, nil
}

// resolve reads target as seen from the file at base.
func resolve(base, target string) (string, error) {
	switch {
	case strings.ContainsAny(target, "*\\"):
		return "", errors.New("patterns are not followed; name each file")
	case strings.Contains(target, "://"):
		u, err := url.Parse(target)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			return "", errors.New("not an http or https URL")
		}
		return u.String(), nil
	case strings.Contains(base, "://"):
		u, err := url.Parse(base)
		if err != nil {
			return "", fmt.Errorf("%s is not a URL", base)
		}
		below, err := u.Parse(target)
		if err != nil || below.Host != u.Host {
			return "", errors.New("not a path below the URL of this file")
		}
		return below.String(), nil
	case path.IsAbs(target):
		return "", errors.New("an absolute path; paths are relative to this file")
	}
	joined := path.Join(path.Dir(base), target)
	if joined == ".." || strings.HasPrefix(joined, "../") {
		return "", errors.New("leads out of the repository")
	}
	return joined, nil
}
