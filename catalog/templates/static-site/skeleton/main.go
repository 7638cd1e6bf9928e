// This program serves the pages in site/, which it carries inside. It listens on PORT (8080 where it is not set).
package main

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

//go:embed all:site
var embedded embed.FS

// drain is how long requests still come after the server has said that it is not ready any more.
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
		log.Error("the server has ended", "error", err)
		os.Exit(1)
	}
}

// run serves until the context ends, and then lets requests under way come to their end.
func run(ctx context.Context, log *slog.Logger, address string) error {
	pages, err := fs.Sub(embedded, "site")
	if err != nil {
		return err
	}
	s, err := newSite(pages)
	if err != nil {
		return err
	}
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
	return server.Shutdown(end)
}
