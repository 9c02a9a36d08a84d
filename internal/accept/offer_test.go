package accept

import (
	"context"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/wait"
)

// run runs the background work until the test ends.
func (f *fixture) start(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
}

// offered returns the offered messages by lane.
func (s *seen) offered() map[dispatch.Lane]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[dispatch.Lane]int{}
	for _, p := range s.pages {
		n[p.Lane] += len(p.IDs)
	}
	return n
}

func (f *fixture) lane(t *testing.T, lane dispatch.Lane, n int) {
	t.Helper()
	ds := page(1, n)
	for i := range ds {
		ds[i].Lane = lane.String()
	}
	for _, r := range f.Accept(t.Context(), f.who, ds, 0) {
		must(t, r.Err)
	}
}

// Messages that are due are offered after the commit; bulk, scheduled ones and
// those above the channel's rate are left to the feeder.
func TestOffers_DueWithinTheRate(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.start(t)
	f.lane(t, dispatch.OTP, 30)
	f.lane(t, dispatch.Normal, 30)
	f.lane(t, dispatch.Bulk, 30)
	later := text(1)
	later.SendAt = time.Now().Add(time.Hour)
	must(t, f.one(t, later).Err)
	burst := int(f.sms.Policy.Rate / 2) // half a second of the rate
	wait.Until(t, "the pages are offered", func() bool {
		n := f.seen.offered()
		return n[dispatch.OTP] == 30 && n[dispatch.Normal] >= burst
	})
	if n := f.seen.offered(); n[dispatch.Normal] > burst+5 || n[dispatch.Bulk] != 0 {
		t.Errorf("offered %v; half a second of the rate is %d", n, burst)
	}
	f.seen.mu.Lock()
	defer f.seen.mu.Unlock()
	if f.seen.accepted[f.sms.ID] != 91 {
		t.Errorf("counted %v, want 91 accepted", f.seen.accepted)
	}
}

// A page holds messages of one channel and lane, at most MaxPage.
func TestEnqueueOffers_Pages(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	ds := page(1, 250)
	for i := range ds {
		ds[i].Lane = "otp"
	}
	for _, r := range f.Accept(t.Context(), f.who, ds, 0) {
		must(t, r.Err)
	}
	total := 0
	for len(f.offers.pages) > 0 {
		p := <-f.offers.pages
		if p.Channel != f.sms.ID || p.Lane != dispatch.OTP || len(p.IDs) > dispatch.MaxPage {
			t.Errorf("channel %d, lane %s, %d ids", p.Channel, p.Lane, len(p.IDs))
		}
		total += len(p.IDs)
	}
	if total != 250 {
		t.Errorf("%d of 250 messages in pages", total)
	}
}

// Nobody waits for the offerers: what finds them busy is left to the feeder.
func TestEnqueueOffers_NoRoom_IsCounted(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	for range offerWait {
		f.offers.pages <- dispatch.Page{}
	}
	f.lane(t, dispatch.OTP, 3)
	if f.seen.failed != 3 {
		t.Errorf("%d failed offers counted, want 3", f.seen.failed)
	}
}

// While a circuit is open nothing of its channel is offered.
func TestOffers_OpenCircuit_WaitsInPostgres(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	must(t, f.store.OpenCircuit(t.Context(), f.sms.ID, "broken", time.Hour))
	f.lane(t, dispatch.OTP, 3)
	if n := len(f.offers.pages); n != 0 {
		t.Errorf("%d pages offered on a channel whose circuit is open", n)
	}
}

// After the queue failed nothing is offered for a while.
func TestOffers_QueueAway_PausesOffers(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.seen.away = true
	f.start(t)
	f.lane(t, dispatch.OTP, 3)
	wait.Until(t, "offers are paused", func() bool {
		f.offers.mu.Lock()
		defer f.offers.mu.Unlock()
		return time.Until(f.offers.pausedUntil) > 0
	})
	f.seen.mu.Lock()
	failed := f.seen.failed
	f.seen.away = false
	f.seen.mu.Unlock()
	f.offers.mu.Lock()
	f.offers.pausedUntil = time.Now().Add(time.Hour)
	f.offers.mu.Unlock()
	f.lane(t, dispatch.OTP, 3)
	if n := f.seen.offered(); failed != 3 || n[dispatch.OTP] != 0 {
		t.Errorf("%d failed, offered %v during the pause", failed, n)
	}
	f.offers.mu.Lock()
	f.offers.pausedUntil = time.Time{}
	f.offers.mu.Unlock()
	f.lane(t, dispatch.OTP, 3)
	wait.Until(t, "offers go on after the pause", func() bool { return f.seen.offered()[dispatch.OTP] == 3 })
}

// A lane in which enough pages wait gets no more of them until they are fewer.
func TestWatchQueue_FullLane(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	f.seen.pending = pagesEnough
	f.start(t)
	f.lane(t, dispatch.OTP, 1)
	wait.Until(t, "the lane is full", func() bool { return f.offers.full[dispatch.OTP].Load() })
	before := f.seen.offered()[dispatch.OTP]
	f.lane(t, dispatch.OTP, 5)
	if n := len(f.offers.pages); n != 0 || f.seen.offered()[dispatch.OTP] != before {
		t.Errorf("%d pages offered to a full lane", n)
	}
	f.seen.mu.Lock()
	f.seen.pending = pagesEnough - 1
	f.seen.mu.Unlock()
	wait.Until(t, "the lane has room", func() bool { return !f.offers.full[dispatch.OTP].Load() })
	f.lane(t, dispatch.OTP, 5)
	wait.Until(t, "offers go on", func() bool { return f.seen.offered()[dispatch.OTP] == before+5 })
}

// Of the normal lane no more is offered between two readings of the queue than workers send
// meanwhile, and nothing while so much waits.
func TestWatchQueue_EnoughMessages(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	fast := f.sms
	fast.Policy.Rate = 100_000
	_, err := f.accounts.UpdateChannel(t.Context(), fast)
	must(t, err)
	f.Registry.(*registry.Registry).Drop()
	for range messagesEnough/250 + 1 {
		f.lane(t, dispatch.Normal, 250)
	}
	offered := 0
	for range len(f.offers.pages) {
		p := <-f.offers.pages
		offered += len(p.IDs)
		f.offers.pages <- p
	}
	if offered != messagesEnough {
		t.Errorf("%d messages offered before the queue was read, want %d", offered, messagesEnough)
	}
	f.seen.pending = messagesEnough / 80 // pages of 100, 100 and 50
	f.start(t)
	full := &f.offers.full[dispatch.Normal]
	wait.Until(t, "enough messages wait", full.Load)
	before := f.seen.offered()[dispatch.Normal]
	f.lane(t, dispatch.Normal, 5)
	if n := f.seen.offered()[dispatch.Normal] - before; n != 0 {
		t.Errorf("%d messages offered while enough wait", n)
	}
	f.seen.mu.Lock()
	f.seen.pending = messagesEnough/100 - 10
	f.seen.mu.Unlock()
	wait.Until(t, "fewer wait", func() bool { return !full.Load() })
	f.lane(t, dispatch.Normal, 5)
	wait.Until(t, "offers go on", func() bool { return f.seen.offered()[dispatch.Normal] == before+5 })
}

// What is not offered of a fast channel waits in pages, once no binary runs any more that
// does not know them; few messages, and those of a slow channel, have rows.
func TestPlanPages(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	pages := func(n int) (paged, rows int) {
		t.Helper()
		f.lane(t, dispatch.Bulk, n)
		backlogs, err := f.store.Backlogs(t.Context(), dispatch.Bulk, 10_000)
		must(t, err)
		for _, b := range backlogs {
			paged, rows = paged+b.Paged, rows+b.N
		}
		_, err = f.store.OpenAll(t.Context())
		must(t, err)
		return paged, rows
	}
	ctx := t.Context()
	reg := f.Registry.(*registry.Registry)
	go reg.Run(ctx)
	fast := f.sms
	fast.Policy.Rate = store.PagedRate
	for _, step := range []struct {
		what        string
		change      func()
		n           int
		paged, rows int
	}{
		{"a slow channel", func() {}, 40, 0, 40},
		{"a fast channel", func() {
			_, err := f.accounts.UpdateChannel(ctx, fast)
			must(t, err)
		}, 40, 40, 40},
		{"few messages", func() {}, pageFrom - 1, 0, 80 + pageFrom - 1},
		{"an open circuit", func() { must(t, f.store.OpenCircuit(ctx, fast.ID, "broken", time.Hour)) }, 40, 0, 120 + pageFrom - 1},
		{"the binary before", func() {
			must(t, f.store.CloseCircuit(ctx, fast.ID, true))
			must(t, f.accounts.Contract(ctx, 0))
		}, 40, 0, 160 + pageFrom - 1},
	} {
		step.change()
		_, contracted, err := f.accounts.ConfigVersion(ctx)
		must(t, err)
		wait.Until(t, "the registry knows", func() bool { return reg.Contracted() == contracted })
		reg.Drop()
		if paged, rows := pages(step.n); paged != step.paged || rows != step.rows {
			t.Errorf("%s: %d in pages and %d with rows, want %d and %d", step.what, paged, rows, step.paged, step.rows)
		}
	}
}
