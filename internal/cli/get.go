package cli

import (
	"encoding/json"
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/host"
	"github.com/slipway-dev/slipway/internal/platform"
)

func newGetCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "get",
		Short: "Get what is needed to use the platform: URLs, credentials, CA, kubeconfig",
	}, newGetURLsCommand(env), newGetCredentialsCommand(env), newGetCACommand(env), newGetKubeconfigCommand(env))
}

func newGetURLsCommand(env *Env) *cobra.Command {
	var s platform.Selection
	var format string
	cmd := &cobra.Command{
		Use:   "urls",
		Short: "List the pages that a person opens",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			line, err := find(cmd.Context(), env, s)
			if err != nil {
				return err
			}
			urls := line.URLs()
			if format == "json" {
				return json.NewEncoder(env.Out).Encode(urls)
			}
			t := newTable(env.Out)
			for _, u := range urls {
				t.row(u.Name, u.URL)
			}
			t.flush()
			return nil
		},
	}
	addSelection(cmd, &s)
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func newGetCredentialsCommand(env *Env) *cobra.Command {
	var s platform.Selection
	var format string
	cmd := &cobra.Command{
		Use:   "credentials [TOOL]",
		Short: "Show the logins of the tools, and Secrets labelled cnoe.io/cli-secret=true",
		Args:  usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			line, err := find(cmd.Context(), env, s)
			if err != nil {
				return err
			}
			logins, err := line.Credentials(cmd.Context(), args...)
			if err != nil {
				return err
			}
			if format == "json" {
				return json.NewEncoder(env.Out).Encode(logins)
			}
			t := newTable(env.Out, "NAME", "USERNAME", "PASSWORD", "URL", "NOTE")
			for _, l := range logins {
				t.row(l.Name, l.Username, l.Password, l.URL, l.Note)
			}
			t.flush()
			return nil
		},
	}
	addSelection(cmd, &s)
	addFormat(cmd, &format, "text", "json")
	return cmd
}

func newGetCACommand(env *Env) *cobra.Command {
	var s platform.Selection
	var install bool
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "Print the platform's CA certificate, or trust it on this host",
		Example: `  curl --cacert <(slipway get ca) https://git.NAME.localhost
  slipway get ca --install`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			line, err := find(cmd.Context(), env, s)
			if err != nil {
				return err
			}
			pem, err := line.CA()
			if err != nil {
				return err
			}
			if install {
				file, err := host.Trust(cmd.Context(), line.Name(), pem)
				if err != nil {
					return err
				}
				env.printf("installed %s; this host trusts the platform's certificates now\n", file)
				return nil
			}
			_, err = env.Out.Write(pem)
			return err
		},
	}
	addSelection(cmd, &s)
	cmd.Flags().BoolVar(&install, "install", false, "add it to the certificates that this host trusts")
	return cmd
}

func newGetKubeconfigCommand(env *Env) *cobra.Command {
	var s platform.Selection
	var path bool
	cmd := &cobra.Command{
		Use:     "kubeconfig",
		Short:   "Print the administrator's kubeconfig",
		Example: `  export KUBECONFIG=$(slipway get kubeconfig --path)`,
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			line, err := find(cmd.Context(), env, s)
			if err != nil {
				return err
			}
			if path {
				env.printf("%s\n", line.Kubeconfig())
				return nil
			}
			text, err := os.ReadFile(line.Kubeconfig())
			if err != nil {
				return err
			}
			_, err = env.Out.Write(text)
			return err
		},
	}
	addSelection(cmd, &s)
	cmd.Flags().BoolVar(&path, "path", false, "print the file's path instead of its text")
	return cmd
}
