// Package store is the only place with SQL. Postgres is the truth: every write
// here may run twice (lib/pq repeats an autocommit statement after a lost
// connection) and is idempotent by construction, or runs in a transaction.
package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads and writes the database.
type Store struct {
	db  *pg.DB
	now func() time.Time // decides when midnight is near; Postgres' clock decides all else
}

// Open returns a Store on a new pool; see pg.Open.
func Open(o pg.Options) (*Store, error) {
	db, err := pg.Open(o)
	if err != nil {
		return nil, err
	}
	return New(db), nil
}

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db: db, now: time.Now} }

// Close closes the pool.
func (s *Store) Close() error { return s.db.Close() }

// Ping returns an error if Postgres does not answer.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// Stats returns the pool's statistics.
func (s *Store) Stats() sql.DBStats { return s.db.Stats() }

// Now returns the time of Postgres' clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) { return s.db.Now(ctx) }
