package retention

import (
	"context"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// week is a partition, with its bounds as Postgres' catalogue has them.
type week struct {
	Table string    `db:"parent"`
	Name  string    `db:"name"`
	From  time.Time `db:"starts"`
	To    time.Time `db:"ends"`
	Rows  int64     `db:"rows"`
	Bytes int64     `db:"bytes"`
}

// sqlWeeks lists the partitions; the default ones have no bounds. An id's first 48
// bits are its milliseconds.
const sqlWeeks = `
SELECT parent, name, rows, bytes,
  CASE WHEN parent = 'events' THEN b[1]::timestamptz ELSE to_timestamp(('x' || left(replace(b[1], '-', ''), 12))::bit(48)::bigint / 1000.0)
    END AS starts,
  CASE WHEN parent = 'events' THEN b[2]::timestamptz ELSE to_timestamp(('x' || left(replace(b[2], '-', ''), 12))::bit(48)::bigint / 1000.0)
    END AS ends
FROM (SELECT p.relname AS parent, c.relname AS name, greatest(c.reltuples, 0)::bigint AS rows, pg_total_relation_size(c.oid) AS bytes,
    regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)') AS b
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
  WHERE i.inhparent IN ('messages'::regclass, 'attempts'::regclass, 'events'::regclass)) w
WHERE b IS NOT NULL ORDER BY parent, ends`

// weeks drops the partitions that are too old for every account. One that holds what
// is unfinished is kept.
func (s *Store) weeks(ctx context.Context, p *planner, dry bool) ([]Step, error) {
	var found []week
	if err := s.db.SelectContext(ctx, &found, sqlWeeks); err != nil {
		return nil, pg.Wrap("list partitions", err)
	}
	var out []Step
	for i := range found {
		w := &found[i]
		before := p.now.AddDate(0, 0, -p.longest[w.Table])
		if w.To.After(before) {
			continue
		}
		step := Step{Action: Drop, Table: w.Table, Partition: w.Name, Before: w.To.UTC(), Rows: w.Rows, Bytes: w.Bytes}
		reason, err := s.needed(ctx, w, before)
		if err == nil && reason == "" && !dry {
			reason, err = s.drop(ctx, w.Name)
		}
		if err != nil {
			return out, err
		}
		if step.Reason = reason; reason != "" {
			step.Action = Keep
		}
		out = append(out, step)
	}
	return out, nil
}

// sqlNeeded looks for what keeps messages with ids of the time from $1 to $2, or their
// attempts: unfinished ones, ones that were sent after $3, and, of messages ($4), events
// that webhooks have not been made of.
const sqlNeeded = `
SELECT unfinished, NOT unfinished
    AND EXISTS (SELECT 1 FROM messages WHERE id >= uuid_floor($1) AND id < uuid_floor($2) AND send_at >= $3) AS young,
  NOT unfinished AND $4 AND EXISTS (SELECT 1 FROM webhook_cursors c JOIN events e ON (e.xid, e.id) > (c.xid, c.event_id)
    WHERE e.message_id >= uuid_floor($1) AND e.message_id < uuid_floor($2)) AS unread
FROM (SELECT EXISTS (SELECT 1 FROM dispatch WHERE message_id >= uuid_floor($1) AND message_id < uuid_floor($2))
  OR EXISTS (SELECT 1 FROM scheduled WHERE message_id >= uuid_floor($1) AND message_id < uuid_floor($2))
  OR EXISTS (SELECT 1 FROM fallbacks WHERE message_id >= uuid_floor($1) AND message_id < uuid_floor($2)) AS unfinished OFFSET 0) u`

// sqlEventsNeeded looks for events of unfinished messages in the partition, which ends at
// $1, and for those that webhooks have not been made of.
func sqlEventsNeeded(name string) string {
	name = pq.QuoteIdentifier(name)
	return `
SELECT EXISTS (SELECT 1 FROM (SELECT message_id FROM dispatch UNION ALL SELECT message_id FROM scheduled UNION ALL
    SELECT message_id FROM fallbacks) d JOIN ` + name + ` e ON e.message_id = d.message_id
    WHERE d.message_id < uuid_floor($1)) AS unfinished,
  false AS young, EXISTS (SELECT 1 FROM webhook_cursors c, (SELECT xid, id FROM ` + name + ` ORDER BY xid DESC, id DESC LIMIT 1) e
    WHERE (e.xid, e.id) > (c.xid, c.event_id)) AS unread`
}

// needed returns why a partition must stay, or nothing. before is the time before which
// records are too old.
func (s *Store) needed(ctx context.Context, w *week, before time.Time) (string, error) {
	var why struct {
		Unfinished bool `db:"unfinished"`
		Young      bool `db:"young"`
		Unread     bool `db:"unread"`
	}
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := patient(ctx, tx); err != nil {
			return err
		}
		if w.Table == "events" {
			return tx.GetContext(ctx, &why, sqlEventsNeeded(w.Name), w.To)
		}
		return tx.GetContext(ctx, &why, sqlNeeded, w.From, w.To, before, w.Table == "messages")
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

// A partition is dropped under a lock on the whole table: it is waited for only so
// long that no other statement waits behind it for longer, and asked for again.
const (
	lockWait  = "50ms"
	dropTries = 40
	dropPause = 500 * time.Millisecond
)

// drop drops a partition. It returns why not if the table is too busy.
func (s *Store) drop(ctx context.Context, name string) (string, error) {
	for range dropTries {
		err := s.db.Tx(ctx, func(tx *pg.DB) error {
			if _, err := tx.ExecContext(ctx, `SET LOCAL lock_timeout = '`+lockWait+`'`); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `DROP TABLE IF EXISTS `+pq.QuoteIdentifier(name))
			return err
		})
		if !locked(err) {
			return "", pg.Wrap("drop partition", err)
		}
		if err := pause(ctx, dropPause); err != nil {
			return "", err
		}
	}
	return "the table is locked by others; the next run tries again", nil
}

// locked reports whether a lock was not granted in time.
func locked(err error) bool {
	e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && e.SQLState() == "55P03"
}
