package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/fault"
)

// trustDir is where Debian's update-ca-certificates(8) looks for certificates of this machine.
const trustDir = "/usr/local/share/ca-certificates"

func trustFile(platform string) string {
	return filepath.Join(trustDir, "slipway-"+platform+".crt")
}

// Trust adds a platform's CA certificate to those that the machine trusts and returns the file.
func Trust(ctx context.Context, platform string, pem []byte) (string, error) {
	if os.Geteuid() != 0 {
		return "", fault.Hint(fmt.Errorf("trust the platform's CA: %w", ErrNotRoot), "sudo slipway get ca --install")
	}
	if err := os.MkdirAll(trustDir, 0o755); err != nil {
		return "", fmt.Errorf("trust the platform's CA: %w", err)
	}
	file := trustFile(platform)
	if err := os.WriteFile(file, pem, 0o644); err != nil {
		return "", fmt.Errorf("trust the platform's CA: %w", err)
	}
	return file, refresh(ctx)
}

// Distrust takes back what Trust did; it does nothing where that is already so.
func Distrust(ctx context.Context, platform string) error {
	err := os.Remove(trustFile(platform))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove the platform's CA from the trusted ones: %w", err)
	}
	return refresh(ctx)
}

func refresh(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "update-ca-certificates").CombinedOutput()
	if err != nil {
		return fault.Hint(fmt.Errorf("update-ca-certificates: %w: %s", err, out), "install the package ca-certificates")
	}
	return nil
}
