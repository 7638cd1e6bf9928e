package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/server/access"
	"github.com/slipway-dev/slipway/internal/server/device"
	"github.com/slipway-dev/slipway/internal/server/people"
	"github.com/slipway-dev/slipway/internal/server/session"
	"github.com/slipway-dev/slipway/internal/server/token"
)

// The store is what each of its users asks for.
var (
	_ people.Store  = (*Store)(nil)
	_ session.Store = (*Store)(nil)
	_ token.Store   = (*Store)(nil)
	_ device.Store  = (*Store)(nil)
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newToken(id, person string) token.Record {
	return token.Record{ID: id, Fingerprint: "f-" + id, Kind: token.API, Name: "report", Person: person,
		Scopes: access.Grants{{Role: access.Viewer, Team: "payments"}}, Created: noon, Expires: noon.Add(time.Hour)}
}

func TestStore_EverythingComesBackAfterReopening(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	s := open(t, dir)
	person := people.Person{ID: "p-1", Identity: people.Identity{Issuer: "https://id.example.test", Subject: "7",
		Username: "ada",
		Name:     "Ada", Email: "ada@example.test", Groups: []string{"a", "b"}, AsOf: noon}, Seen: noon}
	record := session.Record{ID: "s-1", Fingerprint: "f-1", Person: "p-1", Created: noon, Seen: noon,
		Ends:   noon.Add(time.Hour),
		Client: "192.0.2.1", Agent: "browser", SealedToken: "sealed"}
	request := device.Request{Device: "d-1", User: "u-1", Client: "slipway", From: "192.0.2.1",
		Scopes:  access.Grants{{Role: access.Viewer}},
		Created: noon, Expires: noon.Add(time.Minute), Interval: 5 * time.Second, State: device.Pending}
	for _, err := range []error{s.PutPerson(ctx, person), s.AddSession(ctx, record), s.AddToken(ctx, newToken("t-1",
		"p-1")), s.AddDevice(ctx, request)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	gotPerson, err := s.Person(ctx, "p-1")
	if err != nil || cmp.Diff(person, gotPerson) != "" {
		t.Error(err, cmp.Diff(person, gotPerson))
	}
	gotSession, err := s.Session(ctx, "f-1")
	if err != nil || cmp.Diff(record, gotSession) != "" {
		t.Error(err, cmp.Diff(record, gotSession))
	}
	gotToken, err := s.TokenByFingerprint(ctx, "f-t-1")
	if err != nil || cmp.Diff(newToken("t-1", "p-1"), gotToken) != "" {
		t.Error(err, cmp.Diff(newToken("t-1", "p-1"), gotToken))
	}
	gotDevice, err := s.DeviceByUser(ctx, "u-1")
	if err != nil || cmp.Diff(request, gotDevice) != "" {
		t.Error(err, cmp.Diff(request, gotDevice))
	}
}

func TestPutPerson_LeavesShutAlone(t *testing.T) {
	s, ctx := open(t, t.TempDir()), t.Context()
	p := people.Person{ID: "p-1", Identity: people.Identity{Username: "ada"}, Seen: noon}
	shut := people.Shut{By: "root", At: noon, Reason: "left"}
	for _, err := range []error{s.PutPerson(ctx, p), s.ShutPerson(ctx, "p-1", &shut), s.PutPerson(ctx, p)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Person(ctx, "p-1")
	if err != nil || got.Shut == nil || *got.Shut != shut {
		t.Fatalf("%+v, %v", got.Shut, err)
	}
	if err := s.ShutPerson(ctx, "p-1", nil); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Person(ctx, "p-1"); got.Shut != nil {
		t.Errorf("still shut out: %+v", got.Shut)
	}
	if err := s.ShutPerson(ctx, "p-2", &shut); !errors.Is(err, people.ErrUnknown) {
		t.Error(err)
	}
}

func TestEndSessions_OnlyTheOwners(t *testing.T) {
	s, ctx := open(t, t.TempDir()), t.Context()
	for i, person := range []string{"p-1", "p-1", "p-2"} {
		id := fmt.Sprintf("s-%d", i)
		if err := s.AddSession(ctx, session.Record{ID: id, Fingerprint: "f-" + id, Person: person, Created: noon,
			Ends: noon.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.EndSessions(ctx, "p-1", "s-2"); n != 0 || err != nil {
		t.Errorf("somebody else's session: %d, %v", n, err)
	}
	if n, err := s.EndSessions(ctx, "p-1", ""); n != 2 || err != nil {
		t.Errorf("all of one's own: %d, %v", n, err)
	}
	if _, err := s.Session(ctx, "f-s-2"); err != nil {
		t.Error("the other's session is gone:", err)
	}
	// A touch that comes late must not bring it back.
	if err := s.TouchSession(ctx, "f-s-0", noon); err != nil {
		t.Error(err)
	}
	if _, err := s.Session(ctx, "f-s-0"); !errors.Is(err, session.ErrNone) {
		t.Error("an ended session came back:", err)
	}
}

func TestRevokeTokens_CountsWhatWasGood(t *testing.T) {
	s, ctx := open(t, t.TempDir()), t.Context()
	for id, person := range map[string]string{"t-1": "p-1", "t-2": "p-1", "t-3": "p-2"} {
		if err := s.AddToken(ctx, newToken(id, person)); err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		person, id string
		want       int
	}{{"p-1", "t-3", 0}, {"p-1", "t-1", 1}, {"p-1", "t-1", 0}, {"", "t-3", 1}, {"p-1", "", 1}}
	for _, step := range steps {
		if n, err := s.RevokeTokens(ctx, step.person, step.id, "root", noon); n != step.want || err != nil {
			t.Errorf("%+v: %d, %v", step, n, err)
		}
	}
	if _, err := s.RevokeTokens(ctx, "", "", "root", noon); err == nil {
		t.Error("naming nobody and nothing revokes everything")
	}
	all, err := s.Tokens(ctx, "", "t-1", 1)
	if err != nil || len(all) != 1 || all[0].ID != "t-2" || all[0].RevokedBy != "root" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestPrune_ForgetsOnlyWhatIsOver(t *testing.T) {
	s, ctx := open(t, t.TempDir()), t.Context()
	for id, ends := range map[string]time.Time{"old": noon, "new": noon.Add(time.Second)} {
		if err := s.AddSession(ctx, session.Record{ID: id, Fingerprint: id, Person: "p", Ends: ends}); err != nil {
			t.Fatal(err)
		}
		if err := s.AddDevice(ctx, device.Request{Device: id, User: id, Expires: ends}); err != nil {
			t.Fatal(err)
		}
	}
	old, ended, good := newToken("old", "p"), newToken("ended", "p"), newToken("good", "p")
	old.Expires, ended.Expires, good.Expires = noon.Add(-keepEnded), noon.Add(-time.Hour), noon.Add(time.Hour)
	for _, r := range []token.Record{old, ended, good} {
		if err := s.AddToken(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Prune(ctx, noon); err != nil {
		t.Fatal(err)
	}
	_, oldErr := s.Session(ctx, "old")
	_, newErr := s.Session(ctx, "new")
	_, oldDevice := s.DeviceByDevice(ctx, "old")
	_, newDevice := s.DeviceByDevice(ctx, "new")
	if !errors.Is(oldErr, session.ErrNone) || newErr != nil || !errors.Is(oldDevice, device.ErrUnknown) ||
		newDevice != nil {
		t.Error(oldErr, newErr, oldDevice, newDevice)
	}
	all, err := s.Tokens(ctx, "p", "", 10)
	if err != nil || len(all) != 2 {
		t.Errorf("%d tokens are left, %v", len(all), err)
	}
}

func TestTakeDevice_OnlyOneOfManyGetsIt(t *testing.T) {
	s, ctx := open(t, t.TempDir()), t.Context()
	if err := s.AddDevice(ctx, device.Request{Device: "d", User: "u", State: device.Approved, Expires: noon}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := 0
	for range 20 {
		wg.Go(func() {
			err := s.TakeDevice(ctx, "d", device.Approved)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				got++
			case !errors.Is(err, device.ErrUnknown):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got != 1 {
		t.Errorf("%d got it", got)
	}
}

func TestStore_ManyWritersAtOnce(t *testing.T) {
	s, ctx := open(t, t.TempDir()), t.Context()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20 {
				id := fmt.Sprintf("t-%d-%d", w, i)
				if err := s.AddToken(ctx, newToken(id, "p")); err != nil {
					t.Error(err)
				}
				if _, err := s.TokenByFingerprint(ctx, "f-"+id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if all, err := s.Tokens(ctx, "p", "", 1000); len(all) != 160 || err != nil {
		t.Errorf("%d tokens, %v", len(all), err)
	}
}

func TestOpen_FilesAreForTheServerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	if err := s.AddToken(t.Context(), newToken("t-1", "p")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 2 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

func TestOpen_RefusesADatabaseFromTheFuture(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.db.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if _, err := Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(),
		"the database has form 99, this program knows 1") {
		t.Error(err)
	}
}

func TestOpen_SaysWhatIsNoDatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(strings.Repeat("not a database ", 100)),
		0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), FileName) {
		t.Error(err)
	}
}

// writerEnv makes the test binary write tokens into the directory that it names, until it is killed.
const writerEnv = "SLIPWAY_TEST_STORE_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		write(dir)
	}
	os.Exit(m.Run())
}

func write(dir string) {
	s, err := Open(context.Background(), dir)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		id := fmt.Sprintf("t-%d-%d", os.Getpid(), i)
		if err := s.AddToken(context.Background(), newToken(id, "p")); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(id) // only what was said to be kept is promised
	}
}

func TestStore_KilledAtAnyMomentKeepsWhatItSaid(t *testing.T) {
	dir := t.TempDir()
	promised := map[string]bool{}
	for round := range 5 {
		for _, id := range writeUntilKilled(t, dir, 3+7*round) {
			promised[id] = true
		}
	}
	s := open(t, dir)
	for id := range promised {
		if _, err := s.TokenByFingerprint(t.Context(), "f-"+id); err != nil {
			t.Errorf("%s was kept, and is gone: %v", id, err)
		}
	}
	var healthy string
	if err := s.db.QueryRow(`PRAGMA integrity_check`).Scan(&healthy); err != nil || healthy != "ok" {
		t.Errorf("the database is damaged: %s, %v", healthy, err)
	}
}

// writeUntilKilled lets a process write, and kills it once it has promised n tokens.
func writeUntilKilled(t *testing.T, dir string, n int) (promised []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), writerEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if strings.HasPrefix(line, "error:") {
			t.Error(line)
		}
		if err == nil {
			promised = append(promised, strings.TrimSpace(line))
		}
		if len(promised) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(promised) < n {
		t.Fatalf("the writer promised only %d of %d tokens", len(promised), n)
	}
	return promised
}
