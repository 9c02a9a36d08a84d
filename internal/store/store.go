// Package store is the only place with SQL. Postgres is the truth: every write
// here may run twice (lib/pq repeats an autocommit statement after a lost
// connection) and is idempotent by construction, or runs in a transaction.
package store

import (
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads and writes the database.
type Store struct {
	db  *pg.DB
	now func() time.Time // decides when midnight is near; Postgres' clock decides all else
}

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db: db, now: time.Now} }

// In returns a Store whose statements run in the transaction tx.
func (s *Store) In(tx *pg.DB) *Store {
	in := *s
	in.db = tx
	return &in
}
