package portfolio_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/demo"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/store/portfolio"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// newChannel returns a database with the demo account, and its first channel.
func newChannel(t *testing.T) (*pg.DB, *dispatch.Channel) {
	t.Helper()
	db := storetest.Open(t, storetest.Postgres(t), 2)
	accounts := account.New(db)
	a, err := demo.Account(t.Context(), accounts, "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	chs, err := accounts.Channels(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	return db, &chs[0]
}

func TestSetLimit_ForAllOfThePortfolio(t *testing.T) {
	t.Parallel()
	db, ch := newChannel(t)
	for range 2 { // a repeat changes nothing
		if err := portfolio.SetLimit(t.Context(), db, ch, 2000); err != nil {
			t.Fatal(err)
		}
	}
	chs, err := account.New(db).Channels(t.Context(), ch.Account)
	if err != nil {
		t.Fatal(err)
	}
	for i := range chs {
		want := 0
		if chs[i].Provider == ch.Provider {
			want = 2000
		}
		if got := chs[i].Policy.MessagingLimit; got != want {
			t.Errorf("channel %d of %s has the limit %d, want %d", chs[i].ID, chs[i].Provider, got, want)
		}
	}
}

func TestReserve_CountsPersonsOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, ch := newChannel(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(ctx, sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO windows (channel_id, phone, opened_at) VALUES ($1, '+15550000003', now())`, ch.ID)
	exec(`INSERT INTO identities (account_id, value, person) VALUES ($1, '+15550000001', 7), ($1, 'DE.1', 7)`, ch.Account)
	reserve := func(most int, to ...string) (string, *time.Time) {
		t.Helper()
		var fit map[string]bool
		var free *time.Time
		err := db.Tx(ctx, func(tx *pg.DB) (err error) {
			fit, free, err = portfolio.Reserve(ctx, tx, ch, most, to)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, r := range to {
			fmt.Fprintf(&out, "%t ", fit[r])
		}
		return out.String(), free
	}
	// A person's second id and an open window are free; the third person is too many.
	got, free := reserve(1, "+15550000001", "DE.1", "+15550000003", "+15550000002")
	if got != "true true true false " || free == nil || time.Until(*free) < 23*time.Hour || time.Until(*free) > 24*time.Hour {
		t.Errorf("reserved %s, free at %v", got, free)
	}
	if got, free = reserve(2, "+15550000002", "+15550000001"); got != "true true " || free != nil {
		t.Errorf("reserved %s, free at %v", got, free)
	}
	// Whoever counted by a number that turns out to be somebody's second one counts on.
	exec(`INSERT INTO identities (account_id, value, person) VALUES ($1, '+15550000002', 8), ($1, 'DE.2', 8)`, ch.Account)
	if got, free = reserve(2, "DE.2", "+15550000002"); got != "true true " || free != nil {
		t.Errorf("after a link: reserved %s, free at %v", got, free)
	}
	other := *ch
	other.Policy.Portfolio = "other"
	if n, err := portfolio.Used(ctx, db, &other); err != nil || n != 0 {
		t.Errorf("another portfolio has %d, %v", n, err)
	}
	if n, err := portfolio.Used(ctx, db, ch); err != nil || n != 2 {
		t.Errorf("%d count, %v", n, err)
	}
	exec(`UPDATE portfolio_users SET at = now() - interval '24 hours'`)
	if got, _ = reserve(1, "+15550000004"); got != "true " {
		t.Errorf("a day later: %s", got)
	}
}
