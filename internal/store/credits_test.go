package store

import (
	"math"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// A balance at its bound hinders neither its own account's messages nor those of
// others that end in the same statement.
func TestExpire_BalanceAtItsBound_HindersNobody(t *testing.T) {
	t.Parallel()
	f := open(t)
	other, channel := f.newAccount(t, "meta")
	for _, a := range []int64{f.account, other} {
		_, err := f.accounts.SetCredits(t.Context(), a, true, 100)
		must(t, err)
	}
	mine, theirs := f.draft("+15550000001"), f.draft("+15550000002")
	theirs.Account, theirs.Channel = other, channel
	mine.Charge, mine.Price, theirs.Charge, theirs.Price = true, 7, true, 7
	ids := f.accept(t, mine, theirs)
	f.exec(t, `UPDATE accounts SET balance = $2 WHERE id = $1`, f.account, int64(math.MaxInt64))
	f.exec(t, `UPDATE dispatch SET expires_at = now() - interval '1 second'`)
	if n, err := f.Expire(t.Context(), ids); err != nil || n != 2 {
		t.Fatalf("%d expired, %v, want 2", n, err)
	}
	f.at(t, math.MaxInt64)
	f.exec(t, `UPDATE accounts SET balance = $2 WHERE id = $1`, f.account, int64(math.MinInt64))
	f.callback(t, ids[0], dispatch.Delivered) // takes the refund back
	f.at(t, math.MinInt64)
}

func TestSetCredits_StaysWithinBounds(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, amount := range []int64{account.MaxBalance, -2 * account.MaxBalance} {
		_, err := f.accounts.SetCredits(t.Context(), f.account, true, amount)
		must(t, err)
		_, err = f.accounts.SetCredits(t.Context(), f.account, true, amount/account.MaxBalance)
		if dispatch.CodeOf(err) != dispatch.NotFound {
			t.Errorf("past the bound: %v", err)
		}
	}
	f.at(t, -account.MaxBalance)
}

// at fails unless the account's balance is want.
func (f *fixture) at(t *testing.T, want int64) {
	t.Helper()
	var got int64
	must(t, f.db.GetContext(t.Context(), &got, `SELECT balance FROM accounts WHERE id = $1`, f.account))
	if got != want {
		t.Errorf("balance %d, want %d", got, want)
	}
}
