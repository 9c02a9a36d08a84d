package worker

import (
	"context"
	"errors"
	"math/rand/v2"
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
	late  func() time.Duration // how late the process is; nil: never
	left  int
	// longest is the largest number of claimed calls that have not started.
	longest int
}

// calls returns how many calls have not started.
func (l *line) calls() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.runs {
		n += r.n
	}
	return n
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
			if s.late != nil {
				time.Sleep(s.late())
			}
			s.at[f.lane] = append(s.at[f.lane], time.Since(s.began))
		}, nil) {
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

// A one-time password behind a page of twenty takes the page's next slot, without waiting
// for it, and the page's last call the one that was booked for it: all others start when
// they would have anyway.
func TestLine_OTP_TakesTheNextSlotOfABulkPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStarts(t.Context())
		s.claim(dispatch.Bulk, limit.Grant{N: 20, Interval: slot})
		time.Sleep(12 * time.Millisecond) // fake time
		s.claim(dispatch.OTP, limit.Grant{N: 1, First: 88 * time.Millisecond, Interval: slot})
		for i, at := range s.all() {
			want := time.Duration(i) * slot
			if i == 3 {
				want = 12 * time.Millisecond
			}
			if at != want {
				t.Errorf("call %d starts after %v, want %v", i, at, want)
			}
		}
		if n, otp := len(s.at[dispatch.Bulk]), s.at[dispatch.OTP]; n != 20 || len(otp) != 1 || otp[0] != 12*time.Millisecond {
			t.Errorf("%d bulk calls, and otp after %v; want 20, and 12ms", n, otp)
		}
	})
}

// Of several at once the first starts at once, each other one a slot later: no call is
// ahead of its slot by more than one.
func TestLine_SeveralOTP_OneSlotAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStarts(t.Context())
		s.claim(dispatch.Bulk, limit.Grant{N: 20, Interval: slot})
		time.Sleep(12 * time.Millisecond) // fake time
		s.claim(dispatch.OTP, limit.Grant{N: 3, First: 88 * time.Millisecond, Interval: slot})
		s.runs.Wait()
		want := []time.Duration{12 * time.Millisecond, 15 * time.Millisecond, 20 * time.Millisecond}
		if got := s.at[dispatch.OTP]; !slices.Equal(got, want) {
			t.Errorf("otp starts after %v, want %v", got, want)
		}
		if got := s.at[dispatch.Bulk]; len(got) != 20 || got[3] != 30*time.Millisecond {
			t.Errorf("bulk starts after %v, want the fourth after 30ms", got)
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
		want := []time.Duration{20*time.Millisecond - slot, 80*time.Millisecond - slot, 85 * time.Millisecond}
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

// fullChannel keeps a channel full of bulk for ten seconds of fake time, on one worker, and
// sends a one-time password every now and then. It returns when these came.
func fullChannel(t *testing.T, s *starts, rate float64, every func() time.Duration) (came []time.Duration) {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{MaxRetries: -1, Dialer: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("away")
	}})
	defer func() {
		_ = rdb.Close()
		time.Sleep(2 * time.Second) // fake time: until its last goroutine has noticed
	}()
	limits := limit.NewChannels(rdb, limit.ChannelOptions{}) // without Redis: the model of its script
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
		for time.Since(s.began) < fullFor {
			if wait := s.line.behind(); wait > 0 {
				time.Sleep(wait)
				continue
			}
			time.Sleep(max(time.Millisecond, ask(dispatch.Bulk, 100).Wait))
			s.longest = max(s.longest, s.line.calls())
		}
	})
	loads.Go(func() {
		for time.Sleep(time.Second); time.Since(s.began) < fullFor; time.Sleep(every()) {
			if ask(dispatch.OTP, 1).N != 1 {
				t.Error("no slot for otp")
			}
			came = append(came, time.Since(s.began))
		}
	})
	loads.Wait()
	return came
}

const fullFor = 10 * time.Second

// checkRate fails the test if any second has more starts than the rate and one, or if the
// starts are too few for the rate.
func (s *starts) checkRate(t *testing.T, rate, least float64) {
	t.Helper()
	all := s.all()
	for i := range all {
		if n, _ := slices.BinarySearch(all, all[i]+time.Second-time.Microsecond); float64(n-i) > rate+1 {
			t.Errorf("rate %v: %d starts in the second from %v", rate, n-i, all[i])
			break
		}
	}
	if n := float64(len(all)); n < least*rate*fullFor.Seconds() {
		t.Errorf("rate %v: %v starts in %v", rate, n, fullFor)
	}
}

// A channel that bulk keeps full, on one worker: a one-time password starts at once, no
// second has more starts than the rate and one, and bulk has all that is left. Time is
// fake, so that no machine makes it late.
func TestLine_FullChannel_OTPStartsAtOnce(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{20, 80, 200, 2000} {
		synctest.Test(t, func(t *testing.T) {
			s := newStarts(t.Context())
			came := fullChannel(t, s, rate, func() time.Duration { return 103 * time.Millisecond })
			s.checkRate(t, rate, 0.97)
			for i, at := range s.at[dispatch.OTP] {
				if at-came[i] > time.Millisecond {
					t.Errorf("rate %v: a one-time password came after %v and started %v later", rate, came[i], at-came[i])
				}
			}
			if otp := len(s.at[dispatch.OTP]); otp != len(came) || otp < 80 {
				t.Errorf("rate %v: %d of %d one-time passwords started", rate, otp, len(came))
			}
		})
	}
}

// The same with one-time passwords at any time, up to a third of the channel's rate, and
// calls that are up to 10 ms late: a second still has no more starts than the rate and one.
// (A process that is 2.5 ms late on average makes 400 calls a second.)
func TestLine_FullChannelLateCalls_RateHolds(t *testing.T) {
	t.Parallel()
	for rate, least := range map[float64]float64{20: 0.9, 80: 0.9, 200: 0.9, 900: 0.4} {
		for seed := range uint64(5) {
			synctest.Test(t, func(t *testing.T) {
				lateness, arrivals := rand.New(rand.NewPCG(seed, 0)), rand.New(rand.NewPCG(seed, 1)) // of a goroutine each
				s := newStarts(t.Context())
				s.late = func() time.Duration { return time.Duration(lateness.Int64N(int64(late)) * lateness.Int64N(2)) }
				came := fullChannel(t, s, rate, func() time.Duration { return time.Duration(arrivals.ExpFloat64() * 3e9 / rate) })
				s.checkRate(t, rate, least)
				if otp := float64(len(s.at[dispatch.OTP])); otp != float64(len(came)) || otp < 2*rate {
					t.Errorf("rate %v: %v of %d one-time passwords started", rate, otp, len(came))
				}
			})
		}
	}
}

// A process that is late at each call starts fewer than the channel has slots for. What it
// has claimed does not grow with time.
func TestLine_LateProcess_ClaimsNoFurtherAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rate = 200
		s := newStarts(t.Context())
		s.late = func() time.Duration { return 8 * time.Millisecond }
		fullChannel(t, s, rate, func() time.Duration { return 103 * time.Millisecond })
		s.runs.Wait()
		if most := int(rate * (mostClaimed + limit.Ahead).Seconds()); s.longest > most || s.longest < rate/20 {
			t.Errorf("up to %d calls were claimed and not started, want at most %d", s.longest, most)
		}
	})
}

// One-time passwords in the line keep nobody from claiming, however many they are.
func TestLine_ManyOTP_OthersClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStarts(t.Context())
		s.claim(dispatch.OTP, limit.Grant{N: 200, Interval: slot})
		s.claim(dispatch.Normal, limit.Grant{N: 40, First: 200 * slot, Interval: slot})
		if wait := s.line.behind(); wait != 0 {
			t.Errorf("behind 40 calls the next claim waits for %v", wait)
		}
		s.claim(dispatch.Bulk, limit.Grant{N: 1, First: 240 * slot, Interval: slot})
		if wait := s.line.behind(); wait != 41*slot-limit.Ahead {
			t.Errorf("behind 41 calls the next claim waits for %v", wait)
		}
		s.runs.Wait()
		if wait := s.line.behind(); wait != 0 {
			t.Errorf("behind no call the next claim waits for %v", wait)
		}
	})
}

// Early calls start as others end, behind those that have a call of their own, and are
// given up when none ends for long.
func TestLine_EarlyCalls_StartAsOthersEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		ch := &dispatch.Channel{Policy: dispatch.Policy{Concurrency: 3}}
		put := func(lane dispatch.Lane, early bool, n int) {
			r := route{ch: ch, lane: lane, state: s, early: early}
			f := &flight{route: r, grant: limit.Grant{Interval: time.Microsecond}, booked: time.Now()}
			if s.line.add(f, make([]store.Claimed, n)) && !early {
				t.Error("nobody runs the line")
			}
		}
		var started []bool // whether early
		var rest int
		s.open, s.early = 3, 4
		put(dispatch.Normal, true, 4)
		go s.run(t.Context(), func(f *flight, _ *store.Claimed) { started = append(started, f.early) }, func(ws []waiting) {
			for _, w := range ws {
				w.f.give(len(w.calls))
				rest += len(w.calls)
			}
		})
		time.Sleep(time.Millisecond) // their slots
		synctest.Wait()
		if len(started) != 0 {
			t.Errorf("%d started while no call was free", len(started))
		}
		reserved := func() [2]int { // open, early
			s.mu.Lock()
			defer s.mu.Unlock()
			return [2]int{s.open, s.early}
		}
		s.give(2)
		time.Sleep(time.Millisecond) // their slots
		synctest.Wait()
		if !slices.Equal(started, []bool{true, true}) || reserved() != [2]int{3, 2} {
			t.Errorf("started %v; reserved %v", started, reserved())
		}
		put(dispatch.OTP, false, 1) // its call and the next one's are reserved
		put(dispatch.Normal, false, 1)
		time.Sleep(time.Millisecond) // their slots
		synctest.Wait()
		if !slices.Equal(started, []bool{true, true, false, false}) || reserved() != [2]int{3, 2} {
			t.Errorf("started %v; reserved %v", started, reserved())
		}
		time.Sleep(restFor + time.Second)
		time.Sleep(time.Millisecond) // their slots
		synctest.Wait()
		if rest != 2 || reserved() != [2]int{3, 0} || len(s.line.runs) != 0 || s.line.running {
			t.Errorf("%d given up; reserved %v, slots %v", rest, reserved(), s.line.runs)
		}
	})
}

// A drain claims what ends meanwhile, where calls take long, and no more than is free where
// none has ended lately.
func TestGather_Early_ClaimsWhatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		r := route{ch: &dispatch.Channel{Policy: dispatch.Policy{Concurrency: 1000}}, lane: dispatch.Normal, state: s, early: true}
		if n := r.gather(t.Context(), 2000); n != 990 || s.early != 990 || r.gather(t.Context(), 256) != 0 {
			t.Errorf("reserved %d; early %d", n, s.early)
		}
		s.open, s.early = 990, 0
		s.ended = 5000 // of 10,000 a second
		if n := r.gather(t.Context(), 256); n != 250 || s.early != 250 || s.open != 990 {
			t.Errorf("reserved %d; early %d, open %d", n, s.early, s.open)
		}
		if n := s.room(990); n != 5000 {
			t.Errorf("room for %d", n)
		}
		time.Sleep(2 * time.Second) // the provider hangs
		if n := r.gather(t.Context(), 256); n != 0 {
			t.Errorf("reserved %d though nothing ends", n)
		}
	})
}
