package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/ledger"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/worker/workertest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

// fixture is a database with a campaign, 1, whose ledger has a row for each message.
type fixture struct {
	*workertest.Fixture
	*testing.T
	db  *pg.DB
	ids []dispatch.ID
}

func open(t *testing.T, n int) *fixture {
	t.Helper()
	f := &fixture{Fixture: workertest.Open(t), T: t}
	f.db = f.Connect(t)
	f.exec(`INSERT INTO campaigns (id, account_id, name, definition) VALUES (1, $1, 'Test', '{}')`, f.Account)
	f.ids = f.Messages(t, n, func(m *dispatch.Message) { m.Campaign = 1 })
	for i, id := range f.ids {
		f.exec(`INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, recipient, message_id)
			VALUES (1, $1, 10, now(), 'x', $2)`, i+1, id.String())
	}
	must(t, ledger.Add(t.Context(), f.db, 1, map[ledger.Key]int64{{Status: campaign.Queued}: int64(n)}))
	return f
}

func (f *fixture) exec(query string, args ...any) {
	f.Helper()
	_, err := f.db.ExecContext(f.Context(), query, args...)
	must(f, err)
}

// becomes fails unless message i's row has the status and reason, after two calls of Sync,
// and the counts equal the rows.
func (f *fixture) becomes(i int, what string, status campaign.Status, reason campaign.Reason) {
	f.Helper()
	for range 2 {
		must(f, ledger.Sync(f.Context(), f.db, []ledger.Ref{{Campaign: 1, Message: f.ids[i]}, {Campaign: 1, Message: f.ids[i]}}))
	}
	var got ledger.Key
	must(f, f.db.GetContext(f.Context(), &got, `SELECT status, reason FROM campaign_recipients WHERE message_id = $1`, f.ids[i].String()))
	if want := (ledger.Key{Status: status, Reason: reason}); got != want {
		f.Errorf("%s: %+v, want %+v", what, got, want)
	}
	f.right(what)
}

func (f *fixture) right(what string) {
	f.Helper()
	if wrong, err := ledger.Wrong(f.Context(), f.db, 1); err != nil || wrong != 0 {
		f.Errorf("%s: %d counts are wrong, %v", what, wrong, err)
	}
}

// A row becomes what its message has become. What a rule of the campaign held back is
// skipped, and only where the refusal is ours.
func TestSync_FollowsTheMessage(t *testing.T) {
	t.Parallel()
	const byUs, byProvider = dispatch.ByUs, dispatch.ByProvider
	cases := []struct {
		status  dispatch.Status
		code    string
		finalBy dispatch.By
		row     campaign.Status
		reason  campaign.Reason
	}{
		{dispatch.Queued, "", 0, campaign.Queued, 0},
		{dispatch.Sent, "", 0, campaign.Status(dispatch.Sent), 0},
		{dispatch.Delivered, "", 0, campaign.Status(dispatch.Delivered), 0},
		{dispatch.Read, "", 0, campaign.Status(dispatch.Read), 0},
		{dispatch.Unknown, "", 0, campaign.Status(dispatch.Unknown), 0},
		{dispatch.Expired, "", 0, campaign.Status(dispatch.Expired), 0},
		{dispatch.Cancelled, "", 0, campaign.CancelledRow, 0},
		{dispatch.Failed, "recipient", byProvider, campaign.Failed, 0},
		{dispatch.Failed, "suppressed", byUs, campaign.Skipped, campaign.Suppressed},
		{dispatch.Failed, "capped", byUs, campaign.Skipped, campaign.Capped},
		{dispatch.Failed, "late", byUs, campaign.Skipped, campaign.TooLate},
		{dispatch.Failed, "delivered_meanwhile", byUs, campaign.Skipped, campaign.DeliveredMeanwhile},
		{dispatch.Failed, "suppressed", byProvider, campaign.Failed, 0},
	}
	f := open(t, len(cases))
	for i, c := range cases {
		f.exec(`UPDATE messages SET status = $2, error_code = nullif($3, ''), final_by = $4 WHERE id = $1`,
			f.ids[i].String(), int64(c.status), c.code, int64(c.finalBy))
		f.becomes(i, fmt.Sprintf("%v %s by %d", c.status, c.code, c.finalBy), c.row, c.reason)
	}
	must(t, ledger.Sync(t.Context(), f.db, nil))
	must(t, ledger.Sync(t.Context(), f.db, []ledger.Ref{{Campaign: 1, Message: dispatch.NewID()}, {Campaign: 2, Message: f.ids[0]}}))
	f.right("others' messages")
}

// A row that is held for quality stays so while its message is no more than sent, and
// one that is held until a time until then.
func TestSync_Held(t *testing.T) {
	t.Parallel()
	f := open(t, 2)
	hold := func(i int, status campaign.Status) {
		f.exec(`WITH c AS (UPDATE campaign_recipients r SET status = $2 WHERE message_id = $1 RETURNING 1)
			INSERT INTO campaign_changes (campaign_id, status, reason, n) SELECT 1, s, 0, n FROM c, (VALUES (10, -1), ($2::integer, 1)) x (s, n)`,
			f.ids[i].String(), int64(status))
	}
	hold(0, campaign.HeldForQuality)
	f.exec(`UPDATE messages SET status = $2 WHERE id = $1`, f.ids[0].String(), int64(dispatch.Sent))
	f.becomes(0, "sent", campaign.HeldForQuality, 0)
	f.exec(`UPDATE messages SET status = $2 WHERE id = $1`, f.ids[0].String(), int64(dispatch.Delivered))
	f.becomes(0, "delivered", campaign.Status(dispatch.Delivered), 0)
	hold(1, campaign.Held)
	f.exec(`UPDATE dispatch SET due_at = now() + interval '1 hour' WHERE message_id = $1`, f.ids[1].String())
	f.becomes(1, "before its time", campaign.Held, 0)
	f.exec(`UPDATE dispatch SET due_at = now() WHERE message_id = $1`, f.ids[1].String())
	f.becomes(1, "at its time", campaign.Queued, 0)
}

// Counts are the same before and after they are added up, a difference to the rows is
// found, and a campaign whose row somebody holds is left to them.
func TestCounts_AddedUp(t *testing.T) {
	t.Parallel()
	f := open(t, 3)
	ctx := t.Context()
	counts := func(when string) {
		t.Helper()
		all, err := ledger.Counts(ctx, f.db, []int64{1, 2})
		if must(t, err); len(all) != 1 || all[0].N != 3 || all[0].Status != campaign.Queued || all[0].ChangedAt.IsZero() {
			t.Errorf("%s: %+v", when, all)
		}
		f.right(when)
	}
	changes := func() (n int) {
		must(t, f.db.GetContext(ctx, &n, `SELECT count(*) FROM campaign_changes`))
		return n
	}
	counts("before")
	must(t, f.db.Tx(ctx, func(tx *pg.DB) error {
		if _, err := tx.ExecContext(ctx, `SELECT 1 FROM campaigns FOR UPDATE`); err != nil {
			return err
		}
		must(t, ledger.FoldAll(ctx, f.Connect(t)))
		if changes() == 0 {
			t.Error("changes of a campaign that somebody holds were added up by others")
		}
		return ledger.Fold(ctx, tx, 1)
	}))
	if counts("added up by its holder"); changes() != 0 {
		t.Error("changes are left")
	}
	f.exec(`INSERT INTO campaign_changes (campaign_id, status, reason, n, at) VALUES (1, 10, 0, 1, $1), (1, 10, 0, -1, now())`, time.Now())
	must(t, ledger.FoldAll(ctx, f.db))
	if counts("added up by others"); changes() != 0 {
		t.Error("changes are left")
	}
	f.exec(`UPDATE campaign_recipients SET status = 30 WHERE seq = 1`)
	if wrong, err := ledger.Wrong(ctx, f.db, 1); err != nil || wrong != 2 {
		t.Errorf("%d counts are wrong, %v; want those of queued and sent", wrong, err)
	}
	must(t, ledger.Forget(ctx, f.db, 1))
	if all, err := ledger.Counts(ctx, f.db, []int64{1}); err != nil || len(all) != 0 {
		t.Errorf("forgotten: %+v, %v", all, err)
	}
}

// A row that is sent, delivered and read moves in no index (a HOT update): each of these
// changes costs its own row and nothing else. What ends badly does move.
func TestSync_SentDeliveredAndRead_AreHOT(t *testing.T) {
	t.Parallel()
	const n = 20 // rows of one page, whose versions have room on it
	f := open(t, n)
	ctx := t.Context()
	refs := make([]ledger.Ref, n)
	for i, id := range f.ids {
		refs[i] = ledger.Ref{Campaign: 1, Message: id}
	}
	f.exec(`VACUUM campaign_recipients`) // of the versions that the fixture left
	for _, c := range []struct {
		status dispatch.Status
		hot    int64
	}{{dispatch.Sent, n}, {dispatch.Delivered, n}, {dispatch.Read, n}, {dispatch.Failed, 0}} {
		f.exec(`UPDATE messages SET status = $1`, int64(c.status))
		must(t, f.db.Tx(ctx, func(tx *pg.DB) error {
			var before, after struct {
				Updated int64 `db:"updated"`
				Hot     int64 `db:"hot"`
			}
			const read = `SELECT pg_stat_get_xact_tuples_updated(oid) AS updated, pg_stat_get_xact_tuples_hot_updated(oid) AS hot
				FROM pg_class WHERE oid = 'campaign_recipients'::regclass`
			must(t, tx.GetContext(ctx, &before, read))
			must(t, ledger.Sync(ctx, tx, refs))
			must(t, tx.GetContext(ctx, &after, read))
			if updated, hot := after.Updated-before.Updated, after.Hot-before.Hot; updated != n || hot != c.hot {
				t.Errorf("%v: %d updates, %d of them HOT; want %d and %d", c.status, updated, hot, n, c.hot)
			}
			return nil
		}))
	}
	f.right("read")
	f.indexed("in the end")
}

// indexed fails unless each row is in the indexes with the status that it has. (None has 0, the
// default.)
func (f *fixture) indexed(when string) {
	f.Helper()
	var wrong int
	must(f, f.db.GetContext(f.Context(), &wrong, `SELECT count(*) FROM campaign_recipients
		WHERE nullif(indexed_status, 0) IS DISTINCT FROM CASE WHEN status = 2 AND message_id IS NOT NULL THEN 3
		  WHEN status IN (60, 61, 62, 63, 70) THEN status END`))
	if wrong != 0 {
		f.Errorf("%s: %d rows are indexed with another status than they have", when, wrong)
	}
}

// Whoever writes a row, it is indexed with its status: also the binary before, which knows
// nothing of that, and a COPY.
func TestIndexedStatus_FollowsEveryWriter(t *testing.T) {
	t.Parallel()
	f := open(t, 1)
	statuses := []int{0, 2, 10, 30, 35, 40, 50, 60, 61, 62, 63, 70}
	for i, from := range statuses {
		for j, to := range statuses {
			seq := 100 + 20*i + j
			f.exec(`INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, recipient) VALUES (1, $1, $2, now(), 'x')`, seq, from)
			f.exec(`UPDATE campaign_recipients SET status = $2 WHERE campaign_id = 1 AND seq = $1`, seq, to)
			if j%2 == 0 {
				f.exec(`UPDATE campaign_recipients SET message_id = $2 WHERE campaign_id = 1 AND seq = $1`, seq, dispatch.NewID().String())
			}
		}
		f.indexed(fmt.Sprintf("from %d", from))
	}
	must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
		return tx.Copy(t.Context(), "campaign_recipients", []string{"campaign_id", "seq", "status", "wake_at", "recipient"},
			func(yield func([]any) bool) {
				for i, status := range statuses {
					if !yield([]any{2, i, status, "now", "x"}) {
						return
					}
				}
			})
	}))
	f.indexed("copied")
}

// A message whose id ends with the number of its row is found by that, and one of the binary
// before by what a trigger has noted; together they are found too, each once.
func TestSync_FindsRowsOfBothBinaries(t *testing.T) {
	t.Parallel()
	f := open(t, 3)
	var noted int
	must(t, f.db.GetContext(f.Context(), &noted, `SELECT count(*) FROM campaign_messages`))
	if noted != 3 {
		t.Errorf("%d rows of messages of the binary before are noted", noted)
	}
	named := ledger.NewID(2)
	f.exec(`UPDATE messages SET id = $2 WHERE id = $1`, f.ids[1].String(), named.String())
	f.exec(`UPDATE campaign_recipients SET message_id = $2 WHERE message_id = $1`, f.ids[1].String(), named.String())
	f.exec(`DELETE FROM campaign_messages WHERE message_id = $1`, f.ids[1].String())
	f.ids[1] = named
	f.exec(`UPDATE messages SET status = $1`, int64(dispatch.Delivered))
	refs := []ledger.Ref{{Campaign: 1, Message: ledger.NewID(1)}, {Campaign: 2, Message: named}} // of nobody's row
	for _, id := range f.ids {
		refs = append(refs, ledger.Ref{Campaign: 1, Message: id})
	}
	must(t, ledger.Sync(f.Context(), f.db, refs))
	for i := range f.ids {
		f.becomes(i, "delivered", campaign.Status(dispatch.Delivered), 0)
	}
	must(t, f.db.GetContext(f.Context(), &noted, `SELECT count(*) FROM campaign_messages`))
	if noted != 2 {
		t.Errorf("%d rows are noted, want those of the binary before", noted)
	}
}

// A page of results reads its rows of a ledger, and not the whole of it, whatever the statistics
// are of.
func TestSync_ReadsItsRowsAlone(t *testing.T) {
	t.Parallel()
	f := open(t, 200)
	f.exec(`INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, recipient)
		SELECT 1, g, 0, now(), 'x' FROM generate_series(1000, 20999) AS g`)
	var refs []ledger.Ref
	for _, id := range f.ids {
		refs = append(refs, ledger.Ref{Campaign: 1, Message: id})
	}
	for i, status := range []dispatch.Status{dispatch.Sent, dispatch.Delivered, dispatch.Read} {
		f.exec(`UPDATE messages SET status = $1`, int64(status))
		must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
			// The planner may believe that a page is as many rows as it likes.
			must(t, tx.GetContext(t.Context(), new(string), `SELECT set_config('enable_nestloop', 'off', true)`))
			must(t, ledger.Sync(t.Context(), tx, refs))
			var read int
			must(t, tx.GetContext(t.Context(), &read, `SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'campaign_recipients'`))
			if read > 1000 {
				t.Errorf("run %d read %d rows one after the other, for 200", i, read)
			}
			return nil
		}))
		f.exec(`ANALYZE`)
	}
}
