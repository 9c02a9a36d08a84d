package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

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
	c := dispatch.Channel{
		ID: r.ID, Account: r.Account, Key: r.Key, Name: r.Name, Provider: r.Provider, Kind: r.Kind, Sender: r.Sender,
		Default: r.Default, Enabled: r.Enabled, Window: r.Window,
	}
	var pj policyJSON
	if err := json.Unmarshal(r.Policy, &pj); err != nil {
		return c, fmt.Errorf("read policy of channel %d: %w", r.ID, err)
	}
	c.Policy = pj.policy(r.Provider)
	if err := json.Unmarshal(r.Settings, &c.Settings); err != nil {
		return c, fmt.Errorf("read settings of channel %d: %w", r.ID, err)
	}
	plain, err := s.db.Box().Open(r.Secrets, pg.Row("channels", r.ID))
	if err != nil {
		c.Unreadable, c.Secrets = true, map[string]string{}
		return c, nil
	}
	if err := json.Unmarshal(plain, &c.Secrets); err != nil {
		return c, fmt.Errorf("read credentials of channel %d: %w", r.ID, err)
	}
	if c.OldCallbacks, err = takeOldCallbacks(c.Secrets); err != nil {
		return c, fmt.Errorf("read rotation of channel %d: %w", r.ID, err)
	}
	return c, nil
}

// Where the callback secrets before rotations lie among the sealed ones: the
// newest one in fields of its own, the others in a JSON list.
const (
	oldCallback      = "old_callback_secret"
	oldCallbackUntil = "old_callback_secret_until"
	olderCallbacks   = "older_callback_secrets"
)

// takeOldCallbacks removes the callback secrets before rotations from secrets
// and returns them.
func takeOldCallbacks(secrets map[string]string) (dispatch.OldSecrets, error) {
	var olds dispatch.OldSecrets
	if old := secrets[oldCallback]; old != "" {
		until, err := time.Parse(time.RFC3339Nano, secrets[oldCallbackUntil])
		if err != nil {
			return nil, err
		}
		olds = append(olds, dispatch.OldSecret{Secret: old, Until: until})
	}
	if list := secrets[olderCallbacks]; list != "" {
		var older dispatch.OldSecrets
		if err := json.Unmarshal([]byte(list), &older); err != nil {
			return nil, err
		}
		olds = append(olds, older...)
	}
	for _, name := range []string{oldCallback, oldCallbackUntil, olderCallbacks} {
		delete(secrets, name)
	}
	return olds, nil
}

// withOldCallbacks returns the secrets of a channel with the valid callback
// secrets before rotations.
func withOldCallbacks(c *dispatch.Channel) map[string]string {
	olds := c.OldCallbacks.Valid(time.Now())
	if len(olds) == 0 {
		return c.Secrets
	}
	all := maps.Clone(c.Secrets)
	all[oldCallback], all[oldCallbackUntil] = olds[0].Secret, olds[0].Until.UTC().Format(time.RFC3339Nano)
	if len(olds) > 1 {
		all[olderCallbacks] = pg.JSON(olds[1:])
	}
	return all
}

// sealed returns the columns of a channel; nil secrets stay as they are.
func (s *Store) sealed(c *dispatch.Channel) (settings string, secrets []byte, policy string, err error) {
	if c.Settings == nil {
		c.Settings = map[string]string{}
	}
	if c.Secrets == nil {
		c.Secrets = map[string]string{}
	}
	if !c.Unreadable || len(c.Secrets) > 0 {
		secrets, err = s.db.Box().Seal([]byte(pg.JSON(withOldCallbacks(c))), pg.Row("channels", c.ID))
	}
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
	var row channelRow
	err := s.db.Tx(ctx, func(tx *pg.DB) (err error) {
		if c.ID, err = tx.NextID(ctx, "channels"); err != nil {
			return err
		}
		settings, secrets, policy, err := s.sealed(&c)
		if err != nil {
			return err
		}
		if c.Default {
			if _, err := tx.ExecContext(ctx, `UPDATE channels SET is_default = false WHERE account_id = $1 AND is_default`, c.Account); err != nil {
				return pg.Wrap("clear default channel", err)
			}
		}
		return tx.GetContext(ctx, &row, `INSERT INTO channels (id, account_id, key, name, provider, kind, sender, is_default, window_rule,
		  settings, secrets, policy)
			SELECT $12, $1, $2, $3, $4, $5, $6, $7 OR NOT EXISTS (SELECT 1 FROM channels WHERE account_id = $1), $8, $9, $10, $11
			  RETURNING `+channelColumns,
			c.Account, c.Key, c.Name, c.Provider, c.Kind, c.Sender, c.Default, c.Window, settings, secrets, policy, c.ID)
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
			if _, err := tx.ExecContext(ctx, `UPDATE channels SET is_default = false
			  WHERE account_id = $1 AND is_default AND id <> $2`, c.Account, c.ID); err != nil {
				return pg.Wrap("clear default channel", err)
			}
		}
		return tx.GetContext(ctx, &row, `UPDATE channels SET name = $3, sender = $4, window_rule = $5, settings = $6, secrets = coalesce($7,
		  secrets),
		  policy = $8,
		  enabled = $9, is_default = $10, updated_at = now()
			WHERE id = $1 AND account_id = $2 RETURNING `+channelColumns,
			c.ID, c.Account, c.Name, c.Sender, c.Window, settings, secrets, policy, c.Enabled, c.Default)
	})
	if err != nil {
		return c, pg.Wrap("update channel", err)
	}
	return s.channel(&row)
}

// DeleteChannel removes a channel that no unfinished message and no running campaign
// needs; else it returns dispatch.Conflict.
func (s *Store) DeleteChannel(ctx context.Context, account, id int64) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		var busy bool
		if err := tx.GetContext(ctx, &busy, `SELECT EXISTS (SELECT 1 FROM dispatch WHERE channel_id = $1) OR EXISTS (SELECT 1 FROM scheduled
		  WHERE channel_id = $1) OR EXISTS (SELECT 1 FROM backlog WHERE channel_id = $1) OR EXISTS (SELECT 1 FROM claims c
		  CROSS JOIN LATERAL (SELECT 1 FROM messages m WHERE m.id = ANY(c.ids) AND m.status = $2 LIMIT 1) m WHERE c.channel_id = $1)`,
			id, int16(dispatch.Queued)); err != nil {
			return pg.Wrap("look for unfinished messages", err)
		}
		if busy {
			return dispatch.Errorf(dispatch.Conflict, "the channel still has unfinished messages; disable it instead")
		}
		var running []int64
		if err := tx.SelectContext(ctx, &running, `SELECT id FROM campaigns WHERE channel_id = $1 AND account_id = $2 AND state = $3
		  ORDER BY id LIMIT 1`, id, account, campaign.Running); err != nil {
			return pg.Wrap("look for running campaigns", err)
		}
		if len(running) > 0 {
			return dispatch.Errorf(dispatch.Conflict, "campaign %d sends through the channel; pause or cancel it first", running[0])
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
	if err := s.db.SelectContext(ctx, &rows, `SELECT `+channelColumns+` FROM channels WHERE $1 = 0 OR account_id = $1
	  ORDER BY id`, account); err != nil {
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
