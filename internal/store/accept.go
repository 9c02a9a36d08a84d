package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Accept is one message on its way into the database, with what only the
// accept transaction needs to know.
type Accept struct {
	*dispatch.Message
	TTL         time.Duration // until expiry, from send_at; used when ExpiresAt is zero
	Offered     bool          // will be offered to the queue right after the commit
	NeedsWindow bool          // free-form WhatsApp content: the conversation window must be open
	Charge      bool          // the account pays: debit Price
}

// Horizon is how long before send_at a scheduled message moves to dispatch.
const Horizon = 5 * time.Minute

// offerVisibility is when the feeder offers a message again that was offered
// right after its accept and not claimed.
const offerVisibility = "3 seconds"

// sqlAccept writes one page: checks suppression and window, takes the
// idempotency keys, inserts what is new. What comes back is the time, under no
// id, and the rows that are not as usual: scheduled, or with inserted false
// refused, there before, or without their key, which another one took; resolve
// tells which. A key is unique in its day; one of the day before counts too, and
// one of the day after: ours may have begun before midnight and waited for
// whoever wrote that (lockKeys). Safe to run twice. (IN … IS TRUE and OFFSET 0
// keep the planner from making joins of them, which it would run as nested loops
// over the page, or over two days of keys.)
const sqlAccept = sqlAcceptWrites + sqlAcceptAnswer

// sqlAcceptOnce is sqlAccept for a page that was surely not written before,
// which is nearly every page; of another one it writes nothing, and Postgres
// says so (written). Rows that may be there already cost more to insert: each is
// looked up first, and marked as uncertain in the meantime.
var sqlAcceptOnce = strings.ReplaceAll(sqlAccept, repeated, "")

const repeated = `ON CONFLICT DO NOTHING /* when written before */`

const sqlAcceptWrites = `
WITH input AS MATERIALIZED (
  SELECT *, CASE WHEN send_us IS NULL THEN NULL ELSE to_timestamp(send_us / 1e6) END AS send_at
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
    $11::bigint[], $12::bigint[], $13::bigint[], $14::boolean[], $15::boolean[], $16::boolean[], $17::smallint[], $18::bigint[],
    $19::text[], $20::integer[], $21::text[], $22::text[], $23::boolean[])
  AS t(id, account_id, channel_id, key_id, lane, type, recipient, content, reference, metadata,
    send_us, expires_us, ttl_s, offered, needs_window, test, segments, price, idem_key, idem_idx, idem_fp, extra, charge)
), checked AS MATERIALIZED (
  SELECT i.*,
    CASE WHEN i.expires_us IS NULL THEN coalesce(i.send_at, now()) + make_interval(secs => i.ttl_s) ELSE to_timestamp(i.expires_us / 1e6) END AS expires_at,
    EXISTS (SELECT 1 FROM suppressions s WHERE s.account_id = i.account_id AND s.phone = i.recipient) AS suppressed,
    NOT i.needs_window OR EXISTS (SELECT 1 FROM windows w WHERE w.channel_id = i.channel_id AND w.phone = i.recipient AND w.opened_at > now() - interval '24 hours')
      OR EXISTS (SELECT 1 FROM windows w WHERE w.channel_id = i.channel_id AND w.wa_id <> '' AND w.wa_id = (SELECT c.wa_id FROM contacts c WHERE c.account_id = i.account_id AND c.phone = i.recipient)
        AND w.opened_at > now() - interval '24 hours') AS window_open
  FROM input i
), ok AS MATERIALIZED (
  SELECT * FROM checked WHERE NOT suppressed AND window_open
), k AS (
  INSERT INTO idempotency (day, account_id, key, idx, fingerprint, message_id)
  SELECT (now() AT TIME ZONE 'utc')::date, account_id, idem_key, idem_idx, idem_fp, id FROM ok i
  WHERE idem_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM idempotency y
    WHERE y.day IN ((now() AT TIME ZONE 'utc')::date - 1, (now() AT TIME ZONE 'utc')::date + 1) AND y.account_id = i.account_id AND y.key = i.idem_key AND y.idx = i.idem_idx OFFSET 0)
  ON CONFLICT DO NOTHING RETURNING message_id
), m AS (
  INSERT INTO messages (id, account_id, channel_id, key_id, lane, type, recipient, content, reference, metadata, send_at, expires_at, test, segments, price,
    user_id, parent_id, fallback, status_callback, campaign_id, charged)
  SELECT id, account_id, channel_id, key_id, lane, type, recipient, content, reference, metadata, send_at, expires_at, test, segments, price,
    (extra::jsonb->>'user')::uuid, (extra::jsonb->>'parent')::uuid, extra::jsonb->>'fallback', extra::jsonb->>'status_callback',
    coalesce((extra::jsonb->>'campaign')::bigint, 0), charge::integer::smallint
  FROM ok WHERE idem_key IS NULL OR id IN (SELECT message_id FROM k)
  ` + repeated + ` RETURNING id
), d AS (
  INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
  SELECT id, account_id, channel_id, coalesce((extra::jsonb->>'campaign')::bigint, 0), lane,
    CASE WHEN offered THEN now() + interval '` + offerVisibility + `' ELSE coalesce(send_at, now()) END, coalesce(send_at, now()), expires_at
  FROM ok WHERE (id IN (SELECT id FROM m)) IS TRUE AND (send_at IS NULL OR send_at <= now() + interval '5 minutes')
  ` + repeated + `
), s AS (
  INSERT INTO scheduled (due_at, message_id, account_id, channel_id, campaign_id, lane, expires_at)
  SELECT send_at, id, account_id, channel_id, coalesce((extra::jsonb->>'campaign')::bigint, 0), lane, expires_at
  FROM ok WHERE (id IN (SELECT id FROM m)) IS TRUE AND send_at > now() + interval '5 minutes'
  ` + repeated + `
), fb AS (
  INSERT INTO fallbacks (message_id, wake_at, cause)
  SELECT id, coalesce(send_at, now()) + make_interval(secs => (extra::jsonb->>'fallback_after')::float8), 'undelivered'
  FROM ok WHERE (id IN (SELECT id FROM m)) IS TRUE AND extra::jsonb->>'fallback_after' IS NOT NULL
  ` + repeated + `
), e AS (
  INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause)
  SELECT id, account_id, channel_id, CASE WHEN send_at > now() THEN 1 ELSE 10 END, 1, 'api' FROM ok WHERE (id IN (SELECT id FROM m)) IS TRUE
)`

const sqlAcceptAnswer = `
SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id, true AS inserted, false AS suppressed, true AS window_open, now() AS created_at, false AS later
UNION ALL
SELECT c.id, c.id IN (SELECT id FROM m), c.suppressed, c.window_open, now(), coalesce(c.send_at > now(), false)
FROM checked c WHERE c.id NOT IN (SELECT id FROM m) OR c.send_at > now()`

type acceptRow struct {
	ID         dispatch.ID `db:"id"`
	Inserted   bool        `db:"inserted"`
	Suppressed bool        `db:"suppressed"`
	WindowOpen bool        `db:"window_open"`
	CreatedAt  time.Time   `db:"created_at"`
	Later      bool        `db:"later"`
}

// InsertMessages commits one page. Each receipt carries its own refusal, if
// any; an error is about the whole page, and unless Refused says so its outcome
// is unknown.
func (s *Store) InsertMessages(ctx context.Context, page []Accept) ([]dispatch.Receipt, error) {
	return s.insert(ctx, page, false)
}

// InsertTogether commits all of the page or, when one message is refused,
// nothing; the error is then that refusal.
func (s *Store) InsertTogether(ctx context.Context, page []Accept) ([]dispatch.Receipt, error) {
	return s.insert(ctx, page, true)
}

func firstRefusal(page []Accept, out map[dispatch.ID]dispatch.Receipt) error {
	for i := range page {
		if err := out[page[i].ID].Err; err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) insert(ctx context.Context, page []Accept, together bool) ([]dispatch.Receipt, error) {
	if len(page) == 0 {
		return nil, nil
	}
	sorted := make([]*Accept, len(page))
	for i := range page {
		sorted[i] = &page[i]
	}
	// One order for everybody: two pages with the same keys must not deadlock.
	sort.SliceStable(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		if a.Account != b.Account {
			return a.Account < b.Account
		}
		if a.IdemKey != b.IdemKey {
			return a.IdemKey < b.IdemKey
		}
		return a.IdemIndex < b.IdemIndex
	})
	byID := make(map[dispatch.ID]dispatch.Receipt, len(page))
	var err error
	if together {
		err = s.db.Tx(ctx, func(tx *pg.DB) error {
			clear(byID)
			if err := s.acceptTx(ctx, tx, sorted, byID); err != nil {
				return err
			}
			return firstRefusal(page, byID)
		})
	} else {
		err = s.acceptPage(ctx, sorted, byID)
	}
	if err != nil {
		return nil, err
	}
	out := make([]dispatch.Receipt, len(page))
	for i := range page {
		out[i] = byID[page[i].ID]
	}
	return out, nil
}

// acceptPage writes a page with one statement where that is enough, and else in
// a transaction.
func (s *Store) acceptPage(ctx context.Context, page []*Accept, out map[dispatch.ID]dispatch.Receipt) error {
	if !s.needsTx(page) {
		query := sqlAcceptOnce
		if charged(page) {
			query = sqlAcceptPaid
		}
		// A page that repeats keys of another one, which goes the long way and has
		// locked the account, may have to give way to it. One of which the driver
		// lost the answer was perhaps written.
		err := s.acceptRows(ctx, s.db, query, page, out)
		if !pg.DividedByZero(err) && !pg.Deadlocked(err) && !pg.Duplicate(err) {
			return err
		}
	}
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		clear(out)
		return s.acceptTx(ctx, tx, page, out)
	})
}

// needsTx says whether the page does more than one statement can: money of
// several accounts, contacts, or the minutes around midnight UTC in which an
// idempotency key may lie in one of two days.
func (s *Store) needsTx(page []*Accept) bool {
	midnight := nearMidnight(s.now())
	payer := int64(0)
	for _, a := range page {
		if a.Contact != nil || a.Parent != dispatch.NoID || (midnight && a.IdemKey != "") {
			return true
		}
		if !a.Charge {
			continue
		}
		if a.Price <= 0 || (payer != 0 && payer != a.Account) {
			return true
		}
		payer = a.Account
	}
	return false
}

func nearMidnight(t time.Time) bool {
	t = t.UTC()
	return t.Add(2*time.Minute).Day() != t.Day() || t.Add(-2*time.Minute).Day() != t.Day()
}

// lockKeys makes requests with one idempotency key wait for each other: around
// midnight the same key may be written as a row of either day, and no index
// holds two days together. The lock is the request's, not each message's: a
// batch must not fill Postgres' table of locks.
func lockKeys(ctx context.Context, tx *pg.DB, page []*Accept) error {
	var keys []string
	for _, a := range page {
		if a.IdemKey != "" {
			keys = append(keys, fmt.Sprintf("%d/%s", a.Account, a.IdemKey))
		}
	}
	slices.Sort(keys) // one order for everybody
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest($1::text[]) AS key`, pq.Array(slices.Compact(keys)))
	return pg.Wrap("lock idempotency keys", err)
}

func (s *Store) acceptTx(ctx context.Context, tx *pg.DB, page []*Accept, out map[dispatch.ID]dispatch.Receipt) error {
	if nearMidnight(s.now()) {
		if err := lockKeys(ctx, tx, page); err != nil {
			return err
		}
	}
	page, err := reserveParents(ctx, tx, page, out)
	if err != nil {
		return err
	}
	page, err = s.reserveCredits(ctx, tx, page, out)
	if err != nil {
		return err
	}
	if err := s.acceptRows(ctx, tx, sqlAccept, page, out); err != nil {
		return err
	}
	if err := debit(ctx, tx, page, out); err != nil {
		return err
	}
	if err := tieParents(ctx, tx, page, out); err != nil {
		return err
	}
	return saveContacts(ctx, tx, page, out)
}

func (s *Store) acceptRows(ctx context.Context, q *pg.DB, query string, page []*Accept, out map[dispatch.ID]dispatch.Receipt) error {
	if len(page) == 0 {
		return nil
	}
	var rows []acceptRow
	if err := q.SelectPrepared(ctx, &rows, query, acceptArgs(page)...); err != nil {
		return pg.Wrap("insert messages", err)
	}
	byID := make(map[dispatch.ID]*acceptRow, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	usual := byID[dispatch.NoID]
	if usual == nil {
		return errors.New("insert messages: no answer came back")
	}
	var missing []*Accept
	for _, a := range page {
		r := cmp.Or(byID[a.ID], usual)
		if !r.Inserted {
			missing = append(missing, a)
			continue
		}
		out[a.ID] = receipt(a, r.CreatedAt, r.Later)
	}
	if len(missing) == 0 {
		return nil
	}
	return s.resolveMissing(ctx, q, missing, byID, out)
}

func receipt(a *Accept, created time.Time, later bool) dispatch.Receipt {
	st := dispatch.Queued
	if later {
		st = dispatch.Scheduled
	}
	return dispatch.Receipt{ID: a.ID, Status: st, To: a.To, Channel: a.Channel, SendAt: a.SendAt, CreatedAt: created, Segments: a.Segments, Price: a.Price}
}

func refusal(a *Accept, r *acceptRow) error {
	switch {
	case r == nil:
		return fmt.Errorf("message %s: no row came back", a.ID)
	case r.Suppressed:
		return &dispatch.Error{Code: dispatch.Suppressed, Msg: "the recipient has opted out of messages", Faults: []dispatch.Fault{{Field: "/to", Msg: "the recipient has opted out of messages"}}}
	case !r.WindowOpen:
		return &dispatch.Error{Code: dispatch.OutsideWindow, Msg: "the recipient has not written in the last 24 hours; send a template instead"}
	}
	return &dispatch.Error{Code: dispatch.InProgress, Msg: "a request with the same Idempotency-Key is still running", RetryAfter: 1}
}

// CheckAccept says whether the accept transaction would refuse a, and writes
// nothing.
func (s *Store) CheckAccept(ctx context.Context, a Accept) error {
	return checkAccept(ctx, s.db, a)
}

func checkAccept(ctx context.Context, q *pg.DB, a Accept) error {
	var row struct {
		Suppressed bool  `db:"suppressed"`
		WindowOpen bool  `db:"window_open"`
		Balance    int64 `db:"balance"`
	}
	err := q.GetContext(ctx, &row, `SELECT EXISTS (SELECT 1 FROM suppressions s WHERE s.account_id = $1 AND s.phone = $3) AS suppressed,
		NOT $4 OR EXISTS (SELECT 1 FROM windows w WHERE w.channel_id = $2 AND (w.phone = $3 OR (w.wa_id <> '' AND w.wa_id = (SELECT c.wa_id FROM contacts c WHERE c.account_id = $1 AND c.phone = $3))) AND w.opened_at > now() - interval '24 hours') AS window_open,
		(SELECT balance FROM accounts WHERE id = $1) AS balance`, a.Account, a.Channel, a.To, a.NeedsWindow)
	if err != nil {
		return pg.Wrap("check message", err)
	}
	if a.Charge && (row.Balance <= 0 || row.Balance < a.Price) {
		return lowBalance()
	}
	if row.Suppressed || !row.WindowOpen {
		return refusal(&a, &acceptRow{Suppressed: row.Suppressed, WindowOpen: row.WindowOpen})
	}
	return nil
}
