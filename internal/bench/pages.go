package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// pageSizes are those of the budget in docs/performance.md.
var pageSizes = []int{1, 8, 25, 100, 256}

// measurePages measures what a message costs in the accept statement, by the size
// of the page: the difference is the fixed cost of a page.
func measurePages(ctx context.Context, s *stage) error {
	if err := s.drained(ctx); err != nil {
		return err
	}
	s.stopWork()
	var smallest float64
	for _, size := range pageSizes {
		f, err := s.pagesOf(ctx, size)
		if err != nil {
			return err
		}
		if smallest == 0 {
			smallest = f.Value
		}
		f.Reach = f.Value <= smallest
		s.add(f)
	}
	return s.drainAfter(ctx)
}

// pagesOf writes pages of one size, one after the other, for some time.
func (s *stage) pagesOf(ctx context.Context, size int) (f Figure, err error) {
	wal, err := s.walWritten(ctx)
	if err != nil {
		return f, err
	}
	before, began, n := s.cpu(), time.Now(), 0
	for d := s.seconds(1, 10) / 2; time.Since(began) < d || n == 0; n += size {
		receipts, err := s.store.InsertMessages(ctx, s.newPage(size))
		if err != nil {
			return f, err
		}
		for i := range receipts {
			if receipts[i].Err != nil {
				return f, receipts[i].Err
			}
		}
	}
	took := time.Since(began)
	end, err := s.walWritten(ctx)
	return Figure{
		Name: fmt.Sprintf("page of %d", size), How: "the accept statement over one connection", Value: float64(took.Microseconds()) / float64(n),
		Unit: "us a message", Must: "no more than in a page of 1", Detail: fmt.Sprintf("%d bytes of WAL a message", (end-wal)/int64(n)),
		CPU: s.cpu().since(before, n),
	}, err
}

// newPage returns the next messages of this run.
func (s *stage) newPage(size int) []store.NewMessage {
	ch := &s.channels[0]
	page := make([]store.NewMessage, size)
	for i := range page {
		page[i] = store.NewMessage{
			Message: &dispatch.Message{
				ID: dispatch.NewID(), Account: ch.Account, Channel: ch.ID, Lane: dispatch.Normal,
				To: recipient(s.sent), Reference: fmt.Sprint("bench-", s.sent),
				Content: dispatch.Content{Type: dispatch.TypeTemplate}, Raw: copyContent,
			},
			TTL: time.Hour,
		}
		s.sent++
	}
	return page
}

// walWritten returns how many bytes of WAL the server has written.
func (s *stage) walWritten(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint`).Scan(&n)
	return n, err
}
