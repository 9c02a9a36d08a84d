package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// policyJSON is how a policy is stored: only what differs from the provider's
// default. Durations are seconds.
type policyJSON struct {
	Rate             *float64         `json:"rate,omitempty"`
	Concurrency      *int             `json:"concurrency,omitempty"`
	RecipientSpacing *float64         `json:"recipient_spacing_s,omitempty"`
	MaxAttempts      *int             `json:"max_attempts,omitempty"`
	MaxAge           *float64         `json:"max_age_s,omitempty"`
	BackoffBase      *float64         `json:"backoff_base_s,omitempty"`
	BackoffCap       *float64         `json:"backoff_cap_s,omitempty"`
	ResolveWindow    []float64        `json:"resolve_window_s,omitempty"`
	UnknownRetries   []int            `json:"unknown_retries,omitempty"`
	Price            map[string]int64 `json:"price,omitempty"`
}

func seconds(d time.Duration) *float64 { s := d.Seconds(); return &s }

func encodePolicy(p dispatch.Policy) policyJSON {
	return policyJSON{
		Rate: &p.Rate, Concurrency: &p.Concurrency, RecipientSpacing: seconds(p.RecipientSpacing), MaxAttempts: &p.MaxAttempts, MaxAge: seconds(p.MaxAge),
		BackoffBase: seconds(p.BackoffBase), BackoffCap: seconds(p.BackoffCap),
		ResolveWindow:  []float64{p.ResolveWindow[0].Seconds(), p.ResolveWindow[1].Seconds(), p.ResolveWindow[2].Seconds()},
		UnknownRetries: p.UnknownRetries[:], Price: p.Price,
	}
}

func (j policyJSON) policy(provider string) dispatch.Policy {
	p := dispatch.DefaultPolicy()
	set := func(d *time.Duration, s *float64) {
		if s != nil {
			*d = time.Duration(*s * float64(time.Second))
		}
	}
	if j.Rate != nil {
		p.Rate = *j.Rate
	}
	if j.Concurrency != nil {
		p.Concurrency = *j.Concurrency
	}
	if j.MaxAttempts != nil {
		p.MaxAttempts = *j.MaxAttempts
	}
	set(&p.RecipientSpacing, j.RecipientSpacing)
	set(&p.MaxAge, j.MaxAge)
	set(&p.BackoffBase, j.BackoffBase)
	set(&p.BackoffCap, j.BackoffCap)
	for i := range min(3, len(j.ResolveWindow)) {
		set(&p.ResolveWindow[i], &j.ResolveWindow[i])
	}
	for i := range min(3, len(j.UnknownRetries)) {
		p.UnknownRetries[i] = j.UnknownRetries[i]
	}
	p.Price = j.Price
	return p
}

type channelRow struct {
	ID       int64  `db:"id"`
	Account  int64  `db:"account_id"`
	Key      string `db:"key"`
	Name     string `db:"name"`
	Provider string `db:"provider"`
	Kind     string `db:"kind"`
	Sender   string `db:"sender"`
	Default  bool   `db:"is_default"`
	Enabled  bool   `db:"enabled"`
	Window   string `db:"window_rule"`
	Settings []byte `db:"settings"`
	Secrets  []byte `db:"secrets"`
	Policy   []byte `db:"policy"`
}

const channelColumns = `id, account_id, key, name, provider, kind, sender, is_default, enabled, window_rule, settings, secrets, policy`

func (s *Store) channel(r *channelRow) (dispatch.Channel, error) {
	c := dispatch.Channel{ID: r.ID, Account: r.Account, Key: r.Key, Name: r.Name, Provider: r.Provider, Kind: r.Kind, Sender: r.Sender, Default: r.Default, Enabled: r.Enabled, Window: r.Window}
	var pj policyJSON
	if err := json.Unmarshal(r.Policy, &pj); err != nil {
		return c, fmt.Errorf("read policy of channel %d: %w", r.ID, err)
	}
	c.Policy = pj.policy(r.Provider)
	if err := json.Unmarshal(r.Settings, &c.Settings); err != nil {
		return c, fmt.Errorf("read settings of channel %d: %w", r.ID, err)
	}
	plain, err := s.db.Box().Open(r.Secrets)
	if err != nil {
		return c, fmt.Errorf("open credentials of channel %d: %w", r.ID, err)
	}
	if err := json.Unmarshal(plain, &c.Secrets); err != nil {
		return c, fmt.Errorf("read credentials of channel %d: %w", r.ID, err)
	}
	if old := c.Secrets[oldCallback]; old != "" {
		c.OldCallback = old
		if c.OldCallbackUntil, err = time.Parse(time.RFC3339Nano, c.Secrets[oldCallbackUntil]); err != nil {
			return c, fmt.Errorf("read rotation of channel %d: %w", r.ID, err)
		}
		delete(c.Secrets, oldCallback)
		delete(c.Secrets, oldCallbackUntil)
	}
	return c, nil
}

// Where the callback secret before a rotation lies among the sealed ones.
const (
	oldCallback      = "old_callback_secret"
	oldCallbackUntil = "old_callback_secret_until"
)

func (s *Store) sealed(c *dispatch.Channel) (settings string, secrets []byte, policy string, err error) {
	if c.Settings == nil {
		c.Settings = map[string]string{}
	}
	if c.Secrets == nil {
		c.Secrets = map[string]string{}
	}
	all := c.Secrets
	if c.OldCallback != "" && time.Now().Before(c.OldCallbackUntil) {
		all = maps.Clone(c.Secrets)
		all[oldCallback], all[oldCallbackUntil] = c.OldCallback, c.OldCallbackUntil.UTC().Format(time.RFC3339Nano)
	}
	secrets, err = s.db.Box().Seal([]byte(pg.JSON(all)))
	return pg.JSON(c.Settings), secrets, pg.JSON(encodePolicy(c.Policy)), err
}

// CreateChannel adds a channel; an empty key gets a fresh one. The first channel
// of an account becomes its default.
func (s *Store) CreateChannel(ctx context.Context, c dispatch.Channel) (dispatch.Channel, error) {
	if c.Key == "" {
		var raw [10]byte
		_, _ = rand.Read(raw[:]) // never fails
		c.Key = "ch_" + hex.EncodeToString(raw[:])
	}
	if c.Window == "" {
		c.Window = "enforce"
	}
	settings, secrets, policy, err := s.sealed(&c)
	if err != nil {
		return c, err
	}
	var row channelRow
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		if c.Default {
			if _, err := tx.ExecContext(ctx, `UPDATE channels SET is_default = false WHERE account_id = $1 AND is_default`, c.Account); err != nil {
				return pg.Wrap("clear default channel", err)
			}
		}
		return tx.GetContext(ctx, &row, `INSERT INTO channels (account_id, key, name, provider, kind, sender, is_default, window_rule, settings, secrets, policy)
			SELECT $1, $2, $3, $4, $5, $6, $7 OR NOT EXISTS (SELECT 1 FROM channels WHERE account_id = $1), $8, $9, $10, $11 RETURNING `+channelColumns,
			c.Account, c.Key, c.Name, c.Provider, c.Kind, c.Sender, c.Default, c.Window, settings, secrets, policy)
	})
	if err != nil {
		return c, pg.Wrap("create channel", err)
	}
	return s.channel(&row)
}

// UpdateChannel writes name, sender, window rule, settings, secrets, policy,
// enabled and default of an existing channel.
func (s *Store) UpdateChannel(ctx context.Context, c dispatch.Channel) (dispatch.Channel, error) {
	settings, secrets, policy, err := s.sealed(&c)
	if err != nil {
		return c, err
	}
	var row channelRow
	err = s.db.Tx(ctx, func(tx *pg.DB) error {
		if c.Default {
			if _, err := tx.ExecContext(ctx, `UPDATE channels SET is_default = false WHERE account_id = $1 AND is_default AND id <> $2`, c.Account, c.ID); err != nil {
				return pg.Wrap("clear default channel", err)
			}
		}
		return tx.GetContext(ctx, &row, `UPDATE channels SET name = $3, sender = $4, window_rule = $5, settings = $6, secrets = $7, policy = $8, enabled = $9, is_default = $10, updated_at = now()
			WHERE id = $1 AND account_id = $2 RETURNING `+channelColumns, c.ID, c.Account, c.Name, c.Sender, c.Window, settings, secrets, policy, c.Enabled, c.Default)
	})
	if err != nil {
		return c, pg.Wrap("update channel", err)
	}
	return s.channel(&row)
}

// DeleteChannel removes a channel that no unfinished message needs.
func (s *Store) DeleteChannel(ctx context.Context, account, id int64) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		var busy bool
		if err := tx.GetContext(ctx, &busy, `SELECT EXISTS (SELECT 1 FROM dispatch WHERE channel_id = $1) OR EXISTS (SELECT 1 FROM scheduled WHERE channel_id = $1)`, id); err != nil {
			return pg.Wrap("look for unfinished messages", err)
		}
		if busy {
			return dispatch.Errorf(dispatch.Conflict, "the channel still has unfinished messages; disable it instead")
		}
		r, err := tx.ExecContext(ctx, `DELETE FROM channels WHERE id = $1 AND account_id = $2`, id, account)
		if err != nil {
			return pg.Wrap("delete channel", err)
		}
		return pg.Found(r)
	})
}

// Channel reads one channel by id.
func (s *Store) Channel(ctx context.Context, id int64) (dispatch.Channel, error) {
	return s.oneChannel(ctx, `id = $1`, id)
}

// ChannelByKey reads one channel by its key, of any account.
func (s *Store) ChannelByKey(ctx context.Context, key string) (dispatch.Channel, error) {
	return s.oneChannel(ctx, `key = $1`, key)
}

func (s *Store) oneChannel(ctx context.Context, cond string, arg any) (dispatch.Channel, error) {
	var row channelRow
	if err := s.db.GetContext(ctx, &row, s.db.ForUpdate(`SELECT `+channelColumns+` FROM channels WHERE `+cond, "channels"), arg); err != nil {
		return dispatch.Channel{}, pg.Wrap("read channel", err)
	}
	return s.channel(&row)
}

// Channels lists the channels of an account; 0 lists those of all.
func (s *Store) Channels(ctx context.Context, account int64) ([]dispatch.Channel, error) {
	var rows []channelRow
	if err := s.db.SelectContext(ctx, &rows, `SELECT `+channelColumns+` FROM channels WHERE $1 = 0 OR account_id = $1 ORDER BY id`, account); err != nil {
		return nil, pg.Wrap("list channels", err)
	}
	out := make([]dispatch.Channel, 0, len(rows))
	for i := range rows {
		c, err := s.channel(&rows[i])
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Health is the circuit of a channel.
type Health struct {
	Channel   int64     `db:"channel_id" json:"-"`
	State     string    `db:"state" json:"state"` // closed, open, paused
	Reason    string    `db:"reason" json:"reason,omitempty"`
	ProbeAt   time.Time `db:"probe_at" json:"probe_at"`
	Opened    int       `db:"opened" json:"opened"`
	ChangedAt time.Time `db:"changed_at" json:"changed_at"`
}

// Troubled lists the channels whose circuit is not closed.
func (s *Store) Troubled(ctx context.Context) ([]Health, error) {
	var out []Health
	err := s.db.SelectContext(ctx, &out, `SELECT channel_id, state, reason, probe_at, opened, changed_at FROM channel_health WHERE state <> 'closed'`)
	return out, pg.Wrap("list troubled channels", err)
}

// ChannelHealth reads one circuit; a channel without a row is closed.
func (s *Store) ChannelHealth(ctx context.Context, channel int64) (Health, error) {
	h := Health{Channel: channel, State: "closed"}
	err := s.db.GetContext(ctx, &h, `SELECT channel_id, state, reason, probe_at, opened, changed_at FROM channel_health WHERE channel_id = $1`, channel)
	if pg.Wrap("", err) == dispatch.ErrNotFound {
		err = nil
	}
	return h, pg.Wrap("read channel health", err)
}

// sqlOpen opens a circuit; one that is open already backs its probe off. The
// event is written only when the state changes.
const sqlOpen = `
WITH was AS (SELECT state FROM channel_health WHERE channel_id = $1 FOR UPDATE),
  h AS (INSERT INTO channel_health AS c (channel_id, state, reason, probe_at, opened) VALUES ($1, 'open', $2, now() + make_interval(secs => $3), 1)
    ON CONFLICT (channel_id) DO UPDATE SET state = CASE WHEN c.state = 'paused' THEN 'paused' ELSE 'open' END, reason = excluded.reason, opened = c.opened + 1,
      probe_at = greatest(c.probe_at, now() + make_interval(secs => least($3 * power(2, least(c.opened, 6)), 60))), changed_at = CASE WHEN c.state = 'closed' THEN now() ELSE c.changed_at END
    RETURNING channel_id)
INSERT INTO events (message_id, account_id, channel_id, kind, cause, detail)
SELECT '00000000-0000-0000-0000-000000000000', ch.account_id, ch.id, 103, 'worker', $2 FROM h JOIN channels ch ON ch.id = h.channel_id WHERE coalesce((SELECT state FROM was), 'closed') = 'closed'`

// OpenCircuit pauses a channel after trouble; a probe goes out after probe, and
// after ever longer times while it fails (at most a minute).
func (s *Store) OpenCircuit(ctx context.Context, channel int64, reason string, probe time.Duration) error {
	_, err := s.db.ExecContext(ctx, sqlOpen, channel, reason, probe.Seconds())
	return pg.Wrap("open circuit", err)
}

// sqlClose closes a circuit and says so in the event log; workers wake what
// waited when they see it.
const sqlClose = `
WITH h AS (UPDATE channel_health SET state = 'closed', reason = '', opened = 0, changed_at = now() WHERE channel_id = $1 AND state = ANY($2) RETURNING channel_id)
INSERT INTO events (message_id, account_id, channel_id, kind, cause)
SELECT '00000000-0000-0000-0000-000000000000', ch.account_id, ch.id, 104, 'worker' FROM h JOIN channels ch ON ch.id = h.channel_id`

// CloseCircuit lets a channel send again; manual also ends a pause made by hand.
func (s *Store) CloseCircuit(ctx context.Context, channel int64, manual bool) error {
	states := []string{"open"}
	if manual {
		states = append(states, "paused")
	}
	_, err := s.db.ExecContext(ctx, sqlClose, channel, pq.Array(states))
	return pg.Wrap("close circuit", err)
}

// WakeChannel makes every ready message of a channel due now, in pages.
func (s *Store) WakeChannel(ctx context.Context, channel int64) error {
	for {
		r, err := s.db.ExecContext(ctx, `UPDATE dispatch SET wake_at = now(), nudges = 0 WHERE message_id = ANY(ARRAY(SELECT message_id FROM dispatch
			WHERE lane IN (0, 1, 2) AND channel_id = $1 AND state = 0 AND wake_at > now() + interval '1 second' AND due_at <= now() LIMIT 5000 FOR UPDATE SKIP LOCKED))`, channel)
		if err != nil {
			return pg.Wrap("wake channel", err)
		}
		if n, err := r.RowsAffected(); err != nil || n < 5000 {
			return pg.Wrap("wake channel", err)
		}
	}
}

// PauseChannel stops a channel by hand until CloseCircuit.
func (s *Store) PauseChannel(ctx context.Context, channel int64, reason string) error {
	_, err := s.db.ExecContext(ctx, `WITH h AS (INSERT INTO channel_health (channel_id, state, reason) VALUES ($1, 'paused', $2)
		ON CONFLICT (channel_id) DO UPDATE SET state = 'paused', reason = excluded.reason, changed_at = now() WHERE channel_health.state <> 'paused' RETURNING channel_id)
		INSERT INTO events (message_id, account_id, channel_id, kind, cause, detail)
		SELECT '00000000-0000-0000-0000-000000000000', ch.account_id, ch.id, 103, 'api', $2 FROM h JOIN channels ch ON ch.id = h.channel_id`, channel, reason)
	return pg.Wrap("pause channel", err)
}

// TakeProbe says whether the caller may send the one probe that is due now.
func (s *Store) TakeProbe(ctx context.Context, channel int64) (bool, error) {
	r, err := s.db.ExecContext(ctx, `UPDATE channel_health SET probe_at = now() + interval '15 seconds' WHERE channel_id = $1 AND state = 'open' AND probe_at <= now()`, channel)
	if err != nil {
		return false, pg.Wrap("take probe", err)
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
