package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestMain lets the test's own executable be what the node starts: the two supervisors and the
// CNI plugin, as the command line's main does.
func TestMain(m *testing.M) {
	var err error
	switch args := os.Args; {
	case filepath.Base(args[0]) == GatewayPluginName:
		GatewayPlugin()
		return
	case len(args) == 5 && args[1] == "node" && args[2] == "run":
		err = Run(context.Background(), args[4])
	case len(args) == 5 && args[1] == "node" && args[2] == "init":
		err = Init(context.Background(), args[4])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
