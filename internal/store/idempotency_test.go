package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// A repeat is answered as the first request was, also when the message has been
// changed since.
func TestRepeats_GiveTheFirstAnswer(t *testing.T) {
	t.Parallel()
	f := open(t)
	a := f.keyed("key")
	a.SendAt = time.Now().Add(time.Hour).Add(123 * time.Nanosecond)
	rs, err := f.InsertMessages(t.Context(), []NewMessage{a})
	must(t, err)
	to, later := "+15550000002", time.Now().Add(2*time.Hour)
	done, err := f.Reschedule(t.Context(), a.ID, Edit{To: &to, SendAt: &later})
	must(t, err)
	if !done {
		t.Fatal("not changed")
	}
	again, other, unknown := f.keyed("key"), f.keyed("key"), f.keyed("unknown")
	again.SendAt = a.SendAt
	other.IdemFingerprint = "another print"
	got, err := f.Repeats(t.Context(), []*dispatch.Message{unknown.Message, again.Message, other.Message})
	must(t, err)
	want := rs[0]
	want.Replayed = true
	if diff := cmp.Diff(&want, got[1]); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
	if got[0] != nil || got[2] == nil || dispatch.CodeOf(got[2].Err) != dispatch.KeyReused {
		t.Errorf("a new key gives %+v, another request %+v", got[0], got[2])
	}
}

// However many keys there are, each is looked up by itself.
func TestPlans_IdempotencyKeys_AreLookedUpOneByOne(t *testing.T) {
	t.Parallel()
	f := open(t)
	const all, some = 50_000, 100
	f.exec(t, `INSERT INTO idempotency (day, account_id, key, idx, fingerprint, message_id)
		SELECT (now() AT TIME ZONE 'utc')::date - n % 2, $1, 'key' || n, 0, 'print', gen_random_uuid() FROM generate_series(1, $2::int) AS n`,
		f.account, all)
	page := make([]*NewMessage, some)
	accounts, keys, idxs := make([]int64, some), make([]string, some), make([]int64, some)
	for i := range page {
		a := f.keyed(fmt.Sprintf("key%d", i*300))
		page[i], accounts[i], keys[i] = &a, a.Account, a.IdemKey
	}
	for _, analyzed := range []bool{false, true} {
		if analyzed {
			f.exec(t, `ANALYZE idempotency`)
		}
		for name, plan := range map[string]*planNode{
			"accept": f.explain(t, sqlAccept, generalArgs(page)...),
			"find":   f.explain(t, sqlFindKeys, pq.Array(accounts), pq.Array(keys), pq.Array(idxs)),
		} {
			plan.walk(func(n *planNode) {
				if rows := n.Loops * (n.Rows + n.Removed); strings.HasPrefix(n.Relation, "idempotency") && rows > 3*some {
					t.Errorf("%s, analyzed %v: %s of %s reads %.0f rows for %d keys", name, analyzed, n.Type, n.Relation, rows, some)
				}
			})
		}
	}
}
