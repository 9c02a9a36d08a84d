package worker

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/limit"
	"github.com/sendoff/sendoff/internal/store"
)

// starts notes when the calls of a line start, since the beginning.
type starts struct {
	*channelState
	ctx   context.Context
	began time.Time
	runs  sync.WaitGroup
	at    map[dispatch.Lane][]time.Duration
	left  int
}

func newStarts(ctx context.Context) *starts {
	return &starts{channelState: newChannelState(), ctx: ctx, began: time.Now(), at: map[dispatch.Lane][]time.Duration{}}
}

// claim puts n calls with a grant into the line.
func (s *starts) claim(lane dispatch.Lane, g limit.Grant) {
	f := &flight{route: route{lane: lane, state: s.channelState}, grant: g, booked: time.Now()}
	if !s.line.add(f, make([]store.Claimed, g.N)) {
		return
	}
	s.runs.Go(func() {
		for _, rest := range s.run(s.ctx, func(f *flight, _ *store.Claimed) { // one at a time
			s.at[f.lane] = append(s.at[f.lane], time.Since(s.began))
		}) {
			s.left += len(rest.calls)
		}
	})
}

// all returns all starts in their order.
func (s *starts) all() []time.Duration {
	s.runs.Wait()
	return slices.Sorted(slices.Values(slices.Concat(s.at[dispatch.OTP], s.at[dispatch.Normal], s.at[dispatch.Bulk])))
}

const slot = 5 * time.Millisecond

// A one-time password behind a page of twenty takes the page's next slot, and the page's
// last call the one that was booked for it: calls start when they would have anyway.
func TestLine_OTP_TakesTheNextSlotOfABulkPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStarts(t.Context())
		s.claim(dispatch.Bulk, limit.Grant{N: 20, Interval: slot})
		time.Sleep(12 * time.Millisecond) // fake time
		s.claim(dispatch.OTP, limit.Grant{N: 1, First: 88 * time.Millisecond, Interval: slot})
		for i, at := range s.all() {
			if at != time.Duration(i)*slot {
				t.Errorf("call %d starts after %v, want %v", i, at, time.Duration(i)*slot)
			}
		}
		if n, otp := len(s.at[dispatch.Bulk]), s.at[dispatch.OTP]; n != 20 || len(otp) != 1 || otp[0] != 3*slot {
			t.Errorf("%d bulk calls, and otp after %v; want 20, and 15ms", n, otp)
		}
	})
}

// A slot that is booked later and is earlier, one that otp had left free, is used in its time.
func TestLine_EarlierSlot_IsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStarts(t.Context())
		s.claim(dispatch.OTP, limit.Grant{N: 2, First: 80 * time.Millisecond, Interval: slot})
		time.Sleep(10 * time.Millisecond)
		s.claim(dispatch.Bulk, limit.Grant{N: 1, First: 10 * time.Millisecond, Interval: slot})
		want := []time.Duration{20 * time.Millisecond, 80 * time.Millisecond, 85 * time.Millisecond}
		if got := s.all(); !slices.Equal(got, want) || s.at[dispatch.OTP][0] != want[0] {
			t.Errorf("calls start after %v, otp after %v; want %v", got, s.at[dispatch.OTP], want)
		}
	})
}

// A worker that stops gives back what has not started, and nothing else.
func TestLine_Stop_ReturnsTheRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s := newStarts(ctx)
		s.claim(dispatch.Bulk, limit.Grant{N: 20, Interval: slot})
		s.claim(dispatch.OTP, limit.Grant{N: 3, First: 100 * time.Millisecond, Interval: slot})
		time.Sleep(22 * time.Millisecond)
		stop()
		if n := len(s.all()); n != 5 || s.left != 18 {
			t.Errorf("%d calls started, %d were given back; want 5 and 18", n, s.left)
		}
		s.claim(dispatch.Bulk, limit.Grant{N: 2, Interval: slot})
		if n := len(s.all()); n != 5 || s.left != 20 {
			t.Errorf("after the stop %d calls started, %d were given back; want 5 and 20", n, s.left)
		}
	})
}

// A channel that bulk keeps full, on one worker: a one-time password starts within two
// slots of when it came, no second has more starts than the rate, and bulk has all that
// is left. Time is fake, so that no machine makes it late.
func TestLine_FullChannel_OTPWaitsForTwoSlots(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{20, 200, 2000} {
		synctest.Test(t, func(t *testing.T) {
			const span = 10 * time.Second
			rdb := redis.NewClient(&redis.Options{MaxRetries: -1, Dialer: func(context.Context, string, string) (net.Conn, error) {
				return nil, errors.New("away")
			}})
			defer func() {
				_ = rdb.Close()
				time.Sleep(2 * time.Second) // fake time: until its last goroutine has noticed
			}()
			limits := limit.NewChannels(rdb, limit.ChannelOptions{}) // without Redis: the model of its script
			s := newStarts(t.Context())
			var loads sync.WaitGroup
			ask := func(lane dispatch.Lane, n int) limit.Grant {
				g, err := limits.Reserve(t.Context(), 1, lane, n, rate)
				if err != nil {
					t.Error(err)
				}
				if g.N > 0 {
					s.claim(lane, g)
				}
				return g
			}
			loads.Go(func() {
				for time.Since(s.began) < span {
					time.Sleep(max(time.Millisecond, ask(dispatch.Bulk, 100).Wait))
				}
			})
			var came []time.Duration
			loads.Go(func() {
				for time.Sleep(time.Second); time.Since(s.began) < span; time.Sleep(103 * time.Millisecond) {
					if ask(dispatch.OTP, 1).N != 1 {
						t.Error("no slot for otp")
					}
					came = append(came, time.Since(s.began))
				}
			})
			loads.Wait()
			all := s.all()
			two := time.Duration(2.1 / rate * 1e9)
			for i, at := range s.at[dispatch.OTP] {
				if at-came[i] > two {
					t.Errorf("rate %v: a one-time password came after %v and started %v later, more than %v", rate, came[i], at-came[i], two)
				}
			}
			if otp := len(s.at[dispatch.OTP]); otp != len(came) || otp < 80 {
				t.Errorf("rate %v: %d of %d one-time passwords started", rate, otp, len(came))
			}
			for i := range all {
				if n, _ := slices.BinarySearch(all, all[i]+time.Second-time.Microsecond); float64(n-i) > rate+1 {
					t.Errorf("rate %v: %d starts in the second from %v", rate, n-i, all[i])
					break
				}
			}
			if n := float64(len(all)); n < 0.97*rate*span.Seconds() {
				t.Errorf("rate %v: %v starts in %v", rate, n, span)
			}
		})
	}
}
