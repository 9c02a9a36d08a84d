// Package runner carries campaigns out: it fills their ledgers, makes the messages
// of those whose turn it is, and ends them. Every worker runs it without a
// leader: a step keeps other steps of its campaign away and commits all that it did,
// the cursor included, or nothing. Who pauses or cancels the campaign does not wait
// for it: it is undone, since it finds at its end that the campaign has changed.
package runner

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/runner/audience"
	store "github.com/sendoff/sendoff/internal/store"
	campaigns "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/ledger"
)

// Store holds campaigns.
type Store interface {
	// Tx runs f in a transaction.
	Tx(ctx context.Context, f func(Tx) error) error
	Delay(ctx context.Context, id int64, d time.Duration) error
	WakeExpired(ctx context.Context) error
	// AddUp adds changes of counts to these.
	AddUp(ctx context.Context) error
	gateStore
}

// Registry is what campaigns name.
type Registry interface {
	audience.Registry
	Drop() // empties the cache
}

// Tx is the store within a transaction.
type Tx interface {
	audience.FillStore
	TakeDue(ctx context.Context) (c campaigns.Campaign, ok bool, err error)
	// Hold locks the campaign's row: campaigns.ErrOvertaken if it has changed.
	Hold(ctx context.Context, c *campaigns.Campaign) error
	Save(ctx context.Context, c *campaigns.Campaign) error
	Create(ctx context.Context, c *campaigns.Campaign) error
	Zone(ctx context.Context, account int64) (string, error)
	Now(ctx context.Context) (time.Time, error)
	Counts(ctx context.Context, ids []int64) (map[int64]*campaigns.Counts, error)
	// Tally is Counts without what workers have claimed.
	Tally(ctx context.Context, ids []int64) (map[int64]*campaigns.Counts, error)
	Turn(ctx context.Context, c *campaigns.Campaign, n int) ([]campaigns.Recipient, error)
	NextTurn(ctx context.Context, c *campaigns.Campaign) (*time.Time, error)
	// Missed lets all rows have their turn again if some wait that NextTurn does not find.
	Missed(ctx context.Context, c *campaigns.Campaign) (bool, error)
	// Reserve takes room for messages in the messaging limit of ch: it returns which
	// recipients fit, and when there is room again for others.
	Reserve(ctx context.Context, ch *dispatch.Channel, most int, recipients []string) (fit map[string]bool, free *time.Time, err error)
	Insert(ctx context.Context, page []store.NewMessage) ([]dispatch.Receipt, error)
	Move(ctx context.Context, id int64, rows []campaigns.Recipient) error
	OpenChild(ctx context.Context, parent int64, kind int) (c campaigns.Campaign, ok bool, err error)
	WithTemplate(ctx context.Context, id int64) ([]campaigns.Campaign, error)
	// Sweep looks at a piece of the ledger and returns where the next call goes on.
	Sweep(ctx context.Context, c *campaigns.Campaign, before campaigns.Mark, thorough bool) (next campaigns.Mark, err error)
	BadQuality(ctx context.Context, c *campaigns.Campaign, since time.Time, strict bool) (reason string, err error)
	LastResults(ctx context.Context, c *campaigns.Campaign, since *time.Time) ([]campaign.Status, error)
	Park(ctx context.Context, id int64) error
	CancelMessages(ctx context.Context, id int64) (more bool, err error)
	CancelRows(ctx context.Context, c *campaigns.Campaign) (more bool, err error)
	Note(ctx context.Context, c *campaigns.Campaign, kind int16, cause, detail string) error
}

// Options of a Runner.
type Options struct {
	Store    Store
	Registry Registry
	// Charges reports whether an account pays for its messages.
	Charges func(ctx context.Context, account int64) (bool, error)
	Log     *slog.Logger
	// Tracer decides which messages are traced; nil: none are.
	Tracer Tracer
}

// Tracer decides whether a new message is traced.
type Tracer interface {
	Begin(ctx context.Context, m *dispatch.Message)
}

// Runner carries campaigns out.
type Runner struct {
	Options
	mu       sync.Mutex
	swept    map[int64]swept     // campaigns that this process has swept
	plans    map[int64]*gatePlan // what the gate knows of campaigns
	compiled audience.Plans      // those of steps
}

// New returns a Runner; Run runs it.
func New(o Options) *Runner {
	return &Runner{Options: o, swept: map[int64]swept{}, plans: map[int64]*gatePlan{}}
}

// stepEvery is the interval at which workers look for campaigns that are due.
const stepEvery = 100 * time.Millisecond

// Run steps campaigns until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	failing := false
	var woken time.Time
	for {
		err := r.steps(ctx)
		if err == nil && time.Since(woken) > time.Second {
			err, woken = errors.Join(r.Store.WakeExpired(ctx), r.Store.AddUp(ctx)), time.Now()
		}
		if err != nil && ctx.Err() == nil && !failing {
			r.Log.Warn("campaigns not stepped", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// steps steps campaigns until none is due.
func (r *Runner) steps(ctx context.Context) error {
	for ctx.Err() == nil {
		worked, err := r.step(ctx)
		if err != nil || !worked {
			return err
		}
	}
	return nil
}

// failedDelay is how long a campaign whose step failed is left alone.
const failedDelay = 2 * time.Second

// step steps one campaign. A step that fails is repeated later, so that it does
// not keep others waiting.
func (r *Runner) step(ctx context.Context) (worked bool, err error) {
	var id int64
	err = r.Store.Tx(ctx, func(tx Tx) error {
		c, ok, err := tx.TakeDue(ctx)
		if worked = ok; err != nil || !ok {
			return err
		}
		id = c.ID
		s := &step{Runner: r, tx: tx, c: &c}
		if s.now, err = tx.Now(ctx); err != nil {
			return err
		}
		next, err := s.advance(ctx)
		if err != nil {
			return err
		}
		c.NextAt = next
		if err := tx.Hold(ctx, &c); err != nil {
			return err
		}
		return tx.Save(ctx, &c)
	})
	if errors.Is(err, campaigns.ErrOvertaken) {
		return true, nil
	}
	if err == nil || id == 0 || ctx.Err() != nil {
		return worked, err
	}
	r.Log.Warn("campaign not stepped; tried again later", "campaign", id, "error", err)
	return true, r.Store.Delay(ctx, id, failedDelay)
}

// step is one step of a campaign, which this transaction has taken.
type step struct {
	*Runner
	tx     Tx
	c      *campaigns.Campaign
	now    time.Time
	plan   *audience.Plan
	counts *campaigns.Counts
	free   *time.Time // when the messaging limit has room again; nil: it has
}

// advance does the next step of the campaign's state and returns when to look at it
// again; nil: never.
func (s *step) advance(ctx context.Context) (*time.Time, error) {
	switch s.c.State {
	case campaign.Scheduled:
		return s.wait(ctx)
	case campaign.Running:
		return s.run(ctx)
	case campaign.Paused:
		return s.halted(ctx)
	case campaign.Cancelled:
		return s.cancel(ctx)
	case campaign.Finished:
		return s.linger(ctx)
	case campaign.Draft:
	}
	return nil, nil
}

// in returns the time d from now.
func (s *step) in(d time.Duration) *time.Time { return new(s.now.Add(d)) }

// compile prepares the campaign's messages and times.
func (s *step) compile(ctx context.Context) error {
	zone, err := s.tx.Zone(ctx, s.c.Account)
	if err != nil {
		return err
	}
	s.plan, err = s.compiled.Compile(ctx, s.Registry, s.c, zone)
	if _, ok := refused(err); ok { // what is cached may be from before somebody mended that
		s.Registry.Drop()
		s.plan, err = s.compiled.Compile(ctx, s.Registry, s.c, zone)
	}
	return err
}

// count reads the campaign's counts, without what workers have claimed.
func (s *step) count(ctx context.Context) error {
	all, err := s.tx.Tally(ctx, []int64{s.c.ID})
	if err == nil {
		s.counts = all[s.c.ID]
	}
	return err
}

// sweepEvery is the interval at which settled messages are looked for if some are
// missing in the queue, thoroughEvery that at which they are even if none is.
const (
	sweepEvery    = time.Second
	thoroughEvery = 5 * time.Second
)

// swept is when a campaign was last swept and thoroughly so, and the row before which that goes on.
type swept struct {
	at, thorough time.Time
	before       campaigns.Mark
}

// sweep moves the rows of messages that were settled, at most once in sweepEvery
// unless now. It returns whether it looked.
func (s *step) sweep(ctx context.Context, now bool) (bool, error) {
	s.mu.Lock()
	last := s.swept[s.c.ID]
	due := now || time.Since(last.at) >= sweepEvery
	thorough := now || time.Since(last.thorough) >= thoroughEvery
	if due {
		if last.at = time.Now(); thorough {
			last.thorough = last.at
		}
		s.swept[s.c.ID] = last
	}
	s.mu.Unlock()
	if !due {
		return false, nil
	}
	next, err := s.tx.Sweep(ctx, s.c, last.before, thorough)
	s.mu.Lock()
	last.at, last.before = time.Now(), next
	s.swept[s.c.ID] = last
	s.mu.Unlock()
	return true, err
}

// pause pauses the campaign by itself, for a reason that people read.
func (s *step) pause(ctx context.Context, reason string) (*time.Time, error) {
	s.c.State, s.c.Reason, s.c.UpdatedAt = campaign.Paused, reason, s.now
	if err := s.tx.Park(ctx, s.c.ID); err != nil {
		return nil, err
	}
	s.Log.Warn("campaign paused", "campaign", s.c.ID, "reason", reason)
	return s.in(time.Second), s.tx.Note(ctx, s.c, dispatch.EventCampaign, "worker", Describe(s.c, nil))
}

// ref names a message of a campaign.
func ref(id int64, message dispatch.ID) ledger.Ref { return ledger.Ref{Campaign: id, Message: message} }
