package webhook

import (
	"context"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Figures are the gauges of webhooks.
type Figures struct {
	Waiting       int64   `db:"waiting"`  // deliveries of enabled endpoints, counted up to 100,000
	OldestSeconds float64 `db:"oldest_s"` // how late the one that is due the longest is
	ByHand        int64   `db:"by_hand"`  // endpoints that are disabled
	ForFailures   int64   `db:"for_failures"`
}

// sqlWebhookFigures looks only at lanes that have something; those at rest wake
// at infinity.
var sqlWebhookFigures = numbers.SQL(`
WITH busy AS MATERIALIZED (SELECT id FROM webhooks WHERE enabled AND wake_at < 'infinity' LIMIT 10000)
SELECT (SELECT count(*) FROM (SELECT 1 FROM busy b CROSS JOIN LATERAL (SELECT 1 FROM webhook_deliveries d
  WHERE d.webhook_id = b.id AND d.state = {delivery_pending} ORDER BY d.wake_at LIMIT 100000) x LIMIT 100000) y) AS waiting,
  coalesce(extract(epoch FROM now() - (SELECT min(x.wake_at) FROM busy b CROSS JOIN LATERAL
    (SELECT d.wake_at FROM webhook_deliveries d WHERE d.webhook_id = b.id AND d.state = {delivery_pending} ORDER BY d.wake_at LIMIT 1) x
      WHERE x.wake_at <= now())), 0)::float8 AS oldest_s,
  count(*) FILTER (WHERE w.disabled_reason = '` + byHand + `') AS by_hand,
  count(*) FILTER (WHERE w.disabled_reason <> '` + byHand + `') AS for_failures
FROM webhooks w WHERE NOT w.enabled AND NOT w.implicit AND w.deleted_at IS NULL`)

// WebhookFigures returns the present length and age of the queue of deliveries.
func (s *Store) WebhookFigures(ctx context.Context) (Figures, error) {
	var f Figures
	err := s.db.GetContext(ctx, &f, sqlWebhookFigures)
	return f, pg.Wrap("measure webhooks", err)
}
