package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sendoff/sendoff/internal/outbound"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

const (
	// concurrency is how many calls an endpoint gets at once, over all workers:
	// one worker at a time has its lane. While its calls succeed they become more,
	// up to maxConcurrency, as long as all endpoints of a process together have no
	// more than maxExtra beyond concurrency.
	concurrency, maxConcurrency, maxExtra = 4, 32, 768
	// turnTime is how long a lane goes on starting calls before others' turns.
	turnTime = 8 * time.Second
	// callTime bounds one call, dialTime its connection and TLS handshake.
	callTime, dialTime = 15 * time.Second, 5 * time.Second
	// batchSize is how many deliveries are read and written down at once.
	batchSize = 200
	// maxTurns is how many endpoints one process serves at once.
	maxTurns = 256
	// logPage is how many events are expanded in one transaction, replayPages
	// how many pages of replays follow each other.
	logPage, replayPages = 500, 20
	// excerpt is how much of an answer the log keeps.
	excerpt = 1 << 10
	// patience is how long an endpoint may fail before it is disabled.
	patience = 5 * 24 * time.Hour
	// maxQueries is how many connections to Postgres all turns use at once: the
	// pool is there for sending first.
	maxQueries = 4
	// saveLast is how long after a stop results may still be written down,
	// endLast how long lanes may be given back: both lie within what the worker
	// waits for its feeder. What isn't written goes out again, with the same
	// webhook-id; a lane not given back is free when its lease is over.
	saveLast, endLast = 1500 * time.Millisecond, 2500 * time.Millisecond
)

// Options of a Deliverer.
type Options struct {
	Store *hookstore.Store
	Log   *slog.Logger
	// AllowLoopback lets endpoints on this machine be called (development).
	AllowLoopback bool
	// Observer counts attempts; nil: none are counted.
	Observer Observer
	// Tracer makes traces of calls; nil: nobody does.
	Tracer Tracer
	// Client replaces the guarded client, in tests.
	Client *outbound.Client
	// Now is the clock that signatures carry; nil: the time.
	Now func() time.Time
	// Scale shortens the schedule, in tests; 0: 1.
	Scale float64
	// Patience is how long an endpoint may fail; 0: five days.
	Patience time.Duration
}

// Tracer makes traces of calls.
type Tracer interface {
	// Parents sets the trace contexts of due.
	Parents(ctx context.Context, due []hookstore.Delivery) error
	// Header returns the trace context of the next call of a delivery, as W3C's
	// traceparent and tracestate; "": it has none.
	Header(d *hookstore.Delivery) (parent, state string)
	// Called notes a call that has ended, with the status of its answer.
	Called(webhook int64, d *hookstore.Delivery, began time.Time, status int)
}

// Deliverer sends deliveries to their endpoints.
type Deliverer struct {
	Options
	slots   chan struct{}
	queries chan struct{}
	extra   atomic.Int64 // calls beyond concurrency that endpoints may make
	turns   sync.WaitGroup
}

// New returns a Deliverer. Its client calls addresses on the public internet
// only: the address that a name resolves to is checked when it is dialed.
func New(o Options) *Deliverer {
	if o.Client == nil {
		out := outbound.Options{PublicOnly: true, NetHTTP: true, Timeout: callTime, DialTimeout: dialTime, MaxIdleConnsPerHost: maxConcurrency}
		if o.AllowLoopback {
			out.Allow = outbound.Loopback
		}
		o.Client = outbound.New(out)
	}
	if o.Observer == nil {
		o.Observer = noopObserver{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.Patience == 0 {
		o.Patience = patience
	}
	return &Deliverer{Options: o, slots: make(chan struct{}, maxTurns), queries: make(chan struct{}, maxQueries)}
}

// Expand turns new events, and those of replays, into deliveries.
func (d *Deliverer) Expand(ctx context.Context) error {
	total := 0
	for _, replay := range []bool{false, true} {
		for pages := 0; ctx.Err() == nil && (!replay || pages < replayPages); pages++ {
			made, more, err := d.Store.ExpandWebhooks(ctx, replay, logPage, Render)
			if err != nil {
				return err
			}
			if total += made; !more {
				break
			}
		}
	}
	if total == 0 {
		return nil
	}
	return d.Deliver(ctx)
}

// Deliver starts the turns of endpoints that have something due and returns;
// Wait waits for them. When ctx ends, open calls are cut and come again later
// with the same webhook-id.
func (d *Deliverer) Deliver(ctx context.Context) error {
	free := 0
	for free < maxTurns {
		select {
		case d.slots <- struct{}{}:
			free++
			continue
		default:
		}
		break
	}
	var turns []hookstore.Turn
	var err error
	if free > 0 && ctx.Err() == nil {
		turns, err = d.Store.TakeTurns(ctx, free)
	}
	for range free - len(turns) {
		<-d.slots
	}
	for i := range turns {
		d.turns.Go(func() {
			defer func() { <-d.slots }()
			d.turn(ctx, &turns[i])
		})
	}
	return err
}

// Wait waits for all turns to end, at most endLast after their context has.
func (d *Deliverer) Wait() { d.turns.Wait() }

// Tidy drops what belonged to endpoints that were deleted.
func (d *Deliverer) Tidy(ctx context.Context) error { return d.Store.TidyWebhooks(ctx) }

// query runs f when fewer than maxQueries are under way.
func (d *Deliverer) query(ctx context.Context, f func() error) error {
	select {
	case d.queries <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.queries }()
	return f()
}

// outlive returns a context that ends at most most after ctx.
func outlive(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(most, cancel) })
	return out, func() { stop(); cancel() }
}

// turn makes the calls of one endpoint.
func (d *Deliverer) turn(ctx context.Context, t *hookstore.Turn) {
	r := d.newTurn(t)
	r.run(ctx)
	d.endTurn(ctx, r)
}

// wakeRetries makes what waits for another try due.
func (d *Deliverer) wakeRetries(ctx context.Context, webhook int64) {
	if err := d.query(ctx, func() error { return d.Store.WakeRetries(ctx, webhook) }); err != nil {
		d.Log.Debug("retries not woken", "webhook", webhook, "error", err)
	}
}

// due returns the deliveries that are due at an endpoint behind a place. A trace context that can't
// be read holds none of them up.
func (d *Deliverer) due(ctx context.Context, webhook int64, after hookstore.Place, n int) ([]hookstore.Delivery, error) {
	due, err := d.Store.DueDeliveries(ctx, webhook, after, n)
	if err == nil && d.Tracer != nil && len(due) > 0 {
		if err := d.Tracer.Parents(ctx, due); err != nil {
			d.Log.Debug("trace contexts not read", "webhook", webhook, "error", err)
		}
	}
	return due, err
}

// endTurn releases the lane. An endpoint that answered 410 is disabled before
// that, while no other worker can call it; one that failed for too long, after.
func (d *Deliverer) endTurn(ctx context.Context, r *turn) {
	ctx, end := outlive(ctx, endLast)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	disable := func(reason string) {
		r.log.Warn("webhook disabled", "reason", reason)
		if err := d.Store.DisableWebhook(ctx, r.t.Webhook, reason); err != nil {
			r.log.Warn("webhook not disabled yet", "error", err)
		}
	}
	if r.gone {
		disable("the endpoint answered 410 Gone")
	}
	var spent bool
	if err := d.query(ctx, func() (err error) {
		spent, err = d.Store.EndTurn(ctx, r.t, r.failures, max(r.asked, d.hold(r.failures)), d.Patience)
		return err
	}); err != nil {
		r.log.Debug("webhook turn not ended; its lease runs out", "error", err)
	}
	if spent && !r.gone && !r.t.Implicit { // nobody could enable a lane of status callbacks
		disable("the endpoint has failed for " + days(d.Patience))
	}
}

func days(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }

// save stores results, with up to four attempts: what is not stored is delivered
// again.
func (d *Deliverer) save(ctx context.Context, webhook int64, tries []hookstore.TryResult) error {
	ctx, end := outlive(ctx, saveLast)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	var err error
	for range 4 {
		if err = d.query(ctx, func() error { return d.Store.SaveTries(ctx, webhook, tries) }); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(250 * time.Millisecond):
		}
	}
	return err
}
