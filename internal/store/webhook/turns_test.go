package webhook

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// A turn of an endpoint with a long backlog reads its page, what is early of the same
// messages and what follows a try that failed by indexes, also when the table has grown
// since its statistics were made.
func TestPlans_Turns_ReadTheirPage(t *testing.T) {
	t.Parallel()
	_, db := open(t)
	for from := 1; from < 50_000; from += 5000 { // each well within the statement timeout
		_, err := db.ExecContext(t.Context(), `INSERT INTO webhook_deliveries (webhook_id, id, message_id, wake_at, seq, kind, format, payload)
		  SELECT 1, md5(i::text)::uuid, md5((i / 3)::text)::uuid, now() - (50000 - i) * interval '1 ms', 1 + i % 3, 20, 'standard', '{}'
		  FROM generate_series($1::integer, $1::integer + 4999) i`, from)
		must(t, err)
	}
	var ids, fresh []string
	must(t, db.SelectContext(t.Context(), &ids, `SELECT md5(i::text)::uuid::text FROM generate_series(1, 64) i`))
	must(t, db.SelectContext(t.Context(), &fresh, `SELECT gen_random_uuid()::text FROM generate_series(1, 64) i`))
	each := func(of string) any { return pq.Array(slices.Repeat([]string{of}, len(ids))) }
	for _, table := range []string{"as it grew", "analyzed"} {
		if table == "analyzed" {
			_, err := db.ExecContext(t.Context(), `ANALYZE webhook_deliveries`)
			must(t, err)
		}
		for name, c := range map[string]struct {
			query string
			args  []any
		}{
			"insert": {sqlInsertDeliveries + "NOTHING", []any{
				each("1"), pq.Array(fresh), pq.Array(ids), each("20"), each("4"), each("standard"), each(""), each("{}"),
			}},
			"due":   {sqlDueDeliveries, []any{1, time.Unix(0, 0), uuid.Nil.String(), 64}},
			"tried": {sqlTried, []any{1, pq.Array(ids), each("0"), each("0"), each("5"), each("-"), each("{}")}},
		} {
			errUndo := errors.New("undo")
			err := db.Tx(t.Context(), func(tx *pg.DB) error {
				var lines []string
				must(t, tx.SelectContext(t.Context(), &lines, "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) "+c.query, c.args...))
				plan := strings.Join(lines, "\n")
				if strings.Contains(plan, "Seq Scan on webhook_deliveries") ||
					strings.Count(plan, "webhook_deliveries_due") > strings.Count(plan, "Limit") {
					t.Errorf("%s, table %s: %s", name, table, plan)
				}
				return errUndo
			})
			if !errors.Is(err, errUndo) {
				t.Fatal(err)
			}
		}
	}
}
