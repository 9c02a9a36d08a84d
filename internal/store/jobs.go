package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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

// Fallback is a message whose next entry may have to be sent.
type Fallback struct {
	ID        dispatch.ID `db:"id"`
	Account   int64       `db:"account_id"`
	Key       int64       `db:"key_id"`
	To        string      `db:"recipient"`
	Entries   string      `db:"fallback"` // JSON array of native drafts
	Cause     string      `db:"cause"`
	Test      bool        `db:"test"`
	Reference *string     `db:"reference"`
}

var sqlDueFallbacks = numbers.SQL(`
WITH f AS MATERIALIZED (SELECT message_id FROM fallbacks WHERE wake_at <= now() ORDER BY wake_at LIMIT 100 FOR UPDATE SKIP LOCKED),
  u AS (UPDATE fallbacks SET wake_at = now() + interval '10 seconds' WHERE message_id = ANY(ARRAY(SELECT message_id FROM f))
    RETURNING message_id, cause)
SELECT m.id, m.account_id, m.key_id, m.recipient, m.fallback, u.cause, m.test, m.reference FROM u JOIN messages m ON m.id = u.message_id
  WHERE m.fallback IS NOT NULL AND m.status IN ({sent}, {failed}, {expired})`)

var sqlDropFallbacks = numbers.SQL(`DELETE FROM fallbacks WHERE wake_at <= now() + interval '11 seconds' AND message_id IN
		(SELECT f.message_id FROM fallbacks f JOIN messages m ON m.id = f.message_id
		  WHERE f.wake_at <= now() + interval '11 seconds' AND m.status IN ({delivered}, {read}, {cancelled}, {unknown}))`)

// DueFallbacks takes what waits for its fallback; each comes back after ten
// seconds until DropFallback, those that have got their child too: whoever sent
// it may not have learned that it did.
func (s *Store) DueFallbacks(ctx context.Context) ([]Fallback, error) {
	var out []Fallback
	err := s.db.SelectContext(ctx, &out, sqlDueFallbacks)
	if err != nil {
		return nil, pg.Wrap("take fallbacks", err)
	}
	// What was delivered, cancelled or is unknown needs none; what is still to be
	// sent comes back.
	_, err = s.db.ExecContext(ctx, sqlDropFallbacks)
	return out, pg.Wrap("drop fallbacks", err)
}

// DropFallback deletes a fallback that was sent, or can't be.
func (s *Store) DropFallback(ctx context.Context, id dispatch.ID) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM fallbacks WHERE message_id = $1::uuid`, id.String())
	return pg.Wrap("drop fallback", err)
}

// ReturnFallbacks makes fallbacks that DueFallbacks took due again.
func (s *Store) ReturnFallbacks(ctx context.Context, fs []Fallback) error {
	ids := make([]dispatch.ID, len(fs))
	for i, f := range fs {
		ids[i] = f.ID
	}
	_, err := s.db.ExecContext(ctx, `UPDATE fallbacks SET wake_at = now()
		WHERE message_id = ANY(ARRAY(SELECT message_id FROM fallbacks WHERE message_id = ANY($1::uuid[]) AND wake_at > now()
		  FOR UPDATE SKIP LOCKED))`, pg.UUIDArray(ids))
	return pg.Wrap("return fallbacks", err)
}

var sqlLockParents = numbers.SQL(`SELECT id FROM messages WHERE id = ANY($1::uuid[]) AND child_id IS NULL
  AND status IN ({sent}, {failed}, {expired}) ORDER BY id FOR UPDATE`)

// reserveParents locks the parents of fallback children, in id order: a parent
// gets one child, and only while it has failed or expired (or, where the child
// was asked for when no delivery comes in time, is not delivered). tieParents
// names the child once it is accepted: one that is refused must leave its place
// to the next entry.
func reserveParents(ctx context.Context, tx *pg.DB, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) ([]*NewMessage, error) {
	var parents []string
	for _, a := range page {
		if a.Parent != dispatch.NoID {
			parents = append(parents, a.Parent.String())
		}
	}
	if len(parents) == 0 {
		return page, nil
	}
	var free []dispatch.ID
	if err := tx.SelectContext(ctx, &free, sqlLockParents, pq.Array(parents)); err != nil {
		return nil, pg.Wrap("lock parents of fallbacks", err)
	}
	kept := page[:0:0]
	for _, a := range page {
		if a.Parent != dispatch.NoID {
			at := slices.Index(free, a.Parent)
			if at < 0 {
				out[a.ID] = dispatch.Receipt{Err: dispatch.Errorf(dispatch.Conflict, "the message needs no fallback")}
				continue
			}
			free = slices.Delete(free, at, at+1)
		}
		kept = append(kept, a)
	}
	return kept, nil
}

// tieParents names the children that were accepted.
func tieParents(ctx context.Context, tx *pg.DB, page []*NewMessage, out map[dispatch.ID]dispatch.Receipt) error {
	for _, a := range page {
		if a.Parent == dispatch.NoID || out[a.ID].Err != nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE messages SET child_id = $2, version = version + 1, updated_at = now()
		  WHERE id = $1`, a.Parent.String(), a.ID.String()); err != nil {
			return pg.Wrap("tie fallback to its parent", err)
		}
	}
	return nil
}
