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

// A claim scans its columns by their place: what it returns is what a scan by their names
// makes of the same rows.
func TestClaim_ScansEveryColumn(t *testing.T) {
	t.Parallel()
	f := open(t)
	draft := f.draft("+15550000001")
	draft.Message.Reference, draft.Message.Metadata, draft.Message.Test = "order-1", `{"a":1}`, true
	ids := f.accept(t, draft, f.draft("+15550000002"), f.draft("+15550000003"))
	f.exec(t, `UPDATE dispatch SET attempts = 3, unknowns = 1, rl_hits = 2, maybe_sent = true, due_at = due_at - interval '5 s'
  WHERE message_id = $1`, ids[1])
	f.exec(t, `UPDATE messages SET created_at = created_at - interval '1 hour 0.000123 s' WHERE id = $1`, ids[1])
	f.exec(t, `UPDATE dispatch SET expires_at = now() - interval '1 s' WHERE message_id = $1`, ids[2])
	byName := func(claim uuid.UUID) (rows []Claimed) {
		t.Helper()
		must(t, f.db.SelectPrepared(context.Background(), &rows, sqlClaim, pg.UUIDArray(ids), claim.String(), 20.0))
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
	same("page", claimed, byName(claim))
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
	same("backlog", claimed, byName(claim))
	if !slices.Equal(expired, ids[2:]) {
		t.Errorf("expired %v, want %v", expired, ids[2:])
	}
}
