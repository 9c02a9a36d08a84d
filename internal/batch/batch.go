// Package batch is group commit: many callers hand in items one by one, one
// flush carries them together.
//
// It never waits for a timer. An item that finds nothing under way goes out at
// once, alone; while workers are busy the next page fills. So the size of a
// page follows the load, and an idle system adds no latency. A flush has a cost
// of its own besides that of its items: Options.More lets a second one beside
// the first wait for a page that is worth it.
package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// ErrOverloaded is returned when the queue is full: the item was not taken, and
// the caller should wait before it tries again.
var ErrOverloaded = errors.New("batch: queue is full")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("batch: closed")

// Options bound a Batcher. A value left zero gets the default.
type Options struct {
	Max     int           // items in one flush; 200
	Queue   int           // items waiting for a flush; 50 pages
	Workers int           // flushes at the same time; 1
	More    int           // items that must wait for a further worker to start; 0
	Timeout time.Duration // of one flush; 30 s
}

// A Flush processes one page and returns one result for each item, in order. An
// error, or another number of results, fails the whole page; an item that can
// fail alone carries its error in Out. It must not keep in, and must end when ctx
// does.
type Flush[In, Out any] func(ctx context.Context, in []In) ([]Out, error)

// Batcher gathers items into pages.
type Batcher[In, Out any] struct {
	opts  Options
	flush Flush[In, Out]
	after After[In]
	calls sync.Pool // of *call[Out], all at rest
	spare sync.Pool // of *page[In, Out], all empty

	mu      sync.Mutex
	pages   []*page[In, Out] // oldest first; only the last may have room
	waiting int              // items in pages
	working int              // worker goroutines
	fresh   int              // of those, the ones that have yet to look for their first page
	closed  bool
	drained chan struct{} // closed when closed and no worker is left
}

// page is what one flush carries. It is filled in place and handed over whole,
// so an item is copied once.
type page[In, Out any] struct {
	in    []In
	parts []part[Out]
}

// part is a run of a page's items that belong to one call.
type part[Out any] struct {
	call *call[Out] // nil: of Put
	from int        // index in the call
	n    int
}

// New makes a Batcher. It needs no goroutine while nothing waits.
func New[In, Out any](opts Options, flush Flush[In, Out]) *Batcher[In, Out] {
	opts.Max = orDefault(opts.Max, 200)
	opts.Queue = orDefault(opts.Queue, 50*opts.Max)
	opts.Workers = orDefault(opts.Workers, 1)
	opts.Timeout = orDefault(opts.Timeout, 30*time.Second)
	return &Batcher[In, Out]{opts: opts, flush: flush, drained: make(chan struct{})}
}

func orDefault[T int | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}

// Do hands in one item and waits for its result. When ctx ends it stops
// waiting, but an item once taken is flushed all the same: the outcome is then
// unknown to the caller. ErrOverloaded and ErrClosed say that it wasn't taken.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	var zero Out
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	c := b.newCall()
	c.outs = c.one[:]
	c.left.Store(1)

	b.mu.Lock()
	if err := b.room(1); err != nil {
		b.mu.Unlock()
		b.calls.Put(c)
		return zero, err
	}
	p := b.open()
	p.in = append(p.in, in)
	p.parts = append(p.parts, part[Out]{call: c, n: 1})
	b.wake()
	b.mu.Unlock()

	if err := c.wait(ctx); err != nil {
		return zero, err // c still belongs to the flush
	}
	out, err := c.one[0], c.failure()
	c.rest()
	b.calls.Put(c)
	return out, err
}

// After is called for items of Put when their flush has ended.
type After[In any] struct {
	Lost func(in In, err error) // of each item of a flush that failed
	Done func(n int)            // of n items, stored or lost
}

// AfterPut sets what is called after a flush, before the first Put.
func (b *Batcher[In, Out]) AfterPut(a After[In]) { b.after = a }

// Put hands in one item and does not wait for its result, which costs its caller two
// switches of goroutines less. ErrOverloaded and ErrClosed say that it wasn't taken.
func (b *Batcher[In, Out]) Put(in In) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.room(1); err != nil {
		return err
	}
	p := b.open()
	p.in = append(p.in, in)
	if n := len(p.parts); n > 0 && p.parts[n-1].call == nil {
		p.parts[n-1].n++
	} else {
		p.parts = append(p.parts, part[Out]{n: 1})
	}
	b.wake()
	return nil
}

// DoAll hands in several items together and waits for all results, in order.
// All are taken or none, so more than Options.Queue never are. They may be flushed in more than one page, at the
// same time even; when one of the pages fails, the error is that page's and
// the results of the others stand beside zero values.
func (b *Batcher[In, Out]) DoAll(ctx context.Context, ins []In) ([]Out, error) {
	if err := ctx.Err(); err != nil || len(ins) == 0 {
		return nil, err
	}
	c := b.newCall()
	c.outs = make([]Out, len(ins))
	c.left.Store(int64(len(ins)))

	b.mu.Lock()
	if err := b.room(len(ins)); err != nil {
		b.mu.Unlock()
		return nil, err
	}
	for from := 0; from < len(ins); {
		p := b.open()
		n := min(b.opts.Max-len(p.in), len(ins)-from)
		p.in = append(p.in, ins[from:from+n]...)
		p.parts = append(p.parts, part[Out]{call: c, from: from, n: n})
		b.wake()
		from += n
	}
	b.mu.Unlock()

	if err := c.wait(ctx); err != nil {
		return nil, err
	}
	outs, err := c.outs, c.failure()
	c.rest()
	b.calls.Put(c)
	return outs, err
}

// Waiting is how many items wait for a flush to begin: the depth to watch.
func (b *Batcher[In, Out]) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting
}

// Close takes no more items and waits until all that were taken are flushed,
// or until ctx ends; the flushes go on then.
func (b *Batcher[In, Out]) Close(ctx context.Context) error {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		if b.working == 0 {
			close(b.drained)
		}
	}
	b.mu.Unlock()
	select {
	case <-b.drained:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain batch: %w", ctx.Err())
	}
}

// room reserves places for n items in the queue. The error is ErrClosed or
// ErrOverloaded. The caller holds mu.
func (b *Batcher[In, Out]) room(n int) error {
	if b.closed {
		return ErrClosed
	}
	if b.waiting+n > b.opts.Queue {
		return ErrOverloaded
	}
	b.waiting += n
	return nil
}

// open returns the page that is filling, or a new one. The caller holds mu.
func (b *Batcher[In, Out]) open() *page[In, Out] {
	if n := len(b.pages); n > 0 && len(b.pages[n-1].in) < b.opts.Max {
		return b.pages[n-1]
	}
	p, ok := b.spare.Get().(*page[In, Out])
	if !ok {
		p = new(page[In, Out])
	}
	b.pages = append(b.pages, p)
	return p
}

// wake starts a worker for a page that waits, unless one is on its way to it,
// all are busy, or one is and little waits: a busy one looks again when it has
// finished. The caller holds mu.
func (b *Batcher[In, Out]) wake() {
	if b.working > 0 && b.waiting < b.opts.More {
		return
	}
	if b.working < b.opts.Workers && b.fresh < len(b.pages) {
		b.working++
		b.fresh++
		go b.work()
	}
}

// work flushes page after page until none waits.
func (b *Batcher[In, Out]) work() {
	for first := true; ; first = false {
		runtime.Gosched() // who is ready to hand in goes first, and fills the page
		p := b.next(first)
		if p == nil {
			return
		}
		outs, err := b.run(p.in)
		at := 0
		for _, s := range p.parts {
			var got []Out
			if err == nil {
				got = outs[at : at+s.n]
			}
			if s.call != nil {
				s.call.deliver(s, got, err)
			} else {
				b.after.call(p.in[at:at+s.n], err)
			}
			at += s.n
		}
		clear(p.in)
		clear(p.parts)
		p.in, p.parts = p.in[:0], p.parts[:0]
		b.spare.Put(p)
	}
}

func (a *After[In]) call(in []In, err error) {
	if err != nil {
		for _, item := range in {
			a.Lost(item, err)
		}
	}
	a.Done(len(in))
}

// next takes the oldest page; without one the worker is at its end, also when
// little waits and another worker is still at it.
func (b *Batcher[In, Out]) next(first bool) *page[In, Out] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first {
		b.fresh--
	}
	little := !first && b.working > 1 && b.waiting < b.opts.More
	if len(b.pages) == 0 || little {
		b.working--
		if b.closed && b.working == 0 {
			close(b.drained)
		}
		return nil
	}
	p := b.pages[0]
	n := copy(b.pages, b.pages[1:])
	b.pages[n] = nil
	b.pages = b.pages[:n]
	b.waiting -= len(p.in)
	return p
}

// run is one flush. It has a context of its own: no caller that hangs up may
// cancel what others wait for. A panic fails its page and nothing else.
func (b *Batcher[In, Out]) run(in []In) (outs []Out, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), b.opts.Timeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			outs, err = nil, fmt.Errorf("batch: flush panicked: %v\n%s", r, debug.Stack())
		}
	}()
	outs, err = b.flush(ctx, in)
	if err == nil && len(outs) != len(in) {
		err = fmt.Errorf("batch: flush of %d items gave %d results", len(in), len(outs))
	}
	return outs, err
}

func (b *Batcher[In, Out]) newCall() *call[Out] {
	if c, ok := b.calls.Get().(*call[Out]); ok {
		return c
	}
	return &call[Out]{done: make(chan struct{}, 1)}
}
