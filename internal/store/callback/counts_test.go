package callback

import (
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// Counts of several processes add up, old ones go, and those of a channel that is
// deleted hinder no others.
func TestCount_AddsUpForTwoDays(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db := storetest.Open(t, storetest.Postgres(t), 4)
	accounts := account.New(db)
	a, err := accounts.CreateAccount(ctx, "Test")
	must(err)
	ch, err := accounts.CreateChannel(ctx, dispatch.Channel{
		Account: a.ID, Name: "meta", Provider: "meta", Kind: "whatsapp", Sender: "+15550001111", Policy: dispatch.DefaultPolicy(),
	})
	must(err)
	_, err = db.ExecContext(ctx, `INSERT INTO callback_counts (channel_id, span, reason, n, last_at)
		VALUES ($1, now() - interval '49 hours', 'signature', 1000, now() - interval '49 hours'),
		  ($1, now() - interval '2 hours', 'signature', 100, now() - interval '2 hours')`, ch.ID)
	must(err)
	s := New(db)
	for range 2 {
		must(s.Count(ctx, []dispatch.CallbackCount{
			{Channel: ch.ID, Reason: "signature", N: 3},
			{Channel: ch.ID, Reason: "malformed_request", N: 1},
			{Channel: ch.ID, N: 5},
			{Channel: ch.ID + 1, N: 9},
		}))
	}
	all, err := s.Arrivals(ctx)
	must(err)
	if len(all) != 1 || all[0].Channel != ch.ID || all[0].Taken != 10 || all[0].Rejected != 8 ||
		all[0].Reasons != "signature, malformed_request" || all[0].Last == nil {
		t.Errorf("arrived: %+v", all)
	}
	var old int
	must(db.GetContext(ctx, &old, `SELECT count(*) FROM callback_counts WHERE span < now() - interval '2 days'`))
	if old != 0 {
		t.Errorf("%d counts are older than two days", old)
	}
}
