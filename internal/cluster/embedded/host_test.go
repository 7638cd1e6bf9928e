package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDroppingTable(t *testing.T) {
	const open = "table inet slipway_a {\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n\t}\n}\n"
	const closed = "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n\tchain FORWARD {\n\t\ttype filter hook forward priority filter; policy drop;\n\t}\n}\n"
	for name, test := range map[string]struct{ chains, want string }{
		"nothing": {"", ""},
		"open":    {open, ""},
		"closed":  {open + closed, "ip filter"},
	} {
		if got := droppingTable(test.chains); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestCheckDisk_RefusesPlacesThatTheNodeHides(t *testing.T) {
	for _, dir := range []string{"/run/slipway-test", "/var/log/slipway-test"} {
		err := New(Options{Name: "a", StateDir: dir}).checkDisk()
		if err == nil || !strings.Contains(err.Error(), "can't hold a node's state") {
			t.Errorf("error %v", err)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s was made (%v)", dir, err)
		}
	}
}

func TestHostPackages_NameEachCommandOnce(t *testing.T) {
	for command, pkg := range HostPackages() {
		if pkg == "" || strings.Contains(command, " ") || strings.HasPrefix(command, "/") && filepath.Clean(command) != command {
			t.Errorf("%q: %q", command, pkg)
		}
	}
}

func TestBuildOf_TellsProgramsApart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := buildOf(self)
	if err != nil || program == "" {
		t.Fatalf("%q, %v", program, err)
	}
	// A program that says nothing about its build is told by its size and time.
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := buildOf(other); err != nil || got == "" || got == program {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := buildOf(other + "x"); err == nil {
		t.Error("a missing program has a build")
	}
}
