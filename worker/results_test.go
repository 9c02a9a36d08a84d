package worker

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// pages is a store that takes 2 ms for each page of results.
type pages struct {
	Store

	mu    sync.Mutex
	sizes []int
}

func (p *pages) Complete(_ context.Context, outs []store.Outcome) ([]store.Failure, error) {
	time.Sleep(2 * time.Millisecond)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sizes = append(p.sizes, len(outs))
	return nil, nil
}

// Results of bulk that come one by one are stored in pages, one now and then at once, and
// so are full pages. Results of other lanes are always stored at once. Time is fake.
func TestResults_Bulk_Gather(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bulk  bool
		n     int
		every time.Duration
		pages int
	}{
		"others":                 {false, 100, 5 * time.Millisecond, 100},
		"bulk":                   {true, 100, 5 * time.Millisecond, 21},
		"bulk, one now and then": {true, 10, time.Second, 10},
		"bulk, full pages":       {true, 4 * resultPage, 0, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &pages{}
				w := New(Options{Store: p, Log: slog.New(slog.DiscardHandler)})
				results := w.results
				if c.bulk {
					results = w.bulk
				}
				var calls sync.WaitGroup
				began := time.Now()
				for range c.n {
					calls.Go(func() {
						if _, err := results.Do(t.Context(), store.Outcome{ID: dispatch.NewID()}); err != nil {
							t.Error(err)
						}
					})
					time.Sleep(c.every)
				}
				calls.Wait()
				if len(p.sizes) < c.pages || len(p.sizes) > c.pages+1 {
					t.Errorf("%d pages of %v, want %d", len(p.sizes), p.sizes, c.pages)
				}
				if most := time.Duration(c.n)*c.every + 2*bulkRest; time.Since(began) > most {
					t.Errorf("stored after %v, want at most %v", time.Since(began), most)
				}
				if err := w.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
