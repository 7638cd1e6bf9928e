package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Patience of the listeners.
const (
	// headerPatience is how long a client may take to send a request's headers.
	headerPatience = 10 * time.Second
	// idlePatience is how long a connection may wait for its next request.
	idlePatience = 2 * time.Minute
	// maxHeader bounds a request's headers, in bytes.
	maxHeader = 64 << 10
	// farewell is how long requests that are being answered may still take once the server stops.
	farewell = 20 * time.Second
	// notice is how long the server still takes requests after it has said that it is not ready, so
	// that whoever spreads the load hears of it first.
	notice = 2 * time.Second
	// pruning is how often what has ended is forgotten. Anybody can ask for a device's code, so those
	// must not pile up.
	pruning = 5 * time.Minute
)

// Listeners are where a server answers; Metrics may be nil.
type Listeners struct{ Main, Metrics net.Listener }

// Listen opens the configured addresses.
func (s *Server) Listen() (Listeners, error) {
	var l Listeners
	var err error
	if l.Main, err = net.Listen("tcp", s.settings.Listen); err != nil {
		return l, fmt.Errorf("listen: %w", err)
	}
	if s.settings.MetricsListen != "" {
		if l.Metrics, err = net.Listen("tcp", s.settings.MetricsListen); err != nil {
			return l, errors.Join(fmt.Errorf("listen for metrics: %w", err), l.Main.Close())
		}
	}
	return l, nil
}

// Run serves until ctx is done, then stops gracefully: it says that it is not ready, ends streams,
// lets requests finish, and closes the database. It may be killed at any moment just as well.
func (s *Server) Run(ctx context.Context, l Listeners) error {
	main := s.httpServer(s.handler)
	servers := []*http.Server{main}
	failed := make(chan error, 2)
	go func() { failed <- serve(main, l.Main) }()
	if l.Metrics != nil {
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", s.metrics.Handler())
		metrics := s.httpServer(mux)
		servers = append(servers, metrics)
		go func() { failed <- serve(metrics, l.Metrics) }()
	}
	s.log.Info("listening", "address", l.Main.Addr().String(), "url", s.settings.public)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.prune(ctx)
	}()
	var err error
	select {
	case <-ctx.Done():
		s.log.Info("stopping")
		s.drain()
		time.Sleep(s.notice)
	case err = <-failed:
	}
	return errors.Join(err, s.stop(servers, done))
}

func serve(server *http.Server, l net.Listener) error {
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Server) httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerPatience, IdleTimeout: idlePatience, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// stop lets requests finish, at most for farewell, and gives everything back.
func (s *Server) stop(servers []*http.Server, pruned <-chan struct{}) error {
	s.drain()
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	var errs []error
	for _, server := range servers {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("requests were cut off: %w", err), server.Close())
		}
	}
	<-pruned
	errs = append(errs, s.traces.Close(ctx), s.store.Close())
	s.log.Info("stopped")
	return errors.Join(errs...)
}

// prune forgets what has ended, now and then, until ctx or the server ends.
func (s *Server) prune(ctx context.Context) {
	ticker := time.NewTicker(pruning)
	defer ticker.Stop()
	for {
		if err := s.store.Prune(ctx, s.now()); err != nil && ctx.Err() == nil {
			s.log.Error("prune the database", "cause", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-s.draining.Done():
			return
		case <-ticker.C:
		}
	}
}
