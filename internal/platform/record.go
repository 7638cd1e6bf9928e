package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/spec"
)

// record is what is remembered of a platform between commands.
type record struct {
	Platform    v1alpha1.Platform `json:"platform"`
	Environment plan.Environment  `json:"environment"`
	// Base is the directory that relative paths in the Platform start from.
	Base string `json:"base"`
	// File is the Platform file, or "" for a blueprint.
	File      string `json:"file,omitempty"`
	Blueprint string `json:"blueprint,omitempty"`
	// Catalogs are the user's own catalogue directories.
	Catalogs []string `json:"catalogs,omitempty"`

	// warnings are what is valid in the file and yet probably not meant.
	warnings []spec.Finding
}

// locate adds the Platform file's lines to what resolving finds wrong with it.
func (r record) locate(err error) error {
	var wrong plan.Errors
	if r.File == "" || !errors.As(err, &wrong) {
		return err
	}
	text, readErr := os.ReadFile(r.File)
	if readErr != nil {
		return err
	}
	return fault.Invalid(spec.AsError(spec.Locate(r.File, text, wrong.Findings())), "")
}

// delivered is what was handed over last, so that an `up` without changes has nothing to do.
type delivered struct {
	Tree   string `json:"tree"`   // digest of the rendered tree
	Images string `json:"images"` // digest of the images' references and recipes
	People string `json:"people"` // digest of the people who were made known
	Commit string `json:"commit"` // commit in the platform's repository
	// Identity is the tool that people sign in by.
	Identity deliver.IdentityRef `json:"identity"`
	Time     time.Time           `json:"time"`
}

// readJSON reads name into v; missing says that there is no such file.
func readJSON(name string, v any) (missing bool, err error) {
	text, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		return true, nil
	}
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	return false, nil
}

// writeJSON writes v to name, all or nothing.
func writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return writeFile(name, append(text, '\n'))
}

func writeFile(name string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
