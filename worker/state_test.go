package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestTake_GivesWhatIsFree(t *testing.T) {
	t.Parallel()
	s := newChannelState()
	ctx := t.Context()
	if got := s.take(ctx, 7, 10, 0); got != 7 {
		t.Errorf("took %d of 7", got)
	}
	if got := s.take(ctx, 7, 10, 0); got != 3 {
		t.Errorf("took %d where 3 were free", got)
	}
	if got := s.take(ctx, 1, 10, 0); got != 0 {
		t.Errorf("took %d where none was free", got)
	}
	if got := s.take(ctx, 1, 5, 0); got != 0 { // the limit was lowered
		t.Errorf("took %d below a lowered limit", got)
	}
	s.give(10)
	if got := s.take(ctx, 5, 5, 0); got != 5 {
		t.Errorf("took %d of 5 after all were given back", got)
	}
}

// What is expected to end soon is told from the calls that ended, not from those that were
// reserved and never started.
func TestGive_NotStarted_EndedNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		s.take(t.Context(), 200, 200, 0)
		s.give(100)
		if n := s.ahead(); n != 0 || s.room(200) != 100 {
			t.Errorf("%d calls are about to end, room for %d", n, s.room(200))
		}
		for range 100 {
			s.end()
		}
		if n := s.ahead(); n != 5 || s.room(200) != 300 || s.open != 0 {
			t.Errorf("%d calls are about to end, room for %d, %d open", n, s.room(200), s.open)
		}
	})
}

func TestTake_WaitsForAFreeCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		s.take(t.Context(), 4, 4, 0)
		began := time.Now()
		time.AfterFunc(30*time.Millisecond, func() { s.give(2) })
		if got := s.take(t.Context(), 3, 4, 100*time.Millisecond); got != 2 || time.Since(began) != 30*time.Millisecond {
			t.Errorf("took %d after %v, want the 2 given back after 30ms", got, time.Since(began))
		}
		if got := s.take(t.Context(), 1, 4, 100*time.Millisecond); got != 0 || time.Since(began) != 130*time.Millisecond {
			t.Errorf("took %d after %v, want none and patience to end after 130ms", got, time.Since(began))
		}
	})
}

// A dead provider must not hold the handlers that other channels need.
func TestTake_AtMostTwoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		s.take(t.Context(), 1, 1, 0)
		for range 2 {
			go s.take(t.Context(), 1, 1, time.Second)
		}
		synctest.Wait()
		began := time.Now()
		if got := s.take(t.Context(), 1, 1, time.Second); got != 0 || time.Since(began) != 0 {
			t.Errorf("a third took %d and waited %v", got, time.Since(began))
		}
		time.Sleep(2 * time.Second) // fake time
		synctest.Wait()
		if s.waiting != 0 {
			t.Errorf("%d still count as waiting", s.waiting)
		}
	})
}

func TestTake_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		s.take(t.Context(), 1, 1, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		began := time.Now()
		if got := s.take(ctx, 1, 1, time.Second); got != 0 || time.Since(began) != 10*time.Millisecond {
			t.Errorf("took %d after %v", got, time.Since(began))
		}
	})
}

// next is pace for a call that starts then.
func (s *channelState) next(slot, in time.Time, interval time.Duration) time.Time {
	s.last = s.pace(slot, in, interval)
	return s.last
}

// Calls never start closer together than the channel's interval, however late
// the page came.
func TestPace_KeepsTheInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		now := time.Now()
		const interval = 20 * time.Millisecond
		if at := s.next(now.Add(50*time.Millisecond), now, interval); !at.Equal(now.Add(50 * time.Millisecond)) {
			t.Errorf("the first call starts after %v, want at its slot", at.Sub(now))
		}
		for i := range 5 { // slots of a page that are over: one after the other
			want := now.Add(50*time.Millisecond + time.Duration(i+1)*interval)
			if at := s.next(now.Add(-time.Second), now, interval); !at.Equal(want) {
				t.Errorf("call %d starts after %v, want %v", i, at.Sub(now), want.Sub(now))
			}
		}
		time.Sleep(time.Second) // fake time: an idle second saves nothing up
		now = time.Now()
		for i := range 3 {
			if at := s.next(now.Add(-500*time.Millisecond), now, interval); !at.Equal(now.Add(time.Duration(i) * interval)) {
				t.Errorf("after an idle second call %d starts after %v", i, at.Sub(now))
			}
		}
	})
}

// A call whose timer or whose process was late by 10 ms holds up none behind it; one that was
// later holds them up by the rest.
func TestPace_LateTimer_IsCaughtUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		const interval = 5 * time.Millisecond
		in := time.Now()
		for i, late := range []time.Duration{0, 2 * interval, 0, 0, 6 * interval, 0} {
			slot := in.Add(time.Duration(i) * interval)
			time.Sleep(time.Until(slot) + late) // fake time
			want := slot
			if i >= 4 {
				want = slot.Add(6*interval - 10*time.Millisecond)
			}
			if at := s.next(slot, in, interval); !at.Equal(want) {
				t.Errorf("call %d starts after %v, want %v", i, at.Sub(in), want.Sub(in))
			}
		}
	})
}

// Below a millisecond timers are too coarse: 5 ms may be caught up, no more.
func TestPace_FastChannel_CatchesUpFiveMilliseconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		time.Sleep(time.Second) // fake time
		now := time.Now()
		const interval = 100 * time.Microsecond
		atOnce := 0
		for range 200 {
			if at := s.next(now.Add(-time.Second), now, interval); !at.After(now) {
				atOnce++
			}
		}
		if atOnce != 51 {
			t.Errorf("%d calls start at once, want 51", atOnce)
		}
	})
}

func TestBroke_CountsFailuresInARow(t *testing.T) {
	t.Parallel()
	s := newChannelState()
	for i := range 19 {
		if s.broke(20) {
			t.Fatalf("broken after %d failures", i+1)
		}
	}
	s.worked()
	for i := range 20 {
		if s.broke(20) != (i == 19) {
			t.Fatalf("after a success, failure %d", i+1)
		}
	}
	if s.broke(20) {
		t.Error("a broken circuit starts to count anew")
	}
}

func TestPair_IsOverInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newChannelState()
		s.block(time.Second)
		s.block(time.Millisecond) // the longer one counts
		time.Sleep(900 * time.Millisecond)
		if !s.anyBlocked() {
			t.Error("a blocked recipient is forgotten")
		}
		time.Sleep(100 * time.Millisecond)
		if s.anyBlocked() {
			t.Error("a recipient is blocked for ever")
		}
	})
}
