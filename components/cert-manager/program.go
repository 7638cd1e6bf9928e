package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/component-base/cli/flag"
	logsapi "k8s.io/component-base/logs/api/v1"

	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util"
	"github.com/cert-manager/cert-manager/pkg/util/configfile"
	"github.com/cert-manager/cert-manager/pkg/util/feature"
)

// program is what the three have in common: a configuration C from defaults, a file and flags,
// each over the one before, and something to run with it.
type program[C any] struct {
	name     string
	defaults func() (*C, error)
	addFlags func(*pflag.FlagSet, *C)
	load     func(path string) (*C, error)
	validate func(*C, *field.Path) field.ErrorList
	logging  func(*C) *logsapi.LoggingConfiguration
	features func(*C) *map[string]bool
	start    func(context.Context, *C) error
}

func (p *program[C]) run(ctx context.Context, args []string) error {
	config, version, err := p.configure(args)
	if err != nil {
		return err
	}
	if version {
		fmt.Println(p.name, util.AppVersion)
		return nil
	}
	if err := p.validate(config, nil).ToAggregate(); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if err := feature.DefaultMutableFeatureGate.SetFromMap(*p.features(config)); err != nil {
		return fmt.Errorf("feature gates: %w", err)
	}
	if err := logs.ValidateAndApply(p.logging(config)); err != nil {
		return fmt.Errorf("logging: %w", err)
	}
	logs.FromContext(ctx).V(logs.InfoLevel).Info("starting", "version", util.AppVersion)
	return p.start(ctx, config)
}

// configure reads the flags twice where there is a file: first to learn its path, then over it.
func (p *program[C]) configure(args []string) (config *C, version bool, err error) {
	if config, err = p.defaults(); err != nil {
		return nil, false, fmt.Errorf("default configuration: %w", err)
	}
	path, version, err := p.parse(config, args)
	if err != nil || version || path == "" {
		return config, version, err
	}
	if config, err = p.load(path); err != nil {
		return nil, false, err
	}
	_, _, err = p.parse(config, args)
	return config, false, err
}

func (p *program[C]) parse(config *C, args []string) (path string, version bool, err error) {
	f := pflag.NewFlagSet(p.name, pflag.ContinueOnError)
	f.SetOutput(os.Stdout)
	f.StringVar(&path, "config", "", "file that holds the configuration")
	f.BoolVar(&version, "version", false, "print the version")
	p.addFlags(f, config)
	return path, version, f.Parse(args)
}

// loadFile reads a configuration file; relative paths in it start at its folder.
func loadFile(path string, into configfile.ConfigFile) error {
	loader, err := configfile.NewConfigurationFSLoader(nil, path)
	if err != nil {
		return err
	}
	if err := loader.Load(into); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	return nil
}

// addFeatureFlag adds the flag that switches features on and off.
func addFeatureFlag(f *pflag.FlagSet, features *map[string]bool) {
	f.Var(flag.NewMapStringBool(features), "feature-gates", "features to switch on or off, as Name=true,Other=false")
}
