package campaign

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Counts are how many rows of a ledger stand where.
type Counts struct {
	By        map[campaign.Status]int64 // without Sending, which is part of Queued
	Skipped   map[campaign.Reason]int64
	Sending   int64      // of those Queued: a worker has claimed them
	InFlight  int64      // of those Sending: the call is under way
	ChangedAt *time.Time // nil: never
}

// Unfinished returns how many rows are neither sent nor final.
func (c *Counts) Unfinished() int64 {
	return c.By[campaign.Waiting] + c.By[campaign.Held] + c.By[campaign.Queued]
}

var sqlInFlight = numbers.SQL(`SELECT campaign_id, count(*) AS n, count(*) FILTER (WHERE state = {claimed}) AS calls FROM dispatch
	WHERE campaign_id = ANY($1) AND campaign_id <> 0 AND state IN ({claimed}, {resolving}) GROUP BY 1`)

// Counts reads the counts of campaigns.
func (s *Store) Counts(ctx context.Context, ids []int64) (map[int64]*Counts, error) {
	out, err := s.Tally(ctx, ids)
	if err != nil {
		return nil, err
	}
	return out, s.addSending(ctx, ids, out)
}

// Tally is Counts without what workers have claimed: Sending and InFlight are 0. It
// reads no row of a message.
func (s *Store) Tally(ctx context.Context, ids []int64) (map[int64]*Counts, error) {
	out := make(map[int64]*Counts, len(ids))
	for _, id := range ids {
		out[id] = &Counts{By: map[campaign.Status]int64{}, Skipped: map[campaign.Reason]int64{}}
	}
	rows, err := ledger.Counts(ctx, s.db, ids)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		c := out[r.Campaign]
		c.By[r.Status] += r.N
		if r.Status == campaign.Skipped {
			c.Skipped[r.Reason] += r.N
		}
		if c.ChangedAt == nil || r.ChangedAt.After(*c.ChangedAt) {
			c.ChangedAt = &r.ChangedAt
		}
	}
	return out, nil
}

func (s *Store) addSending(ctx context.Context, ids []int64, out map[int64]*Counts) error {
	var rows []struct {
		Campaign int64 `db:"campaign_id"`
		N        int64 `db:"n"`
		Calls    int64 `db:"calls"`
	}
	if err := s.db.SelectContext(ctx, &rows, sqlInFlight, pq.Array(ids)); err != nil {
		return pg.Wrap("count calls under way", err)
	}
	for _, r := range rows {
		c := out[r.Campaign]
		c.Sending, c.InFlight = min(r.N, c.By[campaign.Queued]), r.Calls
	}
	return nil
}

// Launched returns the ids of at most n launched campaigns of all accounts, those
// that changed last first.
func (s *Store) Launched(ctx context.Context, n int) ([]int64, error) {
	var out []int64
	err := s.db.SelectContext(ctx, &out, `SELECT id FROM campaigns WHERE launched_at IS NOT NULL ORDER BY updated_at DESC LIMIT $1`, n)
	return out, pg.Wrap("list launched campaigns", err)
}

// CheckCounts returns how many statuses of the campaign's ledger have other
// counts than its rows. It reads the whole ledger.
func (s *Store) CheckCounts(ctx context.Context, id int64) (wrong int, err error) {
	return ledger.Wrong(ctx, s.db, id)
}

// AddUp adds changes of the counts of all campaigns to these.
func (s *Store) AddUp(ctx context.Context) error { return ledger.FoldAll(ctx, s.db) }

// View returns the counts by the names that the API shows, with their total.
func (c *Counts) View() map[string]int64 {
	out := make(map[string]int64, len(campaign.Statuses)+1)
	var total int64
	for _, st := range campaign.Statuses {
		out[st.String()] = c.By[st]
		total += c.By[st]
	}
	out[campaign.Queued.String()] -= c.Sending
	out[campaign.Sending.String()] += c.Sending
	out["total"] = total
	return out
}

// Done returns how many messages were sent or are final.
func (c *Counts) Done() int64 {
	var n int64
	for st, k := range c.By {
		if st.Finished() && st != campaign.Skipped && st != campaign.CancelledRow {
			n += k
		}
	}
	return n
}
