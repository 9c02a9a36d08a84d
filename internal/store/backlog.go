package store

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/eventlog"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// A backlog waits in pages: one row of backlog for up to pageMax messages of a channel and
// lane that were accepted together, where each would have a row of dispatch. A worker claims
// pages, or a part of the last one: the ids move to a row of claims. From there
//
//   - a call that was accepted changes its message alone (sqlSettlePaged);
//   - every other outcome first gives its message a row of dispatch, claimed (eject);
//   - a lease that runs out gives all of them such rows (openClaims);
//   - who changes a message by its id, as a cancel, opens its page or claim first (open).
//
// So a message without a row of dispatch is in its page, or its claim, while its status is
// queued, and ids of others there mean nothing. All else knows rows of dispatch alone. Locks
// come in the order pages, claims, messages; a row of dispatch is never waited for behind them.

// PagedRate is the rate, in messages a second, from which a channel's backlog is
// kept in pages and drained straight out of Postgres.
const PagedRate = 200

// PagesFrom is the migration that made pages and all that comes with them: they are written
// once that far is contracted.
const PagesFrom = eventlog.PagesFrom

// writePages returns the part of an accept statement that writes the pages of the backlog
// which an accepted page has, and their events. Of the statement's parameters the first one has
// their numbers, the next ones their smallest ids, accounts, channels and lanes. from are its
// accepted rows.
func writePages(from string, first int) string {
	return numbers.SQL(fmt.Sprintf(`, pages AS MATERIALIZED (
  SELECT * FROM (SELECT p.page, p.account_id, p.channel_id, p.lane, p.first_id,
      (SELECT min(c.expires_at) FROM %[1]s AND c.page = p.page) AS expires_at, ARRAY(SELECT c.id FROM %[1]s AND c.page = p.page) AS ids
    FROM unnest($%[2]d::bigint[], $%[3]d::uuid[], $%[4]d::bigint[], $%[5]d::bigint[], $%[6]d::smallint[])
      AS p(page, first_id, account_id, channel_id, lane) OFFSET 0) p
  WHERE ids <> '{}'
), bl AS (
  INSERT INTO backlog (page, account_id, channel_id, lane, expires_at, first_id, n, ids)
  SELECT page, account_id, channel_id, lane, expires_at, first_id, cardinality(ids), ids FROM pages
), ep AS (
  INSERT INTO event_pages (account_id, channel_id, kind, seq, cause, n, message_ids)
  SELECT account_id, channel_id, {queued}, 1, 'api', cardinality(ids), ids FROM pages
)`, from, first, first+1, first+2, first+3, first+4))
}

// pageMax is how many messages a page of the backlog has at most: what one claim takes.
const pageMax = 256

// newPage is a page of the backlog to be.
type newPage struct {
	number int64
	first  *NewMessage // of the smallest id
	n      int
}

// paginate returns the number of the page in which each message of an accepted page waits,
// or nil, and these pages. One has messages of one channel and lane.
func paginate(page []*NewMessage) (numbers []*int64, pages []*newPage) {
	type line struct {
		channel int64
		lane    dispatch.Lane
	}
	open, numbers := map[line]*newPage{}, make([]*int64, len(page))
	for i, a := range page {
		if !a.Paged {
			continue
		}
		k := line{a.Channel, a.Lane}
		p := open[k]
		if p == nil || p.n == pageMax {
			p = &newPage{number: pageNumber(), first: a}
			open[k], pages = p, append(pages, p)
		}
		if bytes.Compare(a.ID[:], p.first.ID[:]) < 0 {
			p.first = a
		}
		p.n++
		numbers[i] = &p.number
	}
	return numbers, pages
}

// pageNumber returns a number that grows with the time, by milliseconds. A page whose number is
// taken is refused as a repeat is, and written again with another one (acceptPage).
func pageNumber() int64 { return time.Now().UnixMilli()<<21 | rand.Int64N(1<<21) }

func pageArgs(pages []*newPage) []any {
	n := len(pages)
	numbers, accounts, channels, lanes := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	firsts := make([]dispatch.ID, n)
	for i, p := range pages {
		numbers[i], firsts[i] = p.number, p.first.ID
		accounts[i], channels[i], lanes[i] = p.first.Account, p.first.Channel, int64(p.first.Lane)
	}
	return []any{pg.Int8Column(numbers), pg.IDColumn(firsts), pg.Int8Column(accounts), pg.Int8Column(channels), pg.Int2Column(lanes)}
}

// held is true of a message m, without a row in dispatch, that a page or the claim of
// one has.
const held = `(m.status = {queued} AND m.page IS NOT NULL)`

// noRow leaves out messages m that have rows already, before anybody waits for them: who deletes
// such a row waits for the message next.
const noRow = ` AND NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = m.id)`

// pagesOf is the condition and the order of the pages of a lane ($1) of a channel ($2), oldest
// first. (So it is one range of their index, whatever the statistics are.)
const pagesOf = `(lane, channel_id, page) >= ($1::smallint, $2::bigint, 0::bigint) AND (lane, channel_id) <= ($1::smallint, $2::bigint)
  ORDER BY lane, channel_id, page`

// sqlClaimPages takes messages out of a channel's oldest pages. Of the last one it
// takes a part, and the others stay there. A page with a message whose time is over
// is left to TidyPages.
var sqlClaimPages = numbers.SQL(`
WITH pick AS MATERIALIZED (
  SELECT page, account_id, ids, n FROM backlog b WHERE expires_at > now() AND ` + pagesOf + `
  LIMIT (SELECT ceil($3::integer / avg(n))::integer + 1 FROM (SELECT n FROM backlog b WHERE ` + pagesOf + ` LIMIT 16) a)
  FOR UPDATE SKIP LOCKED
), fit AS MATERIALIZED (
  SELECT page, account_id, ids, n, least(n, $3 - before)::integer AS k
  FROM (SELECT *, coalesce(sum(n) OVER (ORDER BY page ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM pick) p
  WHERE before < $3
), whole AS (
  DELETE FROM backlog WHERE page = ANY(ARRAY(SELECT page FROM fit WHERE k = n))
), part AS (
  UPDATE backlog b SET ids = f.ids[f.k + 1:], n = f.n - f.k FROM fit f WHERE b.page = f.page AND f.k < f.n
), i AS MATERIALIZED (
  SELECT unnest(ids[:k]) AS id FROM fit
), c AS (
  INSERT INTO claims (claim, account_id, channel_id, lane, wake_at, pages, ids)
  SELECT $4::uuid, min(account_id), $2, $1, now() + make_interval(secs => $5), array_agg(page), ARRAY(SELECT id FROM i)
  FROM fit HAVING count(*) > 0
)
SELECT ` + pg.Record(ofMessage+`, m.expires_at, m.tid`) + `
FROM i CROSS JOIN LATERAL (SELECT m.ctid AS tid, m.* FROM messages m WHERE m.id = i.id AND m.status = {queued} OFFSET 0) m`)

// claimPages claims up to n messages of a channel's pages, oldest first.
func claimPages(ctx context.Context, tx *pg.DB, channel int64, lane dispatch.Lane, n int, claim uuid.UUID, lease time.Duration,
) (claimed []Claimed, err error) {
	err = eachRecord(ctx, tx, func(f *pg.Fields) { claimed = append(claimed, readClaimed(f, true)) },
		sqlClaimPages, int16(lane), channel, n, claim.String(), lease.Seconds())
	return claimed, pg.Wrap("claim pages", err)
}

// sqlSettlePaged is sqlSettlePlain for messages of pages: their claims hold while they are there, and
// no claim goes as long as one of its messages waits. (An array has the claims locked before the
// first message.) A message is looked for where it was when it was claimed: one that was changed or
// moved since is returned. (With = instead of uuid_cmp each would have Postgres look its partition
// up.) The time of a page of events is when its messages were sent, so one that was sent before is
// not for it.
//
// Messages are locked in the order of their ids, as everywhere, except with a plan that was made
// when all tables had a handful of rows and ANALYZE had counted them, until the next ANALYZE:
// Postgres ends the circle that may come of it, and who lost repeats.
var sqlSettlePaged = settlePaged("", "o", "uuid_cmp(m.id, x.id) = 0")

// sqlSettlePagedByID is sqlSettlePaged where Postgres does not pick partitions
// (pg.DB.PicksPartitions). It finds messages by their ids and locks them, in their order, before
// it changes them.
var sqlSettlePagedByID = settlePaged(`
 l AS MATERIALIZED (SELECT o.id, o.claim, o.result, o.http, o.detail, o.provider_id, o.started_us, o.latency_ms, m.tid
   FROM o CROSS JOIN LATERAL (SELECT m.ctid AS tid FROM messages m
     WHERE m.id = o.id AND m.id BETWEEN $9::uuid AND $10::uuid AND m.status = {queued} AND m.sent_at IS NULL FOR UPDATE) m
   WHERE o.claim = ANY(ARRAY(SELECT claim FROM c)) AND o.result = {result_accepted}),`, "l", "m.id = x.id")

// settlePaged returns a statement that settles messages of pages ($1 to $11 are settleArgs): lock is
// what it does before, from has its results x, and same tells that m, at the place of x, is its message.
func settlePaged(lock, from, same string) string {
	return numbers.SQL(`
WITH o AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::integer[], $5::text[], $6::text[], $7::bigint[],
  $8::integer[], $11::tid[]) AS t(id, claim, result, http, detail, provider_id, started_us, latency_ms, tid)),
 c AS MATERIALIZED (SELECT claim FROM claims WHERE claim = ANY(ARRAY(SELECT DISTINCT claim FROM o)) ORDER BY claim FOR SHARE),` + lock + `
 u AS (UPDATE messages m SET provider_message_id = coalesce(m.provider_message_id, x.provider_id), updated_at = now(),
   version = m.version + 1, sent_at = now(), status = {sent}, final_by = {by_us}
   FROM ` + from + ` x WHERE m.ctid = x.tid AND ` + same + ` AND m.id BETWEEN $9::uuid AND $10::uuid AND m.status = {queued}
     AND m.sent_at IS NULL AND x.claim = ANY(ARRAY(SELECT claim FROM c)) AND x.result = {result_accepted}
   RETURNING m.account_id, m.channel_id, m.version, ` + late + ` AS late, x.*),
 a AS (INSERT INTO attempts (message_id, claim, outcome, http, detail, provider_message_id, started_at, latency_ms)
   SELECT id, claim, result, http, detail, provider_id, to_timestamp(started_us / 1e6), latency_ms FROM u),
 e AS (INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, late)
   SELECT id, account_id, channel_id, {sent}, version, 'worker', late FROM u WHERE NOT ` + eventlog.Contracted + `),
 p AS (INSERT INTO event_pages (account_id, channel_id, kind, seq, cause, late, n, message_ids)
   SELECT account_id, channel_id, {sent}, version, 'worker', late, count(*), array_agg(id) FROM u WHERE ` + eventlog.Contracted + `
   GROUP BY account_id, channel_id, version, late)
SELECT o.id FROM o LEFT JOIN u ON u.id = o.id WHERE u.id IS NULL`)
}

// sqlEject writes rows in dispatch for messages of claims, as if they had been claimed there.
// Those that have one already keep it.
var sqlEject = numbers.SQL(`
WITH o AS MATERIALIZED (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS t(id, claim) ORDER BY id),
  c AS MATERIALIZED (SELECT claim, wake_at FROM claims WHERE claim = ANY($2::uuid[]) ORDER BY claim FOR SHARE),
  m AS MATERIALIZED (SELECT m.*, c.claim, c.wake_at FROM o JOIN c ON c.claim = o.claim
    CROSS JOIN LATERAL (SELECT m.id, m.account_id, m.channel_id, m.campaign_id, m.lane, m.created_at, m.expires_at
      FROM messages m WHERE m.id = o.id AND ` + held + noRow + ` FOR UPDATE) m)
INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, state, claim, attempts, wake_at, due_at, expires_at)
SELECT id, account_id, channel_id, campaign_id, lane, {claimed}, claim, 1, wake_at, created_at, expires_at FROM m ON CONFLICT DO NOTHING`)

// eject writes rows for the messages of outs that were claimed in pages, since they do not end as
// a page does.
func (s *Store) eject(ctx context.Context, outs []Outcome) error {
	var ids, claims []uuid.UUID
	for i := range outs {
		if outs[i].Paged {
			ids, claims = append(ids, outs[i].ID), append(claims, outs[i].Claim)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := s.db.ExecPrepared(ctx, sqlEject, pg.UUIDArray(ids), pg.UUIDArray(claims))
	return pg.Wrap("take messages out of claims", err)
}

// What is opened is locked first, in a statement of its own: the next one then sees
// everything that was written before.
const (
	lockPages      = `SELECT page FROM backlog WHERE `
	lockClaims     = `SELECT claim FROM claims WHERE `
	inOrderOfPage  = ` ORDER BY page FOR UPDATE`
	inOrderOfClaim = ` ORDER BY claim FOR UPDATE`
)

// sqlOpenPages turns pages into rows of dispatch.
var sqlOpenPages = numbers.SQL(`
WITH i AS MATERIALIZED (SELECT unnest(ids) AS id FROM backlog WHERE page = ANY($1::bigint[]) ORDER BY 1),
  m AS MATERIALIZED (SELECT m.* FROM i CROSS JOIN LATERAL (SELECT m.id, m.account_id, m.channel_id, m.campaign_id, m.lane, m.created_at,
    m.expires_at FROM messages m WHERE m.id = i.id AND ` + held + ` FOR UPDATE) m),
  d AS (DELETE FROM backlog WHERE page = ANY($1::bigint[]))
INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
SELECT id, account_id, channel_id, campaign_id, lane, created_at, created_at, expires_at FROM m ON CONFLICT DO NOTHING`)

// claimsOpened returns the statement that turns claims into rows of dispatch.
func claimsOpened(state, claim, attempts, wake string) string {
	return numbers.SQL(`
WITH i AS MATERIALIZED (SELECT claim, wake_at, unnest(ids) AS id FROM claims WHERE claim = ANY($1::uuid[]) ORDER BY 3),
  m AS MATERIALIZED (SELECT m.*, i.claim, i.wake_at FROM i CROSS JOIN LATERAL (SELECT m.id, m.account_id, m.channel_id, m.campaign_id,
    m.lane, m.created_at, m.expires_at FROM messages m WHERE m.id = i.id AND ` + held + noRow + ` FOR UPDATE) m),
  d AS (DELETE FROM claims WHERE claim = ANY($1::uuid[]))
INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, state, claim, attempts, wake_at, due_at, expires_at)
SELECT id, account_id, channel_id, campaign_id, lane, ` + state + `, ` + claim + `, ` + attempts + `, ` + wake + `, created_at, expires_at
FROM m ON CONFLICT DO NOTHING`)
}

// sqlOpenClaims keeps what is claimed claimed, sqlUnclaimPages has it ready again.
var (
	sqlOpenClaims   = claimsOpened("{claimed}", "claim", "1", "wake_at")
	sqlUnclaimPages = claimsOpened("{ready}", "NULL::uuid", "0", "now()")
)

// openPages turns the pages that a lock returns into rows, in a transaction of its own: it waits
// for messages in their order, and no two such waits may be one behind the other.
func (s *Store) openPages(ctx context.Context, lock string, args ...any) (n int, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		var pages []int64
		if err := tx.SelectContext(ctx, &pages, lock, args...); err != nil || len(pages) == 0 {
			return pg.Wrap("lock pages", err)
		}
		n = len(pages)
		_, err := tx.ExecContext(ctx, sqlOpenPages, pq.Array(pages))
		return pg.Wrap("open pages", err)
	})
	return n, err
}

// openClaims is openPages for claims, with sqlOpenClaims or sqlUnclaimPages.
func (s *Store) openClaims(ctx context.Context, open, lock string, args ...any) (n int, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		var claims []uuid.UUID
		if err := tx.SelectContext(ctx, &claims, lock, args...); err != nil || len(claims) == 0 {
			return pg.Wrap("lock claims", err)
		}
		n = len(claims)
		_, err := tx.ExecContext(ctx, open, pg.UUIDArray(claims))
		return pg.Wrap("open claims", err)
	})
	return n, err
}

// sqlPagesOf are the pages that messages were accepted in and may still be in.
var sqlPagesOf = numbers.SQL(`SELECT DISTINCT m.page FROM messages m WHERE m.id = ANY($1::uuid[]) AND ` + held)

// open writes rows in dispatch for messages that are in pages, with their whole pages and
// claims. Who changes messages by their ids calls it first.
func (s *Store) open(ctx context.Context, ids []dispatch.ID) error {
	var pages []int64
	if err := s.db.SelectContext(ctx, &pages, sqlPagesOf, pg.UUIDArray(ids)); err != nil || len(pages) == 0 {
		return pg.Wrap("look for pages", err)
	}
	of := pq.Array(pages)
	// A page that is claimed meanwhile is among the claims.
	if _, err := s.openPages(ctx, lockPages+`page = ANY($1::bigint[])`+inOrderOfPage, of); err != nil {
		return err
	}
	_, err := s.openClaims(ctx, sqlOpenClaims, lockClaims+`pages && $1::bigint[]`+inOrderOfClaim, of)
	return err
}

// OpenAll writes rows in dispatch for all messages in pages. It returns how many pages and
// claims there were.
func (s *Store) OpenAll(ctx context.Context) (n int, err error) {
	for {
		pages, err := s.openPages(ctx, lockPages+`true ORDER BY page LIMIT 8 FOR UPDATE`)
		if err != nil {
			return n, err
		}
		claims, err := s.openClaims(ctx, sqlOpenClaims, lockClaims+`true ORDER BY claim LIMIT 8 FOR UPDATE`)
		if n += pages + claims; err != nil || pages+claims == 0 {
			return n, err
		}
	}
}

// OpenOldest turns the oldest pages of a channel's lane into rows, at most most of them: of
// a channel that is not drained.
func (s *Store) OpenOldest(ctx context.Context, channel int64, lane dispatch.Lane, most int) error {
	_, err := s.openPages(ctx, lockPages+pagesOf+` LIMIT $3 FOR UPDATE SKIP LOCKED`, int16(lane), channel, most)
	return err
}

// sqlEndClaims removes claims none of whose messages is waiting any more.
var sqlEndClaims = numbers.SQL(`
DELETE FROM claims WHERE claim = ANY(ARRAY(SELECT c.claim FROM claims c
  WHERE NOT EXISTS (SELECT 1 FROM unnest(c.ids) AS i(id)
    CROSS JOIN LATERAL (SELECT 1 FROM messages m WHERE m.id = i.id AND ` + held + ` OFFSET 0) m
    WHERE NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = i.id OFFSET 0))
  ORDER BY c.claim LIMIT 1000 FOR UPDATE SKIP LOCKED))`)

// tidyTime bounds one run of TidyPages.
const tidyTime = 5 * time.Second

// TidyPages removes claims that are over, and turns pages with a message whose time is
// over into rows, which are ended.
func (s *Store) TidyPages(ctx context.Context) error {
	if _, err := s.db.ExecPrepared(ctx, sqlEndClaims); err != nil {
		return pg.Wrap("end claims", err)
	}
	const some = 16
	for until := time.Now().Add(tidyTime); time.Now().Before(until); {
		n, err := s.openPages(ctx, lockPages+`expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED`, some)
		if err != nil || n < some {
			return err
		}
	}
	return nil
}
