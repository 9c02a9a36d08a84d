package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Health is the circuit of a channel.
type Health struct {
	Channel   int64     `db:"channel_id" json:"-"`
	State     string    `db:"state" json:"state"` // closed, open, paused
	Reason    string    `db:"reason" json:"reason,omitempty"`
	ProbeAt   time.Time `db:"probe_at" json:"probe_at"`
	Opened    int       `db:"opened" json:"opened"`
	ChangedAt time.Time `db:"changed_at" json:"changed_at"`
}

// OpenCircuits lists the channels whose circuit is not closed.
func (s *Store) OpenCircuits(ctx context.Context) ([]Health, error) {
	var out []Health
	err := s.db.SelectContext(ctx, &out, `SELECT channel_id, state, reason, probe_at, opened, changed_at FROM channel_health
	  WHERE state <> 'closed'`)
	return out, pg.Wrap("list troubled channels", err)
}

// ChannelHealth reads one circuit; a channel without a row is closed.
func (s *Store) ChannelHealth(ctx context.Context, channel int64) (Health, error) {
	h := Health{Channel: channel, State: "closed"}
	err := s.db.GetContext(ctx, &h, `SELECT channel_id, state, reason, probe_at, opened, changed_at FROM channel_health
	  WHERE channel_id = $1`, channel)
	if pg.Wrap("", err) == dispatch.ErrNotFound {
		err = nil
	}
	return h, pg.Wrap("read channel health", err)
}

// sqlOpen opens a circuit; one that is open already backs its probe off. The
// event is written only when the state changes.
var sqlOpen = numbers.SQL(`
WITH was AS (SELECT state FROM channel_health WHERE channel_id = $1 FOR UPDATE),
  h AS (INSERT INTO channel_health AS c (channel_id, state, reason, probe_at, opened)
    VALUES ($1, 'open', $2, now() + make_interval(secs => $3), 1)
    ON CONFLICT (channel_id) DO UPDATE SET state = CASE WHEN c.state = 'paused' THEN 'paused'
      ELSE 'open' END, reason = excluded.reason, opened = c.opened + 1,
      probe_at = greatest(c.probe_at, now() + make_interval(secs => least($3 * power(2, least(c.opened, 6)), 60))), changed_at = CASE
        WHEN c.state = 'closed' THEN now() ELSE c.changed_at END
    RETURNING channel_id)
INSERT INTO events (message_id, account_id, channel_id, kind, cause, detail)
SELECT '00000000-0000-0000-0000-000000000000', ch.account_id, ch.id, {event_channel_paused}, 'worker', $2 FROM h
  JOIN channels ch ON ch.id = h.channel_id WHERE coalesce((SELECT state FROM was), 'closed') = 'closed'`)

// OpenCircuit pauses a channel after trouble; a probe goes out after probe, and
// after ever longer times while it fails (at most a minute).
func (s *Store) OpenCircuit(ctx context.Context, channel int64, reason string, probe time.Duration) error {
	_, err := s.db.ExecContext(ctx, sqlOpen, channel, reason, probe.Seconds())
	return pg.Wrap("open circuit", err)
}

// sqlClose closes a circuit and writes it to the event log; workers wake what
// waited when they see it.
var sqlClose = numbers.SQL(`
WITH h AS (UPDATE channel_health SET state = 'closed', reason = '', opened = 0, changed_at = now() WHERE channel_id = $1 AND state = ANY($2)
  RETURNING channel_id)
INSERT INTO events (message_id, account_id, channel_id, kind, cause)
SELECT '00000000-0000-0000-0000-000000000000', ch.account_id, ch.id, {event_channel_resumed}, 'worker' FROM h
  JOIN channels ch ON ch.id = h.channel_id`)

// CloseCircuit lets a channel send again; manual also ends a pause made by hand.
func (s *Store) CloseCircuit(ctx context.Context, channel int64, manual bool) error {
	states := []string{"open"}
	if manual {
		states = append(states, "paused")
	}
	_, err := s.db.ExecContext(ctx, sqlClose, channel, pq.Array(states))
	return pg.Wrap("close circuit", err)
}

var sqlWakeChannel = numbers.SQL(`UPDATE dispatch SET wake_at = now(), nudges = 0 WHERE message_id = ANY(ARRAY(SELECT message_id
  FROM dispatch
			WHERE lane IN ({lane_otp}, {lane_normal}, {lane_bulk}) AND channel_id = $1 AND state = {ready} AND wake_at > now() + interval '1 second'
			  AND due_at <= now() LIMIT 5000 FOR UPDATE SKIP LOCKED))`)

// WakeChannel makes every ready message of a channel due now, in pages.
func (s *Store) WakeChannel(ctx context.Context, channel int64) error {
	for {
		r, err := s.db.ExecContext(ctx, sqlWakeChannel, channel)
		if err != nil {
			return pg.Wrap("wake channel", err)
		}
		if n, err := r.RowsAffected(); err != nil || n < 5000 {
			return pg.Wrap("wake channel", err)
		}
	}
}

var sqlPause = numbers.SQL(`WITH h AS (INSERT INTO channel_health (channel_id, state, reason) VALUES ($1, 'paused', $2)
		ON CONFLICT (channel_id) DO UPDATE SET state = 'paused', reason = excluded.reason, changed_at = now()
		  WHERE channel_health.state <> 'paused' RETURNING channel_id)
		INSERT INTO events (message_id, account_id, channel_id, kind, cause, detail)
		SELECT '00000000-0000-0000-0000-000000000000', ch.account_id, ch.id, {event_channel_paused}, 'api', $2 FROM h
		  JOIN channels ch ON ch.id = h.channel_id`)

// PauseChannel stops a channel by hand until CloseCircuit.
func (s *Store) PauseChannel(ctx context.Context, channel int64, reason string) error {
	_, err := s.db.ExecContext(ctx, sqlPause, channel, reason)
	return pg.Wrap("pause channel", err)
}

// TakeProbe reports whether the caller may send the one probe that is due now.
func (s *Store) TakeProbe(ctx context.Context, channel int64) (bool, error) {
	r, err := s.db.ExecContext(ctx, `UPDATE channel_health SET probe_at = now() + interval '15 seconds'
	  WHERE channel_id = $1 AND state = 'open' AND probe_at <= now()`, channel)
	if err != nil {
		return false, pg.Wrap("take probe", err)
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
