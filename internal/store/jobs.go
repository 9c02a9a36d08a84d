package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"
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

// sqlAbsent names the weeks' partitions as ensure_partitions does, of this week and the
// three after it, and returns those that are not there, or not attached.
const sqlAbsent = `
SELECT p.name, extract(epoch FROM greatest(w.starts - now(), interval '0'))::float8 AS in_s
FROM unnest(ARRAY['messages', 'attempts', 'events', 'idempotency']) AS k(parent)
CROSS JOIN generate_series(0, 3) AS n(week)
CROSS JOIN LATERAL (SELECT (date_trunc('week', now() AT TIME ZONE 'utc') + n.week * interval '7 days') AT TIME ZONE 'utc' AS starts) w
CROSS JOIN LATERAL (SELECT k.parent || '_w' || to_char(w.starts AT TIME ZONE 'utc', 'IYYYIW') AS name) p
WHERE NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = to_regclass(p.name) AND inhparent = k.parent::regclass) ORDER BY 2, 1`

// Partitions is how far ahead the tables have partitions.
type Partitions struct {
	Ahead   time.Duration // until the first week that lacks one, at most three weeks or so
	Missing []string      // of this week and the next
}

// EnoughAhead is what Partitions.Ahead is at least, while they are made in time.
const EnoughAhead = 7 * 24 * time.Hour

// Partitions looks for the partitions of the coming weeks. It reads the catalogue only.
func (s *Store) Partitions(ctx context.Context) (Partitions, error) {
	var absent []struct {
		Name string  `db:"name"`
		In   float64 `db:"in_s"`
	}
	if err := s.db.SelectContext(ctx, &absent, sqlAbsent); err != nil {
		return Partitions{}, pg.Wrap("look for partitions", err)
	}
	p := Partitions{Ahead: 3 * EnoughAhead}
	for i, a := range absent {
		in := time.Duration(a.In * float64(time.Second))
		if i == 0 {
			p.Ahead = in
		}
		if in < EnoughAhead {
			p.Missing = append(p.Missing, a.Name)
		}
	}
	return p, nil
}

const sqlStrays = `
SELECT array_remove(ARRAY[
  CASE WHEN EXISTS (SELECT 1 FROM messages_default) THEN 'messages_default' END,
  CASE WHEN EXISTS (SELECT 1 FROM attempts_default) THEN 'attempts_default' END,
  CASE WHEN EXISTS (SELECT 1 FROM events_default) THEN 'events_default' END,
  CASE WHEN EXISTS (SELECT 1 FROM idempotency_default) THEN 'idempotency_default' END], NULL)`

// Strays names the default partitions that hold rows: those came when their
// week's partition was missing, and keep it from being made.
func (s *Store) Strays(ctx context.Context) ([]string, error) {
	var out pq.StringArray
	err := s.db.GetContext(ctx, &out, sqlStrays)
	return out, pg.Wrap("look into default partitions", err)
}

// A partition whose table is busy is tried again so often.
const (
	partitionTries = 40
	partitionPause = 500 * time.Millisecond
)

// EnsurePartitions makes the partitions of the coming two weeks, each in a transaction
// of its own. It returns an error if one could not be made: its rows have come already,
// or somebody holds its table.
func (s *Store) EnsurePartitions(ctx context.Context) error {
	for tries := 0; ; {
		var made int
		err := s.db.GetContext(ctx, &made, `SELECT ensure_partitions('14 days', 1)`)
		switch {
		case err == nil && made == 0:
			return s.allMade(ctx)
		case err == nil:
			continue
		case !pg.Busy(err) || tries == partitionTries:
			return pg.Wrap("make partitions", err)
		}
		tries++
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(partitionPause):
		}
	}
}

func (s *Store) allMade(ctx context.Context) error {
	p, err := s.Partitions(ctx)
	if err == nil && len(p.Missing) > 0 {
		err = fmt.Errorf("missing: %s; their rows go to the default partitions, see sendoff doctor", strings.Join(p.Missing, ", "))
	}
	return err
}
