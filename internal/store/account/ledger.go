package account

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// MaxBalance is the most that a balance can be topped up to, in millionths of a
// credit, and its negative the least. It leaves room for the refunds of messages
// that are on their way.
const MaxBalance = 1_000_000_000_000_000_000

var sqlSetCredits = `
UPDATE accounts SET credits_enabled = $2, balance = balance + $3::bigint
WHERE id = $1 AND ($3::bigint = 0 OR balance::numeric + $3::bigint BETWEEN -$4::bigint AND $4::bigint) RETURNING ` + accountColumns

// SetCredits turns the account's credits on or off and adds amount (millionths)
// to its balance. It returns an error with code dispatch.NotFound if there is no
// such account, or the balance would pass MaxBalance.
func (s *Store) SetCredits(ctx context.Context, account int64, on bool, amount int64) (Account, error) {
	var a Account
	err := s.db.Tx(ctx, func(tx *pg.DB) error {
		if err := tx.GetContext(ctx, &a, sqlSetCredits, account, on, amount, MaxBalance); err != nil {
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
	err := s.db.SelectContext(ctx, &out, `SELECT id, message_id, amount, kind, at FROM ledger WHERE account_id = $1 AND ($2 = 0 OR id < $2)
	  ORDER BY id DESC LIMIT $3`, account, before, limit)
	return out, pg.Wrap("read ledger", err)
}
