package webhook

import (
	"context"
	"log/slog"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

const (
	// maxTried is how many results may wait to be written: no call is started beyond.
	maxTried = 3 * batchSize
	// saveEvery is how long a result waits for others, to be written with them.
	saveEvery = 250 * time.Millisecond
)

// turn calls one endpoint until nothing is due, its time is over or its breaker
// opens. An endpoint whose breaker is open gets one call, the probe. Reading what is
// due, calls and writing results go on beside each other, so that neither one slow
// call nor the database holds up the others. All fields belong to the loop in run.
type turn struct {
	d   *Deliverer
	t   *hookstore.Turn
	log *slog.Logger
	end time.Time

	failures int           // in a row
	asked    time.Duration // Retry-After of a 429 or 503
	gone     bool          // 410
	probing  bool          // the breaker was open: one call decides
	wake     bool          // the probe succeeded: what waits for another try is due
	stopped  bool          // nothing more is to be started

	queue queue
	seen  map[dispatch.ID]bool // deliveries that were read since the start
	held  map[dispatch.ID]bool // messages whose event failed at its first try: the others wait with it
	after hookstore.Place      // of the last delivery that was read
	all   bool                 // nothing stood behind it

	limit, open int
	tried       []hookstore.TryResult
	oldest      time.Time // when the first of tried came

	reading, saving bool
	calls           chan called
	pages           chan page
	saves           chan error
}

// called is a call that has ended.
type called struct {
	chain *chain
	try
}

// page is what was read of due deliveries.
type page struct {
	due   []hookstore.Delivery
	after hookstore.Place // where it began
	limit int
	err   error
}

func (d *Deliverer) newTurn(t *hookstore.Turn) *turn {
	return &turn{
		d: d, t: t, log: d.Log.With("webhook", t.Webhook), end: time.Now().Add(turnTime),
		failures: t.Failures, probing: t.Failures >= trip, limit: concurrency,
		seen: map[dispatch.ID]bool{}, held: map[dispatch.ID]bool{},
		calls: make(chan called, maxConcurrency), pages: make(chan page, 1), saves: make(chan error, 1),
	}
}

// run returns when nothing is under way and nothing more is to be done.
func (t *turn) run(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	defer t.slowDown()
	for {
		t.start(ctx)
		t.save(ctx)
		t.read(ctx)
		if t.open == 0 && !t.reading && !t.saving {
			return
		}
		select {
		case c := <-t.calls:
			t.called(&c)
		case p := <-t.pages:
			t.got(&p)
		case err := <-t.saves:
			t.saved(err)
		case <-tick.C:
			t.all = false // there may be something new
		}
	}
}

// over reports whether nothing more is to be started.
func (t *turn) over(ctx context.Context) bool {
	return t.stopped || ctx.Err() != nil || time.Now().After(t.end)
}

// may reports whether a call can be started.
func (t *turn) may(ctx context.Context) bool {
	return t.queue.ready() && t.open < t.limit && len(t.tried)+t.open < maxTried && !t.over(ctx)
}

// start starts as many calls as there may be.
func (t *turn) start(ctx context.Context) {
	for t.may(ctx) {
		c, d := t.queue.next()
		t.open++
		go func() { t.calls <- called{chain: c, try: t.d.call(ctx, t.t, d)} }()
	}
}

// called notes what became of a call.
func (t *turn) called(c *called) {
	t.open--
	if c.cut {
		t.queue.done(c.chain)
		return
	}
	if len(t.tried) == 0 {
		t.oldest = time.Now()
	}
	r := t.judge(&c.try)
	t.tried = append(t.tried, r)
	if r.State != hookstore.Pending || r.Attempts > 0 || c.d.Message == dispatch.NoID {
		t.queue.done(c.chain)
		return
	}
	t.held[c.d.Message] = true
	t.queue.hold(c.chain)
}

// again begins to read at the start. Nothing that was read is under way.
func (t *turn) again() {
	t.after, t.all = hookstore.Place{}, false
	clear(t.seen)
	clear(t.held)
}

// idle reports whether everything that was read is called and written down.
func (t *turn) idle() bool {
	return t.open == 0 && !t.saving && len(t.tried) == 0 && !t.queue.ready()
}

// read starts to read the next page, unless enough is there. After the last page it
// begins again when all is written down: what was made due meanwhile may stand
// before the place that it has come to.
func (t *turn) read(ctx context.Context) {
	idle := t.idle()
	if t.reading || t.wake || t.queue.size >= batchSize/2 || (t.all || t.probing) && !idle || t.over(ctx) {
		return
	}
	if t.all {
		t.again()
	}
	p := page{after: t.after, limit: batchSize}
	if t.probing {
		p.limit = 1
	}
	t.reading = true
	go func() {
		p.err = t.d.query(ctx, func() (err error) { p.due, err = t.d.due(ctx, t.t.Webhook, p.after, p.limit); return err })
		t.pages <- p
	}()
}

// got takes up a page.
func (t *turn) got(p *page) {
	t.reading = false
	if p.err != nil {
		t.log.Debug("due deliveries not read", "error", p.err)
		t.stopped = true
		return
	}
	n := 0
	for i := range p.due {
		due := &p.due[i]
		if !due.Early {
			n++
			t.after = due.Place
		}
		if !t.held[due.Message] && !t.seen[due.ID] {
			t.seen[due.ID] = true
			t.queue.add(due)
		}
	}
	if n == 0 && p.after == (hookstore.Place{}) {
		t.stopped = true
	}
	t.all = n < p.limit
}

// save starts to write results when they are many, old or the last.
func (t *turn) save(ctx context.Context) {
	last := t.open == 0 && !t.reading && !t.may(ctx)
	if n := len(t.tried); t.saving || n == 0 || n < batchSize && !last && time.Since(t.oldest) < saveEvery {
		return
	}
	tries, wake := t.tried, t.wake
	t.tried, t.saving = nil, true
	go func() {
		err := t.d.save(ctx, t.t.Webhook, tries)
		if err == nil && wake {
			t.d.wakeRetries(ctx, t.t.Webhook)
		}
		t.saves <- err
	}()
}

func (t *turn) saved(err error) {
	t.saving = false
	if t.wake { // what the probe woke stands before the place; what was read with it may be under way
		t.wake = false
		t.after, t.all = hookstore.Place{}, false
	}
	if err != nil {
		t.log.Warn("webhook results not written; these deliveries come again", "error", err)
		t.stopped = true
	}
}
