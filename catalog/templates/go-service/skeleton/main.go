// This program is an HTTP service. It listens on PORT (8080 where it is not set) and logs JSON lines.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// drain is how long requests still come after the service has said that it is not ready any more.
const drain = 3 * time.Second

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	if err := run(ctx, log, ":"+port); err != nil {
		log.Error("the service has ended", "error", err)
		os.Exit(1)
	}
}

// run serves until the context ends, and then lets requests under way come to their end.
func run(ctx context.Context, log *slog.Logger, address string) error {
	s := newService(log)
	server := &http.Server{Addr: address, Handler: s, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	s.ready.Store(true)
	log.Info("listening", "address", address)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.ready.Store(false)
	time.Sleep(drain)
	end, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := server.Shutdown(end); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("stopped")
	return nil
}
