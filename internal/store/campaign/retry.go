package campaign

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
)

var sqlRetryRows = numbers.SQL(`
WITH p AS MATERIALIZED (
  SELECT r.seq, r.recipient, r.person, r.zones, r.fields, coalesce(m.failed_at, now()) + make_interval(secs => w.wait_s) AS at
  FROM campaign_recipients r JOIN messages m ON m.id = r.message_id JOIN unnest($3::text[], $4::float8[]) AS w(code,
    wait_s) ON w.code = m.error_code
  WHERE r.campaign_id = $2 AND r.indexed_status = {failed}
), c AS (
  INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, recipient, person, zones, fields)
  SELECT $1, row_number() OVER (ORDER BY seq), {row_waiting}, greatest(now(), at), recipient, person, zones, fields FROM p
  RETURNING campaign_id, NULL::smallint AS was, NULL::smallint AS was_reason, status, reason
)`) + ledger.Count

// AddFailed fills the ledger of a retry with the failed of its parent whose
// failure another try can mend.
func (s *Store) AddFailed(ctx context.Context, id, parent int64) error {
	var codes []string
	var waits []float64
	for _, code := range campaign.RetryCodes() {
		wait, _ := campaign.RetryAfter(code)
		codes, waits = append(codes, code), append(waits, wait.Seconds())
	}
	_, err := s.db.ExecContext(ctx, sqlRetryRows, id, parent, pq.Array(codes), pq.Array(waits))
	return pg.Wrap("add failed recipients", err)
}

var sqlOpenChild = numbers.SQL(`SELECT ` + columns + ` FROM campaigns c WHERE c.parent_id = $1 AND c.kind = $2
	AND c.state IN ({campaign_scheduled}, {campaign_running}, {campaign_paused}) ORDER BY c.id LIMIT 1`)

// OpenChild returns the oldest child of a kind that has not ended; ok is false
// when there is none.
func (s *Store) OpenChild(ctx context.Context, parent int64, kind int) (c Campaign, ok bool, err error) {
	err = s.db.GetContext(ctx, &c, sqlOpenChild, parent, kind)
	if pg.NoRow(err) {
		return c, false, nil
	}
	return c, err == nil, pg.Wrap("read child campaign", err)
}

// Child returns the beginning of a campaign that continues another one.
func Child(parent *Campaign, kind int, runAt *time.Time) Campaign {
	return Campaign{
		Account: parent.Account, Parent: &parent.ID, Kind: kind, RunAt: runAt, Name: parent.Name, Definition: parent.Definition,
		Contacts: parent.Contacts, Test: parent.Test, Key: parent.Key,
	}
}
