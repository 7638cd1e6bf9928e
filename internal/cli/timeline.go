package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-dev/slipway/internal/cli/timeline"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/platform"
)

func newTimelineCommand(env *Env) *cobra.Command {
	var s platform.Selection
	cmd := &cobra.Command{
		Use:   "timeline [EVENTS]",
		Short: "Draw where the time of an up went, as an SVG file",
		Long: `Draw the tasks of an ` + "`up`" + ` over time, as an SVG file on the standard output. EVENTS is a file written by
` + "`slipway up -o json`" + `, or - for the standard input; without it, the last ` + "`up`" + ` of the platform is drawn.`,
		Example: `  slipway timeline > last-up.svg
  slipway timeline events.jsonl > events.svg`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			title := "slipway up"
			var in io.Reader = env.In
			if name := strings.Join(args, ""); name != "-" {
				if name == "" {
					line, err := find(cmd.Context(), env, s)
					if err != nil {
						return err
					}
					name, title = line.Events(), "slipway up: "+line.Name()
				} else if !filepath.IsAbs(name) {
					name = filepath.Join(env.Dir, name)
				}
				f, err := os.Open(name)
				if err != nil {
					return fault.Hint(fmt.Errorf("read events: %w", err), "write some with `slipway up -o json > events.jsonl`")
				}
				defer f.Close()
				in = f
			}
			events, err := timeline.Read(in)
			if err != nil {
				return fault.Invalid(err, "events are what `slipway up -o json` writes")
			}
			return timeline.Draw(env.Out, title, timeline.New(events))
		},
	}
	addSelection(cmd, &s)
	return cmd
}
