package engine

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
)

const (
	callbackTimeout = 5 * time.Second
	repeatFor       = 15 * time.Minute
	maxPending      = 2_000_000              // planned callbacks; more are dropped
	deadHost        = 100 * time.Millisecond // how long a host that refused a connection isn't tried again
)

// repeats are the pauses before a callback is made again; the last one goes on.
var repeats = [...]time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second}

// delivery is one callback on its way: what it reports and how often it was tried.
type delivery struct {
	vendor *Vendor
	ch     *dispatch.Channel
	url    string
	events []Event  // statuses, or
	in     *Inbound // a contact's message
	first  time.Time
	tries  int
}

// caller makes callbacks when they are due. One goroutine keeps the time for
// all, a fixed number of workers makes the calls: a million planned callbacks
// cost a heap, no timers and no goroutines.
type caller struct {
	client  *outbound.Client
	current func(*dispatch.Channel) *dispatch.Channel
	lead    func(*Send) *dispatch.Channel
	batch   func() int
	jobs    chan *delivery
	wake    chan struct{}
	refused sync.Map // host -> time.Time until which it isn't tried

	mu      sync.Mutex
	pending agenda

	sent, failed, dropped atomic.Int64
	underWay              atomic.Int64
}

func newCaller(
	client *outbound.Client, current func(*dispatch.Channel) *dispatch.Channel, lead func(*Send) *dispatch.Channel, batch func() int,
) *caller {
	return &caller{
		client: client, current: current, lead: lead, batch: batch,
		jobs: make(chan *delivery), wake: make(chan struct{}, 1),
	}
}

// plan takes up a message's first callback. Each one, once it was tried, brings
// up the next: so those of a message come in the order of its plan, as far as
// they are taken at once.
func (c *caller) plan(m *Send) { c.push(job{due: m.due(0).UnixNano(), m: m}) }

// deliver makes a callback now.
func (c *caller) deliver(d *delivery) { c.push(job{due: time.Now().UnixNano(), d: d}) }

func (c *caller) push(j job) {
	c.mu.Lock()
	if len(c.pending) >= maxPending {
		c.mu.Unlock()
		c.dropped.Add(1)
		return
	}
	c.pending.push(j)
	first := c.pending[0].due == j.due
	c.mu.Unlock()
	if first {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// schedule hands what is due to the workers until ctx ends.
func (c *caller) schedule(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, wait := c.takeDue(time.Now())
		for _, d := range due {
			select {
			case c.jobs <- d:
			case <-ctx.Done():
				return
			}
		}
		// A millisecond's callbacks are taken together: at thousands a second
		// a wake-up for each would cost more than the calls' own bookkeeping.
		timer.Reset(max(wait, time.Millisecond))
		select {
		case <-timer.C:
		case <-c.wake:
		case <-ctx.Done():
			return
		}
	}
}

// takeDue removes at most a thousand of what is due, and returns how long to wait
// for the next.
func (c *caller) takeDue(now time.Time) ([]*delivery, time.Duration) {
	b := batches{most: c.batch(), current: c.current, lead: c.lead, open: make(map[string]*delivery)}
	c.mu.Lock()
	defer c.mu.Unlock()
	for range 1000 {
		if len(c.pending) == 0 {
			return b.made, time.Hour
		}
		j := c.pending[0]
		if wait := time.Duration(j.due - now.UnixNano()); wait > 0 {
			return b.made, wait
		}
		c.pending.pop()
		c.underWay.Add(1)
		if j.d != nil {
			b.made = append(b.made, j.d)
			continue
		}
		if b.add(j) {
			c.underWay.Add(-1) // it travels in a callback that is counted already
		}
	}
	return b.made, 0
}

// batches puts events that are due together into common callbacks, as far as
// the provider does so and the settings want it.
type batches struct {
	most    int
	current func(*dispatch.Channel) *dispatch.Channel
	lead    func(*Send) *dispatch.Channel
	open    map[string]*delivery // by channel and address
	made    []*delivery
}

// add reports whether the event joined a callback that was there before.
func (b *batches) add(j job) (joined bool) {
	ch := b.current(j.m.Channel)
	to := j.m.CallbackURL
	if to == "" {
		to = ch.Settings["callback_url"]
	}
	most := min(b.most, j.m.vendor.MaxBatch)
	if j.m.shared() {
		ch, most = b.lead(j.m), j.m.vendor.MaxBatch
		to = ch.Settings["callback_url"]
	}
	key := ch.Key + " " + to + fmt.Sprint(j.m.shared())
	if most > 1 {
		if d := b.open[key]; d != nil && len(d.events) < most {
			d.events = append(d.events, j.m.event(j.step))
			return true
		}
	}
	d := &delivery{vendor: j.m.vendor, ch: ch, url: to, events: []Event{j.m.event(j.step)}}
	if most > 1 {
		b.open[key] = d
	}
	b.made = append(b.made, d)
	return false
}

// work makes calls until ctx ends.
func (c *caller) work(ctx context.Context) {
	for {
		select {
		case d := <-c.jobs:
			c.try(ctx, d)
			c.underWay.Add(-1)
		case <-ctx.Done():
			return
		}
	}
}

// try makes a callback once, and plans its repetition unless it was taken.
func (c *caller) try(ctx context.Context, d *delivery) {
	now := time.Now()
	if d.first.IsZero() {
		d.first = now
	}
	ok := c.call(ctx, d, now)
	if d.tries == 0 {
		c.follow(d)
	}
	if ok {
		c.sent.Add(1)
		return
	}
	wait := repeats[min(d.tries, len(repeats)-1)]
	d.tries++
	c.failed.Add(1)
	if ctx.Err() != nil || now.Add(wait).Sub(d.first) > repeatFor {
		c.dropped.Add(1)
		return
	}
	c.push(job{due: now.Add(wait).UnixNano(), d: d})
}

// follow plans what comes after the events of a callback.
func (c *caller) follow(d *delivery) {
	for _, e := range d.events {
		if next := e.step + 1; int(next) < len(e.plan) {
			c.push(job{due: e.due(int(next)).UnixNano(), m: e.Send, step: next})
		}
	}
}

// call reports whether the callback was answered 2xx in time.
func (c *caller) call(ctx context.Context, d *delivery, now time.Time) bool {
	d.ch = c.current(d.ch)
	var cb Callback
	if d.in != nil {
		cb = d.vendor.Inbound(d.ch, d.url, *d.in)
	} else {
		cb = d.vendor.Callback(d.ch, d.url, d.events)
	}
	to := cmp.Or(cb.URL, d.url)
	u, err := url.Parse(to)
	if err != nil {
		return false
	}
	// While the service is down a large backlog would try thousands of times
	// a second in vain.
	if until, ok := c.refused.Load(u.Host); ok && now.Before(until.(time.Time)) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(cb.Body))
	if err != nil {
		return false
	}
	req.Header["Content-Type"] = jsonType
	for _, kv := range cb.Header {
		req.Header.Set(kv[0], kv[1])
	}
	res, err := c.client.Do(ctx, req)
	if err != nil {
		if e, ok := errors.AsType[*outbound.Error](err); ok && !e.Written {
			c.refused.Store(u.Host, now.Add(deadHost))
		}
		return false
	}
	return res.Status >= 200 && res.Status <= 299
}

// waiting is how many callbacks are planned or under way.
func (c *caller) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending) + int(c.underWay.Load())
}
