// Package store is the only place with SQL. Postgres is the truth: every write
// here may run twice (lib/pq repeats an autocommit statement after a lost
// connection) and is idempotent by construction, or runs in a transaction.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Options say how to reach the database.
type Options struct {
	URL         string // postgres://...; anything libpq understands
	MaxConns    int    // default 16
	Application string // shown in pg_stat_activity
	Box         *Box   // seals credentials; nil: none can be written or read
}

// Store holds the connection pool.
type Store struct {
	pool *sqlx.DB
	db   querier // the pool, or the transaction of a Change
	hot  *hotStatements
	box  *Box
	now  func() time.Time // says when midnight is near; Postgres' clock decides all else
}

// statementTimeout bounds every statement on the server; readTimeout bounds
// every read from the socket a little later: a dead network does not unblock
// on a context (lib/pq issue 620).
const (
	statementTimeout = 4 * time.Second
	readTimeout      = 6 * time.Second
)

// Open connects lazily: a database that is down is found by Ping or the first
// statement.
func Open(o Options) (*Store, error) {
	dsn, err := withParams(o)
	if err != nil {
		return nil, err
	}
	c, err := pq.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("read postgres url: %w", err)
	}
	c.Dialer(deadlineDialer{})
	db := sqlx.NewDb(sql.OpenDB(c), "postgres")
	if o.MaxConns == 0 {
		o.MaxConns = 16
	}
	db.SetMaxOpenConns(o.MaxConns)
	db.SetMaxIdleConns(o.MaxConns)
	db.SetConnMaxLifetime(5 * time.Minute)
	db.SetConnMaxIdleTime(time.Minute)
	return &Store{pool: db, db: db, hot: &hotStatements{db: db}, box: o.Box, now: time.Now}, nil
}

// withParams adds what every connection of ours needs: one round trip for a
// statement with parameters, and server-side bounds.
func withParams(o Options) (string, error) {
	u, err := url.Parse(o.URL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return "", errors.New("postgres url must look like postgres://user:password@host:5432/database?sslmode=verify-full")
	}
	q := u.Query()
	set := func(k, v string) {
		if q.Get(k) == "" {
			q.Set(k, v)
		}
	}
	set("binary_parameters", "yes")
	set("connect_timeout", "3")
	set("application_name", o.Application)
	set("statement_timeout", fmt.Sprint(statementTimeout.Milliseconds()))
	set("lock_timeout", "2000")
	set("idle_in_transaction_session_timeout", "5000")
	set("timezone", "UTC")
	// The planner guesses 100 rows for each unnest and multiplies; above its
	// threshold it compiles the plan, 100 ms for a statement of 2.
	set("jit", "off")
	set("plan_cache_mode", "force_generic_plan")
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// Close ends the pool.
func (s *Store) Close() error { return s.pool.Close() }

// Ping asks whether Postgres answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return wrap("ping", s.db.GetContext(ctx, &one, "SELECT 1"))
}

// Stats gives the pool's figures, for metrics.
func (s *Store) Stats() sql.DBStats { return s.pool.Stats() }

// Now is Postgres' clock, the only one that decides what is due.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := s.db.GetContext(ctx, &t, "SELECT clock_timestamp()")
	return t, wrap("read clock", err)
}

// tx runs f in a transaction, within a Change in that one; it is not repeated.
// An error of COMMIT leaves the outcome unknown.
func (s *Store) tx(ctx context.Context, f func(*sqlx.Tx) error) error {
	if tx, ok := s.db.(*sqlx.Tx); ok {
		return f(tx)
	}
	tx, err := s.pool.BeginTxx(ctx, nil)
	if err != nil {
		return wrap("begin", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return err
	}
	return wrap("commit", tx.Commit())
}

// querier is a pool or a transaction.
type querier interface {
	sqlx.ExtContext
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	GetContext(ctx context.Context, dest any, query string, args ...any) error
}

// ErrNotFound says that a row isn't there (or isn't the account's).
var ErrNotFound = &dispatch.Error{Code: dispatch.NotFound, Msg: "not found"}

// wrap names what failed and maps the errors that a client may learn of.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if pe, ok := errors.AsType[*pq.Error](err); ok {
		switch pe.Code {
		case "23505":
			return &dispatch.Error{Code: dispatch.Conflict, Msg: "already exists", Reason: pe.Constraint, Err: err}
		case "23503":
			return &dispatch.Error{Code: dispatch.NotFound, Msg: "refers to something that does not exist", Reason: pe.Constraint, Err: err}
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// Refused says that Postgres answered err itself, so that the statement surely
// did nothing; any other error leaves the outcome unknown. Class 57 (shutdown,
// crash of another backend) and 08 (connection) are answers of a server on its
// way down.
func Refused(err error) bool {
	pe, ok := errors.AsType[*pq.Error](err)
	return ok && pe.Code.Class() != "57" && pe.Code.Class() != "08"
}

// Poisoned says that Postgres refused what a statement carried: the same page
// will never pass, but without the one bad value the rest of it would.
func Poisoned(err error) bool {
	pe, ok := errors.AsType[*pq.Error](err)
	return ok && (pe.Code.Class() == "22" || pe.Code == "23502" || pe.Code == "23505" || pe.Code == "23514" || pe.Code == "54000")
}

// deadlocked says that Postgres ended a statement for another that waited for
// it.
func deadlocked(err error) bool {
	pe, ok := errors.AsType[*pq.Error](err)
	return ok && pe.Code == "40P01"
}

// written says that a row is there already.
func written(err error) bool {
	pe, ok := errors.AsType[*pq.Error](err)
	return ok && pe.Code == "23505"
}

// NoTables says that the database has not been migrated.
func NoTables(err error) bool {
	pe, ok := errors.AsType[*pq.Error](err)
	return ok && pe.Code == "42P01"
}

type deadlineDialer struct{}

func (deadlineDialer) Dial(network, addr string) (net.Conn, error) {
	return deadlineDialer{}.DialTimeout(network, addr, 3*time.Second)
}

func (deadlineDialer) DialTimeout(network, addr string, d time.Duration) (net.Conn, error) {
	c, err := net.DialTimeout(network, addr, d)
	if err != nil {
		return nil, err
	}
	return &deadlineConn{Conn: c}, nil
}

// deadlineConn gives every read a deadline.
type deadlineConn struct{ net.Conn }

func (c *deadlineConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(readTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}
