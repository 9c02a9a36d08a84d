package store

import (
	"cmp"
	"context"
	"math"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// A claim reads its columns by their place: what it returns is what the tables have under
// their names.
func TestClaim_ReadsEveryColumn(t *testing.T) {
	t.Parallel()
	f := open(t)
	draft := f.draft("+15550000001")
	draft.Message.Reference, draft.Message.Metadata, draft.Message.Test = "order-1", `{"a":1}`, true
	ids := f.accept(t, draft, f.draft("+15550000002"), f.draft("+15550000003"))
	f.exec(t, `UPDATE dispatch SET attempts = 3, unknowns = 1, rl_hits = 2, maybe_sent = true, due_at = due_at - interval '5 s'
  WHERE message_id = $1`, ids[1])
	f.exec(t, `UPDATE messages SET created_at = created_at - interval '1 hour 0.000123 s' WHERE id = $1`, ids[1])
	f.exec(t, `UPDATE dispatch SET expires_at = now() - interval '1 s' WHERE message_id = $1`, ids[2])
	const suppress = `INSERT INTO suppressions (account_id, phone, scope, reason) VALUES ($1, '+15550000002', 'all', 'manual')`
	f.exec(t, suppress, f.account)
	byName := func(claimed []Claimed) (rows []Claimed) {
		t.Helper()
		for _, c := range claimed {
			row := Claimed{ID: c.ID, Attempts: 1, Paged: c.Paged, Suppressed: c.To == "+15550000002"}
			must(t, f.db.QueryRowxContext(context.Background(), `SELECT account_id, channel_id, lane, recipient, content, test, reference,
			  metadata, created_at, created_at, campaign_id, expires_at FROM messages WHERE id = $1`, c.ID).Scan(&row.Account, &row.Channel,
				&row.Lane, &row.To, &row.Content, &row.Test, &row.Reference, &row.Metadata, &row.CreatedAt, &row.Since, &row.Campaign, &row.ExpiresAt))
			if c.Paged {
				var tid []byte
				must(t, f.db.GetContext(context.Background(), &tid, `SELECT tidsend(ctid) FROM messages WHERE id = $1`, c.ID))
				row.TID = pg.TID(tid)
			} else {
				must(t, f.db.QueryRowxContext(context.Background(), `SELECT due_at, expires_at, attempts, unknowns, rl_hits, maybe_sent FROM dispatch
				  WHERE message_id = $1`, c.ID).Scan(&row.Since, &row.ExpiresAt, &row.Attempts, &row.Unknowns, &row.RLHits, &row.MaybeSent))
			}
			now, err := f.db.Now(context.Background())
			must(t, err)
			row.Left = row.ExpiresAt.Sub(now).Seconds()
			rows = append(rows, row)
		}
		return rows
	}
	same := func(what string, got, want []Claimed) {
		t.Helper()
		for _, cs := range [][]Claimed{got, want} {
			slices.SortFunc(cs, func(a, b Claimed) int { return cmp.Compare(a.To, b.To) })
		}
		closeBy := gocmp.FilterPath(func(p gocmp.Path) bool { return p.Last().String() == ".Left" },
			gocmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 60 }))
		if diff := gocmp.Diff(want, got, closeBy); diff != "" || len(got) != 2 {
			t.Errorf("%s: %s", what, diff)
		}
	}
	claim := uuid.New()
	claimed, err := f.ClaimPage(context.Background(), ids, claim, 20*time.Second)
	must(t, err)
	same("page", claimed, byName(claimed))
	if c := claimed[0]; c.Reference == nil || *c.Reference != "order-1" || c.Metadata == nil || !c.Test || c.Account != f.account {
		t.Errorf("%+v", c)
	}
	if c := claimed[1]; c.Attempts != 4 || c.Unknowns != 1 || c.RLHits != 2 || !c.MaybeSent || c.Reference != nil || c.Left < 60 {
		t.Errorf("%+v", c)
	}
	must(t, f.Unclaim(context.Background(), claim))
	f.exec(t, `UPDATE dispatch SET wake_at = now() - interval '1 s'`)
	claim = uuid.New()
	claimed, expired, err := f.ClaimDue(context.Background(), f.channel, dispatch.Normal, 10, claim, 20*time.Second, true)
	must(t, err)
	same("backlog", claimed, byName(claimed))
	if !slices.Equal(expired, ids[2:]) {
		t.Errorf("expired %v, want %v", expired, ids[2:])
	}
	draft.ID, draft.Paged = dispatch.NewID(), true
	other := f.draft("+15550000002")
	other.Paged = true
	f.exec(t, `DELETE FROM suppressions`) // the statement of accepted pages refuses such recipients
	f.accept(t, draft, other)
	f.exec(t, suppress, f.account)
	claimed, _, err = f.ClaimDue(context.Background(), f.channel, dispatch.Normal, 10, uuid.New(), 20*time.Second, true)
	must(t, err)
	same("pages", claimed, byName(claimed))
	if !claimed[0].Paged || !claimed[1].Paged {
		t.Errorf("%+v", claimed)
	}
}
