package tlog

import (
	"sync/atomic"
	"testing"

	"github.com/slipway-dev/slipway/internal/audit/audittest"
)

// BenchmarkAppend_OneAfterTheOther is what a promotion waits for: a signed checkpoint that commits to its decision.
func BenchmarkAppend_OneAfterTheOther(b *testing.B) {
	l := openLog(b, options(b, b.TempDir()))
	n := 0
	for b.Loop() {
		if _, err := l.Append(b.Context(), audittest.Envelope(b, n)); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "appends/s")
}

// BenchmarkAppend_Concurrently has 256 callers at once. The time to sign each decision is in it.
func BenchmarkAppend_Concurrently(b *testing.B) {
	l := openLog(b, options(b, b.TempDir()))
	var n atomic.Int64
	b.SetParallelism(256)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Append(b.Context(), audittest.Envelope(b, int(n.Add(1)))); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "appends/s")
}

// BenchmarkOpen reads a log of a thousand decisions again.
func BenchmarkOpen(b *testing.B) {
	o := options(b, b.TempDir())
	l := openLog(b, o)
	done := make(chan error)
	const decisions = 1000
	for n := range decisions {
		go func() {
			_, err := l.Append(b.Context(), audittest.Envelope(b, n))
			done <- err
		}()
	}
	for range decisions {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	closeLog(b, l)
	for b.Loop() {
		again, err := Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		if err := again.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
