package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/eventlog"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// logSlack is how far the time of an event may lie from its place in the log: a
// transaction takes its time at its beginning and is bounded to seconds.
const logSlack = time.Minute

// ReplayWebhook delivers the events of a time range once more, in the
// background. Returns dispatch.Conflict while another replay of the endpoint runs.
func (s *Store) ReplayWebhook(ctx context.Context, id int64, from, to time.Time) error {
	at, err := s.positionBefore(ctx, from.Add(-logSlack))
	if err != nil {
		return err
	}
	r, err := s.db.ExecContext(ctx, `INSERT INTO webhook_cursors (webhook_id, xid, event_id, from_at, to_at)
	  VALUES ($1, $2::text::xid8, 0, $3, $4) ON CONFLICT (webhook_id) DO NOTHING`, id, fmt.Sprint(at), from, to)
	if err != nil {
		return pg.Wrap("start replay", err)
	}
	if pg.Found(r) != nil {
		return dispatch.Errorf(dispatch.Conflict, "a replay of this webhook is still on its way")
	}
	return nil
}

// positionBefore finds a transaction before which no event is as late as t, by
// halving: transaction ids grow with time, and the log is ordered by them.
func (s *Store) positionBefore(ctx context.Context, t time.Time) (int64, error) {
	var b struct {
		Low  int64 `db:"low"`
		High int64 `db:"high"`
	}
	if err := s.db.GetContext(ctx, &b, `SELECT coalesce((SELECT xid FROM `+eventlog.First(`true`, ``)+` e)::text::bigint, 1) AS low,
	  coalesce((SELECT xid FROM `+eventlog.First(`true`, `DESC`)+` e)::text::bigint, 1) AS high`); err != nil {
		return 0, pg.Wrap("find bounds of the log", err)
	}
	for b.High-b.Low > 1 {
		mid := b.Low + (b.High-b.Low)/2
		var early bool
		query := `SELECT coalesce((SELECT at < $2 FROM ` + eventlog.First(`xid >= $1::text::xid8`, ``) + ` e), false)`
		if err := s.db.GetContext(ctx, &early, query, fmt.Sprint(mid), t); err != nil {
			return 0, pg.Wrap("search the log", err)
		}
		if early {
			b.Low = mid
		} else {
			b.High = mid
		}
	}
	return max(b.Low-1, 1), nil
}

// TestDelivery queues a delivery that no event stands behind.
func (s *Store) TestDelivery(ctx context.Context, w *Endpoint, payload string) (dispatch.ID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, pg.Wrap("make id", err)
	}
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO webhook_deliveries (webhook_id, id, message_id, kind, format, payload)
		  VALUES ($1, $2, $3, 0, $4, $5)`,
			w.ID, id.String(), dispatch.NoID.String(), w.Format, payload); err != nil {
			return pg.Wrap("insert test delivery", err)
		}
		return wakeLanes(ctx, tx, []int64{w.ID})
	})
	return id, err
}
