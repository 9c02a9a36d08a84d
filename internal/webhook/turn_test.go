package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// busiest is an answer that counts how many requests were open at once.
func busiest(most *atomic.Int32, takes time.Duration) func(int, got, http.ResponseWriter) {
	var open atomic.Int32
	return func(int, got, http.ResponseWriter) {
		n := open.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(takes) // a receiver that works
		open.Add(-1)
	}
}

// An endpoint that answers well gets more calls at once, up to a bound, which it gives
// back at the end of its turn.
func TestTurn_EndpointKeepsUp_GetsMoreCalls(t *testing.T) {
	f := newFixture(t)
	var most atomic.Int32
	r := receive(t, busiest(&most, 20*time.Millisecond))
	w := f.endpoint(Standard, r.URL)
	f.send(600, nil)
	d := f.deliverer(nil)
	f.expand(d)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	if n := most.Load(); n <= concurrency || n > maxConcurrency {
		t.Errorf("%d calls at once, want more than %d and no more than %d", n, concurrency, maxConcurrency)
	}
	if len(r.ids()) != 600 || r.count() != 600 || d.extra.Load() != 0 {
		t.Errorf("%d events in %d requests, %d calls not given back", len(r.ids()), r.count(), d.extra.Load())
	}
	if slices.ContainsFunc(f.log(w), func(l hookstore.LoggedDelivery) bool { return l.State != hookstore.Delivered }) {
		t.Error("not all are written down as delivered")
	}
}

// Where all endpoints of a process have as many calls as there may be, none gets more.
func TestTurn_NoCallsLeft_KeepsItsOwn(t *testing.T) {
	f := newFixture(t)
	var most atomic.Int32
	r := receive(t, busiest(&most, 5*time.Millisecond))
	f.endpoint(Standard, r.URL)
	f.send(100, nil)
	d := f.deliverer(nil)
	d.extra.Store(maxExtra)
	f.expand(d)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	if n := most.Load(); n > concurrency || len(r.ids()) != 100 {
		t.Errorf("%d calls at once, %d events", n, len(r.ids()))
	}
}

// A failure takes the calls back that successes have brought.
func TestTurn_Failure_SlowsDown(t *testing.T) {
	t.Parallel()
	d := New(Options{Log: slog.New(slog.DiscardHandler)})
	turn := d.newTurn(&hookstore.Turn{})
	for range 100 {
		turn.succeeded()
	}
	if turn.limit != maxConcurrency || d.extra.Load() != maxConcurrency-concurrency {
		t.Errorf("after successes: %d calls, %d of them taken", turn.limit, d.extra.Load())
	}
	turn.failed(http.StatusBadGateway, 0, false)
	if turn.limit != concurrency || d.extra.Load() != 0 || turn.stopped {
		t.Errorf("after a failure: %d calls, %d of them taken, stopped %v", turn.limit, d.extra.Load(), turn.stopped)
	}
	for range trip - 1 {
		turn.failed(http.StatusBadGateway, 0, false)
	}
	if !turn.stopped {
		t.Error("goes on with an open breaker")
	}
}

// One request that hangs holds up neither the others of its endpoint nor the writing
// of their results, and what comes meanwhile goes out beside it.
func TestTurn_OneSlowCall_OthersGoOn(t *testing.T) {
	f := newFixture(t)
	held, release := context.WithCancel(t.Context())
	defer release() // or a failure waits for the receiver
	r := receive(t, func(n int, _ got, _ http.ResponseWriter) {
		if n == 1 {
			<-held.Done()
		}
	})
	defer r.CloseClientConnections()
	w := f.endpoint(Standard, r.URL)
	f.send(400, nil)
	f.expand(f.deliverer(nil))
	f.work(f.deliverer(nil))
	delivered := func() (n int) {
		for _, l := range f.log(w) {
			if l.State == hookstore.Delivered {
				n++
			}
		}
		return n
	}
	f.until("all others are written down", func() bool { return delivered() == 399 })
	f.send(1, nil)
	f.until("a new one is delivered", func() bool { return delivered() == 400 })
	release()
	f.until("the slow one is too", func() bool { return delivered() == 401 })
}

// What becomes due behind the place that a turn has read to is found by the next look.
func TestTurn_DueBeforeItsPlace_IsFound(t *testing.T) {
	f := newFixture(t)
	var moved atomic.Bool

	r := receive(t, func(n int, _ got, _ http.ResponseWriter) {
		if n > batchSize && moved.CompareAndSwap(false, true) {
			_, err := f.db.Exec(`UPDATE webhook_deliveries SET wake_at = now() - interval '1 day' WHERE wake_at = 'infinity'`)
			must(t, err)
		}
	})
	w := f.endpoint(Standard, r.URL)
	ids := f.send(2*batchSize, nil)
	d := f.deliverer(nil)
	f.expand(d)
	_, err := f.db.Exec(`UPDATE webhook_deliveries SET wake_at = 'infinity' WHERE message_id = $1`, ids[7].String())
	must(t, err)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	for _, l := range f.log(w) {
		if l.State != hookstore.Delivered {
			t.Errorf("event %d of %s is pending", l.Seq, l.Message)
		}
	}
	if n := len(r.ids()); n != 2*batchSize {
		t.Errorf("%d events came", n)
	}
}

// An event that stands behind a later one of its message, since transactions end in
// another order than they begin, is not overtaken by it, also not at the end of a page.
func TestTurn_LaterEventStandsFirst_InSequence(t *testing.T) {
	f := newFixture(t)
	r := receive(t, nil)
	f.endpoint(Standard, r.URL)
	ids := f.send(2*batchSize, nil)
	f.evidence(ids[:1], dispatch.Sent)
	f.evidence(ids[:1], dispatch.Delivered)
	d := f.deliverer(nil)
	f.expand(d)
	_, err := f.db.Exec(`UPDATE webhook_deliveries SET wake_at = CASE seq WHEN 3 THEN now() - interval '1 day' ELSE now() END
		WHERE message_id = $1`, ids[0].String())
	must(t, err)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	var order []float64
	for _, g := range r.requests() {
		if data := decode(t, g.Body).Data; data["message_id"] == ids[0].String() {
			order = append(order, data["sequence"].(float64))
		}
	}
	if !slices.Equal(order, []float64{1, 2, 3}) || r.count() != 2*batchSize+2 {
		t.Errorf("events in the order %v, %d requests", order, r.count())
	}
}

// What was read with the probe of an open breaker goes out once, also if it is under
// way when the place is set back.
func TestTurn_ProbeWithEarlierEvents_OnceEach(t *testing.T) {
	f := newFixture(t)
	held, release := context.WithCancel(t.Context())
	defer release() // or a failure waits for the receiver
	r := receive(t, func(n int, _ got, _ http.ResponseWriter) {
		if n == 2 {
			<-held.Done()
		}
	})
	w := f.endpoint(Standard, r.URL)
	ids := f.send(1, nil)
	f.evidence(ids, dispatch.Sent)
	f.evidence(ids, dispatch.Delivered)
	d := f.deliverer(nil)
	f.expand(d)
	for _, q := range []string{
		`UPDATE webhook_deliveries SET wake_at = CASE seq WHEN 3 THEN now() - interval '1 day' ELSE now() END`,
		`UPDATE webhooks SET failures = 5`,
	} {
		_, err := f.db.Exec(q)
		must(t, err)
	}
	f.work(d)
	f.until("the probe is written down", func() bool {
		return slices.ContainsFunc(f.log(w), func(l hookstore.LoggedDelivery) bool { return l.State == hookstore.Delivered })
	})
	f.send(1, nil)
	f.until("a further event has come", func() bool { return r.count() == 3 })
	release()
	f.until("all are delivered", func() bool {
		return !slices.ContainsFunc(f.log(w), func(l hookstore.LoggedDelivery) bool { return l.State != hookstore.Delivered })
	})
	if n := r.count(); n != 4 || len(r.ids()) != 4 {
		t.Errorf("%d events in %d requests, want 4 in 4", len(r.ids()), n)
	}
}

// An event whose first try fails is not overtaken by those that follow it, neither
// those that were due with it nor those that come while it waits.
func TestTurn_FirstTryFails_TheOthersOfItsMessageWait(t *testing.T) {
	f := newFixture(t)
	var mu sync.Mutex
	came, refused := map[any][]float64{}, map[any]bool{}
	r := receive(t, func(_ int, g got, w http.ResponseWriter) {
		data := decode(t, g.Body).Data
		id := data["message_id"]
		mu.Lock()
		defer mu.Unlock()
		if !refused[id] {
			refused[id] = true
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		came[id] = append(came[id], data["sequence"].(float64))
	})
	f.endpoint(Standard, r.URL)
	ids := f.send(3, nil)
	f.evidence(ids, dispatch.Sent)
	slow := func(o *Options) { o.Scale = 0.2 } // the second try comes after a second
	f.expand(f.deliverer(slow))
	f.work(f.deliverer(slow))
	f.until("the first tries have failed", func() bool { mu.Lock(); defer mu.Unlock(); return len(refused) == len(ids) })
	f.evidence(ids, dispatch.Delivered)
	f.until("all events have come", func() bool {
		mu.Lock()
		defer mu.Unlock()
		n := 0
		for _, events := range came {
			n += len(events)
		}
		return n == 3*len(ids)
	})
	for id, events := range came {
		if !slices.IsSorted(events) {
			t.Errorf("events of %v came in the order %v", id, events)
		}
	}
}
