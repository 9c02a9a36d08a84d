package devstack

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// standbySlot is the replication slot in which the primary keeps the log for the
// standby.
const standbySlot = "standby"

// Standby is a streaming replica of a stack's Postgres, a hot one: it answers
// reads. Nobody starts it again when it ends.
type Standby struct {
	postgres *postgres
	database string
	process  *process
}

// StartStandby copies the data of the server at primaryURL, which runs on this
// machine as the user that our servers run as, and starts the copy as its
// standby. It keeps its files in dir, which MkdirTemp made.
func StartStandby(ctx context.Context, dir, primaryURL string) (*Standby, error) {
	u, err := url.Parse(primaryURL)
	if err != nil {
		return nil, fmt.Errorf("read postgres url: %w", err)
	}
	p := &place{data: filepath.Join(dir, "standby")}
	if p.owner, err = findOwner(dir); err != nil {
		return nil, err
	}
	if err := p.secure(); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	pg := &postgres{place: p}
	pg.password, _ = u.User.Password()
	if err := pg.copyFrom(ctx, u); err != nil {
		return nil, fmt.Errorf("copy the primary: %w", err)
	}
	if pg.bin, err = findPostgres(pg.madeBy()); err != nil {
		return nil, err
	}
	s := &Standby{postgres: pg, database: strings.TrimPrefix(u.Path, "/")}
	s.process, err = pg.launchAnywhere(ctx)
	return s, err
}

// URL returns the address of the primary's database on the standby.
func (s *Standby) URL() string { return s.postgres.url(s.database) }

// Promote makes the standby a primary, and returns when it takes writes.
func (s *Standby) Promote(ctx context.Context) error {
	return s.postgres.with(ctx, func(db *sql.DB) error {
		var done bool
		if err := db.QueryRowContext(ctx, `SELECT pg_promote(true, 60)`).Scan(&done); err != nil {
			return fmt.Errorf("promote: %w", err)
		}
		if !done {
			return errors.New("the standby did not become a primary in a minute")
		}
		return nil
	})
}

// Stop ends the server.
func (s *Standby) Stop(ctx context.Context) error {
	return s.process.end(ctx, syscall.SIGINT, syscall.SIGQUIT)
}

// copyFrom takes a base backup as pg_basebackup does, which not every build of
// Postgres' programs has, and makes it a standby's.
// https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
func (pg *postgres) copyFrom(ctx context.Context, primary *url.URL) (err error) {
	db, err := sql.Open("postgres", primary.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx) // a backup belongs to a session
	if err != nil {
		return err
	}
	var from, label string
	if err := conn.QueryRowContext(ctx, `SHOW data_directory`).Scan(&from); err != nil {
		return err
	}
	for _, statement := range []string{
		`SELECT pg_create_physical_replication_slot('` + standbySlot + `', true)`, `SELECT pg_backup_start('standby', true)`,
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	if err := pg.copyFolder(from); err != nil {
		return err
	}
	if err := conn.QueryRowContext(ctx, `SELECT labelfile FROM pg_backup_stop(false)`).Scan(&label); err != nil {
		return fmt.Errorf("end the backup: %w", err)
	}
	return errors.Join(
		pg.place.write("postgres/backup_label", label),
		pg.place.write("postgres/standby.signal", ""),
		pg.place.write("postgres/postgresql.auto.conf", followLines(primary, pg.password)),
	)
}

// followLines returns the settings of a standby of primary.
func followLines(primary *url.URL, password string) string {
	return fmt.Sprintf("primary_conninfo = 'host=%s port=%s user=%s password=%s application_name=standby'\nprimary_slot_name = '%s'\n",
		primary.Hostname(), primary.Port(), primary.User.Username(), password, standbySlot)
}

// passedOver are files, and folders whose contents, a backup leaves out: they are
// the running server's own. The log comes from the primary.
var passedOver = map[string]bool{
	"postmaster.pid": true, "postmaster.opts": true, "pg_wal": true, "pg_replslot": true, "pg_dynshmem": true, "pg_notify": true,
	"pg_serial": true, "pg_snapshots": true, "pg_stat_tmp": true, "pg_subtrans": true,
}

// copyFolder copies a server's data folder.
func (pg *postgres) copyFolder(from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // the server has removed it meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		to := filepath.Join(pg.data(), name)
		switch {
		case d.IsDir():
			if err := os.Mkdir(to, 0o700); err != nil {
				return err
			}
			if err := pg.place.owner.own(to); err != nil || !passedOver[name] {
				return err
			}
			return fs.SkipDir
		case passedOver[name]:
			return nil
		}
		return pg.copyFile(path, to)
	})
}

func (pg *postgres) copyFile(from, to string) error {
	source, err := os.Open(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close(), pg.place.owner.own(to))
}
