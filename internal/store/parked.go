package store

import (
	"context"
	"encoding/json"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Park keeps evidence for which no message was found: the callback may have
// overtaken the commit of the provider's id. It is tried again after 1 s and
// then ever more slowly, for a day.
func (s *Store) Park(ctx context.Context, u dispatch.StatusUpdate) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO parked_callbacks (channel_id, ref, body, wake_at)
		SELECT $1, $2, $3, now() + interval '1 second'
		WHERE NOT EXISTS (SELECT 1 FROM parked_callbacks WHERE channel_id = $1 AND ref = $2 AND body = $3 AND created_at > now() - interval '1 day')`,
		u.Channel, pg.Storable(u.ProviderID), pg.JSON(u))
	return pg.Wrap("park callback", err)
}

const sqlUnpark = `
UPDATE parked_callbacks SET tries = tries + 1,
  wake_at = now() + (ARRAY[interval '2 s', '5 s', '10 s', '30 s', '5 min', '1 hour'])[least(tries + 1, 6)]
WHERE id = ANY(ARRAY(SELECT id FROM parked_callbacks WHERE wake_at <= now() ORDER BY wake_at LIMIT 200 FOR UPDATE SKIP LOCKED))
RETURNING id, body`

// RetryParked tries parked evidence again and drops what is settled or a day
// old. It gives the messages that failed by it.
func (s *Store) RetryParked(ctx context.Context) ([]Failure, error) {
	var rows []struct {
		ID   int64  `db:"id"`
		Body string `db:"body"`
	}
	if err := s.db.SelectContext(ctx, &rows, sqlUnpark); err != nil || len(rows) == 0 {
		return nil, pg.Wrap("unpark callbacks", err)
	}
	us := make([]dispatch.StatusUpdate, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal([]byte(r.Body), &us[i]); err != nil {
			return nil, pg.Wrap("read parked callback", err)
		}
	}
	a, err := s.Apply(ctx, us)
	if err != nil {
		return nil, err
	}
	keep := map[int]bool{}
	for _, i := range a.Unmatched {
		keep[i] = true
	}
	var done []int64
	for i, r := range rows {
		if !keep[i] {
			done = append(done, r.ID)
		}
	}
	_, err = s.db.ExecContext(ctx, `DELETE FROM parked_callbacks WHERE id = ANY(ARRAY(SELECT unnest($1::bigint[])
		UNION ALL (SELECT id FROM parked_callbacks WHERE created_at < now() - interval '1 day' ORDER BY created_at LIMIT 1000)))`, pg.IntArray(done))
	return a.Failed, pg.Wrap("drop parked callbacks", err)
}
