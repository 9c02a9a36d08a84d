package webhook

import (
	"context"
	"fmt"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/store/retention"
)

// kept is how long the log of deliveries is kept of an endpoint w.
var kept = fmt.Sprintf(`make_interval(days => coalesce((SELECT (a.retention ->> 'webhook_deliveries')::int FROM accounts a
  WHERE a.id = w.account_id), %d))`, retention.Default.Deliveries)

var sqlTidyDeliveries = numbers.SQL(`
DELETE FROM webhook_deliveries d USING (SELECT w.id AS webhook_id, x.id FROM webhooks w CROSS JOIN LATERAL (
    SELECT id FROM webhook_deliveries y WHERE y.webhook_id = w.id AND (w.deleted_at IS NOT NULL
      OR y.id < uuid_floor(now() - ` + kept + `) AND y.created_at < now() - ` + kept + `
      AND (y.state <> {delivery_pending} OR NOT w.enabled))
    ORDER BY y.id LIMIT 2000) x LIMIT 10000) g
WHERE d.webhook_id = g.webhook_id AND d.id = g.id`)

// TidyWebhooks drops old deliveries, and what belonged to endpoints that were
// deleted, page by page.
func (s *Store) TidyWebhooks(ctx context.Context) error {
	for {
		r, err := s.db.ExecContext(ctx, sqlTidyDeliveries)
		if err != nil {
			return pg.Wrap("drop old deliveries", err)
		}
		if n, err := r.RowsAffected(); err != nil || n > 0 {
			if err != nil {
				return pg.Wrap("count dropped deliveries", err)
			}
			continue
		}
		_, err = s.db.ExecContext(ctx, `DELETE FROM webhooks w WHERE (deleted_at IS NOT NULL OR implicit
		  AND updated_at < now() - `+kept+`)
			AND lease_until <= now() AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.id)`)
		return pg.Wrap("drop deleted webhooks", err)
	}
}
