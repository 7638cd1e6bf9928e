package index

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

func openIn(t *testing.T, dir string) (*Index, bool) {
	t.Helper()
	x, fresh, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return x, fresh
}

// filled makes an index with some content and closes it.
func filled(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	x, _ := openIn(t, dir)
	load(t, x, organisation(t))
	for i := range 200 {
		must(t, x.Apply(t.Context(), "ci", position(i), Changes{Position: position(i + 1),
			Put: []Record{Run{ID: fmt.Sprint(i), Application: "shop", Title: "a title that takes some room"}}}))
	}
	must(t, x.Close())
	return dir, filepath.Join(dir, FileName)
}

func position(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func TestOpen_KeepsWhatIsThere(t *testing.T) {
	dir, _ := filled(t)
	x, fresh := openIn(t, dir)
	defer x.Close()
	if fresh {
		t.Error("begun anew")
	}
	if at, err := x.Position(t.Context(), "ci"); err != nil || at != "200" {
		t.Errorf("position %s, %v", at, err)
	}
}

func TestOpen_BeginsAnewWhereTheFileIsOfNoUse(t *testing.T) {
	overwrite := func(t *testing.T, file string, change func([]byte) []byte) {
		t.Helper()
		data, err := os.ReadFile(file)
		must(t, err)
		must(t, os.WriteFile(file, change(data), 0o600))
	}
	for name, spoil := range map[string]func(t *testing.T, file string){
		"text": func(t *testing.T, file string) {
			must(t, os.WriteFile(file, bytes.Repeat([]byte("no database "), 1000), 0o600))
		},
		"cut short": func(t *testing.T, file string) {
			overwrite(t, file,
				func(b []byte) []byte { return b[:len(b)/2] })
		},
		"half a page": func(t *testing.T, file string) {
			overwrite(t, file,
				func(b []byte) []byte { return b[:len(b)/2-100] })
		},
		"pages of nonsense": func(t *testing.T, file string) {
			overwrite(t, file, func(b []byte) []byte {
				random := rand.New(rand.NewPCG(1, 2))
				for i := 3 * 4096; i < len(b); i++ {
					b[i] = byte(random.IntN(256))
				}
				return b
			})
		},
		"another schema": func(t *testing.T, file string) {
			db, err := sql.Open("sqlite", source(file, false))
			must(t, err)
			_, err = db.Exec(`PRAGMA user_version = 7`)
			must(t, errors.Join(err, db.Close()))
		},
		"another program's": func(t *testing.T, file string) {
			must(t, os.Remove(file))
			db, err := sql.Open("sqlite", source(file, false))
			must(t, err)
			_, err = db.Exec(`CREATE TABLE precious (x)`)
			must(t, errors.Join(err, db.Close()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, file := filled(t)
			spoil(t, file)
			x, fresh := openIn(t, dir)
			if !fresh {
				t.Error("not begun anew")
			}
			if sources, err := x.Sources(t.Context()); err != nil || len(sources) != 0 {
				t.Errorf("%v, %v", sources, err)
			}
			must(t, x.Apply(t.Context(), "ci", "", Changes{Position: "1", Put: []Record{Run{ID: "1"}}}))
			must(t, x.Close())
			if _, err := os.Stat(file + ".discarded"); err != nil {
				t.Error("what was there is gone")
			}
			again, fresh := openIn(t, dir)
			defer again.Close()
			if fresh {
				t.Error("begun anew once more")
			}
		})
	}
}

// A write-ahead log that was left beside a database which is gone belongs to nobody.
func TestOpen_TakesNoLogOfAnotherDatabase(t *testing.T) {
	dir, file := filled(t)
	x, _ := openIn(t, dir)
	must(t, x.Apply(t.Context(), "late", "", Changes{Position: "1", Put: []Record{Run{ID: "late"}}}))
	wal, err := os.ReadFile(file + "-wal")
	must(t, err)
	must(t, x.Close())
	must(t, os.Remove(file))
	must(t, os.WriteFile(file+"-wal", wal, 0o600))
	x, fresh := openIn(t, dir)
	defer x.Close()
	if sources, err := x.Sources(t.Context()); !fresh || err != nil || len(sources) != 0 {
		t.Errorf("%t, %v, %v", fresh, sources, err)
	}
}

func TestOpen_WaitsForWhoHasIt(t *testing.T) {
	dir := t.TempDir()
	first, _ := openIn(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Open(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("opened twice: %v", err)
	}
	opened := make(chan error, 1)
	go func() {
		second, _, err := Open(context.WithoutCancel(t.Context()), dir)
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	must(t, first.Close())
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// Damage that is met while the index is open is told apart from other errors.
func TestBroken_IsTold(t *testing.T) {
	dir, file := filled(t)
	x, _ := openIn(t, dir)
	defer x.Close()
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, int(info.Size())-4096), 4096)
	must(t, errors.Join(err, f.Close()))
	if _, err := x.Runs(t.Context(), RunQuery{}, Page{}); !errors.Is(err, ErrBroken) {
		t.Errorf("got %v", err)
	}
}

const envVictim = "SLIPWAY_TEST_INDEX_VICTIM"

// TestMain lets this program be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(envVictim); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// victim writes pairs of records for ever, and says how far it is.
func victim(dir string) error {
	ctx := context.Background()
	x, _, err := Open(ctx, dir)
	if err != nil {
		return err
	}
	at, err := x.Position(ctx, "ci")
	if err != nil {
		return err
	}
	for n, _ := strconv.Atoi(at); ; n++ {
		err := x.Apply(ctx, "ci", position(n), Changes{Position: position(n + 1), Put: []Record{
			Run{ID: fmt.Sprintf("%d-a", n), Application: "shop"},
			Run{ID: fmt.Sprintf("%d-b", n), Application: "shop"}}})
		if err != nil {
			return err
		}
		fmt.Println(n + 1)
	}
}

// A process that is killed leaves an index that opens, holds all that was said to be written, and
// nothing by halves.
func TestIndex_SurvivesBeingKilled(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 4))
	for range 8 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), envVictim+"="+dir)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		said, lines := 0, bufio.NewScanner(out)
		for n := random.IntN(60) + 1; n > 0 && lines.Scan(); n-- {
			said, err = strconv.Atoi(lines.Text())
			must(t, err)
		}
		time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond) // somewhere in a transaction
		must(t, cmd.Process.Kill())
		for lines.Scan() {
			said, err = strconv.Atoi(lines.Text())
			must(t, err)
		}
		_ = cmd.Wait()
		x, fresh := openIn(t, dir)
		at, err := x.Position(t.Context(), "ci")
		must(t, err)
		n, _ := strconv.Atoi(at)
		var runs int
		for page := (Page{Limit: 500}); ; {
			l, err := x.Runs(t.Context(), RunQuery{}, page)
			must(t, err)
			runs += len(l.Items)
			if page.After = l.Next; page.After == "" {
				break
			}
		}
		if fresh || n < said || runs != 2*n {
			t.Errorf("begun anew: %t; it said %d, the position is %d, and there are %d records", fresh, said, n, runs)
		}
		must(t, x.Close())
	}
}
