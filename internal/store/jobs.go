package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// TakeJob says whether the caller is the one who does a job now; the next turn
// comes after every. A worker that dies in it costs one turn.
func (s *Store) TakeJob(ctx context.Context, name string, every time.Duration) (bool, error) {
	var n int
	err := s.db.GetContext(ctx, &n, `WITH j AS (INSERT INTO jobs AS j (name, next_at) VALUES ($1, now() + make_interval(secs => $2))
		ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE j.next_at <= now() RETURNING 1) SELECT count(*) FROM j`, name, every.Seconds())
	return n > 0, pg.Wrap("take job", err)
}

// SentOnly is a message that the provider took and never told about again.
type SentOnly struct {
	ID         dispatch.ID `db:"id"`
	Channel    int64       `db:"channel_id"`
	ProviderID string      `db:"provider_message_id"`
	Test       bool        `db:"test"`
}

// SentWithoutReceipt lists messages of channels made between from and to that
// are still no more than sent. It walks the ids of that time, at most 1,000
// hits.
func (s *Store) SentWithoutReceipt(ctx context.Context, channels []int64, from, to time.Time) ([]SentOnly, error) {
	var out []SentOnly
	err := s.db.SelectContext(ctx, &out, `SELECT id, channel_id, provider_message_id, test FROM messages
		WHERE id >= uuid_floor($1) AND id < uuid_floor($2) AND channel_id = ANY($3) AND status = 30 AND provider_message_id IS NOT NULL LIMIT 1000`, from, to, pq.Array(channels))
	return out, pg.Wrap("list messages without receipt", err)
}

// Prune drops what has served its time: idempotency keys after two days (whole
// partitions), provider ids after eight, and old job turns of nobody.
func (s *Store) Prune(ctx context.Context) error {
	var old []string
	if err := s.db.SelectContext(ctx, &old, `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'idempotency'::regclass AND c.relname ~ '^idempotency_w[0-9]{6}$'
		  AND to_date(substr(c.relname, 14), 'IYYYIW') + 7 < (now() AT TIME ZONE 'utc')::date - 2`); err != nil {
		return pg.Wrap("find old partitions", err)
	}
	for _, name := range old {
		if _, err := s.db.ExecContext(ctx, `DROP TABLE IF EXISTS `+pq.QuoteIdentifier(name)); err != nil {
			return pg.Wrap("drop old partition", err)
		}
	}
	for {
		r, err := s.db.ExecContext(ctx, `DELETE FROM provider_refs WHERE (channel_id, ref) IN
			(SELECT channel_id, ref FROM provider_refs WHERE created_at < now() - interval '8 days' ORDER BY created_at LIMIT 5000)`)
		if err != nil {
			return pg.Wrap("drop old provider ids", err)
		}
		if n, err := r.RowsAffected(); err != nil || n < 5000 {
			return pg.Wrap("drop old provider ids", err)
		}
	}
}
