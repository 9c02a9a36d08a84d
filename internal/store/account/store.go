// Package account stores the configuration of customers: accounts, team members,
// API keys, channels, templates, contacts, lists, suppressions, credits, usage
// and the audit log. Nothing in it is on the way of a message.
package account

import (
	"context"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads and writes the configuration of accounts.
type Store struct {
	db *pg.DB
}

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db: db} }

// Tx returns the connection of s. Within a Change it is the transaction, for
// other stores that take part in it.
func (s *Store) Tx() *pg.DB { return s.db }

// ConfigVersion grows with every change of keys, channels, templates, users,
// accounts and circuits. contracted is the migration up to which no binary runs any more
// that does not know it.
func (s *Store) ConfigVersion(ctx context.Context) (version int64, contracted int, err error) {
	err = s.db.QueryRowxContext(ctx, `SELECT version, contracted FROM config_version`).Scan(&version, &contracted)
	return version, contracted, pg.Wrap("read config version", err)
}

// Contract lets processes write what came with the migrations up to one, 0: nothing that the
// binary before does not know.
func (s *Store) Contract(ctx context.Context, upTo int) error {
	_, err := s.db.ExecContext(ctx, `UPDATE config_version SET contracted = $1, version = version + 1`, upTo)
	return pg.Wrap("contract", err)
}
