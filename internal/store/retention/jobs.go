package retention

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/store/eventlog"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// What a job does with its rows.
const (
	Delete = "delete"
	Blank  = "blank" // removes content and numbers
)

// Job removes or blanks the old rows of an account, page by page.
type Job struct {
	Account       int64
	Action, Table string
	Before        time.Time // what is older goes

	mark        string // the name of its place and of what it left; empty: the rows are gone
	fresh, left string // statements: the next page of ids after its place, and of those left
	rows        string // what a page is joined with to measure it: t is the table
	// do changes the rows of finished ids. It returns those that it left after all.
	do func(ctx context.Context, s *Store, ids []uuid.UUID) (rows int64, waiting []uuid.UUID, err error)
	// all deletes a page of rows that no ids lead to ($1 is the account, $2 the time, $3
	// the size of a page), size measures them (with $3 null); empty: do does it.
	all, size string
	numbered  *numbered // blanks the rows of records; nil: do does it

	// Where it is: it begins with what it left before.
	past bool // what was left is done
	at   *uuid.UUID
}

// Messages and inbound messages whose ids are old enough, and those that were left,
// each with the time from which on it is old ($1 is the account, $2 the id before, $3
// the time, $4 the size of a page). What belongs to a message that was sent later than
// it was accepted counts from then.
const (
	freshMessages = `SELECT id, account_id, greatest(created_at, send_at) AS due FROM messages
  WHERE account_id = $1 AND id > $2 AND id < uuid_floor($3) ORDER BY id LIMIT $4`
	freshInbound = `SELECT id, account_id, received_at AS due FROM inbound
  WHERE account_id = $1 AND id > $2 AND id < uuid_floor($3) ORDER BY id LIMIT $4`
)

func leftMessages(what string) string {
	return `SELECT l.id, l.account_id, greatest(m.created_at, m.send_at) AS due FROM retention_left l LEFT JOIN messages m ON m.id = l.id
  WHERE l.account_id = $1 AND l.what = '` + what + `' AND l.id > $2 ORDER BY l.id LIMIT $4`
}

func leftInbound(what string) string {
	return `SELECT l.id, l.account_id, i.received_at AS due FROM retention_left l LEFT JOIN inbound i ON i.id = l.id
  WHERE l.account_id = $1 AND l.what = '` + what + `' AND l.id > $2 ORDER BY l.id LIMIT $4`
}

// Why a row m must be left for later, besides its age.
var (
	unfinished = pg.Domain.SQL(` OR EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = m.id)
  OR EXISTS (SELECT 1 FROM scheduled s WHERE s.account_id = m.account_id AND s.message_id = m.id)
  OR EXISTS (SELECT 1 FROM fallbacks f WHERE f.message_id = m.id)
  OR EXISTS (SELECT 1 FROM messages p WHERE p.id = m.id AND p.page IS NOT NULL AND p.status = {queued})`)
	unread = ` OR EXISTS (SELECT 1 FROM events e JOIN webhook_cursors c ON (e.xid, e.id) > (c.xid, c.event_id)
    WHERE e.message_id = m.id)
  OR EXISTS (SELECT 1 FROM (SELECT id, account_id, created_at, sent_at FROM messages t WHERE t.id = m.id) m
    JOIN event_pages p ON ` + eventlog.PagesOf + ` JOIN webhook_cursors c ON (p.xid, ` + eventlog.Place + `) > (c.xid, c.event_id))`
	undelivered  = ` OR EXISTS (SELECT 1 FROM webhook_deliveries w WHERE w.message_id = m.id AND w.done_at IS NULL)`
	lateAttempts = ` OR EXISTS (SELECT 1 FROM attempts a WHERE a.message_id = m.id AND a.at >= $3)`
	lateEvents   = ` OR EXISTS (SELECT 1 FROM events e WHERE e.message_id = m.id AND e.at >= $3)`
)

// page returns the statement for a page of rows, each with whether it must be left.
func page(of, busy string) string {
	return `SELECT m.id, coalesce(m.due >= $3, false)` + busy + ` AS busy FROM (` + of + `) m ORDER BY m.id`
}

var behindCursor = eventlog.Behind("p", "c.xid", "c.event_id")

// rearmost is a column of the cursor that is furthest behind. (A row for each page would be compared
// with the cursors last, behind the look-ups of its messages.)
func rearmost(column string) string {
	return `(SELECT ` + column + ` FROM webhook_cursors ORDER BY xid, event_id LIMIT 1)`
}

// Statements for rows that no ids lead to.
var (
	allAudit = `DELETE FROM audit_log WHERE id IN (SELECT id FROM
  (SELECT id, at FROM audit_log WHERE account_id = $1 ORDER BY id LIMIT $3) l WHERE at < $2)`
	sizeAudit = `SELECT count(*) AS rows, coalesce(sum(pg_column_size(l.*)), 0) AS bytes FROM audit_log l
  WHERE l.account_id = $1 AND l.at < $2 AND $3::bigint IS NULL`

	// A page of events stays while one of its messages is unfinished or webhooks have not been made of it.
	oldEventPages = `event_pages p WHERE p.account_id = $1 AND p.at < $2
    AND (p.xid, p.id + p.n - 1) <= (` + rearmost("xid") + `, ` + rearmost("event_id") + `)
    AND NOT EXISTS (SELECT 1 FROM unnest(p.message_ids) AS m(id) WHERE EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = m.id)
      OR EXISTS (SELECT 1 FROM fallbacks f WHERE f.message_id = m.id) OR m.id IN (
        SELECT unnest(ids) FROM backlog WHERE account_id = $1 AND created_at < $2
        UNION ALL SELECT unnest(ids) FROM claims WHERE account_id = $1))`
	allEventPages = `DELETE FROM event_pages WHERE ctid = ANY(ARRAY(SELECT p.ctid FROM ` + oldEventPages + `
    ORDER BY p.at LIMIT $3 FOR UPDATE))`
	sizeEventPages = `SELECT coalesce(sum(p.n), 0) AS rows, coalesce(sum(pg_column_size(p.*)), 0) AS bytes FROM ` + oldEventPages + `
  AND $3::bigint IS NULL`

	// A delivery is as old as its event, by its id; one that waits is kept as long as its
	// endpoint may still be called.
	oldDeliveries = `webhooks w CROSS JOIN LATERAL (SELECT y.webhook_id, y.id FROM webhook_deliveries y WHERE y.webhook_id = w.id
    AND y.id < uuid_floor($2) AND y.created_at < $2 AND (y.done_at IS NOT NULL OR NOT w.enabled) ORDER BY y.id LIMIT $3) x
  WHERE w.account_id = $1`
	allDeliveries = `DELETE FROM webhook_deliveries d USING (SELECT x.webhook_id, x.id FROM ` + oldDeliveries + ` LIMIT $3) g
  WHERE d.webhook_id = g.webhook_id AND d.id = g.id`
	sizeDeliveries = `SELECT count(*) AS rows, coalesce(sum(pg_column_size(d.*)), 0) AS bytes FROM webhook_deliveries d
  JOIN (SELECT x.webhook_id, x.id FROM ` + oldDeliveries + `) g USING (webhook_id, id)`
)

// Jobs returns what is to be done of the rows of all accounts, in the order in which
// it is: what belongs to messages goes before them. A table that no account keeps longer
// is left to its partitions.
func (s *Store) Jobs(ctx context.Context) ([]Job, error) {
	a, err := s.accounts(ctx)
	if err != nil {
		return nil, err
	}
	var out []Job
	for i := range a.all {
		out = append(out, a.jobs(&a.all[i])...)
	}
	return out, nil
}

// jobs returns those of one account.
func (a *accounts) jobs(of *settings) []Job {
	var out []Job
	if of.RedactDays != nil {
		out = redactions(a.now.AddDate(0, 0, -*of.RedactDays))
	}
	for _, j := range deletions {
		if most, weekly := a.longest[j.Table]; !weekly || of.Days.Of(j.Table) < most {
			j.Before = of.Days.Before(j.Table, a.now)
			out = append(out, j)
		}
	}
	for i := range out {
		out[i].Account = of.ID
	}
	return out
}

// redactions blank what is older than before and has been told to every webhook.
func redactions(before time.Time) []Job {
	const messages, inbound = "redact_messages", "redact_inbound"
	return []Job{
		{
			Action: Blank, Table: "messages", Before: before, mark: messages,
			fresh: page(freshMessages, unfinished+unread+undelivered), left: page(leftMessages(messages), unfinished+unread+undelivered),
			rows: `messages t ON t.id = p.id AND t.recipient <> ''`,
			do: func(ctx context.Context, s *Store, ids []uuid.UUID) (int64, []uuid.UUID, error) {
				return s.blank.RedactMessages(ctx, ids)
			},
		},
		{
			Action: Blank, Table: "inbound", Before: before, mark: inbound,
			fresh: page(freshInbound, unread+undelivered), left: page(leftInbound(inbound), unread+undelivered),
			rows: `inbound t ON t.id = p.id AND (t.from_phone, t.wa_id, t.user_id) <> ('', '', '')`,
			do: func(ctx context.Context, s *Store, ids []uuid.UUID) (int64, []uuid.UUID, error) {
				return s.blank.RedactInbound(ctx, ids)
			},
		},
		{Action: Blank, Table: "campaign_recipients", Before: before, mark: "campaign:", numbered: &campaignRows, size: campaignRows.size},
		{Action: Blank, Table: "import_rows", Before: before, mark: "import:", numbered: &importRows, size: importRows.size},
	}
}

var deletions = []Job{
	{
		Action: Delete, Table: "attempts", mark: "attempts",
		fresh: page(freshMessages, unfinished+lateAttempts), left: page(leftMessages("attempts"), unfinished+lateAttempts),
		rows: `attempts t ON t.message_id = p.id`, do: deletes(`DELETE FROM attempts WHERE message_id = ANY($1)`),
	},
	{
		Action: Delete, Table: "events", mark: "events",
		fresh: page(freshMessages, unfinished+unread+lateEvents), left: page(leftMessages("events"), unfinished+unread+lateEvents),
		rows: `events t ON t.message_id = p.id`, do: deletes(`DELETE FROM events WHERE message_id = ANY($1)`),
	},
	{
		Action: Delete, Table: "messages", fresh: page(freshMessages, unfinished+unread),
		rows: `messages t ON t.id = p.id`, do: deletes(`DELETE FROM messages WHERE id = ANY($1)`),
	},
	{
		Action: Delete, Table: "inbound", fresh: page(freshInbound, unread),
		rows: `inbound t ON t.id = p.id`, do: deletes(`DELETE FROM inbound WHERE id = ANY($1)`),
	},
	{Action: Delete, Table: "event_pages", all: allEventPages, size: sizeEventPages},
	{Action: Delete, Table: "webhook_deliveries", all: allDeliveries, size: sizeDeliveries},
	{Action: Delete, Table: "audit_log", all: allAudit, size: sizeAudit},
}

// deletes returns what a job does whose statement deletes the rows of a page.
func deletes(query string) func(context.Context, *Store, []uuid.UUID) (int64, []uuid.UUID, error) {
	return func(ctx context.Context, s *Store, ids []uuid.UUID) (int64, []uuid.UUID, error) {
		r, err := s.db.ExecContext(ctx, query, pg.UUIDArray(ids))
		if err != nil {
			return 0, nil, pg.Wrap("delete old rows", err)
		}
		rows, err := r.RowsAffected()
		return rows, nil, err
	}
}
