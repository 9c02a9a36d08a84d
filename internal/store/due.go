package store

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlByDue are the account's scheduled messages by their send_at: those of the far
// future, and those that come due soon and wait in dispatch, which are few. w is what is
// looked at, of which there are at most %[1]d; what fits is looked for until the page is
// full. If it stays short, the last row of w comes too, with which the next page begins.
const sqlByDue = `
WITH w AS MATERIALIZED (SELECT due_at, message_id FROM (
  (SELECT s.due_at, s.message_id FROM scheduled s
    WHERE (s.account_id, s.due_at, s.message_id) > ($1, to_timestamp($2::bigint / 1e6), $3::uuid) AND s.account_id <= $1
      ORDER BY s.account_id, s.due_at, s.message_id LIMIT %[1]d)
  UNION ALL
  (SELECT d.due_at, d.message_id FROM dispatch d
    WHERE d.account_id = $1 AND d.lane IN ({lane_otp}, {lane_normal}, {lane_bulk}) AND d.state = {ready} AND d.wake_at > now()
      AND d.due_at > now()
      AND d.channel_id IN (SELECT id FROM channels WHERE account_id = $1) AND d.attempts + d.rl_hits = 0
      AND (d.due_at, d.message_id) > (to_timestamp($2::bigint / 1e6), $3::uuid)
      AND EXISTS (SELECT 1 FROM messages m WHERE m.id = d.message_id AND m.send_at = d.due_at OFFSET 0)
        ORDER BY d.due_at, d.message_id LIMIT %[1]d)) x
  ORDER BY due_at, message_id LIMIT %[1]d),
hit AS MATERIALIZED (SELECT due_at, message_id FROM w
  WHERE EXISTS (SELECT 1 FROM messages m WHERE m.id = w.message_id AND %[2]s OFFSET 0) LIMIT %[3]d)
SELECT (extract(epoch FROM due_at) * 1e6)::bigint AS due_us, message_id, fits FROM (
  SELECT due_at, message_id, true AS fits FROM hit
  UNION ALL (SELECT due_at, message_id, false FROM w WHERE (SELECT count(*) FROM hit) < %[3]d OFFSET %[1]d - 1)) x
ORDER BY fits DESC, due_at, message_id`

// listByDue returns one page of the scheduled messages, the next first.
func (s *Store) listByDue(ctx context.Context, account int64, f dispatch.Filter, limit int) (dispatch.ViewPage, error) {
	page := dispatch.ViewPage{Views: []dispatch.View{}}
	us, after, err := dueCursor(f.Cursor)
	if err != nil {
		return page, err
	}
	statuses := f.Statuses
	f.Statuses = nil // what is scheduled is not a stored status
	where := filtered(account, f, 3)
	if !f.CreatedFrom.IsZero() {
		where.Add("m.id >= uuid_floor(?)", pg.Since1970(f.CreatedFrom))
	}
	if !f.CreatedTo.IsZero() {
		where.Add("m.id < uuid_floor(?)", pg.Since1970(f.CreatedTo))
	}
	if f.Reference != "" {
		where.Add("m.reference = ?", f.Reference)
	}
	rows, next, err := s.dueRows(ctx, where, limit, account, us, after.String())
	if err != nil {
		return page, pg.Wrap("list scheduled messages", err)
	}
	ids := make([]dispatch.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	n := 0
	if page.Views, n, err = s.listed(ctx, ids, statuses); n < len(ids) && n > 0 {
		next = &rows[n-1]
	}
	if next != nil {
		page.Next = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%s", next.Due, next.ID))
	}
	return page, err
}

// dueRow is a scheduled message.
type dueRow struct {
	Due  int64       `db:"due_us"`
	ID   dispatch.ID `db:"message_id"`
	Fits bool        `db:"fits"`
}

// dueRows reads the scheduled messages of a page that fulfil where. next is the row after
// which the next page begins, nil if there is none.
func (s *Store) dueRows(ctx context.Context, where *pg.Where, limit int, args ...any) (rows []dueRow, next *dueRow, err error) {
	bound := walkTexts
	if where.Empty() {
		bound = limit + 1
	}
	query := numbers.SQL(fmt.Sprintf(sqlByDue, bound, where.SQL(), limit+1))
	err = s.db.InOrder(ctx, func(tx *pg.DB) error {
		return tx.SelectContext(ctx, &rows, query, slices.Concat(args, where.Args())...)
	})
	if err != nil {
		return nil, nil, err
	}
	switch n := len(rows); {
	case n > limit && rows[limit].Fits:
		return rows[:limit], &rows[limit-1], nil
	case n > 0 && !rows[n-1].Fits:
		return rows[:n-1], &rows[n-1], nil
	}
	return rows, nil, nil
}

// dueCursor returns the place in a cursor of listByDue, the beginning for none.
func dueCursor(cursor string) (us int64, id uuid.UUID, err error) {
	if cursor == "" {
		return 0, id, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		digits, rest, _ := strings.Cut(string(raw), ".")
		if us, err = strconv.ParseInt(digits, 10, 64); err == nil {
			id, err = uuid.Parse(rest)
		}
	}
	if err != nil || us < 0 {
		return 0, id, dispatch.InvalidField("/cursor", "is not a next_cursor of this list")
	}
	return us, id, nil
}
