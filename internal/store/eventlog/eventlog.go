// Package eventlog has the parts of statements that read the event log. It has two tables:
// events has a row for each, and event_pages one for the usual ones that are written together:
// of the messages that wait in a page of the backlog, and of those whose calls were accepted.
package eventlog

import "strconv"

// Room is how many ids a page has, as the migration that made it: its events have those from its own on.
const Room = 1024

// PagesFrom is the migration that made pages: they are written once that far is contracted.
const PagesFrom = 170

// Contracted is a condition: whether pages are written.
var Contracted = `(SELECT contracted >= ` + strconv.Itoa(PagesFrom) + ` FROM config_version)`

// below is the condition of rows that no running transaction may still get ahead of.
const below = `xid < pg_snapshot_xmin(pg_current_snapshot())`

const columns = `id, xid, message_id, account_id, channel_id, at, kind, seq, cause, code, detail, extra, late`

// After returns a FROM item of the first limit events behind a position, in their order, with
// the columns of events. xid, id and limit are expressions that the planner does not know the
// values of, or numbers. A page is in its place by its first event's id; of the pages it takes
// those that the limit needs, and one that the position may be in.
func After(xid, id, limit string) string {
	return `(SELECT ` + columns + ` FROM (
  (SELECT ` + columns + ` FROM events WHERE (xid, id) > (` + xid + `, ` + id + `) AND ` + below + `
    ORDER BY xid, id LIMIT ` + limit + `)
  UNION ALL
  SELECT p.id + u.i - 1, p.xid, u.message_id, p.account_id, p.channel_id, p.at, p.kind, p.seq, p.cause, NULL, NULL, NULL, p.late
  FROM (SELECT xid, id FROM (SELECT xid, id, sum(n) OVER (ORDER BY xid, id) - n AS before
      FROM (SELECT xid, id, n FROM event_pages WHERE ` + reaches(xid, id) + ` AND ` + below + `
        ORDER BY xid, id LIMIT ` + limit + ` + 1) p) p
    WHERE before < ` + limit + ` + ` + strconv.Itoa(Room) + `) x
  CROSS JOIN LATERAL (SELECT * FROM event_pages p WHERE p.xid = x.xid AND p.id = x.id OFFSET 0) p
  CROSS JOIN LATERAL unnest(p.message_ids) WITH ORDINALITY u(message_id, i)
  WHERE (p.xid, p.id + u.i - 1) > (` + xid + `, ` + id + `)
) e ORDER BY xid, id LIMIT ` + limit + `)`
}

// reaches returns the condition of pages that may have events behind a position, as an index can hold it.
func reaches(xid, id string) string {
	return `(xid, id) > (` + xid + `, ` + id + ` - ` + strconv.Itoa(Room) + `)`
}

// Counts returns a statement for the accounts, kinds and numbers n of events that pages have behind a
// position and up to an end: those of the first limit pages.
func Counts(xid, id, endXID, endID, limit string) string {
	return `SELECT account_id, kind, CASE WHEN xid = ` + endXID + ` THEN least(` + endID + ` - id + 1, n) ELSE n END
    - CASE WHEN xid = ` + xid + ` THEN greatest(` + id + ` - id + 1, 0) ELSE 0 END AS n
  FROM event_pages WHERE ` + reaches(xid, id) + ` AND (xid, id) <= (` + endXID + `, ` + endID + `) ORDER BY xid, id LIMIT ` + limit
}

// Behind returns the condition of a page, by its table's name, that has events behind a position.
func Behind(page, xid, id string) string {
	return `(` + page + `.xid, ` + page + `.id + ` + page + `.n - 1) > (` + xid + `, ` + id + `)`
}

// Any returns a condition: whether there is an event behind a position.
func Any(xid, id string) string {
	return `((SELECT id FROM events WHERE (xid, id) > (` + xid + `, ` + id + `) AND ` + below + ` ORDER BY xid, id LIMIT 1) IS NOT NULL
  OR (SELECT id FROM event_pages WHERE ` + reaches(xid, id) + ` AND (xid, id + n - 1) > (` + xid + `, ` + id + `) AND ` + below + `
    ORDER BY xid, id LIMIT 1) IS NOT NULL)`
}

// End is a FROM item with the xid and id of the newest event that After can give, if any.
const End = `(SELECT xid, id FROM (
  (SELECT xid, id FROM events WHERE ` + below + ` ORDER BY xid DESC, id DESC LIMIT 1)
  UNION ALL
  (SELECT xid, id + n - 1 FROM event_pages WHERE ` + below + ` ORDER BY xid DESC, id DESC LIMIT 1)
) e ORDER BY xid DESC, id DESC LIMIT 1)`

// First returns a FROM item with the xid and time of the first or last row of the log for which
// a condition holds. order is empty or DESC.
func First(where, order string) string {
	return `(SELECT xid, at FROM (
  (SELECT xid, id, at FROM events WHERE ` + where + ` ORDER BY xid ` + order + `, id ` + order + ` LIMIT 1)
  UNION ALL
  (SELECT xid, id, at FROM event_pages WHERE ` + where + ` ORDER BY xid ` + order + `, id ` + order + ` LIMIT 1)
) e ORDER BY xid ` + order + `, id ` + order + ` LIMIT 1)`
}

// PagesOf is the condition of pages p that may have events of a message m: those were written
// with its acceptance or as it was sent.
const PagesOf = `p.account_id = m.account_id AND p.at = ANY(ARRAY[m.created_at, m.sent_at]) AND m.id = ANY(p.message_ids)`

// Place is the id of the event that page p has of message m.
const Place = `p.id + array_position(p.message_ids, m.id) - 1`

// OfMessages returns a FROM item of the events of messages, with columns as After has them. ids
// is an expression of their ids.
func OfMessages(ids string) string {
	return `(SELECT ` + columns + ` FROM events WHERE message_id = ANY(` + ids + `)
  UNION ALL
  SELECT ` + Place + `, p.xid, m.id, p.account_id, p.channel_id, p.at, p.kind, p.seq, p.cause, NULL, NULL, NULL, p.late
  FROM unnest(` + ids + `) t(id)
  CROSS JOIN LATERAL (SELECT id, account_id, created_at, sent_at FROM messages m WHERE m.id = t.id OFFSET 0) m
  JOIN event_pages p ON ` + PagesOf + `)`
}
