// Package migrations holds the database schema as numbered SQL, applied by
// goose under a lock. An applied file is never edited: expand, deploy,
// contract.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"

	_ "github.com/lib/pq" // the driver
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// FS holds the numbered SQL files.
//
//go:embed *.sql
var FS embed.FS

// Status is one migration and whether it is applied.
type Status struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
	Applied bool   `json:"applied"`
	// Locks is what applying it would lock on this database. It is nil if it is
	// applied or if its file does not say so.
	Locks []Lock `json:"locks,omitzero"`
}

// Up applies the migrations that the database at url lacks and returns their
// names.
func Up(ctx context.Context, url string) (names []string, err error) {
	err = with(url, func(p *goose.Provider) error {
		done, err := p.Up(ctx)
		for _, r := range done {
			names = append(names, r.Source.Path)
		}
		return err
	})
	return names, err
}

// Down reverts the newest migration and returns its name.
func Down(ctx context.Context, url string) (name string, err error) {
	err = with(url, func(p *goose.Provider) error {
		r, err := p.Down(ctx)
		if r != nil {
			name = r.Source.Path
		}
		return err
	})
	return name, err
}

// List returns all migrations, oldest first. It changes nothing: a database that
// was never migrated has none applied.
func List(ctx context.Context, url string) ([]Status, error) {
	db, err := open(url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	done, err := applied(ctx, db)
	if err != nil {
		return nil, err
	}
	out, err := embedded()
	if err != nil {
		return nil, err
	}
	for i := range out {
		m := &out[i]
		m.Applied = slices.Contains(done, m.Version)
		if m.Applied {
			continue
		}
		if m.Locks, err = m.locks(ctx, db); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// locks returns what a migration would lock, of the tables that are there; it is
// empty, not nil, if it would lock none of them.
func (m *Status) locks(ctx context.Context, db *sql.DB) ([]Lock, error) {
	all, known, err := Locks(m.Name)
	if err != nil || !known {
		return nil, err
	}
	out := []Lock{}
	for _, l := range all {
		there, err := l.estimate(ctx, db)
		if err != nil {
			return nil, err
		}
		if there {
			out = append(out, l)
		}
	}
	return out, nil
}

// Database is a pool of connections that Check reads with.
type Database interface {
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	GetContext(ctx context.Context, dest any, query string, args ...any) error
}

// Check returns a *Behind if the database lacks a migration of this binary. A
// database with later ones is fine: migrations expand first.
func Check(ctx context.Context, db Database) error {
	var known bool
	if err := db.GetContext(ctx, &known, sqlKnown); err != nil {
		return wrap("look for the table of migrations", err)
	}
	all, err := embedded()
	if err != nil {
		return err
	}
	if !known {
		return &Behind{Missing: len(all), All: len(all)}
	}
	var done []int64
	if err := db.SelectContext(ctx, &done, sqlDone); err != nil {
		return wrap("read applied migrations", err)
	}
	behind := &Behind{All: len(all)}
	for _, m := range all {
		if !slices.Contains(done, m.Version) {
			behind.Missing++
		}
	}
	if behind.Missing > 0 {
		return behind
	}
	return nil
}

// Behind is the error of a database that lacks migrations.
type Behind struct{ Missing, All int }

// Error returns what is lacking and the command that adds it.
func (b *Behind) Error() string { return b.Fault() }

// Fault returns what is lacking and the command that adds it.
func (b *Behind) Fault() string {
	if b.Missing == b.All {
		return "the database has no tables yet; run: sendoff migrate up"
	}
	return fmt.Sprintf("the database lacks %d migrations that this version needs; run: sendoff migrate up", b.Missing)
}

const (
	sqlKnown = "SELECT to_regclass('goose_db_version') IS NOT NULL"
	sqlDone  = "SELECT version_id FROM goose_db_version WHERE is_applied"
)

// embedded returns the migrations of this binary, oldest first.
func embedded() ([]Status, error) {
	files, err := fs.Glob(FS, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var out []Status
	for _, name := range files {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, fmt.Errorf("read the version of %s: %w", name, err)
		}
		out = append(out, Status{Version: version, Name: name})
	}
	return out, nil
}

// applied returns the versions that goose has noted as applied.
func applied(ctx context.Context, db *sql.DB) (versions []int64, err error) {
	var known bool
	if err := db.QueryRowContext(ctx, sqlKnown).Scan(&known); err != nil || !known {
		return nil, wrap("look for the table of migrations", err)
	}
	rows, err := db.QueryContext(ctx, sqlDone)
	if err != nil {
		return nil, wrap("read applied migrations", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, wrap("read applied migrations", err)
		}
		versions = append(versions, v)
	}
	return versions, wrap("read applied migrations", rows.Err())
}

// with runs f under a lock in a table, which a pooler can't strand as it can a
// lock of a session.
func with(url string, f func(*goose.Provider) error) error {
	db, err := open(url)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	locker, err := lock.NewPostgresTableLocker(lock.WithTableName("sendoff_migration_lock"))
	if err != nil {
		return fmt.Errorf("make migration lock: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, FS, goose.WithLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return wrap("migrate", f(p))
}

// open returns a pool whose statements with arguments take one round trip, and
// so stay on one connection of a pooler.
func open(address string) (*sql.DB, error) {
	u, err := pg.ParseURL(address)
	if err != nil {
		return nil, err
	}
	q := u.Query()
	q.Set("binary_parameters", "yes")
	u.RawQuery = q.Encode()
	db, err := sql.Open("postgres", u.String())
	return db, wrap("open database", err)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
