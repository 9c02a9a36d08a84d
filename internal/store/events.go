package store

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Event is one entry of the event log.
type Event struct {
	ID      int64       `db:"id"`
	XID     int64       `db:"xid"`
	Message dispatch.ID `db:"message_id"`
	Account int64       `db:"account_id"`
	Channel int64       `db:"channel_id"`
	At      time.Time   `db:"at"`
	Kind    int16       `db:"kind"`
	Seq     int         `db:"seq"`
	Cause   string      `db:"cause"`
	Code    string      `db:"code"`
	Detail  string      `db:"detail"`
}

// Position is where the event stands in the log.
func (e *Event) Position() Position { return Position{XID: e.XID, ID: e.ID} }

// Position is a place in the event log: everything up to and including it has
// been read.
type Position struct {
	XID int64 `json:"x"`
	ID  int64 `json:"i"`
}

// String is the opaque form that clients give back as Last-Event-ID.
func (p Position) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d", p.XID, p.ID))
}

// Before says that p comes before q in the log.
func (p Position) Before(q Position) bool {
	return p.XID < q.XID || (p.XID == q.XID && p.ID < q.ID)
}

// ParsePosition reads what String made.
func ParsePosition(s string) (Position, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	xid, id, _ := strings.Cut(string(b), ".")
	x, xidErr := strconv.ParseInt(xid, 10, 64)
	i, idErr := strconv.ParseInt(id, 10, 64)
	if errors.Join(err, xidErr, idErr) != nil || min(x, i) < 0 {
		return Position{}, dispatch.InvalidField("/last_event_id", "not an event id of ours")
	}
	return Position{XID: x, ID: i}, nil
}

// sqlEvents reads in (transaction, id) order and only below the oldest running
// transaction: an event that is committed late is never skipped.
const sqlEvents = `
SELECT id, xid::text::bigint AS xid, message_id, account_id, channel_id, at, kind, seq, cause, coalesce(code, '') AS code, coalesce(detail, '') AS detail
FROM events WHERE (xid, id) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id LIMIT $3`

// EventsAfter gives what came after p, oldest first, of all accounts.
func (s *Store) EventsAfter(ctx context.Context, p Position, limit int) ([]Event, error) {
	var out []Event
	err := s.db.SelectPrepared(ctx, &out, sqlEvents, fmt.Sprint(p.XID), p.ID, limit)
	return out, pg.Wrap("read events", err)
}

// EndOfEvents is the position of the newest event that EventsAfter can give.
func (s *Store) EndOfEvents(ctx context.Context) (Position, error) {
	var p struct {
		XID int64 `db:"xid"`
		ID  int64 `db:"id"`
	}
	err := s.db.GetContext(ctx, &p, `SELECT xid::text::bigint AS xid, id FROM events WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC, id DESC LIMIT 1`)
	if pg.Wrap("", err) == dispatch.ErrNotFound {
		return Position{}, nil
	}
	return Position{XID: p.XID, ID: p.ID}, pg.Wrap("find end of events", err)
}

// InsertInbound stores messages that contacts sent, opens their windows and
// follows STOP and START. It is safe to repeat: the provider's id is unique in
// its channel.
const sqlInbound = `
WITH i AS (INSERT INTO inbound (id, account_id, channel_id, from_phone, wa_id, name, type, text, provider_id, raw, at)
    SELECT $1::uuid, c.account_id, c.id, $3, $4, $5, $6, $7, $8, $9, $10 FROM channels c WHERE c.id = $2 ON CONFLICT (channel_id, provider_id) DO NOTHING RETURNING id, account_id, channel_id),
  w AS (INSERT INTO windows (channel_id, phone, wa_id, opened_at) SELECT channel_id, $3, $4, least($10, now()) FROM i
    ON CONFLICT (channel_id, phone) DO UPDATE SET opened_at = greatest(windows.opened_at, excluded.opened_at), wa_id = CASE WHEN excluded.wa_id <> '' THEN excluded.wa_id ELSE windows.wa_id END),
  s AS (INSERT INTO suppressions (account_id, phone, reason, detail) SELECT account_id, $3, 'stop', 'the contact wrote a stop word' FROM i WHERE $11 ON CONFLICT DO NOTHING),
  d AS (DELETE FROM suppressions p USING i WHERE $12 AND p.account_id = i.account_id AND p.phone = $3 AND p.reason = 'stop')
INSERT INTO events (message_id, account_id, channel_id, kind, cause) SELECT id, account_id, channel_id, 101, 'callback' FROM i`

// InsertInbound stores one inbound message; stop and start say what its text
// asks for.
func (s *Store) InsertInbound(ctx context.Context, in dispatch.Inbound, stop, start bool) error {
	id := dispatch.NewID()
	_, err := s.db.ExecContext(ctx, sqlInbound, id.String(), in.Channel, pg.Storable(in.From), pg.Storable(in.WaID), pg.Storable(in.Name), pg.Storable(in.Type),
		pg.Storable(in.Text), pg.Storable(in.ProviderID), pg.Storable(in.Raw), time.UnixMicro(*pg.Micros(in.At)), stop, start)
	return pg.Wrap("store inbound message", err)
}
