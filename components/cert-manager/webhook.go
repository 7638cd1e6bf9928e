package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
	logsapi "k8s.io/component-base/logs/api/v1"

	config "github.com/cert-manager/cert-manager/internal/apis/config/webhook"
	"github.com/cert-manager/cert-manager/internal/apis/config/webhook/validation"
	"github.com/cert-manager/cert-manager/internal/webhook"
	"github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/webhook/configfile"
	"github.com/cert-manager/cert-manager/pkg/webhook/options"
)

var webhookProgram = program[config.WebhookConfiguration]{
	name:     "webhook",
	defaults: options.NewWebhookConfiguration,
	addFlags: func(f *pflag.FlagSet, c *config.WebhookConfiguration) { options.AddConfigFlags(f, c) },
	load: func(path string) (*config.WebhookConfiguration, error) {
		file := configfile.New()
		err := loadFile(path, file)
		return file.Config, err
	},
	validate: validation.ValidateWebhookConfiguration,
	logging:  func(c *config.WebhookConfiguration) *logsapi.LoggingConfiguration { return &c.Logging },
	features: func(c *config.WebhookConfiguration) *map[string]bool { return &c.FeatureGates },
	start: func(ctx context.Context, c *config.WebhookConfiguration) error {
		server, err := webhook.NewCertManagerWebhookServer(logs.FromContext(ctx), *c)
		if err != nil {
			return fmt.Errorf("set up the webhook: %w", err)
		}
		return server.Run(ctx)
	},
}
