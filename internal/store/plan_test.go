package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

// With 50,000 messages waiting, what runs all the time stays on its indexes:
// no statement reads the table, and none reads much of an index. That holds for
// statistics of now and for those of a time when little waited.
func TestPlans_HotStatements_UseIndexes(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.backlog(t, 50_000)
	t.Run("old statistics", func(t *testing.T) { f.hotPlans(t, ids) })
	f.exec(t, `ANALYZE dispatch`)
	f.exec(t, `ANALYZE messages`)
	t.Run("analyzed", func(t *testing.T) { f.hotPlans(t, ids) })
}

func (f *fixture) hotPlans(t *testing.T, ids []dispatch.ID) {
	t.Helper()
	some := pg.UUIDArray(ids[:100])
	doubts := ids[len(ids)-2000:] // some of them
	outs := make([]Outcome, 100)
	statuses := make([]dispatch.StatusUpdate, len(outs))
	for i, id := range doubts[:len(outs)] {
		outs[i] = Outcome{ID: id, Claim: uuid.New(), Channel: f.channel, StartedAt: time.Now(), ProviderID: "wamid." + id.String()}
		statuses[i] = dispatch.StatusUpdate{ID: id, Channel: f.channel, Status: dispatch.Delivered, At: time.Now()}
	}
	ended := outcomeArgs(outs)
	plain := settleArgs(outs)
	for _, c := range []struct {
		name  string
		most  float64 // rows that any scan of dispatch may return or filter out
		query string
		args  []any
	}{
		{"claim", 300, sqlClaim, []any{some, uuid.NewString(), 20.0}},
		{"claim due", 300, sqlClaimDue, []any{int16(dispatch.Normal), f.channel, 100, uuid.NewString(), 20.0}},
		{"unclaim", 3000, sqlUnclaim, []any{uuid.NewString()}},
		{"postpone", 300, sqlPostpone, []any{some, 1.0}},
		{"due", 300, sqlDue, []any{int16(dispatch.Normal), pq.Array([]int64{f.channel}), pq.Array([]int64{100})}},
		{"backlog", 3000, sqlBacklog, []any{int16(dispatch.Normal), 2000}},
		{"backlog of an empty lane", 10, sqlBacklog, []any{int16(dispatch.OTP), 2000}},
		{"leases", 1000, sqlLeases, []any{pq.Array([]float64{1, 1, 1})}},
		{"doubtful", 1000, sqlDoubtful, nil},
		{"settle", 300, sqlSettlePlain, plain},
		{"settle what is odd", 300, sqlSettle, ended},
		{"retry", 300, sqlRetry, ended},
		{"resolve", 300, sqlResolve, ended},
		{"fail", 300, sqlFail, ended},
		{"callbacks", 300, sqlApply, fold(statuses).args()},
		{"end", 300, sqlEnd, []any{some, int16(dispatch.Expired), "expired", "over", "feeder"}},
		{"cancel", 6000, sqlEnd, []any{pg.UUIDArray(ids[:2000]), int16(dispatch.Cancelled), "cancelled", "by request", "api"}},
		{"cancel doubts", 6000, sqlCancelDoubts, []any{pg.UUIDArray(doubts)}},
		{"give up", 6000, sqlGiveUp, []any{pg.UUIDArray(doubts), pq.Array(slices.Repeat([]int64{-1}, len(doubts)))}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := f.explain(t, c.query, c.args...)
			plan.walk(func(n *planNode) {
				if rows := n.Loops * (n.Rows + n.Removed); n.Type == "CTE Scan" && rows > 2*c.most {
					t.Errorf("%s of %s reads %.0f rows, more than %.0f", n.Type, n.CTE, rows, 2*c.most)
				}
				if !strings.HasPrefix(n.Relation, "dispatch") && !strings.HasPrefix(n.Relation, "messages") &&
					!strings.HasPrefix(n.Relation, "scheduled") {
					return
				}
				if n.Type == "Seq Scan" && n.Loops > 0 && !strings.HasSuffix(n.Relation, "_default") && n.Loops*(n.Rows+n.Removed) > 0 {
					t.Errorf("%s of %s", n.Type, n.Relation)
				}
				if n.Loops > 1 && strings.Contains(n.Cond+n.Filter, "ANY") {
					t.Errorf("%s of %s looks through the ids %.0f times", n.Type, n.Relation, n.Loops)
				}
				if rows := n.Loops * (n.Rows + n.Removed); rows > c.most {
					t.Errorf("%s of %s by %s reads %.0f rows, more than %.0f", n.Type, n.Relation, n.Index, rows, c.most)
				}
			})
		})
	}
}

// backlog fills dispatch: most of it ready in two lanes, some claimed and some
// in doubt, none of those due. Its statistics are those of the first page.
func (f *fixture) backlog(t *testing.T, n int) []dispatch.ID {
	t.Helper()
	var ids []dispatch.ID
	for len(ids) < n {
		page := make([]NewMessage, 2000)
		for i := range page {
			page[i] = f.draft("+15550001000")
			page[i].Lane = []dispatch.Lane{dispatch.Normal, dispatch.Bulk}[i%2]
		}
		ids = append(ids, f.accept(t, page...)...)
		if len(ids) == len(page) {
			f.exec(t, `ANALYZE dispatch`)
			f.exec(t, `ANALYZE messages`)
		}
	}
	f.exec(
		t,
		`UPDATE dispatch SET state = 1 + (random() * 1)::int, claim = gen_random_uuid(), wake_at = now() + interval '1 minute' WHERE `+
			`message_id = ANY($1::uuid[])`,
		pg.UUIDArray(ids[n-2000:]),
	)
	return ids
}

// planNode is a node of EXPLAIN (ANALYZE, FORMAT JSON).
type planNode struct {
	Type     string      `json:"Node Type"`
	Relation string      `json:"Relation Name"`
	Index    string      `json:"Index Name"`
	CTE      string      `json:"CTE Name"`
	Cond     string      `json:"Index Cond"`
	Filter   string      `json:"Filter"`
	Rows     float64     `json:"Actual Rows"`
	Loops    float64     `json:"Actual Loops"`
	Removed  float64     `json:"Rows Removed by Filter"`
	Plans    []*planNode `json:"Plans"`
}

func (n *planNode) walk(visit func(*planNode)) {
	visit(n)
	for _, c := range n.Plans {
		c.walk(visit)
	}
}

// explain runs a statement with the generic plan that a kept statement has, and
// takes it back.
func (f *fixture) explain(t *testing.T, query string, args ...any) *planNode {
	t.Helper()
	return f.explainAs(t, "force_generic_plan", query, args...)
}

// explainAs is explain with a plan_cache_mode.
func (f *fixture) explainAs(t *testing.T, mode, query string, args ...any) *planNode {
	t.Helper()
	ctx := context.Background()
	literals := make([]string, len(args))
	for i, a := range args {
		literals[i] = pq.QuoteLiteral(fmt.Sprint(a))
		if v, ok := a.(driver.Valuer); ok {
			text, err := v.Value()
			must(t, err)
			literals[i] = pq.QuoteLiteral(fmt.Sprint(text))
		}
	}
	execute := "EXECUTE hot"
	if len(args) > 0 {
		execute += "(" + strings.Join(literals, ", ") + ")"
	}
	var raw []byte
	errUndo := errors.New("undo")
	err := f.db.Tx(ctx, func(tx *pg.DB) error {
		for _, q := range []string{`DEALLOCATE ALL`, `SET LOCAL plan_cache_mode = ` + mode, `PREPARE hot AS ` + query} {
			_, err := tx.ExecContext(ctx, q)
			must(t, err)
		}
		must(t, tx.GetContext(ctx, &raw, `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) `+execute))
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	var plans []struct {
		Plan *planNode `json:"Plan"`
	}
	must(t, json.Unmarshal(raw, &plans))
	return plans[0].Plan
}

// A list of many messages reads no further than its page, and no more than it may
// walk if nothing fits, whatever it is filtered by and however rare that is.
// Readers of the event log read from their place on, and its end without all before:
// also when the table has grown since its statistics were made.
func TestPlans_EventLog_IsReadFromItsPlace(t *testing.T) {
	t.Parallel()
	f := open(t)
	insert := func(n int) {
		f.exec(t, `INSERT INTO events (message_id, account_id, kind, cause)
			SELECT gen_random_uuid(), $1, 30, 'worker' FROM generate_series(1, $2::integer)`, f.account, n)
	}
	insert(1000)
	f.exec(t, `ANALYZE events`)
	insert(30_000)
	var p dispatch.Position
	must(t, f.db.QueryRowxContext(t.Context(), `SELECT xid::text::bigint, id FROM events ORDER BY id OFFSET 1100 LIMIT 1`).Scan(&p.XID, &p.ID))
	for name, c := range map[string]struct {
		most  float64
		query string
		args  []any
	}{
		"page":   {100, sqlEvents, []any{p.XID, p.ID, 100}},
		"counts": {500, sqlEventCounts, []any{p.XID, p.ID, p.XID, p.ID + 10_000, 500}},
		"end":    {1, sqlEndOfEvents, nil},
	} {
		for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
			read := 0.0
			f.explainAs(t, mode, c.query, c.args...).walk(func(n *planNode) {
				if strings.HasPrefix(n.Relation, "events") {
					read += n.Loops * (n.Rows + n.Removed)
				}
			})
			if read > c.most {
				t.Errorf("%s, %s: %.0f rows of events are read, more than %.0f", name, mode, read, c.most)
			}
		}
	}
}

func TestPlans_Lists_AreBounded(t *testing.T) {
	t.Parallel()
	f := open(t)
	for from := 1; from <= 70_000; from += 5000 { // a long transaction holds the log of every test's events up
		f.exec(t, numbers.SQL(`INSERT INTO messages (id, account_id, channel_id, lane, type, recipient, content, status, expires_at, error_code)
			SELECT uuid_floor('2026-01-02'::timestamptz - make_interval(secs => g)), $1, $2, {lane_normal}, 'text',
			'+1555' || lpad(g::text, 7, '0'), '{}',
			CASE WHEN g % 3 = 0 THEN {failed} ELSE {delivered} END, now(), CASE WHEN g % 3 = 0 THEN 'content' END
			FROM generate_series($3::integer, $3::integer + 4999) g`), f.account, f.channel, from)
	}
	f.exec(t, `ANALYZE messages`)
	often, never := 500.0, float64(walkMax+1000)
	for name, c := range map[string]struct {
		filter dispatch.Filter
		most   float64 // rows of messages
	}{
		"all":             {dispatch.Filter{}, often},
		"status":          {dispatch.Filter{Statuses: []dispatch.Status{dispatch.Failed}}, often},
		"code":            {dispatch.Filter{Code: "content"}, often},
		"channel":         {dispatch.Filter{Channel: f.channel, Type: "text"}, often},
		"with unfinished": {dispatch.Filter{Statuses: []dispatch.Status{dispatch.Queued, dispatch.Delivered}}, often},
		"rare status":     {dispatch.Filter{Statuses: []dispatch.Status{dispatch.Unknown}}, never},
		"rare code":       {dispatch.Filter{Code: "nothing"}, never},
		"rare channel":    {dispatch.Filter{Channel: f.channel + 7}, never},
		"rare campaign":   {dispatch.Filter{Campaign: 7}, never},
		"rare type":       {dispatch.Filter{Type: "image"}, never},
		"rare text":       {dispatch.Filter{Search: "nothing"}, never},
		"test":            {dispatch.Filter{Test: true}, never},
		"recipient":       {dispatch.Filter{To: "+15559999999", ToAny: []string{"+15559999999"}}, never},
		"reference":       {dispatch.Filter{Reference: "nothing"}, often},
		"unfinished":      {dispatch.Filter{Statuses: []dispatch.Status{dispatch.Queued}, Channel: f.channel}, often},
	} {
		t.Run(name, func(t *testing.T) {
			q, args, _, err := listQuery(f.account, c.filter, 50)
			must(t, err)
			read := 0.0
			f.explain(t, q, args...).walk(func(n *planNode) {
				if strings.HasPrefix(n.Relation, "messages") {
					read += n.Loops * (n.Rows + n.Removed)
				}
			})
			if read > c.most {
				t.Errorf("%.0f rows of messages are read, more than %.0f", read, c.most)
			}
		})
	}
}

// The scheduled messages read their page, and for what is rare among them at most
// walkTexts; what is rare is found farther back.
func TestReadings_Scheduled_ReadWhatTheyShow(t *testing.T) {
	t.Parallel()
	const n = 2*walkTexts + 500
	db := storetest.Open(t, storetest.Postgres(t), 4)
	grow := []string{
		numbers.SQL(`INSERT INTO messages (id, account_id, channel_id, lane, type, recipient, content, status, expires_at)
		  SELECT uuid_floor('2026-01-02'::timestamptz - make_interval(secs => i)), 7, CASE i WHEN ` + fmt.Sprint(n) + ` THEN 2 ELSE 1 END,
		    {lane_normal}, 'text',
		    '+15550000100', '{}', {queued}, now() FROM generate_series(1, ` + fmt.Sprint(n) + `) i`),
		`INSERT INTO scheduled (message_id, account_id, channel_id, lane, due_at, expires_at)
		  SELECT id, 7, channel_id, lane, now() + interval '1 day' + row_number() OVER (ORDER BY id DESC) * interval '1 second', now()
		  FROM messages`,
	}
	page := func(ctx context.Context, tx *pg.DB, f dispatch.Filter) (dispatch.ViewPage, error) {
		f.ByDue, f.Limit, f.Statuses = true, 50, []dispatch.Status{dispatch.Scheduled}
		return New(tx).ListMessages(ctx, 7, f)
	}
	of := func(f dispatch.Filter) func(ctx context.Context, tx *pg.DB) error {
		return func(ctx context.Context, tx *pg.DB) error { _, err := page(ctx, tx, f); return err }
	}
	storetest.Readings(t, db, grow, []storetest.Reading{
		{Name: "scheduled", Most: 1000, Read: of(dispatch.Filter{})},
		{Name: "scheduled of a rare channel", Most: walkTexts + 1000, Read: of(dispatch.Filter{Channel: 2})},
	})
	found, pages := 0, 0
	for f, more := (dispatch.Filter{Channel: 2}), true; more; more = f.Cursor != "" {
		p, err := page(t.Context(), db, f)
		must(t, err)
		found, pages, f.Cursor = found+len(p.Views), pages+1, p.Next
	}
	if found != 1 || pages != 3 {
		t.Errorf("%d found on %d pages", found, pages)
	}
}
