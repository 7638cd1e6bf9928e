package host

import (
	"errors"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/fault"
)

func TestCheck_NamesWhatIsMissingAndWhatNeedsIt(t *testing.T) {
	needs := Needs{}
	needs.AddCommand("the node", "sh", "dash")
	needs.AddCommand("the node", "no-such-command-anywhere", "no-such-package")
	needs.AddCommand("building things", "/no/such/file", "no-such-package")
	err := Check(needs)
	var missing *MissingError
	if !errors.As(err, &missing) || len(missing.Missing) != 1 {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "no-such-package") || !strings.Contains(err.Error(), "for the node, building things") {
		t.Errorf("got %q", err)
	}
	if hint, _ := fault.Of(err); !strings.Contains(hint, "slipway host install") {
		t.Errorf("next step is %q", hint)
	}
}

func TestMissing_ANeedWithoutCommandsIsNeverMissing(t *testing.T) {
	needs := Needs{}
	needs.Add("something", "whatever")
	if got := Missing(needs); len(got) != 0 {
		t.Fatalf("got %v", got)
	}
}
