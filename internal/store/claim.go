package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Claimed is a message that is ours to send now.
type Claimed struct {
	ID         dispatch.ID
	Account    int64
	Channel    int64
	Lane       int16
	To         string
	Content    string
	Test       bool
	Reference  *string
	Metadata   *string
	CreatedAt  time.Time
	Since      time.Time // when it was due, before its first call
	ExpiresAt  time.Time
	Attempts   int // this one included
	Unknowns   int
	RLHits     int
	MaybeSent  bool
	Suppressed bool
	Campaign   int64   // 0: none
	Left       float64 // seconds to expiry at the claim, by Postgres' clock
	Paged      bool    // out of a page: there is no row in dispatch
	TID        pg.TID  // of the message's row, if Paged
}

// ofMessage are the columns of a Claimed that its message m has.
var ofMessage = `m.id, m.account_id, m.channel_id, m.lane, m.recipient, m.content, m.test, m.reference, m.metadata, m.created_at,
  m.campaign_id, now(), ` + people.Held("m.account_id", "m.recipient", "m.marketing")

// claimedColumns are ofMessage and what its row c in dispatch has. Retries and holds move due_at: of a
// message that was called for, the first call shows since when it was due.
var claimedColumns = pg.Record(ofMessage + `, CASE WHEN c.attempts + c.rl_hits <= 1 THEN c.due_at
    ELSE coalesce((SELECT min(a.started_at) FROM attempts a WHERE a.message_id = c.message_id), c.due_at) END, c.expires_at,
  c.attempts, c.unknowns, c.rl_hits, c.maybe_sent`)

// readClaimed reads claimedColumns or, with paged, those of sqlClaimPages.
func readClaimed(f *pg.Fields, paged bool) Claimed {
	c := Claimed{
		ID: f.ID(), Account: f.Int8(), Channel: f.Int8(), Lane: f.Int2(), To: f.Text(), Content: f.Text(), Test: f.Bool(),
		Reference: f.NullText(), Metadata: f.NullText(), CreatedAt: f.Time(), Campaign: f.Int8(), Paged: paged,
	}
	now := f.Time()
	c.Suppressed = f.Bool()
	if paged {
		c.Since, c.ExpiresAt, c.Attempts, c.TID = c.CreatedAt, f.Time(), 1, f.TID()
	} else {
		c.Since, c.ExpiresAt = f.Time(), f.Time()
		c.Attempts, c.Unknowns, c.RLHits, c.MaybeSent = int(f.Int2()), int(f.Int2()), int(f.Int4()), f.Bool()
	}
	c.Left = c.ExpiresAt.Sub(now).Seconds()
	return c
}

// eachRecord calls read for each row of a statement that returns records.
func eachRecord(ctx context.Context, db *pg.DB, read func(*pg.Fields), query string, args ...any) error {
	var raw sql.RawBytes
	return db.EachPrepared(ctx, func(rows *sql.Rows) error {
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		f := pg.ReadRecord(raw)
		read(&f)
		return f.Err()
	}, query, args...)
}

// sqlClaim takes ready, due, unexpired rows. A row that another worker holds,
// or that somebody is changing at this moment, is not ours: SKIP LOCKED. The
// second run of a claim finds its own rows again (state 1 with its claim) and
// counts nothing twice. Each id is looked up by itself: with = ANY the planner
// reads the whole partial index of ready rows instead.
var sqlClaim = numbers.SQL(`
WITH pick AS MATERIALIZED (
  SELECT d.message_id FROM unnest($1::uuid[]) AS i(id)
  CROSS JOIN LATERAL (SELECT d.message_id FROM dispatch d WHERE d.message_id = i.id AND (d.state = {ready} OR (d.state = {claimed}
    AND d.claim = $2::uuid))
    AND d.due_at <= now() AND d.expires_at > now() AND NOT d.cancel_requested FOR UPDATE SKIP LOCKED) d
), c AS (
  UPDATE dispatch d SET state = {claimed}, nudges = 0, claim = $2::uuid, attempts = d.attempts + (d.claim IS DISTINCT FROM $2::uuid)::int,
    wake_at = now() + make_interval(secs => $3)
  WHERE d.message_id = ANY(ARRAY(SELECT message_id FROM pick))
  RETURNING d.message_id, d.due_at, d.expires_at, d.attempts, d.unknowns, d.rl_hits, d.maybe_sent
)
SELECT ` + claimedColumns + ` FROM c CROSS JOIN LATERAL (SELECT * FROM messages m WHERE m.id = c.message_id OFFSET 0) m`)

// ClaimPage claims those of ids that are ready. The caller took its time before
// the call: the lease counts from then.
func (s *Store) ClaimPage(ctx context.Context, ids []dispatch.ID, claim uuid.UUID, lease time.Duration) ([]Claimed, error) {
	var out []Claimed
	err := eachRecord(ctx, s.db, func(f *pg.Fields) { out = append(out, readClaimed(f, false)) },
		sqlClaim, pg.UUIDArray(ids), claim.String(), lease.Seconds())
	return out, pg.Wrap("claim page", err)
}

// sqlClaimDue takes a channel's oldest due rows of a lane; those whose time is
// over are only named. The rows are locked, so that their ctid is theirs until
// the end of the statement; one that somebody changed after it began is left
// for the next time.
var sqlClaimDue = numbers.SQL(`
WITH pick AS MATERIALIZED (
  SELECT d.ctid AS tid, d.message_id, d.expires_at <= now() AS expired FROM dispatch d
  WHERE d.lane = $1 AND d.channel_id = $2 AND d.state = {ready} AND d.wake_at <= now() AND d.due_at <= now() AND NOT d.cancel_requested
  ORDER BY d.wake_at LIMIT $3 FOR UPDATE SKIP LOCKED
), c AS (
  UPDATE dispatch d SET state = {claimed}, nudges = 0, claim = $4::uuid, attempts = d.attempts + 1,
    wake_at = now() + make_interval(secs => $5)
  WHERE d.ctid = ANY(ARRAY(SELECT tid FROM pick WHERE NOT expired))
  RETURNING d.message_id, d.due_at, d.expires_at, d.attempts, d.unknowns, d.rl_hits, d.maybe_sent
)
SELECT ` + claimedColumns + ` FROM c CROSS JOIN LATERAL (SELECT * FROM messages m WHERE m.id = c.message_id OFFSET 0) m
UNION ALL SELECT ` + pg.Record(`message_id`) + ` FROM pick WHERE expired`)

// ClaimDue claims up to n of a channel's messages that are due, oldest first, of those
// with a row of their own and of those in pages: of the latter first if the caller
// says so, who takes turns. It names those with a row whose time is over. It runs in a
// transaction: a claim that the driver repeated after a lost connection would take
// others and leave the first ones to their lease.
func (s *Store) ClaimDue(ctx context.Context, channel int64, lane dispatch.Lane, n int, claim uuid.UUID,
	lease time.Duration, pagesFirst bool,
) (claimed []Claimed, expired []dispatch.ID, err error) {
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		claimed, expired = nil, nil
		for _, ofPages := range []bool{pagesFirst, !pagesFirst} {
			left := n - len(claimed) - len(expired)
			if left == 0 {
				return nil
			}
			var some []Claimed
			var over []dispatch.ID
			var err error
			if ofPages {
				some, err = claimPages(ctx, tx, channel, lane, left, claim, lease)
			} else {
				some, over, err = claimRows(ctx, tx, channel, lane, left, claim, lease)
			}
			if err != nil {
				return err
			}
			claimed, expired = append(claimed, some...), append(expired, over...)
		}
		return nil
	})
	if err != nil {
		return nil, nil, pg.Wrap("claim backlog", err)
	}
	return claimed, expired, nil
}

// claimRows is ClaimDue of messages with a row of their own.
func claimRows(ctx context.Context, tx *pg.DB, channel int64, lane dispatch.Lane, n int, claim uuid.UUID, lease time.Duration,
) (claimed []Claimed, expired []dispatch.ID, err error) {
	err = eachRecord(ctx, tx, func(f *pg.Fields) {
		if f.Len() == 1 {
			expired = append(expired, f.ID())
		} else {
			claimed = append(claimed, readClaimed(f, false))
		}
	}, sqlClaimDue, int16(lane), channel, n, claim.String(), lease.Seconds())
	return claimed, expired, err
}

// sqlUnclaim reads the index of what is not ready, which is what is in flight.
var sqlUnclaim = numbers.SQL(`UPDATE dispatch SET state = {ready}, attempts = attempts - 1, wake_at = now()
  WHERE state = {claimed} AND claim = $1::uuid`)

// Unclaim releases all messages of a claim, uncounted: no call was made for them.
func (s *Store) Unclaim(ctx context.Context, claim uuid.UUID) error {
	_, err := s.db.ExecContext(ctx, sqlUnclaim, claim.String())
	if err == nil {
		_, err = s.openClaims(ctx, sqlUnclaimPages, lockClaims+`claim = $1::uuid`+inOrderOfClaim, claim.String())
	}
	return pg.Wrap("give claim back", err)
}

// sqlPostpone puts ready rows off: no room on the channel now. A row that was
// cancelled, claimed or settled meanwhile stays as it is.
var sqlPostpone = numbers.SQL(`
UPDATE dispatch SET wake_at = greatest(due_at, least(now() + make_interval(secs => $2), greatest(expires_at, now() + interval '1 second'))),
  nudges = 0
WHERE message_id = ANY(ARRAY(SELECT d.message_id FROM unnest($1::uuid[]) AS i(id)
  CROSS JOIN LATERAL (SELECT d.message_id FROM dispatch d WHERE d.message_id = i.id AND d.state = {ready} FOR UPDATE SKIP LOCKED) d))`)

// Postpone makes the feeder offer ids again after d.
func (s *Store) Postpone(ctx context.Context, ids []dispatch.ID, d time.Duration) error {
	_, err := s.db.ExecPrepared(ctx, sqlPostpone, pg.UUIDArray(ids), d.Seconds())
	return pg.Wrap("postpone page", err)
}
