// Package campaign stores campaigns, their ledgers and their counts. Its writes
// run in transactions that hold the campaign's row or have its step, or are
// idempotent.
package campaign

import (
	"context"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Store reads and writes campaigns.
type Store struct{ db *pg.DB }

// New returns a Store on db.
func New(db *pg.DB) *Store { return &Store{db: db} }

// Tx runs f in a transaction.
func (s *Store) Tx(ctx context.Context, f func(tx *Store) error) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error { return f(New(tx)) })
}

// messages returns the message store on the connection, or in the transaction.
func (s *Store) messages() *store.Store { return store.New(s.db) }

// numbers are the numbers in the statements of this package.
var numbers = pg.Domain.Merge(ledger.Numbers).Merge(store.States).Merge(pg.Numbers{
	"campaign_scheduled": int(campaign.Scheduled), "campaign_running": int(campaign.Running), "campaign_paused": int(campaign.Paused),
	"campaign_finished": int(campaign.Finished), "campaign_cancelled": int(campaign.Cancelled),
	"kind_run": Run, "kind_retry": Retry,
})
