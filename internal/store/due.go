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

// sqlByDue are the account's scheduled messages by their send_at, of which a
// condition on messages may leave some out: those of the far future, and those
// that come due soon and wait in dispatch, which are few.
const sqlByDue = `
WITH w AS MATERIALIZED (
  (SELECT s.due_at, s.message_id FROM scheduled s
    WHERE s.account_id = $1 AND (s.due_at, s.message_id) > (to_timestamp($2::bigint / 1e6), $3::uuid)
      ORDER BY s.due_at, s.message_id LIMIT %[1]d)
  UNION ALL
  (SELECT d.due_at, d.message_id FROM dispatch d
    WHERE d.account_id = $1 AND d.lane IN ({lane_otp}, {lane_normal}, {lane_bulk}) AND d.state = {ready} AND d.wake_at > now()
      AND d.due_at > now()
      AND d.channel_id IN (SELECT id FROM channels WHERE account_id = $1) AND d.attempts + d.rl_hits = 0
      AND (d.due_at, d.message_id) > (to_timestamp($2::bigint / 1e6), $3::uuid)
      AND EXISTS (SELECT 1 FROM messages m WHERE m.id = d.message_id AND m.send_at = d.due_at OFFSET 0)
        ORDER BY d.due_at, d.message_id LIMIT %[1]d))
SELECT (extract(epoch FROM w.due_at) * 1e6)::bigint AS due_us, w.message_id FROM w
WHERE EXISTS (SELECT 1 FROM messages m WHERE m.id = w.message_id AND %[2]s OFFSET 0) ORDER BY w.due_at, w.message_id LIMIT %[3]d`

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
	var rows []struct {
		Due int64       `db:"due_us"`
		ID  dispatch.ID `db:"message_id"`
	}
	query := numbers.SQL(fmt.Sprintf(sqlByDue, walkMax, where.SQL(), limit+1))
	if err := s.db.SelectContext(ctx, &rows, query, slices.Concat([]any{account, us, after.String()}, where.Args())...); err != nil {
		return page, pg.Wrap("list scheduled messages", err)
	}
	more := len(rows) > limit
	rows = rows[:min(len(rows), limit)]
	ids := make([]dispatch.ID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	n := 0
	if page.Views, n, err = s.listed(ctx, ids, statuses); n > 0 && (more || n < len(ids)) {
		last := rows[n-1]
		page.Next = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%s", last.Due, last.ID))
	}
	return page, err
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
