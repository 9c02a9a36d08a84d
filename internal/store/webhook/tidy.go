package webhook

import (
	"context"

	"github.com/sendoff/sendoff/internal/store/pg"
)

const sqlTidyDeliveries = `
DELETE FROM webhook_deliveries d USING (SELECT y.webhook_id, y.id FROM webhooks w JOIN webhook_deliveries y ON y.webhook_id = w.id
  WHERE w.deleted_at IS NOT NULL LIMIT 10000) g
WHERE d.webhook_id = g.webhook_id AND d.id = g.id`

// sqlTidyWebhooks deletes endpoints that were deleted, and the lanes of status callbacks
// that nobody has asked for in a day.
const sqlTidyWebhooks = `
DELETE FROM webhooks w WHERE (deleted_at IS NOT NULL OR implicit AND updated_at < now() - interval '1 day') AND lease_until <= now()
  AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.id)`

// TidyWebhooks drops endpoints that were deleted and what belonged to them, page by
// page. Package retention drops old deliveries.
func (s *Store) TidyWebhooks(ctx context.Context) error {
	for {
		r, err := s.db.ExecContext(ctx, sqlTidyDeliveries)
		if err != nil {
			return pg.Wrap("drop deliveries", err)
		}
		n, err := r.RowsAffected()
		if err != nil {
			return pg.Wrap("count dropped deliveries", err)
		}
		if n == 0 {
			break
		}
	}
	_, err := s.db.ExecContext(ctx, sqlTidyWebhooks)
	return pg.Wrap("drop deleted webhooks", err)
}
