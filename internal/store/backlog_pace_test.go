package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// A list finds a message in a page however many newer pages there are, with every filter.
func TestListMessages_Paged_BehindManyPages(t *testing.T) {
	t.Parallel()
	f := open(t)
	first := f.drafts(16)
	first[3].To = "+15559999999"
	f.accept(t, first...)
	f.exec(t, `INSERT INTO backlog SELECT $3::bigint + g, $1, $2, 1, now(), now() + interval '1 day', gen_random_uuid(), 16,
	  ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 16) WHERE g > 0) FROM generate_series(1, 1100) g`,
		f.account, f.channel, pageNumber()+1<<40)
	f.exec(t, `UPDATE backlog SET first_id = (SELECT min(i::text)::uuid FROM unnest(ids) AS i)`)
	for what, filter := range map[string]dispatch.Filter{
		"a recipient":   {To: "+15559999999"},
		"a time before": {CreatedTo: time.Now().Add(time.Hour), To: "+15559999999"},
	} {
		filter.Statuses, filter.Limit = []dispatch.Status{dispatch.Queued}, 50
		var got []dispatch.ID
		for more := true; more; more = filter.Cursor != "" {
			page, err := f.ListMessages(t.Context(), f.account, filter)
			must(t, err)
			for _, v := range page.Views {
				got = append(got, v.ID)
			}
			filter.Cursor = page.Next
		}
		if !slices.Equal(got, []dispatch.ID{first[3].ID}) {
			t.Errorf("%s: %d listed, want one", what, len(got))
		}
	}
}

// One run opens all pages with a message whose time is over: no other message of theirs waits
// for the next ones.
func TestTidyPages_Many(t *testing.T) {
	t.Parallel()
	f := open(t)
	for range 60 {
		page := f.drafts(16)
		page[4].ExpiresAt = time.Now().Add(-time.Second)
		f.accept(t, page...)
	}
	must(t, f.TidyPages(t.Context()))
	claimed, expired, err := f.ClaimDue(t.Context(), f.channel, dispatch.Normal, 1000, uuid.New(), time.Minute, true)
	must(t, err)
	if len(claimed) != 900 || len(expired) != 60 {
		t.Errorf("%d claimed and %d expired, want 900 and 60", len(claimed), len(expired))
	}
}

// One run ends the leases of many small claims, as of many rows.
func TestExpireLeases_Paged_ManyClaims(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.paged(t, 200)
	for range 100 {
		_, _, err := f.ClaimDue(t.Context(), f.channel, dispatch.Normal, 2, uuid.New(), time.Microsecond, true)
		must(t, err)
	}
	n, err := f.ExpireLeases(t.Context(), [3]time.Duration{time.Minute, time.Minute, time.Minute})
	must(t, err)
	if n != 200 {
		t.Errorf("%d of 200 leases ended", n)
	}
}

// A claim leaves the pages that it does not need to other workers.
func TestClaimDue_Paged_LeavesOthers(t *testing.T) {
	t.Parallel()
	f := open(t)
	for range 8 {
		f.paged(t, 64)
	}
	must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
		got, _, err := f.In(tx).ClaimDue(t.Context(), f.channel, dispatch.Normal, 50, uuid.New(), time.Minute, true)
		must(t, err)
		_, other := f.due(t, 50)
		if len(got) != 50 || len(other) != 50 {
			t.Errorf("%d claimed, %d by another one at the same time", len(got), len(other))
		}
		return nil
	}))
}

// A claim reads no more pages than it may take, whatever the statistics are of, and although
// another channel has older ones.
func TestClaimPages_ReadsItsPages(t *testing.T) {
	t.Parallel()
	f := open(t)
	_, paused := f.newAccount(t, "meta")
	f.exec(t, `ANALYZE backlog`)
	for i, channel := range []int64{paused, f.channel} {
		f.exec(t, `INSERT INTO backlog SELECT g, $1, $2, 1, now(), now() + interval '1 day', gen_random_uuid(), 16,
		  array_fill(gen_random_uuid(), ARRAY[16]) FROM generate_series($3::int, $3::int + 4999) g`, f.account, channel, i*5000)
	}
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		for range 2 {
			must(t, f.db.Tx(t.Context(), func(tx *pg.DB) error {
				must(t, tx.GetContext(t.Context(), new(string), `SELECT set_config('plan_cache_mode', $1, true)`, mode))
				var lines []string
				must(t, tx.SelectContext(t.Context(), &lines, "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) "+sqlClaimPages,
					1, f.channel, 256, uuid.New().String(), 60.0))
				plan := strings.Join(lines, "\n")
				if strings.Contains(plan, "Rows Removed by Filter: 4") || strings.Contains(plan, "Seq Scan on backlog") ||
					strings.Contains(plan, "external merge") || !strings.Contains(plan, "backlog_channel") {
					t.Errorf("%s:\n%s", mode, plan)
				}
				return nil
			}))
			f.exec(t, `ANALYZE backlog`)
		}
	}
}
