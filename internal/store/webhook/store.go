// Package webhook stores webhook endpoints and delivers the event log to them:
// it expands events into deliveries, hands endpoints with due deliveries to
// workers one at a time, and replays deliveries.
package webhook

import (
	"context"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Views reads messages by id in a transaction; store.ReadViews does.
type Views func(ctx context.Context, tx *pg.DB, ids []dispatch.ID) ([]dispatch.View, error)

// Store reads and writes endpoints and deliveries.
type Store struct {
	db    *pg.DB
	views Views
}

// New returns a Store on db. views may be nil where nothing is expanded.
func New(db *pg.DB, views Views) *Store { return &Store{db: db, views: views} }

// In returns a Store whose statements run in the transaction tx.
func (s *Store) In(tx *pg.DB) *Store { return &Store{db: tx, views: s.views} }
