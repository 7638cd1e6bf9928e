package index

import (
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// FileName is the index's name in the server's data directory.
const FileName = "index.db"

//go:embed schema.sql
var schema string

// version is the schema's: any change of its text is another.
var version = func() int32 {
	sum := sha256.Sum256([]byte(schema))
	return int32(binary.BigEndian.Uint32(sum[:]) >> 1)
}()

// application marks the file as an index of Slipway's (PRAGMA application_id).
const application = 0x534c5058

// ErrBroken says that the file is damaged. Whoever meets it closes the index and opens it again,
// which puts the file aside and begins an empty one.
var ErrBroken = errors.New("the index is damaged")

var errOtherSchema = errors.New("the index has another schema")

// readers is how many queries run at the same time.
const readers = 4

// Index is an open index. It is safe for concurrent use.
type Index struct {
	read, write *sql.DB
	lock        *flock.Flock
	// turns has room for as many queries as run at the same time. Who waits for room is served in the order of
	// arrival; database/sql serves in any order, by which some wait many times as long as others.
	turns chan struct{}

	mu       sync.Mutex
	catching map[string]*sync.Mutex // by source
}

// Open opens the index in dir. One that is missing, damaged, or of another schema is begun anew:
// fresh says so, and that all sources have to be read. A process has the index for itself: Open
// waits, until ctx ends, for another one that has it.
func Open(ctx context.Context, dir string) (x *Index, fresh bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("open the index: %w", err)
	}
	file := filepath.Join(dir, FileName)
	lock := flock.New(file + ".lock")
	if _, err := lock.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, false, fmt.Errorf("open the index: wait for the process that has %s: %w", file, err)
	}
	x = &Index{lock: lock, turns: make(chan struct{}, readers), catching: map[string]*sync.Mutex{}}
	fresh, err = x.open(ctx, file)
	if errors.Is(err, ErrBroken) || errors.Is(err, errOtherSchema) {
		_ = x.closeFiles()
		if err = discard(file); err == nil {
			fresh, err = x.open(ctx, file)
		}
	}
	if err != nil {
		_ = x.Close()
		return nil, false, fmt.Errorf("open the index %s: %w", file, err)
	}
	return x, fresh, nil
}

// open opens the file, and makes its tables where it is empty.
func (x *Index) open(ctx context.Context, file string) (fresh bool, err error) {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		// what is left beside a file that is gone would be taken for the new one's
		if err := errors.Join(remove(file+"-wal"), remove(file+"-shm")); err != nil {
			return false, err
		}
	}
	if x.write, err = sql.Open("sqlite", source(file, false)); err != nil {
		return false, err
	}
	x.write.SetMaxOpenConns(1)
	if x.read, err = sql.Open("sqlite", source(file, true)); err != nil {
		return false, err
	}
	x.read.SetMaxOpenConns(readers)
	x.read.SetMaxIdleConns(readers)
	empty, err := x.check(ctx)
	if err != nil || !empty {
		return false, err
	}
	return true, x.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, schema+fmt.Sprintf("\nPRAGMA application_id = %d; PRAGMA user_version = %d;",
			application, version))
		return err
	})
}

// check looks whether the file is sound and of this schema.
func (x *Index) check(ctx context.Context) (empty bool, err error) {
	var tables, id, have int32
	err = x.write.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM sqlite_schema),
		(SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version)`).
		Scan(&tables, &id, &have)
	switch {
	case err != nil:
		return false, broken(err)
	case tables == 0 && id == 0 && have == 0:
		return true, nil
	case id != application || have != version:
		return false, errOtherSchema
	}
	var report string
	if err := x.write.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&report); err != nil {
		return false, broken(err)
	}
	if report != "ok" {
		return false, fmt.Errorf("%w: %s", ErrBroken, report)
	}
	return false, nil
}

// source is the driver's name of the database. A commit need not outlive the machine, only the
// process (synchronous NORMAL): what is lost is read from its source again.
func source(file string, readOnly bool) string {
	pragmas := []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)",
		"temp_store(MEMORY)"}
	q := url.Values{}
	if readOnly {
		pragmas = append(pragmas, "query_only(1)")
	} else {
		q.Set("_txlock", "immediate")
	}
	q["_pragma"] = pragmas
	return (&url.URL{Scheme: "file", Path: file, RawQuery: q.Encode()}).String()
}

// discard puts a file aside that is of no use; the one that was put aside before goes. It can be
// interrupted anywhere: the database goes first, and without it open removes what is left.
func discard(file string) error {
	if err := os.Rename(file, file+".discarded"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the index aside: %w", err)
	}
	return errors.Join(remove(file+"-wal"), remove(file+"-shm"))
}

func remove(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Close closes the index.
func (x *Index) Close() error {
	err := x.closeFiles()
	if err := x.lock.Unlock(); err != nil {
		return fmt.Errorf("close the index: %w", err)
	}
	return err
}

func (x *Index) closeFiles() error {
	var errs []error
	for _, db := range []*sql.DB{x.read, x.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	x.read, x.write = nil, nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close the index: %w", err)
	}
	return nil
}

// change runs do in a transaction that writes.
func (x *Index) change(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := x.write.BeginTx(ctx, nil)
	if err != nil {
		return broken(err)
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback()
		return broken(err)
	}
	return broken(tx.Commit())
}

// turn waits until a query may begin. Whoever has a turn must not wait for another one.
func (x *Index) turn(ctx context.Context) (leave func(), err error) {
	select {
	case x.turns <- struct{}{}:
		return func() { <-x.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// look runs do in a transaction that reads one state of the index.
func (x *Index) look(ctx context.Context, do func(*sql.Tx) error) error {
	leave, err := x.turn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	tx, err := x.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return broken(err)
	}
	defer func() { _ = tx.Rollback() }()
	return broken(do(tx))
}

// broken marks errors that say that the file is damaged.
func broken(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB) {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return err
}
