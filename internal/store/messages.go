package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// walkMax bounds the rows that one list request may look at, walkTexts those whose
// content it reads.
const walkMax, walkTexts = pg.WalkMax, pg.WalkMax / 2

// ListMessages returns one page, newest first. A filter on status walks the
// account's messages, at most walkMax of them: a page may be short and still
// have a next one, as may one of much content. A filter on an unfinished status walks the hot table, which
// all accounts share, and what is scheduled.
func (s *Store) ListMessages(ctx context.Context, account int64, f dispatch.Filter) (dispatch.ViewPage, error) {
	limit := min(max(f.Limit, 1), 1000)
	if f.To != "" {
		var err error
		if f.ToAny, err = s.IDsOf(ctx, account, f.To); err != nil {
			return dispatch.ViewPage{}, err
		}
	}
	if named, err := s.named(ctx, account, f.Search); err != nil || len(named) > 0 {
		views, _, err := s.listed(ctx, named, nil)
		return dispatch.ViewPage{Views: slices.DeleteFunc(views, func(v dispatch.View) bool { return f.Test && !v.Test })}, err
	}
	if f.ByDue {
		return s.listByDue(ctx, account, f, limit)
	}
	q, args, bound, err := listQuery(account, f, limit)
	if err != nil {
		return dispatch.ViewPage{}, err
	}
	var row struct {
		IDs    pq.StringArray `db:"ids"`
		Walked int            `db:"walked"`
		Last   string         `db:"last"`
	}
	if err := s.db.GetContext(ctx, &row, q, args...); err != nil {
		return dispatch.ViewPage{}, pg.Wrap("list messages", err)
	}
	page := dispatch.ViewPage{Views: []dispatch.View{}}
	if len(row.IDs) == limit {
		page.Next = pg.EncodeCursor(row.IDs[limit-1])
	} else if row.Walked == bound {
		page.Next = pg.EncodeCursor(row.Last)
	}
	ids := make([]dispatch.ID, len(row.IDs))
	for i, t := range row.IDs {
		ids[i] = uuid.MustParse(t)
	}
	var n int
	if page.Views, n, err = s.listed(ctx, ids, f.Statuses); n > 0 && n < len(ids) {
		page.Next = pg.EncodeCursor(row.IDs[n-1])
	}
	return page, err
}

// sqlNamed finds the account's messages by our ids or by a provider's: the last
// one that was kept, and the accepted calls whose ids have an index.
const sqlNamed = `
SELECT m.id FROM messages m WHERE m.account_id = $1 AND m.id = ANY($2::uuid[])
UNION SELECT m.id FROM channels c JOIN provider_refs p ON p.channel_id = c.id AND p.ref = $3 JOIN messages m ON m.id = p.message_id
  AND m.account_id = $1 WHERE c.account_id = $1
UNION SELECT m.id FROM attempts a JOIN messages m ON m.id = a.message_id AND m.account_id = $1
  WHERE a.provider_message_id = $3 AND left(a.provider_message_id, 6) = 'wamid.'
UNION SELECT m.id FROM attempts a JOIN messages m ON m.id = a.message_id AND m.account_id = $1
  WHERE a.provider_message_id = $3 AND left(a.provider_message_id, 2) IN ('SM', 'MM')
LIMIT 10`

// shortestID is the length of the shortest id that a provider gives.
const shortestID = 20

// named returns the messages that a searched text names, if it looks like an id:
// ours, also as in the formats of Meta and Twilio, or a provider's.
func (s *Store) named(ctx context.Context, account int64, search string) ([]dispatch.ID, error) {
	if len(search) < shortestID || strings.ContainsAny(search, " \t\n") {
		return nil, nil
	}
	ours := []uuid.UUID{}
	for _, prefix := range []string{"", "wamid.", "SM", "MM"} {
		if rest, ok := strings.CutPrefix(search, prefix); ok {
			if id, err := uuid.Parse(rest); err == nil {
				ours = append(ours, id)
			}
		}
	}
	var out []dispatch.ID
	err := s.db.SelectContext(ctx, &out, sqlNamed, account, pg.UUIDArray(ours), pg.FitRef(storable.Clean(search)))
	return out, pg.Wrap("find message by id", err)
}

const sqlSizes = `SELECT id, octet_length(content) + coalesce(octet_length(metadata), 0) AS bytes FROM messages WHERE id = ANY($1::uuid[])`

// fitting returns how many messages, the first ones of ids, are a page of at most
// pg.PageBytes of content.
func (s *Store) fitting(ctx context.Context, ids []dispatch.ID) (int, error) {
	var rows []struct {
		ID    dispatch.ID `db:"id"`
		Bytes int         `db:"bytes"`
	}
	if err := s.db.SelectPrepared(ctx, &rows, sqlSizes, pg.UUIDArray(ids)); err != nil {
		return 0, pg.Wrap("measure messages", err)
	}
	by := make(map[dispatch.ID]int, len(rows))
	for _, r := range rows {
		by[r.ID] = r.Bytes
	}
	sizes := make([]int, len(ids))
	for i, id := range ids {
		sizes[i] = by[id]
	}
	return pg.Fitting(sizes), nil
}

// listed reads the views of a page in its order, without those that are no
// longer in the statuses that were asked for, if some are unfinished. It returns
// how many ids it has looked at.
func (s *Store) listed(ctx context.Context, ids []dispatch.ID, statuses []dispatch.Status) (views []dispatch.View, n int, err error) {
	if len(ids) == 0 {
		return []dispatch.View{}, 0, nil
	}
	if n, err = s.fitting(ctx, ids); err != nil {
		return nil, 0, err
	}
	if views, err = s.Views(ctx, ids[:n]); err != nil {
		return nil, 0, err
	}
	if slices.ContainsFunc(statuses, unfinished) {
		views = slices.DeleteFunc(views, func(v dispatch.View) bool { return !slices.Contains(statuses, v.Status) })
	}
	place := make(map[dispatch.ID]int, n)
	for i, id := range ids[:n] {
		place[id] = i
	}
	slices.SortFunc(views, func(a, b dispatch.View) int { return place[a.ID] - place[b.ID] })
	return views, n, nil
}

func unfinished(st dispatch.Status) bool {
	return st == dispatch.Scheduled || st == dispatch.Queued || st == dispatch.Sending
}

// The rows that show what an unfinished status is derived from (viewRow.status). Pages come
// in the order of their numbers nearly as their ids do: of those that may have ids before
// the cursor, the newest ones have the newest messages.
const (
	rowsOfDispatch  = `SELECT message_id AS id, account_id, state, due_at, attempts + rl_hits AS tries FROM dispatch`
	rowsOfScheduled = `SELECT message_id AS id, account_id, NULL::smallint AS state, due_at, 0 AS tries FROM scheduled WHERE account_id = $1`
	rowsOfPages     = `SELECT unnest(ids) AS id, $1::bigint AS account_id, {ready}::smallint AS state, created_at AS due_at, 0 AS tries
     FROM (SELECT ids, created_at, sum(n) OVER (ORDER BY page DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newer
       FROM (SELECT page, ids, created_at, n FROM backlog WHERE account_id = $1 AND %[1]s ORDER BY page DESC LIMIT %[2]d) b) b
     WHERE coalesce(newer, 0) < 2 * %[2]d`
	rowsOfClaims = `SELECT m.id, $1::bigint AS account_id, {claimed}::smallint AS state, m.created_at AS due_at, 1 AS tries
     FROM (SELECT unnest(ids) AS id FROM claims WHERE account_id = $1) c JOIN messages m ON m.id = c.id AND ` + held + `
     WHERE NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = m.id OFFSET 0)`
)

// sqlWaits is true if a row of dispatch waits for its send_at. (OFFSET 0 keeps
// the planner from reading all messages to answer it.)
const sqlWaits = `(w.due_at > now() AND w.tries = 0 AND EXISTS (SELECT 1 FROM messages m
  WHERE m.id = w.id AND m.send_at = w.due_at OFFSET 0))`

// derived is viewRow.status as a condition.
var derived = map[dispatch.Status]string{
	dispatch.Scheduled: numbers.SQL(`(w.state IS NULL OR w.state IN ({ready}, {held}) AND ` + sqlWaits + `)`),
	dispatch.Queued:    numbers.SQL(`w.state IN ({ready}, {held}) AND NOT ` + sqlWaits),
	dispatch.Sending:   numbers.SQL(`w.state IN ({claimed}, {resolving})`),
}

// derivedFrom is the condition that a row of dispatch shows one of the statuses.
func derivedFrom(statuses []dispatch.Status) string {
	any := make([]string, len(statuses))
	for i, st := range statuses {
		any[i] = derived[st]
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

// onlyUnfinished reports whether all statuses, of which there are some, are
// unfinished ones.
func onlyUnfinished(statuses []dispatch.Status) bool {
	return len(statuses) > 0 && !slices.ContainsFunc(statuses, func(st dispatch.Status) bool { return !unfinished(st) })
}

// storedAs returns the statuses as messages has them: an unfinished message is
// stored as queued.
func storedAs(statuses []dispatch.Status) pq.Int64Array {
	out := make(pq.Int64Array, len(statuses))
	for i, st := range statuses {
		if unfinished(st) {
			st = dispatch.Queued
		}
		out[i] = int64(st)
	}
	return out
}

// listQuery finds the ids of a page: w is what is looked at, of which there are at
// most bound rows, newest first, hit what is found there. w is read no further than
// the page needs: nothing sorts it, and it is counted only if the page is short. The
// conditions are looked at where w finds a row: of a join with messages the planner
// would read all of them, if it believes that few fulfil the conditions.
func listQuery(account int64, f dispatch.Filter, limit int) (q string, args []any, bound int, err error) {
	inner := pg.NewWhere(1)
	before := "true" // of a page: it may have messages before the cursor
	if f.Cursor != "" {
		id, err := pg.DecodeCursor(f.Cursor)
		if err != nil {
			return "", nil, 0, err
		}
		inner.Add("m.id < ?::uuid", id.String())
		before = "first_id < $2::uuid"
	}
	if !f.CreatedFrom.IsZero() {
		inner.Add("m.id >= uuid_floor(?)", pg.Since1970(f.CreatedFrom))
	}
	if !f.CreatedTo.IsZero() {
		inner.Add("m.id < uuid_floor(?)", pg.Since1970(f.CreatedTo))
		before += fmt.Sprintf(" AND first_id < uuid_floor($%d)", 1+len(inner.Args()))
	}
	hot := onlyUnfinished(f.Statuses) && f.Reference == "" // a reference has an index, and few messages
	if !hot {
		inner.Add("m.account_id = $1")
	}
	if f.Reference != "" {
		inner.Add("m.reference = ?", f.Reference)
	}
	outer := filtered(account, f, 1+len(inner.Args()))
	args = slices.Concat([]any{account}, inner.Args(), outer.Args())
	columns, from, fits := `m.id, `+outer.SQL()+` AS fits`, `messages`, `w.fits`
	bound = walkMax
	if f.Search != "" {
		bound = walkTexts
	}
	if hot {
		columns, from, fits = `m.*`, unfinishedRows(f.Statuses, inner.SQL(), before, bound), `w.account_id = $1 AND `+derivedFrom(f.Statuses)
		if !outer.Empty() {
			fits += ` AND EXISTS (SELECT 1 FROM messages m WHERE m.id = w.id AND ` + outer.SQL() + ` OFFSET 0)`
		}
	} else if outer.Empty() {
		bound = limit
	}
	return fmt.Sprintf(sqlList, columns, from, inner.SQL(), bound, fits, limit, limit), args, bound, nil
}

// sqlList is the statement of listQuery: the columns of w, where they stand, what is
// walked, its bound, what is a hit, and the page's limit, twice.
const sqlList = `
WITH w AS MATERIALIZED (SELECT %s FROM %s m WHERE %s ORDER BY m.id DESC LIMIT %d),
  hit AS MATERIALIZED (SELECT w.id FROM w WHERE %s LIMIT %d),
  short AS MATERIALIZED (SELECT count(*) < %d AS is FROM hit)
SELECT coalesce((SELECT array_agg(id ORDER BY id DESC) FROM hit), '{}')::text[] AS ids,
  CASE WHEN (SELECT s.is FROM short s) THEN (SELECT count(*) FROM w) ELSE 0 END AS walked,
  CASE WHEN (SELECT s.is FROM short s) THEN coalesce((SELECT min(id::text) FROM w), '') ELSE '' END AS last`

// unfinishedRows returns the rows from which the unfinished statuses are derived, the
// newest bound ones for which where holds; before is the condition of pages that may
// have such. Each kind is walked back along its own index.
func unfinishedRows(statuses []dispatch.Status, where, before string, bound int) string {
	kinds := []string{rowsOfDispatch, fmt.Sprintf(rowsOfPages, before, bound), rowsOfClaims}
	if slices.Contains(statuses, dispatch.Scheduled) {
		kinds = append(kinds, rowsOfScheduled)
	}
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("(SELECT * FROM (%s) m WHERE %s ORDER BY m.id DESC LIMIT %d)", k, where, bound)
	}
	return "(" + numbers.SQL(strings.Join(kinds, "\n UNION ALL ")) + ")"
}

// filtered are the conditions for which a message must be looked at; n arguments
// stand before theirs.
func filtered(account int64, f dispatch.Filter, n int) *pg.Where {
	w := pg.NewWhere(n)
	if f.Test {
		w.Add("m.test")
	}
	if len(f.Statuses) > 0 && (f.Reference != "" || !onlyUnfinished(f.Statuses)) {
		w.Add("m.status = ANY(?)", storedAs(f.Statuses))
	}
	if f.Channel != 0 {
		w.Add("m.channel_id = ?", f.Channel)
	}
	if len(f.ToAny) > 0 {
		w.Add("m.recipient = ANY(?)", pq.Array(f.ToAny))
	}
	if f.Campaign != 0 {
		w.Add("m.campaign_id = ?", f.Campaign)
	}
	if f.Type != "" {
		w.Add("m.type = ?", string(f.Type))
	}
	if f.Code != "" {
		w.Add("m.error_code = ?", f.Code)
	}
	if f.From != "" {
		w.Add("m.channel_id IN (SELECT id FROM channels WHERE account_id = ? AND sender = ?)", account, f.From)
	}
	if f.Search != "" {
		like := "%" + pg.LikeText(f.Search) + "%"
		w.Add("(m.recipient LIKE ? OR m.reference ILIKE ? OR m.content ILIKE ?)", like, like, like)
	}
	return w
}

// Quoted is a message that another one answers: one of ours, or one that a
// contact sent.
type Quoted struct {
	Channel    int64  `db:"channel_id"`
	Inbound    bool   `db:"inbound"`
	Test       bool   `db:"test"`
	ProviderID string `db:"provider_id"` // empty: the provider has given none
	Waiting    bool   `db:"waiting"`     // it is about to be sent
}

var sqlQuoted = numbers.SQL(`
SELECT m.channel_id, false AS inbound, m.test, coalesce(m.provider_message_id, '') AS provider_id,
  coalesce(d.due_at <= now() + interval '3 s', ` + held + `) AS waiting
  FROM messages m LEFT JOIN dispatch d ON d.message_id = m.id WHERE m.id = $1::uuid AND m.account_id = $2
UNION ALL
SELECT channel_id, true, false, ` + pg.InboundProviderID + `, false FROM inbound WHERE id = $1::uuid AND account_id = $2
LIMIT 1`)

// FindQuoted looks for a message of the account by our own id; found is false
// when it has none.
func (s *Store) FindQuoted(ctx context.Context, account int64, id dispatch.ID) (q Quoted, found bool, err error) {
	err = s.db.GetContext(ctx, &q, sqlQuoted, id.String(), account)
	if errors.Is(err, sql.ErrNoRows) {
		return q, false, nil
	}
	return q, err == nil, pg.Wrap("find quoted message", err)
}

// FindInbound returns the provider's id of a message that a contact sent to the
// channel, named by our id or by the provider's, which may look like one of ours;
// empty if there is none.
func (s *Store) FindInbound(ctx context.Context, channel int64, ours dispatch.ID, providerID string) (string, error) {
	var id string
	const of = `SELECT ` + pg.InboundProviderID + ` FROM inbound WHERE channel_id = $1 AND `
	err := s.db.GetContext(ctx, &id, of+`id = $2::uuid UNION ALL `+of+`provider_id = $3 LIMIT 1`,
		channel, ours.String(), pg.FitRef(storable.Clean(providerID)))
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, pg.Wrap("find inbound message", err)
}

// sqlFinished is the condition that message $1 waits for nothing any more.
var sqlFinished = numbers.SQL(` WHERE id = $1 AND NOT ` + held + ` AND NOT EXISTS (SELECT 1 FROM dispatch WHERE message_id = $1)
  AND NOT EXISTS (SELECT 1 FROM scheduled WHERE message_id = $1)`)

// Redact blanks the content of a finished message. It returns false for one that
// is not finished.
func (s *Store) Redact(ctx context.Context, id dispatch.ID) (bool, error) {
	return s.whenFinished(ctx, `UPDATE messages m SET content = '{}', fallback = NULL, updated_at = now()`, id)
}

// Delete deletes a finished message; its events stay. It returns false for one
// that is not finished.
func (s *Store) Delete(ctx context.Context, id dispatch.ID) (bool, error) {
	return s.whenFinished(ctx, `DELETE FROM messages m`, id)
}

func (s *Store) whenFinished(ctx context.Context, change string, id dispatch.ID) (bool, error) {
	r, err := s.db.ExecContext(ctx, change+sqlFinished, id.String())
	if err != nil {
		return false, pg.Wrap("change finished message", err)
	}
	n, err := r.RowsAffected()
	return n > 0, pg.Wrap("change finished message", err)
}
