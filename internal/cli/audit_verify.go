package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
)

type auditVerifyOptions struct {
	Env     *Env
	File    string
	Trust   string
	Known   []string
	Running string
	Format  string
}

func newAuditVerifyCommand(env *Env) *cobra.Command {
	o := &auditVerifyOptions{Env: env}
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Verify an export of the log, without the platform",
		Long: `Verify an export of the log: that its checkpoints are signed and continue each other, that they
commit to its entries and to no others, that each entry is a decision signed by a key that was valid
then, that none is there twice, and that what ran is what was decided. It needs no platform, no network
and no clock. Everything that is wrong is named, and the exit code is 1 then.

Without --trust the keys are taken from the export itself: then it is shown that the log is whole and
agrees with itself, but not who wrote it. --known adds checkpoints that were kept elsewhere, such as in
the Git repository to which they are published: by them a log that was cut off or written anew is found.`,
		Example: `  slipway audit verify log.zip --trust keys.json
  slipway audit verify log.zip --trust keys.json --known checkpoints/ --running running.json -o json`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			o.File = args[0]
			return runAuditVerify(o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Trust, "trust", "", "believe the public keys of `FILE` (JSON), and no others")
	f.StringArrayVar(&o.Known, "known", nil, "a `CHECKPOINT` that was kept elsewhere: a file, or a folder of files; may be given again")
	f.StringVar(&o.Running, "running", "", "the images that were seen running, from `FILE` (JSON or YAML)")
	addFormat(cmd, &o.Format, "text", "json", "yaml")
	return cmd
}

func runAuditVerify(o *auditVerifyOptions) error {
	b, err := readBundle(o.Env.path(o.File))
	if err != nil {
		return err
	}
	trust, err := o.trust(b)
	if err != nil {
		return err
	}
	known, err := o.known()
	if err != nil {
		return err
	}
	report, err := audit.Verify(b, trust, known)
	if err != nil {
		return fault.Invalid(err, "")
	}
	if err := show(o.Env, o.Format, report, func() { o.print(report, trust, len(known.Checkpoints)) }); err != nil {
		return err
	}
	if !report.OK() {
		return fault.Hint(fmt.Errorf("%s: %d findings", o.File, len(report.Findings)),
			"keep the file as it is; it is evidence of what was done to the log")
	}
	return nil
}

// readBundle reads an export: a zip file, or the folder that one was unpacked into.
func readBundle(file string) (*audit.Bundle, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fault.Invalid(err, "get an export by `slipway audit export FILE`")
	}
	if info.IsDir() {
		return audit.ReadBundle(os.DirFS(file))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fault.Invalid(err, "")
	}
	defer f.Close()
	b, err := audit.ReadZip(f, info.Size())
	if err != nil {
		hint, _ := fault.Of(err)
		return nil, fault.Invalid(fmt.Errorf("%s: %w", file, err), hint)
	}
	return b, nil
}

func (o *auditVerifyOptions) trust(b *audit.Bundle) (audit.Trust, error) {
	if o.Trust == "" {
		return b.Keys, nil
	}
	text, err := os.ReadFile(o.Env.path(o.Trust))
	if err != nil {
		return audit.Trust{}, fault.Invalid(fmt.Errorf("--trust: %w", err), "")
	}
	return audit.ParseTrust(text)
}

func (o *auditVerifyOptions) known() (audit.Known, error) {
	var known audit.Known
	for _, at := range o.Known {
		checkpoints, err := readCheckpoints(o.Env.path(at))
		if err != nil {
			return known, fault.Invalid(fmt.Errorf("--known: %w", err), "")
		}
		known.Checkpoints = append(known.Checkpoints, checkpoints...)
	}
	if o.Running == "" {
		return known, nil
	}
	text, err := os.ReadFile(o.Env.path(o.Running))
	if err == nil {
		err = yaml.UnmarshalStrict(text, &known.Running)
	}
	if err != nil {
		return known, fault.Invalid(fmt.Errorf("--running: %w", err),
			"it is a list of {application: TEAM/NAME, environment: NAME, image: DIGEST, at: TIME}")
	}
	return known, nil
}

// readCheckpoints reads a signed checkpoint, or all of a folder, without what Git keeps there.
func readCheckpoints(at string) ([][]byte, error) {
	var out [][]byte
	err := filepath.WalkDir(at, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && (path == at || signedNote(text)) {
			out = append(out, text)
		}
		return err
	})
	if err == nil && len(out) == 0 {
		err = errors.New(at + " holds no checkpoint")
	}
	return out, err
}

// signedNote says whether a text looks like a signed note (C2SP signed-note): a repository may hold a README too.
func signedNote(text []byte) bool {
	return len(text) > 0 && slices.Contains([]rune(string(text)), '—')
}

func (o *auditVerifyOptions) print(r *audit.Report, trust audit.Trust, kept int) {
	env := o.Env
	env.page("log "+r.Origin,
		"entries", fmt.Sprintf("%d, as the checkpoints commit to them", r.Entries),
		"checkpoints", fmt.Sprintf("%d hold, up to entry %d%s", r.Checkpoints, r.Size, keptText(kept)),
		"decisions", decisionCounts(r.Decisions),
		"running", runningText(r.Running, o.Running != ""),
		"keys", o.keysText())
	if ring, err := evidence.NewKeyring(trust.Keys...); err == nil { // it fills in the keys' ids
		for _, k := range ring.Keys() {
			env.printf("    %s (%s) %s\n", k.Name, k.Role, k.ID)
		}
	}
	for _, k := range trust.Logs {
		env.printf("    %s\n", k)
	}
	env.printf("\n")
	if r.OK() {
		env.printf("%s: nothing is wrong\n", env.mood("verified", true, false))
		return
	}
	for _, f := range r.Findings {
		env.printf("%s %s\n", env.mood("✗", false, false), f)
	}
}

func keptText(kept int) string {
	if kept == 0 {
		return ""
	}
	return fmt.Sprintf("; %d that were kept elsewhere are among those compared", kept)
}

func runningText(n int, given bool) string {
	if !given {
		return "not compared: no --running"
	}
	return fmt.Sprintf("%d images compared with their decisions", n)
}

func (o *auditVerifyOptions) keysText() string {
	if o.Trust == "" {
		return "the export's own: they don't show who wrote it; verify by keys of your own with --trust"
	}
	return "of " + o.Trust
}

// decisionCounts says how many decisions there are, by outcome, the most frequent first.
func decisionCounts(counts map[evidence.Outcome]int) string {
	var all []evidence.Outcome
	for o := range counts {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b evidence.Outcome) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	text := ""
	for i, o := range all {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", counts[o], o)
	}
	return cmp.Or(text, "none")
}
