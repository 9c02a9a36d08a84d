package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Endpoint is an address of a customer to which an account's events go.
type Endpoint struct {
	ID             int64
	Account        int64
	URL            string
	Description    string
	Format         string            // standard, meta, twilio, kaleyra
	Kinds          []int64           // event kinds; empty: all
	Headers        map[string]string // sent along
	Secret         string
	Unreadable     bool                // no key of SENDOFF_SECRET_KEY opens secret and headers
	OldSecrets     dispatch.OldSecrets // after rotations; they sign as well
	Enabled        bool
	DisabledReason string
	DisabledAt     *time.Time
	FailingSince   *time.Time // the first failure since the last success
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// MaxEndpoints is how many endpoints an account may have: each event of the
// account becomes a delivery of each.
const MaxEndpoints = 20

// secrets is what the sealed column holds.
type secrets struct {
	Secret  string              `json:"secret"`
	Old     string              `json:"old,omitempty"` // the newest of Olds, for processes that know one only; its end is in old_until
	Olds    dispatch.OldSecrets `json:"olds,omitempty"`
	Headers map[string]string   `json:"headers,omitempty"`
}

// old returns the secrets before rotations; until is the end of Old.
func (s *secrets) old(until *time.Time) dispatch.OldSecrets {
	if s.Old == "" || until == nil || len(s.Olds) > 0 && s.Olds[0].Secret == s.Old {
		return s.Olds
	}
	return append(dispatch.OldSecrets{{Secret: s.Old, Until: *until}}, s.Olds...) // rotated by an older process
}

type endpointRow struct {
	ID             int64         `db:"id"`
	Account        int64         `db:"account_id"`
	URL            string        `db:"url"`
	Description    string        `db:"description"`
	Format         string        `db:"format"`
	Kinds          pq.Int64Array `db:"kinds"`
	Sealed         []byte        `db:"sealed"`
	OldUntil       *time.Time    `db:"old_until"`
	Enabled        bool          `db:"enabled"`
	DisabledReason *string       `db:"disabled_reason"`
	DisabledAt     *time.Time    `db:"disabled_at"`
	FailingSince   *time.Time    `db:"failing_since"`
	CreatedAt      time.Time     `db:"created_at"`
	UpdatedAt      time.Time     `db:"updated_at"`
}

const columns = `id, account_id, url, description, format, kinds::bigint[] AS kinds, sealed, old_until, enabled, disabled_reason,
  disabled_at, failing_since, created_at, updated_at`

// webhook returns an endpoint. One that is unreadable has no secret and no headers.
func (s *Store) webhook(r *endpointRow) Endpoint {
	w := Endpoint{
		ID: r.ID, Account: r.Account, URL: r.URL, Description: r.Description, Format: r.Format, Kinds: r.Kinds, Enabled: r.Enabled,
		DisabledReason: pg.Text(r.DisabledReason), DisabledAt: r.DisabledAt, FailingSince: r.FailingSince, CreatedAt: r.CreatedAt,
		UpdatedAt: r.UpdatedAt,
	}
	secrets, err := s.openWebhook(r.ID, r.Sealed)
	if err != nil {
		w.Unreadable = true
		return w
	}
	w.Secret, w.OldSecrets, w.Headers = secrets.Secret, secrets.old(r.OldUntil), secrets.Headers
	return w
}

func (s *Store) openWebhook(id int64, sealed []byte) (secrets, error) {
	var out secrets
	plain, err := s.db.Box().Open(sealed, pg.Row("webhooks", id))
	if err != nil {
		return out, fmt.Errorf("open secrets of webhook %d: %w", id, err)
	}
	if err := json.Unmarshal(plain, &out); err != nil {
		return out, fmt.Errorf("read secrets of webhook %d: %w", id, err)
	}
	return out, nil
}

func (s *Store) sealWebhook(w *Endpoint) ([]byte, error) {
	out := secrets{Secret: w.Secret, Olds: w.OldSecrets.Valid(time.Now()), Headers: w.Headers}
	if len(out.Olds) > 0 {
		out.Old = out.Olds[0].Secret
	}
	return s.db.Box().Seal([]byte(pg.JSON(out)), pg.Row("webhooks", w.ID))
}

// CreateWebhook adds an endpoint. It gets the events of transactions that begin
// after its own: from the end of the log.
func (s *Store) CreateWebhook(ctx context.Context, w Endpoint) (Endpoint, error) {
	var row endpointRow
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		var n int
		if err := tx.GetContext(ctx, &n, `SELECT count(*) FROM webhooks WHERE account_id = $1 AND NOT implicit
		  AND deleted_at IS NULL`, w.Account); err != nil {
			return pg.Wrap("count webhooks", err)
		}
		if n >= MaxEndpoints {
			return dispatch.Errorf(dispatch.Conflict, "the account has %d webhooks already, the most there can be", n)
		}
		var err error
		if w.ID, err = tx.NextID(ctx, "webhooks"); err != nil {
			return err
		}
		sealed, err := s.sealWebhook(&w)
		if err != nil {
			return err
		}
		err = tx.GetContext(ctx, &row, `INSERT INTO webhooks (id, account_id, url, description, format, kinds, sealed, enabled)
		  VALUES ($1, $2, $3, $4, $5, $6::bigint[]::smallint[], $7, $8) RETURNING `+columns,
			w.ID, w.Account, w.URL, w.Description, w.Format, pg.IntArray(w.Kinds), sealed, w.Enabled)
		return pg.Wrap("create webhook", err)
	})
	if err != nil {
		return w, err
	}
	return s.webhook(&row), nil
}

const ofAccount = ` FROM webhooks WHERE account_id = $1 AND NOT implicit AND deleted_at IS NULL`

// Webhook reads one endpoint of the account.
func (s *Store) Webhook(ctx context.Context, account, id int64) (Endpoint, error) {
	var row endpointRow
	if err := s.db.GetContext(ctx, &row, `SELECT `+columns+ofAccount+` AND id = $2`, account, id); err != nil {
		return Endpoint{}, pg.Wrap("read webhook", err)
	}
	return s.webhook(&row), nil
}

// Webhooks lists the endpoints of an account.
func (s *Store) Webhooks(ctx context.Context, account int64) ([]Endpoint, error) {
	var rows []endpointRow
	if err := s.db.SelectContext(ctx, &rows, `SELECT `+columns+ofAccount+` ORDER BY id`, account); err != nil {
		return nil, pg.Wrap("list webhooks", err)
	}
	out := make([]Endpoint, 0, len(rows))
	for i := range rows {
		out = append(out, s.webhook(&rows[i]))
	}
	return out, nil
}

// sqlChangeWebhook writes an endpoint. One that is enabled again starts anew:
// with what was pending, and from the end of the log.
const sqlChangeWebhook = `
UPDATE webhooks SET url = $2, description = $3, format = $4, kinds = $5::bigint[]::smallint[], sealed = $6, old_until = $7, enabled = $8,
  updated_at = now(),
  since = CASE WHEN $8 AND NOT enabled THEN pg_current_xact_id() ELSE since END,
  wake_at = CASE WHEN $8 AND NOT enabled THEN now() ELSE wake_at END,
  hold_until = CASE WHEN $8 AND NOT enabled THEN '-infinity' ELSE hold_until END,
  failures = CASE WHEN $8 AND NOT enabled THEN 0 ELSE failures END,
  failing_since = CASE WHEN $8 AND NOT enabled THEN NULL ELSE failing_since END,
  disabled_reason = CASE WHEN $8 THEN NULL WHEN enabled THEN '` + byHand + `' ELSE disabled_reason END,
  disabled_at = CASE WHEN $8 THEN NULL WHEN enabled THEN now() ELSE disabled_at END
WHERE id = $1 RETURNING ` + columns

// ChangeWebhook reads an endpoint, lets change alter it and writes it; nobody
// else can change it meanwhile.
func (s *Store) ChangeWebhook(ctx context.Context, account, id int64, change func(*Endpoint) error) (Endpoint, error) {
	var row endpointRow
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := tx.GetContext(ctx, &row, `SELECT `+columns+ofAccount+` AND id = $2 FOR UPDATE`, account, id); err != nil {
			return pg.Wrap("read webhook", err)
		}
		w := s.webhook(&row)
		if err := change(&w); err != nil {
			return err
		}
		sealed, err := row.Sealed, error(nil)
		if !w.Unreadable || w.Secret != "" {
			sealed, err = s.sealWebhook(&w)
		}
		if err != nil {
			return err
		}
		return pg.Wrap("change webhook", tx.GetContext(ctx, &row, sqlChangeWebhook, id, w.URL, w.Description, w.Format, pg.IntArray(w.Kinds),
			sealed, w.OldSecrets.End(time.Now()), w.Enabled))
	})
	if err != nil {
		return Endpoint{}, err
	}
	return s.webhook(&row), nil
}

// DeleteWebhook takes an endpoint away at once; TidyWebhooks clears up behind it.
func (s *Store) DeleteWebhook(ctx context.Context, account, id int64) error {
	r, err := s.db.ExecContext(ctx, `UPDATE webhooks SET deleted_at = now(), enabled = false
	  WHERE account_id = $1 AND id = $2 AND NOT implicit AND deleted_at IS NULL`, account, id)
	if err != nil {
		return pg.Wrap("delete webhook", err)
	}
	return pg.Found(r)
}

// byHand is the reason of an endpoint that nobody but its owner disabled.
const byHand = "disabled by hand"

// sqlDisableWebhook is the notice as well: an event and a line in the audit log.
var sqlDisableWebhook = numbers.SQL(`
WITH w AS (UPDATE webhooks SET enabled = false, disabled_reason = $2, disabled_at = now() WHERE id = $1 AND enabled AND NOT implicit
  RETURNING id, account_id),
  e AS (INSERT INTO events (message_id, account_id, kind, cause, code, detail)
    SELECT '00000000-0000-0000-0000-000000000000', account_id, {event_webhook_disabled}, 'worker', id::text, $2 FROM w)
INSERT INTO audit_log (account_id, actor, action, target, detail)
SELECT account_id, 'worker', 'webhook.disable', 'webhook:' || id, jsonb_build_object('reason', $2::text) FROM w`)

// DisableWebhook stops an endpoint that only fails. What is pending stays and
// goes on when it is enabled again.
func (s *Store) DisableWebhook(ctx context.Context, id int64, reason string) error {
	_, err := s.db.ExecContext(ctx, sqlDisableWebhook, id, reason)
	return pg.Wrap("disable webhook", err)
}
