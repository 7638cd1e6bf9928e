package health

import (
	"slices"
	"testing"
)

func TestErrorLines_TellsEachErrorOnceInOrder(t *testing.T) {
	got := errorLines(`I1122 16:02:21 caches populated
E1122 16:02:28 re-queuing item err="issuer 'ca' not registered"
{"level":"error","ts":1,"msg":"no route"}
E1122 16:02:33 re-queuing item err="issuer 'ca' not registered"
all good, terror is no match`)
	want := []string{`{"level":"error","ts":1,"msg":"no route"}`, `E1122 16:02:33 re-queuing item err="issuer 'ca' not registered"`}
	if !slices.Equal(got, want) {
		t.Errorf("errorLines = %q, want %q", got, want)
	}
}
