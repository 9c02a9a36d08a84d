package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
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
}

const accountColumns = `id, sid, name, credits_enabled, balance, disabled_at, created_at`

// CreateAccount makes an account with a fresh sid (AC and 32 hex digits).
func (s *Store) CreateAccount(ctx context.Context, name string) (Account, error) {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	var a Account
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		return tx.GetContext(ctx, &a, `INSERT INTO accounts (sid, name) VALUES ($1, $2) RETURNING `+accountColumns, "AC"+hex.EncodeToString(raw[:]), name)
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

// SetDisabled has the account's keys refused, or taken again. What the account
// had accepted is sent all the same.
func (s *Store) SetDisabled(ctx context.Context, account int64, disabled bool) (Account, error) {
	var a Account
	err := s.db.GetContext(ctx, &a, `UPDATE accounts SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, now()) END WHERE id = $1 RETURNING `+accountColumns, account, disabled)
	return a, pg.Wrap("disable account", err)
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
		if err := tx.GetContext(ctx, &busy, `SELECT EXISTS (SELECT 1 FROM messages WHERE account_id = $1) OR EXISTS (SELECT 1 FROM inbound WHERE account_id = $1)`, id); err != nil {
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

// SetCredits turns the account's credits on or off and adds amount (millionths)
// to its balance.
func (s *Store) SetCredits(ctx context.Context, account int64, on bool, amount int64) (Account, error) {
	var a Account
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := tx.GetContext(ctx, &a, `UPDATE accounts SET credits_enabled = $2, balance = balance + $3 WHERE id = $1 RETURNING `+accountColumns, account, on, amount); err != nil {
			return pg.Wrap("set credits", err)
		}
		if amount == 0 {
			return nil
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO ledger (account_id, amount, kind) VALUES ($1, $2, 'topup')`, account, amount)
		return pg.Wrap("note top-up", err)
	})
	return a, err
}

// LedgerEntry is one movement of an account's balance.
type LedgerEntry struct {
	ID      int64        `db:"id" json:"id"`
	Message *dispatch.ID `db:"message_id" json:"message_id,omitempty"`
	Amount  int64        `db:"amount" json:"-"`
	Kind    string       `db:"kind" json:"kind"`
	At      time.Time    `db:"at" json:"at"`
}

// Ledger lists movements, newest first, below the id before (0: from the top).
func (s *Store) Ledger(ctx context.Context, account, before int64, limit int) ([]LedgerEntry, error) {
	out := []LedgerEntry{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, message_id, amount, kind, at FROM ledger WHERE account_id = $1 AND ($2 = 0 OR id < $2) ORDER BY id DESC LIMIT $3`, account, before, limit)
	return out, pg.Wrap("read ledger", err)
}

// CreateUser adds a team member. The password hash may be empty: no login.
func (s *Store) CreateUser(ctx context.Context, account int64, name, email, role, passwordHash string) (dispatch.User, error) {
	u := dispatch.User{ID: uuid.NewString(), Name: name, Email: email, Role: role}
	_, err := s.db.ExecContext(ctx, `INSERT INTO users (id, account_id, name, email, role, password_hash) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING`,
		u.ID, account, name, email, role, passwordHash)
	return u, pg.Wrap("create user", err)
}

// Users lists the team of an account.
func (s *Store) Users(ctx context.Context, account int64) ([]dispatch.User, error) {
	out := []dispatch.User{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, name, email, role FROM users WHERE account_id = $1 AND NOT disabled ORDER BY created_at, id`, account)
	return out, pg.Wrap("list users", err)
}

// SetPassword replaces a user's password.
func (s *Store) SetPassword(ctx context.Context, email, hash string) error {
	r, err := s.db.ExecContext(ctx, `UPDATE users SET password_hash = $2 WHERE email = $1`, email, hash)
	if err != nil {
		return pg.Wrap("set password", err)
	}
	return pg.Found(r)
}

// List is a contact list.
type List struct {
	ID        int64     `db:"id" json:"id"`
	Name      string    `db:"name" json:"name"`
	CreatedAt time.Time `db:"created_at" json:"created_at"`
}

// CreateList makes a contact list.
func (s *Store) CreateList(ctx context.Context, account int64, name string) (List, error) {
	var l List
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		return tx.GetContext(ctx, &l, `INSERT INTO lists (account_id, name) VALUES ($1, $2) RETURNING id, name, created_at`, account, name)
	})
	return l, pg.Wrap("create list", err)
}

// Lists gives the contact lists of an account.
func (s *Store) Lists(ctx context.Context, account int64) ([]List, error) {
	out := []List{}
	err := s.db.SelectContext(ctx, &out, `SELECT id, name, created_at FROM lists WHERE account_id = $1 ORDER BY id`, account)
	return out, pg.Wrap("list lists", err)
}
