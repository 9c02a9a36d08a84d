// Package installation reads the id that distinguishes this installation from
// others on the same Redis.
package installation

import (
	"context"
	"errors"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Installation is one database and the processes that work on it.
type Installation struct {
	ID        string    `db:"id"` // 12 characters; part of each key in Redis
	CreatedAt time.Time `db:"created_at"`
	// Drain is how long the queues of versions without an id are still to be
	// worked on; 0: not at all.
	Drain time.Duration `db:"drain"`
}

// Store reads the database.
type Store struct{ db *pg.DB }

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db} }

const (
	sqlCreate = `INSERT INTO installations (home) VALUES (installation_home()) ON CONFLICT DO NOTHING`
	sqlFind   = `SELECT id, created_at, (1e9 * greatest(0, coalesce(extract(epoch FROM drain_until - now()), 0)))::bigint AS drain
		FROM installations WHERE home = installation_home()`
)

// Load returns this installation. A database without an id gets one.
func (s *Store) Load(ctx context.Context) (Installation, error) {
	found, err := s.Find(ctx)
	if err == nil && found == nil {
		if _, err := s.db.ExecContext(ctx, sqlCreate); err != nil {
			return Installation{}, pg.Wrap("create installation", err)
		}
		found, err = s.Find(ctx)
	}
	if err == nil && found == nil {
		err = errors.New("the installation has no id")
	}
	if err != nil {
		return Installation{}, err
	}
	return *found, nil
}

// Find returns this installation, or nil if the database has no id yet. It changes
// nothing.
func (s *Store) Find(ctx context.Context) (*Installation, error) {
	var out []Installation
	if err := s.db.SelectContext(ctx, &out, sqlFind); err != nil || len(out) == 0 {
		return nil, pg.Wrap("find installation", err)
	}
	return &out[0], nil
}
