package batch

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func double(_ context.Context, in []int) ([]int, error) {
	out := make([]int, len(in))
	for i, v := range in {
		out[i] = 2 * v
	}
	return out, nil
}

func TestDo_GivesOwnResult(t *testing.T) {
	t.Parallel()
	b := New(Options{Max: 7, Queue: 1000, Workers: 3}, double)
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			if got, err := b.Do(t.Context(), i); err != nil || got != 2*i {
				t.Errorf("Do(%d) = %d, %v", i, got, err)
			}
		})
	}
	wg.Wait()
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// The page fills while the worker is busy, and only then.
func TestDo_WhileFlushing_NextPageFills(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		b := New(Options{Max: 4}, func(ctx context.Context, in []int) ([]int, error) {
			sizes = append(sizes, len(in))
			time.Sleep(time.Second)
			return double(ctx, in)
		})
		start := time.Now()
		for i := range 8 {
			go func() { _, _ = b.Do(t.Context(), i) }()
			synctest.Wait()
		}
		if got := b.Waiting(); got != 7 {
			t.Errorf("Waiting() = %d, want 7", got)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if want := []int{1, 4, 3}; !slices.Equal(sizes, want) {
			t.Errorf("pages %v, want %v", sizes, want)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("three flushes took %v", took)
		}
	})
}

// A second flush beside the first begins when a page is worth it, and ends when
// none is.
func TestDo_More_SecondFlushWaitsForAPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sizes []int
		b := New(Options{Max: 4, Workers: 2, More: 3}, func(ctx context.Context, in []int) ([]int, error) {
			mu.Lock()
			sizes = append(sizes, len(in))
			mu.Unlock()
			time.Sleep(time.Second)
			return double(ctx, in)
		})
		hand := func(n int) {
			for i := range n {
				go func() { _, _ = b.Do(t.Context(), i) }()
				synctest.Wait()
			}
		}
		hand(3) // one goes out, two wait for it
		if got := b.Waiting(); got != 2 {
			t.Errorf("Waiting() = %d with one flush under way; want 2", got)
		}
		hand(2) // the third that waits makes a page: the next begins to fill
		if got := b.Waiting(); got != 1 {
			t.Errorf("Waiting() = %d with two flushes under way; want 1", got)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if want := []int{1, 3, 1}; !slices.Equal(sizes, want) {
			t.Errorf("pages %v, want %v", sizes, want)
		}
	})
}

func TestDo_FullQueue_IsOverloadedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{Max: 2, Queue: 3}, func(ctx context.Context, in []int) ([]int, error) {
			time.Sleep(time.Second)
			return double(ctx, in)
		})
		var full atomic.Int32
		for i := range 10 {
			go func() {
				if _, err := b.Do(t.Context(), i); errors.Is(err, ErrOverloaded) {
					full.Add(1)
				}
			}()
			synctest.Wait()
		}
		if full.Load() != 6 { // one in flight, three waiting
			t.Errorf("%d refused, want 6", full.Load())
		}
		if _, err := b.DoAll(t.Context(), make([]int, 4)); !errors.Is(err, ErrOverloaded) {
			t.Errorf("DoAll beyond the queue: %v", err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestDo_CallerLeaves_ItemIsFlushedAndFlushNotCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var flushed []int
		b := New(Options{}, func(ctx context.Context, in []int) ([]int, error) {
			time.Sleep(time.Second)
			flushed = append(flushed, in...)
			if ctx.Err() != nil {
				t.Error("a caller's context cancelled the flush")
			}
			return double(ctx, in)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := b.Do(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do: %v", err)
		}
		if _, err := b.Do(ctx, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do with a dead context: %v", err)
		}
		if got, err := b.Do(t.Context(), 3); err != nil || got != 6 {
			t.Errorf("Do = %d, %v", got, err)
		}
		if want := []int{1, 3}; !slices.Equal(flushed, want) {
			t.Errorf("flushed %v, want %v", flushed, want)
		}
	})
}

func TestRun_TimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{Timeout: time.Minute}, func(ctx context.Context, _ []int) ([]int, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		start := time.Now()
		if _, err := b.Do(t.Context(), 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("Do: %v after %v", err, time.Since(start))
		}
	})
}

func TestFlush_Fails_OnlyItsPage(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	b := New(Options{Max: 1}, func(ctx context.Context, in []int) ([]int, error) {
		switch in[0] {
		case 1:
			panic("one")
		case 2:
			return nil, nil
		case 3:
			return []int{9}, boom
		}
		return double(ctx, in)
	})
	for in, want := range map[int]string{1: "batch: flush panicked: one", 2: "batch: flush of 1 items gave 0 results", 3: "boom"} {
		if out, err := b.Do(t.Context(), in); err == nil || !strings.HasPrefix(err.Error(), want) || out != 0 {
			t.Errorf("Do(%d) = %d, %v; want %s", in, out, err, want)
		}
	}
	outs, err := b.DoAll(t.Context(), []int{4, 3, 5})
	if want := []int{8, 0, 10}; !errors.Is(err, boom) || !slices.Equal(outs, want) {
		t.Errorf("DoAll = %v, %v; want %v, boom", outs, err, want)
	}
}

func TestClose_DrainsAndRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(Options{Max: 1}, func(ctx context.Context, in []int) ([]int, error) {
			time.Sleep(time.Second)
			return double(ctx, in)
		})
		results := make(chan error, 5)
		for i := range 5 {
			go func() {
				_, err := b.Do(t.Context(), i)
				results <- err
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close cut short: %v", err)
		}
		if _, err := b.Do(t.Context(), 9); !errors.Is(err, ErrClosed) {
			t.Errorf("Do after Close: %v", err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close: %v", err)
		}
		synctest.Wait()
		for range 5 {
			if err := <-results; err != nil {
				t.Errorf("item taken before Close: %v", err)
			}
		}
	})
}

func TestClose_Unused(t *testing.T) {
	t.Parallel()
	b := New(Options{}, double)
	for range 2 {
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

type item struct{ caller, n int }

// Whatever the sizes and however many call at once: every item taken is
// flushed exactly once, a caller's items in its order, pages and workers
// within their bounds.
func TestBatcher_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		opts := Options{
			Max:     rapid.IntRange(1, 9).Draw(rt, "max"),
			Queue:   rapid.IntRange(1, 60).Draw(rt, "queue"),
			Workers: rapid.IntRange(1, 4).Draw(rt, "workers"),
			More:    rapid.IntRange(0, 6).Draw(rt, "more"),
		}
		plan := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 20), 1, 8), 1, 12).Draw(rt, "plan")

		var mu sync.Mutex
		begun := map[int][]int{} // by caller, in the order in which flushes began
		var flying atomic.Int32
		b := New(opts, func(_ context.Context, in []item) ([]item, error) {
			if n := flying.Add(1); int(n) > opts.Workers || len(in) == 0 || len(in) > opts.Max {
				rt.Errorf("%d flushes at once, %d items", n, len(in))
			}
			mu.Lock()
			for _, v := range in {
				begun[v.caller] = append(begun[v.caller], v.n)
			}
			mu.Unlock()
			flying.Add(-1)
			return slices.Clone(in), nil
		})

		taken := make([][]int, len(plan))
		var wg sync.WaitGroup
		for caller, sizes := range plan {
			wg.Go(func() { taken[caller] = callAll(t.Context(), rt, b, caller, sizes) })
		}
		wg.Wait()
		if err := b.Close(t.Context()); err != nil {
			rt.Error(err)
		}
		for caller, want := range taken {
			got := begun[caller]
			if opts.Workers > 1 {
				slices.Sort(got) // two pages of one DoAll may begin together
			}
			if !slices.Equal(got, want) {
				rt.Errorf("caller %d: flushed %v, taken %v", caller, got, want)
			}
		}
	})
}

// callAll hands in numbered items, by Do where the size is 0 and by DoAll
// elsewhere, and returns the numbers that were taken.
func callAll(ctx context.Context, rt *rapid.T, b *Batcher[item, item], caller int, sizes []int) (taken []int) {
	next := 0
	for _, size := range sizes {
		ins := make([]item, max(size, 1))
		for i := range ins {
			ins[i] = item{caller, next}
			next++
		}
		outs, err := make([]item, 1), error(nil)
		if size == 0 {
			outs[0], err = b.Do(ctx, ins[0])
		} else {
			outs, err = b.DoAll(ctx, ins)
		}
		if errors.Is(err, ErrOverloaded) {
			continue
		}
		if err != nil || !slices.Equal(outs, ins) {
			rt.Errorf("sent %v, got %v, %v", ins, outs, err)
		}
		for _, in := range ins {
			taken = append(taken, in.n)
		}
	}
	return taken
}

// The hot path must not allocate for each item.
func TestDo_DoesNotAllocate(t *testing.T) {
	in := make([]int, 1)
	b := New(Options{}, func(context.Context, []int) ([]int, error) { return in, nil })
	ctx := t.Context()
	got := testing.AllocsPerRun(1000, func() { _, _ = b.Do(ctx, 1) })
	// A page of one pays for the flush's context, timer and goroutine alone.
	if got > 7 {
		t.Errorf("%v allocations for a page of one", got)
	}
}

// What the batcher adds to a flush that costs nothing, beside the least that a
// hand-over to another goroutine and back costs.
func BenchmarkDo(b *testing.B) {
	out := make([]int, 1000)
	bat := New(Options{Max: 1000, Queue: 100_000}, func(_ context.Context, in []int) ([]int, error) { return out[:len(in)], nil })
	b.ReportAllocs()
	b.SetParallelism(128)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := bat.Do(b.Context(), 1); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkChannel(b *testing.B) {
	type ask struct {
		in  int
		out chan int
	}
	asks := make(chan ask, 1000)
	go func() {
		for a := range asks {
			a.out <- a.in
		}
	}()
	defer close(asks)
	b.ReportAllocs()
	b.SetParallelism(128)
	b.RunParallel(func(pb *testing.PB) {
		out := make(chan int, 1)
		for pb.Next() {
			asks <- ask{1, out}
			<-out
		}
	})
}

// Items of Put share pages with those of Do and are accounted for once, stored or lost.
func TestPut_SharesPages_EachIsDoneOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		errBad := errors.New("bad page")
		var sizes, lost []int
		done := 0
		b := New(Options{Max: 4, Queue: 10}, func(ctx context.Context, in []int) ([]int, error) {
			sizes = append(sizes, len(in))
			time.Sleep(time.Second)
			if slices.Contains(in, 6) {
				return nil, errBad
			}
			return double(ctx, in)
		})
		b.AfterPut(After[int]{
			Lost: func(in int, err error) {
				if !errors.Is(err, errBad) {
					t.Error(err)
				}
				lost = append(lost, in)
			},
			Done: func(n int) { done += n },
		})
		put := func(in int) {
			t.Helper()
			if err := b.Put(in); err != nil {
				t.Errorf("Put(%d): %v", in, err)
			}
		}
		put(0) // goes out at once
		synctest.Wait()
		put(1)
		put(2)
		var call sync.WaitGroup
		call.Go(func() {
			if got, err := b.Do(t.Context(), 3); err != nil || got != 6 {
				t.Errorf("Do(3) = %d, %v", got, err)
			}
		})
		synctest.Wait()
		for in := 4; in < 9; in++ {
			put(in)
		}
		for range 2 {
			put(9)
		}
		if err := b.Put(10); !errors.Is(err, ErrOverloaded) {
			t.Errorf("the queue is full: %v", err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		call.Wait()
		if want := []int{1, 4, 4, 2}; !slices.Equal(sizes, want) {
			t.Errorf("pages %v, want %v", sizes, want)
		}
		if want := []int{5, 6, 7, 8}; !slices.Equal(lost, want) || done != 10 {
			t.Errorf("lost %v, want %v; %d done, want 10", lost, want, done)
		}
		if err := b.Put(11); !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}
