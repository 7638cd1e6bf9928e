// Command perf measures what the design sets bars for, on a platform of its own beside whatever
// else runs, and prints the numbers beside the bars. It is no test: a number beyond its bar is
// shown, not failed, because it says as much about the machine as about the program.
//
//	make bench              everything that works from filled caches
//	make bench COLD=1       with empty caches first: half an hour of compiling
//	make bench PUSH=10      pushes alone, ten times, on a platform with portal and CI; on the one that
//	                        SLIPWAY_PLATFORM names where it does
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	cold := flag.Bool("cold", false, "measure with empty caches, too")
	out := flag.String("json", "", "write the numbers to this `FILE` as JSON, too")
	push := flag.Int("push", 0, "measure only so many pushes, until the new version answers")
	binary := flag.String("binary", "bin/slipway", "the program that is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, *cold, *push, *out); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// number is one measured value beside its bar.
type number struct {
	What     string  `json:"what"`
	Unit     string  `json:"unit"` // "s" or "MiB"
	Bar      float64 `json:"bar"`
	Measured float64 `json:"measured"`
}

// report is what is written as JSON.
type report struct {
	Time       time.Time `json:"time"`
	Processors int       `json:"processors"`
	Load       string    `json:"load"` // of /proc/loadavg, before
	Numbers    []number  `json:"numbers"`
}

func run(ctx context.Context, binary string, cold bool, push int, out string) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	r := report{Time: time.Now().UTC(), Processors: runtime.NumCPU(), Load: strings.TrimSpace(string(load))}
	fmt.Printf("%d processors, load before: %s\n", r.Processors, r.Load)
	b, err := newBench(binary, push > 0)
	if err != nil {
		return err
	}
	defer b.remove()
	if push > 0 {
		if err := b.golden(ctx); err != nil {
			return err
		}
	}
	measures := []func(context.Context) ([]number, error){b.warm, b.firstOutput, b.unchanged, b.plan, b.commit, b.memory, b.restart, b.purge}
	if push > 0 {
		measures = []func(context.Context) ([]number, error){func(ctx context.Context) ([]number, error) { return b.pushes(ctx, push) }}
	}
	if cold {
		measures = append([]func(context.Context) ([]number, error){b.cold}, measures...)
	}
	for _, measure := range measures {
		numbers, err := measure(ctx)
		if err != nil {
			return err
		}
		for _, n := range numbers {
			fmt.Printf("  %s: %.2f %s\n", n.What, n.Measured, n.Unit)
		}
		r.Numbers = append(r.Numbers, numbers...)
	}
	fmt.Println()
	print(r)
	if out == "" {
		return nil
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644)
}

// print writes the table.
func print(r report) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tBAR\tMEASURED\t")
	for _, n := range r.Numbers {
		verdict := "beyond"
		if n.Measured <= n.Bar {
			verdict = "within"
		}
		fmt.Fprintf(w, "%s\t%g %s\t%.2f %s\t%s\n", n.What, n.Bar, n.Unit, n.Measured, n.Unit, verdict)
	}
	_ = w.Flush()
}
