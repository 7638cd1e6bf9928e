package kustomize

import (
	"path/filepath"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// The rest of the file system's methods: reading is checked, writing refused.

func (c *confined) Open(name string) (filesys.File, error) {
	if err := c.check(name); err != nil {
		return nil, err
	}
	return c.FileSystem.Open(name)
}

func (c *confined) IsDir(name string) bool  { return c.check(name) == nil && c.FileSystem.IsDir(name) }
func (c *confined) Exists(name string) bool { return c.check(name) == nil && c.FileSystem.Exists(name) }

func (c *confined) ReadDir(name string) ([]string, error) {
	if err := c.check(name); err != nil {
		return nil, err
	}
	return c.FileSystem.ReadDir(name)
}

func (c *confined) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	if err := c.check(name); err != nil {
		return "", "", err
	}
	return c.FileSystem.CleanedAbs(name)
}

func (c *confined) Glob(pattern string) ([]string, error) {
	found, err := c.FileSystem.Glob(pattern)
	if err != nil {
		return nil, err
	}
	for _, name := range found {
		if err := c.check(name); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (c *confined) Walk(name string, walk filepath.WalkFunc) error {
	if err := c.check(name); err != nil {
		return err
	}
	return c.FileSystem.Walk(name, walk)
}

func (c *confined) Create(string) (filesys.File, error) { return nil, errReadOnly }
func (c *confined) Mkdir(string) error                  { return errReadOnly }
func (c *confined) MkdirAll(string) error               { return errReadOnly }
func (c *confined) RemoveAll(string) error              { return errReadOnly }
func (c *confined) WriteFile(string, []byte) error      { return errReadOnly }
