package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/evidence"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
)

func newAuditCommand(env *Env) *cobra.Command {
	return group(&cobra.Command{
		Use:   "audit",
		Short: "Read, export and verify the log of decisions",
	}, newAuditListCommand(env), newAuditShowCommand(env), newAuditFindingsCommand(env), newAuditExportCommand(env),
		newAuditVerifyCommand(env))
}

// outcomes are the words of --outcome.
var outcomes = []string{"allowed", "refused", "broken glass", "reviewed", "rolled back", "withdrawn"}

func (e *Env) outcome(o api.Outcome) string {
	return e.mood(string(o), o == api.Allowed || o == api.Reviewed, o == api.RolledBack || o == api.Refused)
}

type auditListOptions struct {
	remote
	Query    api.DecisionQuery
	Outcome  string
	From, To string
	Limit    int
}

func newAuditListCommand(env *Env) *cobra.Command {
	o := &auditListOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List decisions, the newest first",
		Example: `  slipway audit list --app orders --env prod
  slipway audit list --from 2026-03-01 --to 2026-03-31 --outcome "broken glass"`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return runAuditList(cmd.Context(), o) },
	}
	addRemote(cmd, &o.remote)
	addTeam(cmd, &o.remote, &o.Query.Team, "only those of `TEAM`")
	f := cmd.Flags()
	f.StringVar(&o.Query.Application, "app", "", "only those about the application `NAME`")
	f.StringVar(&o.Query.Environment, "env", "", "only those about `ENVIRONMENT`")
	f.StringVar(&o.Outcome, "outcome", "", "only those with the `OUTCOME`: "+strings.Join(outcomes, ", "))
	f.StringVar(&o.Query.Subject, "image", "", "only those about the image with this `DIGEST`")
	addSpan(cmd, &o.From, &o.To)
	f.IntVar(&o.Limit, "limit", 50, "at most so `MANY`; 0 for all")
	_ = cmd.RegisterFlagCompletionFunc("app", complete(&o.remote, applicationNames))
	_ = cmd.RegisterFlagCompletionFunc("env", complete(&o.remote, environmentNames))
	_ = cmd.RegisterFlagCompletionFunc("outcome", cobra.FixedCompletions(outcomes, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// addSpan adds the flags for a stretch of time.
func addSpan(cmd *cobra.Command, from, to *string) {
	cmd.Flags().StringVar(from, "from", "", "from `DATE` on: 2026-03-01, or a time as in RFC 3339; dates are UTC's")
	cmd.Flags().StringVar(to, "to", "", "until `DATE`, that day included, or until a time")
}

// span reads a stretch of time, whose ends flags of these names gave; a day at its end is part of it.
func span(from, to string, flags ...string) (begin, end time.Time, err error) {
	const hint = "write 2026-03-01 or 2026-03-01T18:00:00Z"
	day := false
	if from != "" {
		if begin, _, err = moment(from); err != nil {
			return begin, end, fault.Invalid(fmt.Errorf("%s: %w", flags[0], err), hint)
		}
	}
	if to != "" {
		if end, day, err = moment(to); err != nil {
			return begin, end, fault.Invalid(fmt.Errorf("%s: %w", flags[1], err), hint)
		}
		if day {
			end = end.AddDate(0, 0, 1)
		}
	}
	if !begin.IsZero() && !end.IsZero() && !begin.Before(end) {
		return begin, end, fault.Invalid(fmt.Errorf("%s: %s is not before %s", flags[1], from, to), "")
	}
	return begin, end, nil
}

func runAuditList(ctx context.Context, o *auditListOptions) error {
	if o.Outcome != "" {
		if err := oneOf("outcome", o.Outcome, outcomes...); err != nil {
			return err
		}
	}
	q := o.Query
	q.Outcome = api.Outcome(o.Outcome)
	var err error
	if q.From, q.To, err = span(o.From, o.To, "--from", "--to"); err != nil {
		return err
	}
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	all, err := client.Collect(c.Decisions(ctx, q), o.Limit)
	if err != nil {
		return err
	}
	return show(o.Env, o.Format, all, func() { printDecisions(o.Env, all) })
}

func printDecisions(env *Env, all []api.DecisionSummary) {
	if env.orNone(len(all), "no decisions") {
		return
	}
	t := newTable(env.Out, "ENTRY", "OUTCOME", "ABOUT", "ENVIRONMENT", "DIGEST", "AT", "BY")
	for _, d := range all {
		t.row(fmt.Sprint(d.Index), env.outcome(d.Outcome), about(d), d.Environment, shortDigest(d.Subject),
			when(d.At), strings.Join(d.Actors, ", "))
	}
	t.flush()
}

func newAuditShowCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	cmd := &cobra.Command{
		Use:   "show ENTRY",
		Short: "Show a decision, and check that it is in the log",
		Long: `Show a decision, and check the proof that it is in the log, and the log's signature, by the key that
the server names. To check that key too, verify an export by keys that you have from elsewhere.`,
		Example:           `  slipway audit show 7`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: completeFirst(r, decisionNumbers),
		RunE: func(cmd *cobra.Command, args []string) error {
			var index uint64
			if _, err := fmt.Sscanf(args[0]+"\n", "%d\n", &index); err != nil {
				return fault.Invalid(fmt.Errorf("%q is not the number of an entry", args[0]), "see `slipway audit list`")
			}
			return runAuditShow(cmd.Context(), r, index)
		},
	}
	addRemote(cmd, r)
	return cmd
}

func runAuditShow(ctx context.Context, r *remote, index uint64) error {
	c, err := r.connect(ctx)
	if err != nil {
		return err
	}
	d, err := c.Decision(ctx, index)
	if err != nil {
		return err
	}
	proven := included(d)
	err = show(r.Env, r.Format, d, func() {
		r.Env.page(fmt.Sprintf("decision %d: %s", d.Index, r.Env.outcome(d.Outcome)), "about", about(d.DecisionSummary),
			"environment", d.Environment, "digest", d.Subject, "commit", d.Commit, "promotion", number(d.Promotion),
			"by", strings.Join(d.Actors, ", "), "at", when(d.At), "gates", d.Policy)
		printGates(r.Env, d.Gates)
		if proven == nil {
			r.Env.printf("\nentry %d of the %d of %s, as its checkpoint proves; signed by\n  %s\n", d.Index,
				d.Proof.Size, d.Proof.Checkpoint.Origin, d.Proof.Checkpoint.Key)
		}
	})
	return errors.Join(err, proven)
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// included checks that a decision is in the log, by the checkpoint that came with it.
func included(d api.Decision) error {
	fail := func(err error) error {
		return fault.Hint(fmt.Errorf("decision %d is not proven to be in the log: %w", d.Index, err),
			"tell an auditor; `slipway audit export` and `slipway audit verify` show more")
	}
	key, err := note.NewVerifier(d.Proof.Checkpoint.Key)
	if err != nil {
		return fail(err)
	}
	head, err := audit.OpenCheckpoint([]byte(d.Proof.Checkpoint.Note), key)
	if err != nil {
		return fail(err)
	}
	if d.Proof.Index != d.Index {
		return fail(fmt.Errorf("the proof is of entry %d", d.Proof.Index))
	}
	if err := audit.VerifyInclusion(audit.Entry{Index: d.Index, Envelope: d.Leaf}, d.Proof.Hashes, head); err != nil {
		return fail(err)
	}
	return nil
}

func newAuditFindingsCommand(env *Env) *cobra.Command {
	r := &remote{Env: env}
	code := false
	cmd := &cobra.Command{
		Use:   "findings",
		Short: "List what runs, or was merged, without a decision",
		Example: `  slipway audit findings
  slipway audit findings --exit-code || echo "something went around the gates"`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := r.connect(cmd.Context())
			if err != nil {
				return err
			}
			all, err := client.Collect(c.Findings(cmd.Context()), 0)
			if err != nil {
				return err
			}
			if err := show(env, r.Format, all, func() { printFindings(env, all) }); err != nil {
				return err
			}
			if code && len(all) > 0 {
				return fault.Hint(fmt.Errorf("%d findings", len(all)), "")
			}
			return nil
		},
	}
	addRemote(cmd, r)
	cmd.Flags().BoolVar(&code, "exit-code", false, "exit with 1 where there are findings")
	return cmd
}

func printFindings(env *Env, all []api.Finding) {
	if env.orNone(len(all), "no findings: everything that runs in governed environments was decided") {
		return
	}
	t := newTable(env.Out, "KIND", "APPLICATION", "ENVIRONMENT", "SUBJECT", "SINCE", "REASON")
	for _, f := range all {
		app := f.Application
		if f.Team != "" {
			app = f.Team + "/" + app
		}
		t.row(f.Kind, app, f.Environment, shortDigest(f.Subject), when(f.Since), cmp.Or(f.Reason, f.Object))
	}
	t.flush()
}

// about is what a decision is about: TEAM/APPLICATION, or the file of a change of gates.
func about(d api.DecisionSummary) string {
	if d.Path != "" {
		return d.Path
	}
	return d.Team + "/" + d.Application
}

type auditExportOptions struct {
	remote
	File    string
	Keys    string
	Running string
}

func newAuditExportCommand(env *Env) *cobra.Command {
	o := &auditExportOptions{remote: remote{Env: env}}
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Copy the whole log into a file that can be verified anywhere",
		Long: `Copy the log into a file (zip) that "slipway audit verify" verifies without the platform. It is always
the whole log: a part of it could not be verified.

--keys keeps the public keys in a file of their own: keep it where the log's keeper can't reach it, and
verify later exports by it. --running notes which images run in governed environments now.`,
		Example: `  slipway audit export log.zip --keys keys.json --running running.json
  slipway audit verify log.zip --trust keys.json --running running.json`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			return runAuditExport(cmd.Context(), o)
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Keys, "keys", "", "write the public keys into `FILE` too (JSON)")
	f.StringVar(&o.Running, "running", "", "write which images run in governed environments into `FILE` (JSON)")
	return cmd
}

func runAuditExport(ctx context.Context, o *auditExportOptions) error {
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	file := o.Env.path(o.File)
	size, err := writeWhole(file, func(f *os.File) error { return c.Export(ctx, api.ExportQuery{}, f) })
	if err != nil {
		return err
	}
	o.Env.printf("%s: %s\n", o.File, bytesText(size))
	if o.Keys != "" {
		if err := writeKeys(file, o.Env.path(o.Keys)); err != nil {
			return err
		}
		o.Env.printf("%s: the public keys\n", o.Keys)
	}
	if o.Running != "" {
		n, err := writeRunning(ctx, c, o.Env.path(o.Running))
		if err != nil {
			return err
		}
		o.Env.printf("%s: %d images that run in governed environments\n", o.Running, n)
	}
	return nil
}

// path is a file's, from the working directory on.
func (e *Env) path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(e.Dir, file)
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(file string, write func(*os.File) error) (int64, error) {
	fresh, err := os.CreateTemp(filepath.Dir(file), ".slipway-")
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", file, err)
	}
	defer os.Remove(fresh.Name()) // it is gone where all went well
	if err := write(fresh); err != nil {
		_ = fresh.Close() // it is thrown away
		return 0, err
	}
	info, err := fresh.Stat()
	if err = errors.Join(err, fresh.Chmod(0o644), fresh.Sync(), fresh.Close()); err != nil {
		return 0, fmt.Errorf("write %s: %w", file, err)
	}
	return info.Size(), os.Rename(fresh.Name(), file)
}

// writeKeys puts the keys that an export names into a file of their own.
func writeKeys(export, to string) error {
	b, err := readBundle(export)
	if err != nil {
		return err
	}
	text, err := b.Keys.Marshal()
	if err != nil {
		return err
	}
	_, err = writeWhole(to, func(f *os.File) error { _, err := f.Write(text); return err })
	return err
}

// writeRunning notes which images run in governed environments, as far as the caller may see.
func writeRunning(ctx context.Context, c *client.Client, to string) (int, error) {
	all := []audit.Running{}
	for r, err := range c.Running(ctx) {
		if err != nil {
			return 0, err
		}
		one := audit.Running{Application: r.Team + "/" + r.Application, Environment: r.Environment, Image: evidence.Digest(r.Image),
			At: r.At.UTC()}
		if !slices.Contains(all, one) { // several pods run the same
			all = append(all, one)
		}
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return 0, err
	}
	_, err = writeWhole(to, func(f *os.File) error { _, err := f.Write(append(text, '\n')); return err })
	return len(all), err
}
