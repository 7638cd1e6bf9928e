// This program does a piece of work and ends: 0 when all is done, 1 when something failed. Kubernetes
// starts it by the clock.
//
//	job          does the work
//	job -alive   says by its exit code whether a job that is running gets on
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	alive := flag.Bool("alive", false, "say whether the running job gets on")
	flag.Parse()
	beat := heartbeat{file: path(), patience: time.Minute, now: time.Now}
	if *alive {
		if err := beat.check(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	began := time.Now()
	done, err := work(ctx, log, items(), beat.tick)
	if err != nil {
		log.Error("failed", "done", done, "error", err)
		os.Exit(1)
	}
	log.Info("finished", "done", done, "duration", time.Since(began).String())
}

// path is the file of the heartbeat.
func path() string {
	if file := os.Getenv("HEARTBEAT"); file != "" {
		return file
	}
	return "/state/heartbeat"
}
