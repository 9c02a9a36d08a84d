package retention

import (
	"cmp"
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Week is a partition, with its bounds as Postgres' catalogue has them.
type Week struct {
	Table string    `db:"parent"`
	Name  string    `db:"name"`
	From  time.Time `db:"starts"`
	To    time.Time `db:"ends"`
	Rows  int64     `db:"rows"` // as Postgres estimates them
	Bytes int64     `db:"bytes"`

	before time.Time // before it records are too old for every account
}

// sqlWeeks lists the partitions; the default ones have no bounds. An id's first 48
// bits are its milliseconds.
const sqlWeeks = `
SELECT parent, name, rows, bytes,
  CASE WHEN parent IN ('events', 'idempotency') THEN b[1]::timestamptz
    ELSE to_timestamp(('x' || left(replace(b[1], '-', ''), 12))::bit(48)::bigint / 1000.0)
    END AS starts,
  CASE WHEN parent IN ('events', 'idempotency') THEN b[2]::timestamptz
    ELSE to_timestamp(('x' || left(replace(b[2], '-', ''), 12))::bit(48)::bigint / 1000.0)
    END AS ends
FROM (SELECT p.relname AS parent, c.relname AS name, greatest(c.reltuples, 0)::bigint AS rows, pg_total_relation_size(c.oid) AS bytes,
    regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)') AS b
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
  WHERE i.inhparent IN ('messages'::regclass, 'attempts'::regclass, 'events'::regclass, 'idempotency'::regclass)) w
WHERE b IS NOT NULL ORDER BY parent, ends`

// keyDays is how long idempotency keys are kept at least.
const keyDays = 2

// Weeks returns the partitions that are too old for every account.
func (s *Store) Weeks(ctx context.Context) ([]Week, error) {
	a, err := s.accounts(ctx)
	if err != nil {
		return nil, err
	}
	var all []Week
	if err := s.db.SelectContext(ctx, &all, sqlWeeks); err != nil {
		return nil, pg.Wrap("list partitions", err)
	}
	old := all[:0]
	for _, w := range all {
		w.before = a.now.AddDate(0, 0, -cmp.Or(a.longest[w.Table], keyDays))
		if !w.To.After(w.before) {
			old = append(old, w)
		}
	}
	return old, nil
}

// sqlNeeded looks for what keeps messages with ids of the time from $1 to $2, or their
// attempts: unfinished ones, ones that were sent after $3, and, of messages ($4), events
// that webhooks have not been made of. (Where all rows are looked at, a bound is a subquery:
// else it is computed for each. Pages of events are read from a cursor on, as the first one
// in the order of their index.)
var sqlNeeded = `
SELECT unfinished, NOT unfinished
    AND EXISTS (SELECT 1 FROM messages WHERE id >= uuid_floor($1) AND id < uuid_floor($2) AND send_at >= $3) AS young,
  NOT unfinished AND $4 AND (EXISTS (SELECT 1 FROM webhook_cursors c JOIN events e ON (e.xid, e.id) > (c.xid, c.event_id)
      WHERE e.message_id >= (SELECT uuid_floor($1)) AND e.message_id < (SELECT uuid_floor($2)))
    OR EXISTS (SELECT 1 FROM webhook_cursors c WHERE (SELECT p.id FROM event_pages p WHERE ` + behindCursor + `
        AND EXISTS (SELECT 1 FROM unnest(p.message_ids) AS i(id) WHERE i.id >= (SELECT uuid_floor($1)) AND i.id < (SELECT uuid_floor($2)))
      ORDER BY p.xid, p.id LIMIT 1) IS NOT NULL)) AS unread
FROM (SELECT EXISTS (SELECT 1 FROM dispatch WHERE message_id >= uuid_floor($1) AND message_id < uuid_floor($2))
  OR EXISTS (SELECT 1 FROM scheduled WHERE message_id >= uuid_floor($1) AND message_id < uuid_floor($2))
  OR EXISTS (SELECT 1 FROM fallbacks WHERE message_id >= uuid_floor($1) AND message_id < uuid_floor($2))
  OR EXISTS (SELECT 1 FROM ` + inPages + ` p
    WHERE p.message_id >= (SELECT uuid_floor($1)) AND p.message_id < (SELECT uuid_floor($2))) AS unfinished
  OFFSET 0) u`

// inPages are the messages in pages of the backlog, and in claims of them, some of
// which may be finished.
const inPages = `(SELECT unnest(ids) AS message_id FROM backlog UNION ALL SELECT unnest(ids) FROM claims)`

// sqlEventsNeeded looks for events of unfinished messages in the partition, which ends at
// $1, and for those that webhooks have not been made of.
func sqlEventsNeeded(name string) string {
	name = pq.QuoteIdentifier(name)
	return `
SELECT EXISTS (SELECT 1 FROM (SELECT message_id FROM dispatch UNION ALL SELECT message_id FROM scheduled UNION ALL
    SELECT message_id FROM fallbacks UNION ALL SELECT message_id FROM ` + inPages + ` p) d
    JOIN ` + name + ` e ON e.message_id = d.message_id
    WHERE d.message_id < (SELECT uuid_floor($1))) AS unfinished,
  false AS young, EXISTS (SELECT 1 FROM webhook_cursors c, (SELECT xid, id FROM ` + name + ` ORDER BY xid DESC, id DESC LIMIT 1) e
    WHERE (e.xid, e.id) > (c.xid, c.event_id)) AS unread`
}

// Needed returns why a partition must stay, or nothing.
func (s *Store) Needed(ctx context.Context, w *Week) (string, error) {
	var why struct {
		Unfinished bool `db:"unfinished"`
		Young      bool `db:"young"`
		Unread     bool `db:"unread"`
	}
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		switch w.Table {
		case "idempotency":
			return nil
		case "events":
			return tx.GetContext(ctx, &why, sqlEventsNeeded(w.Name), w.To)
		}
		return tx.GetContext(ctx, &why, sqlNeeded, w.From, w.To, w.before, w.Table == "messages")
	})
	switch {
	case err != nil:
		return "", pg.Wrap("look for unfinished messages", err)
	case why.Unfinished:
		return "it holds unfinished messages", nil
	case why.Young:
		return "it holds messages that were sent later", nil
	case why.Unread:
		return "webhooks have not been made of its events", nil
	}
	return "", nil
}

// lockWait is how long a drop waits for its lock on the whole table: no other statement
// waits behind it for longer.
const lockWait = "50ms"

// Drop drops a partition. It reports whether the table is too busy: the caller tries
// again in a moment.
func (s *Store) Drop(ctx context.Context, w *Week) (busy bool, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		if _, err := tx.ExecContext(ctx, `SET LOCAL lock_timeout = '`+lockWait+`'`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DROP TABLE IF EXISTS `+pq.QuoteIdentifier(w.Name))
		return err
	})
	if pg.Busy(err) {
		return true, nil
	}
	return false, pg.Wrap("drop partition", err)
}
