package account

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/keep"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Account is a customer: everything belongs to one.
type Account struct {
	ID         int64      `db:"id" json:"id"`
	SID        string     `db:"sid" json:"sid"`
	Name       string     `db:"name" json:"name"`
	Credits    bool       `db:"credits_enabled" json:"credits_enabled"`
	Balance    int64      `db:"balance" json:"-"`
	DisabledAt *time.Time `db:"disabled_at" json:"disabled_at,omitempty"` // its keys are refused since then
	CreatedAt  time.Time  `db:"created_at" json:"created_at"`
	Region     string     `db:"default_region" json:"default_region"` // of numbers in national form; "": none
	TimeZone   string     `db:"time_zone" json:"time_zone"`           // of the IANA database

	OptOutLanguages pq.StringArray `db:"opt_out_languages" json:"opt_out_languages"` // empty: by the contact's country

	Retention  keep.Days `db:"retention" json:"retention"`
	RedactDays *int      `db:"redact_days" json:"redact_days"` // nil: content is kept as long as the message
}

const accountColumns = `id, sid, name, credits_enabled, balance, disabled_at, created_at, default_region, time_zone,
  coalesce(opt_out_languages, '{}') AS opt_out_languages, retention, redact_days`

// CreateAccount makes an account with a fresh sid (AC and 32 hex digits).
func (s *Store) CreateAccount(ctx context.Context, name string) (Account, error) {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	var a Account
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		return tx.GetContext(ctx, &a, `INSERT INTO accounts (sid, name) VALUES ($1, $2)
		  RETURNING `+accountColumns, "AC"+hex.EncodeToString(raw[:]), name)
	})
	return a, pg.Wrap("create account", err)
}

// Account reads one account.
func (s *Store) Account(ctx context.Context, id int64) (Account, error) {
	var a Account
	err := s.db.GetContext(ctx, &a, s.db.ForUpdate(`SELECT `+accountColumns+` FROM accounts WHERE id = $1`, "accounts"), id)
	return a, pg.Wrap("read account", err)
}

// Accounts lists all accounts.
func (s *Store) Accounts(ctx context.Context) ([]Account, error) {
	out := []Account{}
	err := s.db.SelectContext(ctx, &out, `SELECT `+accountColumns+` FROM accounts ORDER BY id`)
	return out, pg.Wrap("list accounts", err)
}

// SetDisabled sets whether the account's keys are refused. What the account
// had accepted is sent all the same.
func (s *Store) SetDisabled(ctx context.Context, account int64, disabled bool) (Account, error) {
	var a Account
	err := s.db.GetContext(ctx, &a, `UPDATE accounts SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, now()) END WHERE id = $1
	  RETURNING `+accountColumns, account, disabled)
	return a, pg.Wrap("disable account", err)
}

// UpdateAccount writes what people can change of an account.
func (s *Store) UpdateAccount(ctx context.Context, a Account) (Account, error) {
	err := s.db.GetContext(ctx, &a, `UPDATE accounts SET name = $2, default_region = $3, opt_out_languages = nullif($4::text[], '{}'),
	  time_zone = $5, retention = $6::jsonb, redact_days = $7
		WHERE id = $1 RETURNING `+accountColumns, a.ID, a.Name, a.Region, a.OptOutLanguages, a.TimeZone, a.Retention, a.RedactDays)
	return a, pg.Wrap("update account", err)
}

// DeleteAccount removes an account and all that is its own; the audit log stays.
// One that has messages, sent or received, is kept: they may be asked for. What
// a request brings that was let in just before waits for a channel that is gone,
// and expires.
func (s *Store) DeleteAccount(ctx context.Context, id int64) error {
	return s.db.Tx(ctx, func(tx *pg.DB) error {
		r, err := tx.ExecContext(ctx, `SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE`, id)
		if err != nil {
			return pg.Wrap("lock account", err)
		}
		if err := pg.Found(r); err != nil {
			return err
		}
		var busy bool
		if err := tx.GetContext(ctx, &busy, `SELECT EXISTS (SELECT 1 FROM messages WHERE account_id = $1) OR EXISTS (SELECT 1 FROM inbound
		  WHERE account_id = $1)`, id); err != nil {
			return pg.Wrap("look for messages", err)
		}
		if busy {
			return dispatch.Errorf(dispatch.Conflict, "the account has messages, which are kept; disable it instead")
		}
		for _, q := range []string{ // what no foreign key takes along
			`DELETE FROM webhook_deliveries WHERE webhook_id IN (SELECT id FROM webhooks WHERE account_id = $1)`,
			`DELETE FROM webhook_cursors WHERE webhook_id IN (SELECT id FROM webhooks WHERE account_id = $1)`,
			`DELETE FROM ledger WHERE account_id = $1`,
			`DELETE FROM accounts WHERE id = $1`,
		} {
			if _, err := tx.ExecContext(ctx, q, id); err != nil {
				return pg.Wrap("delete account", err)
			}
		}
		return nil
	})
}
