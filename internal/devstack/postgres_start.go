package devstack

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/lib/pq"
)

// launchAnywhere starts the server on a free port. It tries again on another
// when that one was taken meanwhile, or when the last backends of a killed
// server still hold its shared memory.
func (pg *postgres) launchAnywhere(ctx context.Context) (*process, error) {
	var last error
	for range 5 {
		var err error
		if pg.port, err = freePort(); err != nil {
			return nil, err
		}
		if err := pg.writeConf(ctx); err != nil {
			return nil, fmt.Errorf("write settings: %w", err)
		}
		proc, err := pg.launch(ctx)
		if err == nil {
			return proc, nil
		}
		last = err
		idle(ctx, 300*time.Millisecond)
	}
	return nil, last
}

// launch starts the server on its port and waits until it answers.
func (pg *postgres) launch(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := pg.dropStalePID(); err != nil {
		return nil, fmt.Errorf("remove stale pid file: %w", err)
	}
	log, err := pg.place.openLog("postgres.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the server has its own copy
	from := logSize(log)

	// Not bound to ctx, which ends when the start is over.
	cmd := pg.command(context.WithoutCancel(ctx), "postgres", "-D", pg.data())
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := spawn(cmd, pg.orphanSignal())
	if err != nil {
		return nil, err
	}
	if err := awaitAnswer(ctx, proc, pg.ping); err != nil {
		return nil, errors.Join(
			fmt.Errorf("%w: %s", err, logTail(log.Name(), from)),
			proc.end(ctx, syscall.SIGINT, syscall.SIGQUIT),
		)
	}
	return proc, nil
}

// orphanSignal is a clean shutdown, but for tests, who want an end at once.
func (pg *postgres) orphanSignal() syscall.Signal {
	if pg.fast {
		return syscall.SIGQUIT
	}
	return syscall.SIGINT
}

func logSize(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// awaitAnswer returns when ping succeeds, the process ends or ctx is done.
func awaitAnswer(ctx context.Context, p *process, ping func(context.Context) error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ping(ctx)
		if p.gone() { // whatever answered was another server
			return errors.New("the server ended while starting")
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the server: %w: %w", ctx.Err(), err)
		case <-p.done:
		case <-tick.C:
		}
	}
}

// ping opens a connection and closes it. Only our server has the password.
func (pg *postgres) ping(ctx context.Context) error {
	return pg.with(ctx, func(db *sql.DB) error { return db.PingContext(ctx) })
}

// createDatabase makes the database "sendoff" unless it exists.
func (pg *postgres) createDatabase(ctx context.Context) error {
	return pg.with(ctx, func(db *sql.DB) error {
		var have bool
		err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'sendoff')`).Scan(&have)
		if err != nil {
			return fmt.Errorf("look for database: %w", err)
		}
		if have {
			return nil
		}
		if _, err := db.ExecContext(ctx, `CREATE DATABASE sendoff`); err != nil {
			return fmt.Errorf("create database: %w", err)
		}
		return nil
	})
}

// with runs do on the cluster's own database.
func (pg *postgres) with(ctx context.Context, do func(*sql.DB) error) error {
	connector, err := pq.NewConnector(pg.url("postgres") + "&connect_timeout=2")
	if err != nil {
		return fmt.Errorf("read database address: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	err = do(db)
	if closeErr := db.Close(); closeErr != nil && ctx.Err() == nil {
		err = errors.Join(err, fmt.Errorf("close database: %w", closeErr))
	}
	return err
}
