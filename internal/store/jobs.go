package store

import (
	"cmp"
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// TakeJob reports whether the caller is the one who does a job now; the next turn
// comes after every. A worker that dies in it costs one turn.
func (s *Store) TakeJob(ctx context.Context, name string, every time.Duration) (bool, error) {
	var n int
	err := s.db.GetContext(ctx, &n, `WITH j AS (INSERT INTO jobs AS j (name, next_at) VALUES ($1, now() + make_interval(secs => $2))
		ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE j.next_at <= now() RETURNING 1) SELECT count(*)
		  FROM j`, name, every.Seconds())
	return n > 0, pg.Wrap("take job", err)
}

// Unconfirmed is a message that the provider took and never reported again.
type Unconfirmed struct {
	ID         dispatch.ID `db:"id"`
	Channel    int64       `db:"channel_id"`
	ProviderID string      `db:"provider_message_id"`
	Test       bool        `db:"test"`
}

var sqlSentOnly = numbers.SQL(`SELECT id, channel_id, provider_message_id, test FROM messages
		WHERE id >= uuid_floor($1) AND id < uuid_floor($2) AND channel_id = ANY($3) AND status = {sent}
		  AND provider_message_id IS NOT NULL LIMIT 1000`)

// SentWithoutReceipt lists messages of channels made between from and to that
// are still no more than sent. It walks the ids of that time, at most 1,000
// hits.
func (s *Store) SentWithoutReceipt(ctx context.Context, channels []int64, from, to time.Time) ([]Unconfirmed, error) {
	var out []Unconfirmed
	err := s.db.SelectContext(ctx, &out, sqlSentOnly, from, to, pq.Array(channels))
	return out, pg.Wrap("list messages without receipt", err)
}

// Prune drops provider ids after eight days and conversation windows that have been
// closed for a day, page by page.
func (s *Store) Prune(ctx context.Context) error {
	for {
		r, err := s.db.ExecContext(ctx, `DELETE FROM provider_refs WHERE (channel_id, ref) IN
			(SELECT channel_id, ref FROM provider_refs WHERE created_at < now() - interval '8 days' ORDER BY created_at LIMIT 5000)`)
		if err != nil {
			return pg.Wrap("drop old provider ids", err)
		}
		if n, err := r.RowsAffected(); err != nil || n < 5000 {
			return cmp.Or(pg.Wrap("drop old provider ids", err), s.pruneWindows(ctx))
		}
	}
}

// sqlPruneWindows goes through the windows behind a key, and returns the last key of
// its page. It waits for nobody: whoever writes to a contact has its row.
const sqlPruneWindows = `
WITH page AS MATERIALIZED (SELECT channel_id, phone FROM windows WHERE (channel_id, phone) > ($1, $2)
  ORDER BY channel_id, phone LIMIT 5000),
old AS MATERIALIZED (SELECT w.channel_id, w.phone FROM windows w JOIN page p ON p.channel_id = w.channel_id AND p.phone = w.phone
  WHERE w.opened_at < now() - interval '2 days' ORDER BY w.channel_id, w.phone FOR UPDATE OF w SKIP LOCKED),
gone AS (DELETE FROM windows w USING old o WHERE w.channel_id = o.channel_id AND w.phone = o.phone)
SELECT channel_id, phone FROM page ORDER BY channel_id DESC, phone DESC LIMIT 1`

func (s *Store) pruneWindows(ctx context.Context) error {
	var last struct {
		Channel int64  `db:"channel_id"`
		Phone   string `db:"phone"`
	}
	for {
		err := pg.Wrap("drop closed windows", s.db.GetContext(ctx, &last, sqlPruneWindows, last.Channel, last.Phone))
		if err == dispatch.ErrNotFound {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
