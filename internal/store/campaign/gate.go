package campaign

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Gate is what decides about a claimed message of a campaign.
type Gate struct {
	Message    uuid.UUID      `db:"message_id"`
	Campaign   int64          `db:"campaign_id"`
	Account    int64          `db:"account_id"`
	State      campaign.State `db:"state"`
	Zones      string         `db:"zones"`
	Changed    time.Time      `db:"updated_at"` // of the campaign
	LaunchedAt *time.Time     `db:"launched_at"`
	Now        time.Time      `db:"now"`
	Delivered  bool           `db:"delivered"` // of a retry: the parent's message has arrived
	Capped     bool           `db:"capped"`    // the person has had as many marketing messages as the campaign's cap allows
}

var sqlGates = numbers.SQL(`
SELECT r.message_id, c.id AS campaign_id, c.account_id, c.state, r.zones, c.updated_at, c.launched_at, now() AS now,
  c.kind = {kind_retry} AND EXISTS (SELECT 1 FROM campaign_recipients p WHERE p.campaign_id = c.parent_id AND p.person = r.person
    AND p.status IN ({delivered}, {read})) AS delivered,
  CASE WHEN c.marketing AND c.definition LIKE '%"cap":%' THEN (SELECT count(*) FROM campaign_recipients p
    JOIN campaigns o ON o.id = p.campaign_id
    WHERE p.person = ANY(r.names)
      AND p.message_id >= uuid_floor(now() - make_interval(days => (c.definition::jsonb->'cap'->>'days')::integer))
      AND p.message_id <> r.message_id AND p.status BETWEEN {sent} AND {read} AND o.account_id = c.account_id AND o.marketing)
    >= (c.definition::jsonb->'cap'->>'messages')::integer ELSE false END AS capped
FROM unnest($1::bigint[], $2::uuid[], $3::integer[]) AS i(campaign_id, message_id, seq)
CROSS JOIN LATERAL (SELECT * FROM campaigns c WHERE c.id = i.campaign_id) c
CROSS JOIN LATERAL (SELECT r.message_id, r.zones, r.person, ` + people.Names("c.account_id", "r.recipient") + ` || r.person AS names
  FROM campaign_recipients r WHERE r.campaign_id = i.campaign_id AND r.seq = i.seq AND r.message_id = i.message_id OFFSET 0) r`)

// Gates reads what decides about messages; those that no ledger has are left out.
func (s *Store) Gates(ctx context.Context, refs []ledger.Ref) ([]Gate, error) {
	var out []Gate
	n := ledger.Name(refs)
	err := n.Find(ctx, s.db, func() (int, error) {
		out = nil
		err := s.db.SelectPrepared(ctx, &out, sqlGates, n.Args()...)
		return len(out), pg.Wrap("read campaigns of messages", err)
	})
	return out, err
}

// sqlPlace finds the row of message i, which this transaction has locked, whatever Postgres
// knows of the ledger (ledger.Sync).
const sqlPlace = `SELECT r.ctid AS place FROM campaign_recipients r
      WHERE r.campaign_id = i.campaign_id AND r.seq = i.seq AND r.message_id = i.message_id OFFSET 0`

var sqlHold = numbers.SQL(`
WITH c AS (UPDATE campaign_recipients r SET status = {row_held}, indexed_status = {row_held_message},
    wake_at = to_timestamp(i.wake_us / 1e6)
  FROM (SELECT i.wake_us, r.place FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::bigint[])
      AS i(campaign_id, message_id, seq, wake_us)
    CROSS JOIN LATERAL (`+sqlPlace+`) r) i
  WHERE r.ctid = i.place AND r.status = {queued}
  RETURNING r.campaign_id, {queued}::smallint AS was, 0::smallint AS was_reason, r.status, r.reason)`) + ledger.Count

// HoldMessages notes that messages wait for a time.
func (s *Store) HoldMessages(ctx context.Context, refs []ledger.Ref, until []time.Time) error {
	return ledger.Locked(ctx, s.db, refs, func(tx *pg.DB, n *ledger.Named) error {
		wakes := map[ledger.Ref]time.Time{}
		for i, r := range refs {
			wakes[r] = until[i]
		}
		_, err := tx.ExecContext(ctx, sqlHold, append(n.Args(), pq.Array(n.Micros(wakes)))...)
		return pg.Wrap("hold recipients", err)
	})
}

var sqlForQuality = numbers.SQL(`
WITH c AS (UPDATE campaign_recipients r SET status = {row_for_quality}
  FROM (SELECT r.place FROM unnest($1::bigint[], $2::uuid[], $3::integer[]) AS i(campaign_id, message_id, seq)
    CROSS JOIN LATERAL (`+sqlPlace+`) r) i
  WHERE r.ctid = i.place AND r.status = {sent}
  RETURNING r.campaign_id, {sent}::smallint AS was, 0::smallint AS was_reason, r.status, r.reason)`) + ledger.Count

// HoldForQuality notes that the provider has messages and assesses their template
// first.
func (s *Store) HoldForQuality(ctx context.Context, refs []ledger.Ref) error {
	return ledger.Locked(ctx, s.db, refs, func(tx *pg.DB, n *ledger.Named) error {
		_, err := tx.ExecContext(ctx, sqlForQuality, n.Args()...)
		return pg.Wrap("hold recipients for quality", err)
	})
}

// Sync moves the rows of messages to what became of these.
func (s *Store) Sync(ctx context.Context, refs []ledger.Ref) error {
	return ledger.Sync(ctx, s.db, refs)
}

// ByID reads a campaign of any account.
func (s *Store) ByID(ctx context.Context, id int64) (Campaign, error) {
	var c Campaign
	query := s.db.ForUpdate(`SELECT `+columns+` FROM campaigns c WHERE c.id = $1`, "c")
	err := s.db.GetContext(ctx, &c, query, id)
	return c, pg.Wrap("read campaign", err)
}

// Delay makes workers look at a campaign again after d.
func (s *Store) Delay(ctx context.Context, id int64, d time.Duration) error {
	_, err := s.db.ExecContext(ctx, `UPDATE campaigns SET next_at = now() + make_interval(secs => $2)
	  WHERE id = $1 AND next_at IS NOT NULL`, id, d.Seconds())
	return pg.Wrap("delay campaign", err)
}
