package store

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// BenchmarkWay takes the CPU time of Postgres' backends for a message on its way:
// accepted, claimed and settled, with rows of its own and in pages.
func BenchmarkWay(b *testing.B) {
	for size, paged := range map[int][]bool{25: {false, true}, 256: {false, true}} {
		for _, paged := range paged {
			b.Run(fmt.Sprintf("size=%d/paged=%v", size, paged), func(b *testing.B) { way(b, size, paged) })
		}
	}
}

func way(b *testing.B, size int, paged bool) {
	f := open(b)
	var accept, claim, settle time.Duration
	spent := func(at *time.Duration, do func()) {
		before := f.backends(b)
		do()
		*at += f.backends(b) - before
	}
	var began string
	must(b, f.db.GetContext(b.Context(), &began, `SELECT pg_current_wal_insert_lsn()::text`))
	for range b.N {
		page := f.drafts(size)
		for i := range page {
			page[i].Paged, page[i].Reference = paged, fmt.Sprint("bench-", i)
			page[i].Raw = `{"type":"template","template":{"name":"order_confirmation","language":"en","variables":["Ada","A-1","9.90"]}}`
		}
		id := uuid.New()
		var got []Claimed
		spent(&accept, func() { f.accept(b, page...) })
		spent(&claim, func() {
			var err error
			got, _, err = f.ClaimDue(context.Background(), f.channel, dispatch.Normal, size, id, 20*time.Second, true)
			must(b, err)
		})
		outs := ends(got, id, Settle, ResultAccepted)
		for i := range outs {
			outs[i].ProviderID = "wamid." + outs[i].ID.String()
		}
		spent(&settle, func() { f.complete(b, outs...) })
		must(b, f.TidyPages(context.Background()))
	}
	wal := f.number(b, `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::pg_lsn)::bigint`, began)
	b.ReportMetric(float64(wal)/float64(b.N*size), "wal-bytes")
	us := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(b.N*size) }
	b.ReportMetric(us(accept), "accept-us")
	b.ReportMetric(us(claim), "claim-us")
	b.ReportMetric(us(settle), "settle-us")
}

// backends returns the CPU time that the fixture's Postgres backends have used.
func (f *fixture) backends(b *testing.B) (all time.Duration) {
	b.Helper()
	var pids []int
	must(b, f.db.SelectContext(b.Context(), &pids, `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
	  AND backend_type = 'client backend' AND pid <> pg_backend_pid() UNION ALL SELECT pg_backend_pid()`))
	for _, pid := range pids {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		must(b, err)
		ns, err := strconv.ParseInt(strings.Fields(string(raw))[0], 10, 64)
		must(b, err)
		all += time.Duration(ns)
	}
	return all
}
