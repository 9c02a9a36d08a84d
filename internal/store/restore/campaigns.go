package restore

import (
	"context"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Campaign is one that is paused since the restore.
type Campaign struct {
	ID      int64  `db:"id" json:"campaign_id"`
	Account int64  `db:"account_id" json:"account_id"`
	Name    string `db:"name" json:"name"`
	Waiting int64  `db:"-" json:"waiting"` // recipients without a message, of whom some may have it
	Total   int64  `db:"-" json:"total"`
}

var sqlCampaigns = numbers.SQL(`SELECT id, account_id, name FROM campaigns WHERE state = {campaign_paused} AND reason = $1 ORDER BY id`)

// Campaigns returns the campaigns that Hold has paused and nobody has resumed.
func (s *Store) Campaigns(ctx context.Context) ([]Campaign, error) {
	out := []Campaign{}
	if err := s.db.SelectContext(ctx, &out, sqlCampaigns, paused); err != nil {
		return nil, pg.Wrap("list paused campaigns", err)
	}
	at, ids := make(map[int64]*Campaign, len(out)), make([]int64, len(out))
	for i := range out {
		ids[i], at[out[i].ID] = out[i].ID, &out[i]
	}
	counts, err := ledger.Counts(ctx, s.db, ids)
	for _, n := range counts {
		c := at[n.Campaign]
		if c.Total += n.N; n.Status == campaign.Waiting || n.Status == campaign.Held {
			c.Waiting += n.N
		}
	}
	return out, err
}
