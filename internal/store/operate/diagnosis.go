package operate

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Processes returns the number of live processes of a role: serve or work.
func (s *Store) Processes(ctx context.Context, role string) (int, error) {
	var n int
	err := s.db.GetContext(ctx, &n, `SELECT count(*) FROM instances WHERE role = $1 AND seen_at > now() - interval '20 seconds'`, role)
	return n, pg.Wrap("count processes", err)
}

// Held is a channel that sends nothing at present.
type Held struct {
	ID     int64     `db:"id"`
	Name   string    `db:"name"`
	State  string    `db:"state"` // paused or open
	Reason string    `db:"reason"`
	Since  time.Time `db:"changed_at"`
}

// Held returns the enabled channels that are paused or whose circuit is open.
func (s *Store) Held(ctx context.Context) ([]Held, error) {
	var out []Held
	err := s.db.SelectContext(ctx, &out, `SELECT c.id, c.name, h.state, h.reason, h.changed_at FROM channel_health h
		JOIN channels c ON c.id = h.channel_id AND c.enabled WHERE h.state <> 'closed' ORDER BY c.id LIMIT 100`)
	return out, pg.Wrap("list channels that send nothing", err)
}

// Reported is a report of a provider that a channel has trouble, or will.
type Reported struct {
	ID      int64     `db:"id"`
	Name    string    `db:"name"`
	Subject string    `db:"subject"`
	Value   string    `db:"value"`
	Detail  string    `db:"detail"`
	At      time.Time `db:"at"`
}

// Reported returns the reports about enabled channels that are not fine.
func (s *Store) Reported(ctx context.Context) ([]Reported, error) {
	var out []Reported
	err := s.db.SelectContext(ctx, &out, `SELECT c.id, c.name, r.subject, r.value, r.detail, r.at FROM channel_reports r
		JOIN channels c ON c.id = r.channel_id AND c.enabled WHERE r.level <> 'ok' ORDER BY c.id, r.subject LIMIT 100`)
	return out, pg.Wrap("list providers' reports of trouble", err)
}

// Receipts is what a channel sent in the last hour and the callbacks received for it.
type Receipts struct {
	ID       int64  `db:"id"`
	Name     string `db:"name"`
	Sent     int    `db:"sent"`     // more than two minutes ago
	Received int    `db:"received"` // of these, with a receipt
}

var sqlReceipts = numbers.SQL(`
WITH m AS MATERIALIZED (SELECT channel_id, sent_at, greatest(delivered_at, read_at, failed_at) AS receipt, status FROM messages
  WHERE id >= uuid_floor(now() - interval '1 hour') AND NOT test ORDER BY id DESC LIMIT 100000)
SELECT c.id, c.name, count(*)::int AS sent, count(m.receipt)::int AS received
FROM m JOIN channels c ON c.id = m.channel_id
WHERE m.sent_at < now() - interval '2 minutes' AND m.status IN ({sent}, {delivered}, {read}, {failed}) GROUP BY c.id, c.name ORDER BY c.id`)

// Receipts returns what each channel sent in the last hour, of the newest 100,000
// messages.
func (s *Store) Receipts(ctx context.Context) ([]Receipts, error) {
	var out []Receipts
	err := s.db.SelectContext(ctx, &out, sqlReceipts)
	return out, pg.Wrap("count receipts", err)
}

// written are tables that serve and work write to.
var written = []string{
	"messages", "dispatch", "backlog", "claims", "scheduled", "events", "event_pages", "attempts", "idempotency", "instances",
	"channel_health", "key_usage", "contacts", "suppressions", "inbound", "audit_log", "webhook_deliveries",
}

// MissingRights returns the tables on which the role may not read and write.
func (s *Store) MissingRights(ctx context.Context) ([]string, error) {
	var out []string
	err := s.db.SelectContext(ctx, &out, `SELECT t.name FROM unnest(string_to_array($1, ',')) AS t(name) WHERE to_regclass(t.name) IS NOT NULL
		AND NOT (SELECT bool_and(has_table_privilege(t.name, p)) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p) ORDER BY 1`,
		strings.Join(written, ","))
	return out, pg.Wrap("read rights", err)
}

var errUndo = errors.New("undo")

// TryWrite writes 256 KiB, which needs free disk, and rolls it back. It returns
// Postgres' error if that fails.
func (s *Store) TryWrite(ctx context.Context) error {
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO ignored_callbacks (id, account_id, channel_id, provider, kind, reason, body)
			SELECT gen_random_uuid(), 0, 0, '', '', '', string_agg(md5(i::text || random()::text), '') FROM generate_series(1, 8192) AS i`)
		if err != nil {
			return err
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return pg.Wrap("write", err)
}
