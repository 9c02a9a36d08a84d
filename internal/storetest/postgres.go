package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sendoff/sendoff/migrations"
)

// opened is set once a test has used the servers.
var opened atomic.Bool

// Postgres returns the address of a new database with the schema in it, which
// is dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	s := use(t)
	name, err := template()
	if err != nil {
		t.Fatalf("make template database: %v", err)
	}
	return s.database(t, name)
}

// Empty is Postgres without the schema, for tests of the migrations.
func Empty(t testing.TB) string {
	t.Helper()
	return use(t).database(t, "template1")
}

// serial numbers the databases of one process.
var serial atomic.Int64

// database clones a template for one test.
func (s *servers) database(t testing.TB, template string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	name := fmt.Sprintf("test_%d_%d_%s", os.Getpid(), serial.Add(1), plain(t.Name()))
	if _, err := s.admin.ExecContext(ctx, `CREATE DATABASE `+name+` TEMPLATE `+template+s.strategy()); err != nil {
		t.Fatalf("clone database %s: %v", template, err)
	}
	s.pooled(ctx, t, name)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if _, err := s.admin.ExecContext(ctx, `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return s.address(t, name)
}

// plain makes part of a database name, at most 63 bytes in all, out of a test's.
func plain(name string) string {
	keep := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}
	name = strings.Map(keep, strings.TrimPrefix(name, "Test"))
	return name[:min(len(name), 30)]
}

func (s *servers) address(t testing.TB, database string) string {
	t.Helper()
	u, err := at(s.postgresURL, database)
	if s.poolerURL != "" {
		u, err = at(s.poolerURL, database)
		u += "&binary_parameters=yes" // for the tests' own pools: one round trip a statement
	}
	if err != nil {
		t.Fatalf("address database: %v", err)
	}
	return u
}

// at is address with another database.
func at(address, database string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("read postgres address: %w", err)
	}
	u.Path = "/" + database
	return u.String(), nil
}

// template is the name of the migrated database that tests clone. It is made
// once for each state of the migrations, by whichever process comes first.
var template = sync.OnceValues(func() (string, error) {
	s, err := shared()
	if err != nil {
		return "", err
	}
	sum, err := schemaSum(migrations.FS)
	if err != nil {
		return "", fmt.Errorf("read migrations: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return "sendoff_template_" + sum, s.makeTemplate(ctx, "sendoff_template_"+sum)
})

// schemaSum is a short hash over the names and contents of all files.
func schemaSum(files fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sum, "%s %d\n%s", path, len(raw), raw)
		return err
	})
	return hex.EncodeToString(sum.Sum(nil)[:6]), err
}

// templateLock is the advisory lock under which a template is made: an
// arbitrary number that nothing else uses.
const templateLock = 0x5e4d0ff

// makeTemplate makes the template unless it exists. It gets its name when it
// is whole, so a process that dies on the way leaves none that looks finished.
func (s *servers) makeTemplate(ctx context.Context, name string) (err error) {
	conn, err := s.admin.Conn(ctx)
	if err != nil {
		return fmt.Errorf("take connection: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, templateLock); err != nil {
		return fmt.Errorf("take template lock: %w", err)
	}
	defer func() {
		_, unlockErr := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, templateLock)
		err = errors.Join(err, unlockErr)
	}()
	var have bool
	err = conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&have)
	if err != nil || have {
		return err
	}
	return s.buildTemplate(ctx, conn, name)
}

func (s *servers) buildTemplate(ctx context.Context, conn *sql.Conn, name string) error {
	draft := name + "_draft"
	for _, statement := range []string{`DROP DATABASE IF EXISTS ` + draft + ` WITH (FORCE)`, `CREATE DATABASE ` + draft} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("create database: %w", err)
		}
	}
	address, err := at(s.postgresURL, draft)
	if err != nil {
		return err
	}
	if _, err := Migrate(ctx, address); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	// A template cannot be cloned while a client is connected to it.
	for _, statement := range []string{
		`ALTER DATABASE ` + draft + ` WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`,
		`ALTER DATABASE ` + draft + ` RENAME TO ` + name,
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("finish template: %w", err)
		}
	}
	return nil
}
