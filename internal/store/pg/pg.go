// Package pg connects the stores to Postgres: connections and their limits,
// transactions, prepared statements, the mapping of errors, array parameters and
// the encryption of sealed columns.
//
// lib/pq repeats an autocommit statement after a lost connection, so every
// write outside a transaction may run twice and must be idempotent.
package pg

import (
	"context"
	"database/sql"
	"time"

	"github.com/jmoiron/sqlx"
)

// Options configure a connection pool.
type Options struct {
	URL         string // postgres://...; anything libpq understands
	MaxConns    int    // default 16
	Application string // shown in pg_stat_activity
	Box         *Box   // encrypts sealed columns; nil: they can be neither read nor written
	Readers     int    // connections of their own for reads of contexts of Reading; 0: there are none

	reading bool // it is the pool of Readers
}

const defaultConns = 16

// DB runs statements on a connection pool or, within Tx, in one transaction.
type DB struct {
	querier // the pool or the transaction

	pool      *sqlx.DB
	conns     int      // of the pool, at most
	tx        *sqlx.Tx // nil outside a transaction
	connector *connector
	prepared  *prepared
	box       *Box
	readers   *DB // for contexts of Reading; nil: there are none
}

// querier is implemented by a pool and by a transaction.
type querier interface {
	sqlx.ExtContext
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	GetContext(ctx context.Context, dest any, query string, args ...any) error
}

// Open returns a pool that connects with the first statement: Ping finds out
// whether the server answers. It returns an error if the URL is invalid.
func Open(o Options) (*DB, error) {
	c, err := newConnector(o)
	if err != nil {
		return nil, err
	}
	pool := sqlx.NewDb(sql.OpenDB(c), "postgres")
	if o.MaxConns == 0 {
		o.MaxConns = defaultConns
	}
	pool.SetMaxOpenConns(o.MaxConns)
	pool.SetMaxIdleConns(o.MaxConns)
	pool.SetConnMaxLifetime(5 * time.Minute)
	pool.SetConnMaxIdleTime(time.Minute)
	d := &DB{
		querier: pool, pool: pool, conns: o.MaxConns, connector: c, prepared: &prepared{pooler: pooler{connector: c}, pool: pool},
		box: o.Box,
	}
	if o.Readers > 0 {
		o.MaxConns, o.Readers, o.Application, o.reading = o.Readers, 0, o.Application+"-readers", true
		d.readers, err = Open(o)
	}
	return d, err
}

// Close closes all connections. That Postgres can't be told, since it has ended one of
// them, is no fault: closed it is.
func (d *DB) Close() {
	_ = d.pool.Close()
	if d.readers != nil {
		d.readers.Close()
	}
}

// sqlState returns why the server takes no writes, or an empty text.
const sqlState = `SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' WHEN current_setting('transaction_read_only')::bool THEN 'read-only'
  ELSE '' END`

// Ping returns an error if Postgres does not answer, and ErrStandby or ErrReadOnly
// if it takes no writes: a standby, or a primary that a failover has retired. The
// idle connections are closed then, so that new ones may find the new primary.
func (d *DB) Ping(ctx context.Context) error {
	var state string
	err := d.GetContext(ctx, &state, sqlState)
	switch state {
	case "standby":
		err = ErrStandby
	case "read-only":
		err = ErrReadOnly
	}
	if state != "" || ReadOnly(err) {
		d.closeIdle()
	}
	return Wrap("ping", err)
}

// closeIdle closes the idle connections.
func (d *DB) closeIdle() {
	d.pool.SetMaxIdleConns(0)
	d.pool.SetMaxIdleConns(d.conns)
}

// Stats returns the pool's statistics.
func (d *DB) Stats() sql.DBStats { return d.pool.Stats() }

// Now returns the time of Postgres' clock, the only one that decides what is
// due.
func (d *DB) Now(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := d.GetContext(ctx, &t, "SELECT clock_timestamp()")
	return t, Wrap("read clock", err)
}

// Box returns the encryption of sealed columns, or nil if there is none.
func (d *DB) Box() *Box { return d.box }

// NextID returns an id for a new row of table: its sealed columns are bound to it.
func (d *DB) NextID(ctx context.Context, table string) (int64, error) {
	var id int64
	err := d.GetContext(ctx, &id, `SELECT nextval(pg_get_serial_sequence($1, 'id'))`, table)
	return id, Wrap("take id of "+table, err)
}

// Tx runs f in a transaction and commits it if f returns nil. Within a
// transaction f joins that one. A transaction is never repeated: after an error
// of COMMIT its outcome is unknown.
func (d *DB) Tx(ctx context.Context, f func(tx *DB) error) error {
	if d.InTx() {
		return f(d)
	}
	tx, err := d.pool.BeginTxx(ctx, nil)
	if err != nil {
		return notBegun(err)
	}
	defer func() { _ = tx.Rollback() }()
	within := *d
	within.querier, within.tx, within.readers = tx, tx, nil
	if err := f(&within); err != nil {
		return err
	}
	return Wrap("commit", tx.Commit())
}

// InTx reports whether statements run in a transaction.
func (d *DB) InTx() bool { return d.tx != nil }

// ForUpdate returns query, within a transaction with a lock on the rows of
// table, so that nothing else changes them between this read and the write that
// depends on it.
func (d *DB) ForUpdate(query, table string) string {
	if d.InTx() {
		return query + ` FOR NO KEY UPDATE OF ` + table
	}
	return query
}
