package store

import (
	"context"
	"fmt"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlEvents reads in (transaction, id) order and only below the oldest running
// transaction: an event that is committed late is never skipped.
const sqlEvents = `
SELECT id, xid::text::bigint AS xid, message_id, account_id, channel_id, at, kind, seq, cause, coalesce(code, '') AS code, coalesce(detail, '') AS detail
FROM events WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id LIMIT $3`

// EventsAfter gives what came after p, oldest first, of all accounts.
func (s *Store) EventsAfter(ctx context.Context, p dispatch.Position, limit int) ([]dispatch.Event, error) {
	var out []dispatch.Event
	err := s.db.SelectPrepared(ctx, &out, sqlEvents, fmt.Sprint(p.XID), p.ID, limit)
	return out, pg.Wrap("read events", err)
}

// EndOfEvents is the position of the newest event that EventsAfter can give.
func (s *Store) EndOfEvents(ctx context.Context) (dispatch.Position, error) {
	var p struct {
		XID int64 `db:"xid"`
		ID  int64 `db:"id"`
	}
	err := s.db.GetContext(ctx, &p, `SELECT xid::text::bigint AS xid, id FROM events WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC, id DESC LIMIT 1`)
	if pg.Wrap("", err) == dispatch.ErrNotFound {
		return dispatch.Position{}, nil
	}
	return dispatch.Position{XID: p.XID, ID: p.ID}, pg.Wrap("find end of events", err)
}
