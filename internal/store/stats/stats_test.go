package stats

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fill writes n messages of the last minutes, of which the newest fifth waits and
// every tenth of the others has failed.
const fill = `
INSERT INTO messages (id, account_id, channel_id, created_at, expires_at, sent_at, failed_at, status, error_code, lane, type, recipient,
  content)
SELECT (lpad(to_hex((extract(epoch FROM t) * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text), 1, 19))::uuid, 7, 9, t,
  now() + interval '1 hour', CASE WHEN i <= 0.8 * $1 AND i % 10 > 0 THEN t + interval '2 s' END,
  CASE WHEN i <= 0.8 * $1 AND i % 10 = 0 THEN t END, CASE WHEN i > 0.8 * $1 THEN 10 WHEN i % 10 = 0 THEN 60 ELSE 30 END,
  CASE WHEN i <= 0.8 * $1 AND i % 10 = 0 THEN 'rejected' END, 1, 'text', '+15550000100', '{}'
FROM generate_series($2::integer, $2::integer + 4999) i, LATERAL (SELECT now() - ($1 - i) * interval '8 ms' AS t) x`

const fillDispatch = `
INSERT INTO dispatch (message_id, account_id, channel_id, wake_at, due_at, expires_at, lane)
SELECT id, 7, 9, now(), now() - interval '5 s', now() + interval '1 hour', 1 FROM messages WHERE status = 10`

var scan = regexp.MustCompile(`Scan.* on (messages|dispatch)\S* .*\(actual rows=(\d+)(?:\.\d+)? loops=(\d+)\)`)

// rows returns how many rows of a table the scans of a query return.
func rows(t *testing.T, db *pg.DB, table, query string, args ...any) (n int) {
	t.Helper()
	var lines []string
	storetest.Must(t, db.SelectContext(t.Context(), &lines, "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) "+query, args...))
	for _, l := range lines {
		if strings.Contains(l, "Seq Scan on messages") && !strings.Contains(l, "actual rows=0") && !strings.Contains(l, "never executed") {
			t.Error(l)
		}
		if f := scan.FindStringSubmatch(l); f != nil && f[1] == table {
			a, _ := strconv.Atoi(f[2])
			b, _ := strconv.Atoi(f[3])
			n += a * b
		}
	}
	return n
}

// The figures read no more rows than their bounds, also of a table whose statistics
// are of the time when it was empty.
func TestPlans_Figures_AreBounded(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.Postgres(t), 4)
	s := New(db)
	const n = 50_000
	for from := 1; from <= n; from += 5000 { // each well within the statement timeout
		_, err := db.ExecContext(t.Context(), fill, n, from)
		storetest.Must(t, err)
	}
	_, err := db.ExecContext(t.Context(), fillDispatch)
	storetest.Must(t, err)
	since := time.Now().Add(-time.Hour)
	for _, table := range []string{"as it grew", "analyzed"} {
		storetest.Must(t, db.Tx(t.Context(), func(tx *pg.DB) error {
			if table == "analyzed" {
				_, err := tx.ExecContext(t.Context(), `ANALYZE messages, dispatch`)
				storetest.Must(t, err)
			}
			_, err := tx.ExecContext(t.Context(), sqlInOrder)
			storetest.Must(t, err)
			edges := pg.UUIDArray([]uuid.UUID{first(since), first(since.Add(58 * time.Minute))})
			ends := pg.UUIDArray([]uuid.UUID{first(since.Add(time.Minute)), first(time.Now().Add(time.Minute))})
			if got := rows(t, tx, "messages", sqlSeries, int64(7), edges, ends, perBucket); got == 0 || got > 2*perBucket {
				t.Errorf("%s: the series reads %d rows", table, got)
			}
			if got := rows(t, tx, "messages", sqlRecent, int64(7), first(since), 1000); got == 0 || got > 1000 {
				t.Errorf("%s: how messages ended reads %d rows", table, got)
			}
			if got := rows(t, tx, "messages", sqlCount, int64(7), first(since), first(time.Now()), 1000); got != 1000 {
				t.Errorf("%s: the count of a period reads %d rows", table, got)
			}
			_, err = tx.ExecContext(t.Context(), `SET LOCAL enable_sort = on`)
			storetest.Must(t, err)
			if got := rows(t, tx, "dispatch", sqlWaiting, pq.Array([]int64{9}), 1000, 100); got == 0 || got > 2000 {
				t.Errorf("%s: what waits reads %d rows", table, got)
			}
			return nil
		}))
	}
	good, bad, failures, err := s.Recent(t.Context(), 7, since)
	if err != nil || good != 0 || bad != 0 || len(failures) != 0 { // the newest 10,000 all wait
		t.Errorf("of the newest %d were sent, %d not, %v, %v", good, bad, failures, err)
	}
	if waiting, age, err := s.Waiting(t.Context(), []int64{9}); err != nil || waiting != n/5 || age == nil || *age < 5 || *age > 600 {
		t.Errorf("%d wait, the oldest for %v, %v", waiting, age, err)
	}
}
