package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-dev/slipway/internal/audit"
	"github.com/slipway-dev/slipway/internal/audit/audittest"
	"github.com/slipway-dev/slipway/internal/audit/memory"
	"github.com/slipway-dev/slipway/internal/client"
	"github.com/slipway-dev/slipway/internal/evidence/evidencetest"
	"github.com/slipway-dev/slipway/internal/fault"
	"github.com/slipway-dev/slipway/internal/server/api"
	"github.com/slipway-dev/slipway/internal/server/apitest"
	"github.com/slipway-dev/slipway/internal/server/oidctest"
)

// TestPortalScripts runs the commands as people would, against a real server with a small platform in memory behind it.
func TestPortalScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/portal/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			world := &apitest.World{}
			backends := world.Backends()
			backends.Audit = newLogBackend(t, backends.Audit)
			backends.Promotions = &rising{promotions: backends.Promotions}
			p := startServer(t, backends)
			people := map[string]string{}
			for name, groups := range map[string][]string{"ADA": {"developers"}, "GRACE": {"approvers"}, "EVE": {"auditors"},
				"ROOT": {"admins"}, "LINUS": {"developers", "search"}, "NOBODY": {"approvers"}} {
				u := oidctest.User{Subject: name, Username: strings.ToLower(name), Groups: groups}
				people[name] = p.provider.Token(t, p.provider.Claims(u))
			}
			testscript.Run(t, testscript.Params{
				Files: []string{script},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					// did checks what was asked of the platform since the last time.
					"did": func(ts *testscript.TestScript, _ bool, want []string) {
						got := world.Done()
						if len(want) > len(got) || cmp.Diff(want, got[len(got)-len(want):]) != "" {
							ts.Fatalf("asked for %q, not for %q", got, want)
						}
					},
				},
				Setup: func(e *testscript.Env) error {
					e.Setenv("SLIPWAY_HOME", filepath.Join(e.WorkDir, "home"))
					e.Setenv("HOME", e.WorkDir)
					e.Setenv("TZ", "UTC")
					e.Setenv("SLIPWAY_SERVER", p.url)
					e.Setenv("SLIPWAY_TOKEN", people["ADA"])
					for name, token := range people {
						e.Setenv(name, token)
					}
					return nil
				},
			})
		})
	}
}

// promotions are those of the world.
type promotions = api.Promotions

// rising promotions come a step further each time they are looked at.
type rising struct {
	promotions
	mu    sync.Mutex
	looks map[string]int
}

func (r *rising) Promotion(ctx context.Context, team, application string, n int64) (api.Promotion, error) {
	p, err := r.promotions.Promotion(ctx, team, application, n)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.looks == nil {
		r.looks = map[string]int{}
	}
	look := r.looks[application]
	r.looks[application]++
	p.Number, p.Application, p.BreakGlass = n, application, nil
	gate := api.GateResult{Name: "approvals", Verdict: api.Fail, Reason: "0 of 1", Hint: "somebody else reviews it"}
	p.State, p.Reason = api.PromotionOpen, "waiting for approvals"
	if look > 0 {
		gate.Verdict, gate.Reason, p.State, p.Reason = api.Pass, "1 of 1", api.PromotionMerged, "rolling out"
	}
	if look > 1 {
		p.State, p.Reason = api.PromotionHealthy, ""
		if application == "unlucky" {
			p.State, p.Reason = api.PromotionRolledBack, "it never became healthy"
		}
	}
	p.Gates = append(p.Gates, gate)
	return p, err
}

// logBackend is a real log of decisions, behind the routes of the audit log.
type logBackend struct {
	api.Audit
	log   *memory.Log
	trust audit.Trust
	zip   []byte
}

func newLogBackend(t *testing.T, others api.Audit) *logBackend {
	signer, _ := audittest.LogSigner(t, audittest.Origin)
	l, err := memory.New(signer, audittest.Keyring(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range audittest.Story() {
		if _, err := l.Append(t.Context(), evidencetest.Signed(t, d, evidencetest.Signer(t, audittest.Server))); err != nil {
			t.Fatal(err)
		}
	}
	return &logBackend{Audit: others, log: l, trust: audittest.Trust(t), zip: packed(t, audittest.Export(t, audittest.Story()...))}
}

func packed(t testing.TB, b *audit.Bundle) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.WriteZip(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Decision gives entry 1 with another one's content.
func (l *logBackend) Decision(ctx context.Context, index uint64) (api.Decision, error) {
	head := l.log.Checkpoint()
	if index >= head.Size {
		return api.Decision{}, fmt.Errorf("decision %d: %w", index, api.ErrNotFound)
	}
	d, err := l.Audit.Decision(ctx, 0)
	if err != nil {
		return d, err
	}
	d.Index = index
	for e, err := range l.log.Entries(ctx, index, index+1) {
		if err != nil {
			return d, err
		}
		d.Leaf = e.Envelope
	}
	if index == 1 {
		d.Leaf = append(d.Leaf, ' ')
	}
	hashes, err := l.log.InclusionProof(ctx, index, head.Size)
	d.Proof = api.InclusionProof{Index: index, Size: head.Size, Hashes: hashes, Checkpoint: api.Checkpoint{
		Origin: head.Origin, Size: head.Size, Root: head.Root, Note: string(head.Note), Key: l.trust.Logs[0]}}
	return d, err
}

func (l *logBackend) Export(_ context.Context, _ api.ExportQuery, to io.Writer) error {
	_, err := to.Write(l.zip)
	return err
}

// offline is a machine without a platform, a login or a server.
func offline(t *testing.T) (*Env, *strings.Builder, func(...string) error) {
	env, out := testEnv(t, map[string]string{})
	return env, out, func(args ...string) error {
		out.Reset()
		cmd := NewCommand(env)
		cmd.SetArgs(args)
		return cmd.ExecuteContext(t.Context())
	}
}

// write puts a file where the command works.
func write(t *testing.T, env *Env, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(env.Dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// knownFlags writes what an auditor knows besides the export, and gives the flags that name it.
func knownFlags(t *testing.T, env *Env, known audit.Known) []string {
	t.Helper()
	var flags []string
	for i, c := range known.Checkpoints {
		name := fmt.Sprintf("checkpoint-%d", i)
		write(t, env, name, c)
		flags = append(flags, "--known", name)
	}
	if len(known.Running) > 0 {
		text, err := json.Marshal(known.Running)
		if err != nil {
			t.Fatal(err)
		}
		write(t, env, "running.json", text)
		flags = append(flags, "--running", "running.json")
	}
	return flags
}

// TestAuditVerify_FindsEachTampering is what the package audit finds, through the command, on a machine without the
// platform: each tampering is named, and the exit code is 1.
func TestAuditVerify_FindsEachTampering(t *testing.T) {
	trust, err := audittest.Trust(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range audittest.Tamperings {
		t.Run(name, func(t *testing.T) {
			env, out, run := offline(t)
			b := audittest.Export(t, audittest.Story()...)
			if tc.Tamper != nil {
				tc.Tamper(t, b)
			}
			write(t, env, "log.zip", packed(t, b))
			write(t, env, "keys.json", trust)
			args := []string{"audit", "verify", "log.zip", "--trust", "keys.json"}
			if tc.Known != nil {
				args = append(args, knownFlags(t, env, tc.Known(t))...)
			}
			err := run(append(args, "-o", "json")...)
			if _, code := fault.Of(err); code != fault.ExitFailed {
				t.Errorf("exit code %d: %v", code, err)
			}
			var report audit.Report
			if err := json.Unmarshal([]byte(out.String()), &report); err != nil {
				t.Fatal(err)
			}
			var codes []audit.Code
			for _, f := range report.Findings {
				codes = append(codes, f.Code)
			}
			if diff := cmp.Diff(tc.Want, codes); diff != "" {
				t.Errorf("%s\n%s", diff, out)
			}
			if err := run(args...); err == nil {
				t.Error("as text it passes")
			}
			for _, f := range report.Findings {
				if !strings.Contains(out.String(), "✗ "+f.String()+"\n") {
					t.Errorf("not named: %s\n%s", f, out)
				}
			}
		})
	}
}

func TestAuditVerify_GoodLogs(t *testing.T) {
	env, out, run := offline(t)
	b := audittest.Export(t, audittest.Story()...)
	write(t, env, "log.zip", packed(t, b))
	trust, err := audittest.Trust(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	write(t, env, "keys.json", trust)
	if err := run("audit", "verify", "log.zip"); err != nil || !strings.Contains(out.String(), "they don't show who wrote it") {
		t.Errorf("%v\n%s", err, out)
	}
	kept := filepath.Join(env.Dir, "kept")
	for file, text := range map[string][]byte{"one": b.Checkpoints[1], "deep/two": b.Checkpoints[3], "README.md": []byte("# Kept\n"),
		".git/config": []byte("— not a checkpoint")} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(kept, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(kept, file), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := run("audit", "verify", "log.zip", "--trust", "keys.json", "--known", "kept"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, want := range []string{"log " + audittest.Origin, "5, as the checkpoints", "3 allowed, 1 refused, 1 rollback", "2 that were kept",
		"server (server) SHA256:", "verified: nothing is wrong"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said:\n%s", want, out)
		}
	}
	// An export that was unpacked is one too.
	folder := filepath.Join(env.Dir, "unpacked")
	for path, data := range b.Files() {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, path), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := run("audit", "verify", "unpacked", "--trust", "keys.json"); err != nil {
		t.Error(err)
	}
}

func TestAuditVerify_UnusableInputIsInvalid(t *testing.T) {
	env, _, run := offline(t)
	write(t, env, "log.zip", packed(t, audittest.Export(t)))
	write(t, env, "text", []byte("text"))
	if err := os.Mkdir(filepath.Join(env.Dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"nowhere.zip"}, {"text"}, {"empty"}, {"log.zip", "--trust", "nowhere"}, {"log.zip", "--trust", "text"},
		{"log.zip", "--known", "nowhere"}, {"log.zip", "--known", "empty"}, {"log.zip", "--running", "text"}, {}} {
		if _, code := fault.Of(run(append([]string{"audit", "verify"}, args...)...)); code != fault.ExitInvalid {
			t.Errorf("%q: exit code %d", args, code)
		}
	}
}

// TestCompletion_NamesComeFromTheServer asks as a shell does.
func TestCompletion_NamesComeFromTheServer(t *testing.T) {
	p := startServer(t, (&apitest.World{}).Backends())
	token := p.provider.Token(t, p.provider.Claims(p.user))
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"app", "show", ""}, []string{"orders", "payments/orders"}},
		{[]string{"app", "show", "pay"}, []string{"payments/orders"}},
		{[]string{"app", "show", "orders", ""}, nil},
		{[]string{"app", "create", "x", "--template", ""}, []string{"go-service"}},
		{[]string{"promote", "orders", "--to", ""}, []string{"dev", "load-test"}},
		{[]string{"promotion", "show", ""}, []string{"42\tpayments/orders to prod, open"}},
		{[]string{"env", "create", "x", "--team", ""}, []string{"payments"}},
		{[]string{"promote", "orders", "--to", "prod", "--release", ""}, []string{"v1\tin dev"}},
		{[]string{"promotion", "waive", "42", "--gate", ""}, []string{"soak\thealthy for 10 minutes of 60"}},
		{[]string{"app", "logs", "orders", "--build", "b"}, []string{"b1\trunning"}},
		{[]string{"token", "create", "x", "--scope", ""}, []string{"developer:payments"}},
		{[]string{"audit", "show", ""}, []string{"0\tallowed: payments/orders to prod"}},
	} {
		env, out := testEnv(t, map[string]string{"SLIPWAY_SERVER": p.url, "SLIPWAY_TOKEN": token, "HOME": t.TempDir()})
		cmd := NewCommand(env)
		cmd.SetArgs(append([]string{"__complete"}, tt.args...))
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, ":") {
				got = append(got, line)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: %s", tt.args, diff)
		}
	}
	// Without a server there are no names, and no errors in between either.
	env, out := testEnv(t, map[string]string{"HOME": t.TempDir()})
	cmd := NewCommand(env)
	cmd.SetArgs([]string{"__complete", "app", "show", ""})
	if err := cmd.ExecuteContext(t.Context()); err != nil || strings.TrimSpace(out.String()) != ":4" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestStatus_ShowsTheGoldenPath is the portal's part of `status` and `why`; the platform's own is tested on a platform.
func TestStatus_ShowsTheGoldenPath(t *testing.T) {
	p := startServer(t, (&apitest.World{}).Backends())
	env, out := testEnv(t, map[string]string{"SLIPWAY_SERVER": p.url, "HOME": t.TempDir(),
		"SLIPWAY_TOKEN": p.provider.Token(t, p.provider.Claims(p.user))})
	c, err := (&remote{Env: env}).connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g := askGoldenPath(t.Context(), c)
	g.print(env)
	for _, want := range []string{"payments/orders", "open", "without a decision:", "no decision"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not shown:\n%s", want, out)
		}
	}
	causes, err := whyApplication(t.Context(), c, "orders")
	if err != nil || len(causes) != 2 {
		t.Fatalf("%v, %v", causes, err)
	}
	if build := causes[0].Root(); build.Finding != "a test failed" || build.Next != "slipway app logs payments/orders --build b1" {
		t.Errorf("%+v", build)
	}
	if place := causes[1].Root(); place.Finding != "the image does not exist" || len(place.Evidence) != 1 {
		t.Errorf("%+v", place)
	}
	for _, thing := range []string{"", "nothing", "Deployment/a/b"} {
		if _, err := whyApplication(t.Context(), c, thing); err == nil {
			t.Errorf("%q is an application", thing)
		}
	}
	// A server that is not there leaves nothing behind.
	gone := client.New(client.Options{Server: "http://127.0.0.1:1"})
	if g := askGoldenPath(t.Context(), gone); len(g.Findings)+len(g.Promotions) > 0 {
		t.Errorf("%+v", g)
	}
}
