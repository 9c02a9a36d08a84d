package accept

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/wait"
)

// counts stands for the recipients' limit and counts what is spent.
type counts struct {
	mu    sync.Mutex
	by    map[string]int
	tries int
	full  int // how many calls find the limiter's own queue full
}

func (c *counts) SpendRecipients(
	_ context.Context, _ int64, persons [][]string, _ int,
) ([]time.Duration, func(context.Context, []int) error, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tries++; c.tries <= c.full {
		return nil, nil, fmt.Errorf("spend recipients: %w", batch.ErrOverloaded)
	}
	for _, ids := range persons {
		c.by[ids[0]]++
	}
	return make([]time.Duration, len(persons)), func(_ context.Context, at []int) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, i := range at {
			if c.by[persons[i][0]]--; c.by[persons[i][0]] == 0 {
				delete(c.by, persons[i][0])
			}
		}
		return nil
	}, nil
}

// What is refused after it was counted doesn't use up its recipient's hour.
func TestAccept_Refused_CountsNoRecipient(t *testing.T) {
	t.Parallel()
	c := &counts{by: map[string]int{}}
	f := open(t, c)
	s, who := f.Service, f.who
	credits := func(on bool) {
		t.Helper()
		a, err := f.accounts.SetCredits(t.Context(), who.Account.ID, on, 0)
		must(t, err)
		who.Account = a
	}
	credits(true)
	if out := s.Accept(t.Context(), who, page(0, 3), 0); dispatch.CodeOf(out[2].Err) != dispatch.LowBalance {
		t.Fatalf("%+v", out)
	}
	if _, err := s.AllOrNone(t.Context(), who, page(0, 2)); dispatch.CodeOf(err) != dispatch.LowBalance {
		t.Fatal(err)
	}
	if len(c.by) != 0 || c.tries != 2 {
		t.Errorf("after refusals %v are counted, in %d calls", c.by, c.tries)
	}
	credits(false)
	if _, err := s.AllOrNone(t.Context(), who, page(0, 2)); err != nil {
		t.Fatal(err)
	}
	if len(c.by) != 2 {
		t.Errorf("after two sends %v are counted", c.by)
	}
}

// A page that waits for room before the database, or before the limiter, counts
// against its recipients once, and one that finds none in time not at all.
func TestAccept_WaitsForRoom_CountsRecipientsOnce(t *testing.T) {
	t.Parallel()
	const n = 20
	c := &counts{by: map[string]int{}, full: 1}
	f := open(t, c)
	s, who := f.Service, f.who
	release := make(chan struct{})
	s.bulk = batch.New(batch.Options{Max: n, Queue: n, Workers: 1}, func(
		_ context.Context, in []store.NewMessage,
	) ([]dispatch.Receipt, error) {
		<-release
		out := make([]dispatch.Receipt, len(in))
		for i := range in {
			out[i] = dispatch.Receipt{ID: in[i].ID}
		}
		return out, nil
	})
	var wg sync.WaitGroup
	accept := func(first int) {
		wg.Go(func() {
			for i, r := range s.Accept(context.Background(), who, page(first, n), time.Minute) {
				if r.Err != nil {
					t.Errorf("message %d: %v", first+i, r.Err)
				}
			}
		})
	}
	accept(0)
	wait.Until(t, "a page is at the database", func() bool { return recipientsOf(c) == n && s.bulk.Waiting() == 0 })
	accept(n)
	wait.Until(t, "the queue is full", func() bool { return s.bulk.Waiting() == n })
	accept(2 * n)
	wait.Until(t, "the third page is counted", func() bool { return recipientsOf(c) == 3*n })
	if out := s.Accept(context.Background(), who, page(3*n, n), 2*roomEvery); dispatch.CodeOf(out[0].Err) != dispatch.Overloaded {
		t.Errorf("a page whose time is over: %v", out[0].Err)
	}
	close(release)
	wg.Wait()
	if len(c.by) != 3*n {
		t.Errorf("%d recipients counted, want %d", len(c.by), 3*n)
	}
	for to, n := range c.by {
		if n != 1 {
			t.Errorf("%s was counted %d times", to, n)
		}
	}
}

// recipientsOf returns the number of recipients that something is counted
// against.
func recipientsOf(c *counts) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.by)
}

// waits stands for a limiter that answers with the same waits each time.
type waits struct {
	byTo    map[string]time.Duration
	perHour []int
	err     error
}

func (w *waits) SpendRecipients(
	_ context.Context, _ int64, persons [][]string, perHour int,
) ([]time.Duration, func(context.Context, []int) error, error) {
	w.perHour = append(w.perHour, perHour)
	out := make([]time.Duration, len(persons))
	for i, ids := range persons {
		out[i] = w.byTo[ids[0]]
	}
	return out, func(context.Context, []int) error { return nil }, w.err
}

// A recipient above the limit refuses its own message, and all of an all-or-none
// request.
func TestRecipientLimit_RefusesItsMessage(t *testing.T) {
	t.Parallel()
	w := &waits{byTo: map[string]time.Duration{number(2): 90*time.Second + time.Millisecond}}
	f := open(t, w)
	out := f.Accept(t.Context(), f.who, page(1, 3), 0)
	if out[0].Err != nil || out[2].Err != nil {
		t.Errorf("the others: %v, %v", out[0].Err, out[2].Err)
	}
	if e := dispatch.AsError(out[1].Err); e.Code != dispatch.RateLimited || e.Reason != "recipient" || e.RetryAfter != 91 {
		t.Errorf("%+v", e)
	}
	if _, err := f.AllOrNone(t.Context(), f.who, page(1, 3)); dispatch.CodeOf(err) != dispatch.RateLimited {
		t.Errorf("all or none: %v", err)
	}
	if n := f.count(t); n != 2 {
		t.Errorf("%d messages stored, want those of the first request", n)
	}
}

// Without a limit of the key only one-time passwords are limited; a key's own
// limit concerns every lane, and 0 is none.
func TestRecipientLimit_ByKeyAndLane(t *testing.T) {
	t.Parallel()
	f := open(t, nil)
	for name, c := range map[string]struct {
		limit *int
		want  map[string]int
	}{
		"none of its own": {nil, map[string]int{"otp": otpPerHour}},
		"two":             {new(2), map[string]int{"otp": 2, "normal": 2, "bulk": 2}},
		"zero":            {new(0), nil},
	} {
		for _, lane := range dispatch.Lanes {
			w := &waits{}
			f.Recipients = w
			f.who.Key.PerRecipientHour = c.limit
			d := text(1)
			d.Lane = lane.String()
			must(t, f.one(t, d).Err)
			want, limited := c.want[d.Lane]
			if (len(w.perHour) == 1) != limited || (limited && w.perHour[0] != want) {
				t.Errorf("%s, lane %s: asked with %v, want %d", name, lane, w.perHour, want)
			}
		}
	}
}

// A simulation is not counted, and a limiter that fails refuses the request.
func TestRecipientLimit_SimulationAndFailure(t *testing.T) {
	t.Parallel()
	w := &waits{err: batch.ErrOverloaded}
	f := open(t, w)
	d := text(1)
	d.Simulate = true
	must(t, f.one(t, d).Err)
	if len(w.perHour) != 0 {
		t.Error("a simulation is counted")
	}
	for _, r := range f.Accept(t.Context(), f.who, page(1, 2), 0) {
		if dispatch.CodeOf(r.Err) != dispatch.Overloaded {
			t.Errorf("without room in the limiter: %v", r.Err)
		}
	}
	if n := f.count(t); n != 0 {
		t.Errorf("%d messages stored", n)
	}
}
