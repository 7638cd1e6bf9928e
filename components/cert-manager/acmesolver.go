package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
)

// runSolver answers one HTTP-01 challenge until it is told to stop. The controller starts it as a pod.
func runSolver(ctx context.Context, args []string) error {
	s := &solver.HTTP01Solver{}
	f := pflag.NewFlagSet("acmesolver", pflag.ContinueOnError)
	f.SetOutput(os.Stdout)
	f.IntVar(&s.ListenPort, "listen-port", 8089, "port to answer on")
	f.StringVar(&s.Domain, "domain", "", "domain to answer for")
	f.StringVar(&s.Token, "token", "", "the challenge's token")
	f.StringVar(&s.Key, "key", "", "the answer")
	version := f.Bool("version", false, "print the version")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *version {
		fmt.Println("acmesolver", util.AppVersion)
		return nil
	}
	stopped := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(grace)
	})
	defer stopped()
	if err := s.Listen(logs.FromContext(ctx)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answer the challenge: %w", err)
	}
	return nil
}
