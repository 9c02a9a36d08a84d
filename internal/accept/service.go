// Package accept takes drafts in: it checks them, commits them in pages with
// those of other callers, and rings the queue.
package accept

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// Queue rings for a page; a lost call costs latency, never a message.
type Queue interface {
	Offer(ctx context.Context, p dispatch.Page) error
	// Pending counts the pages that wait in a lane.
	Pending(ctx context.Context, lane dispatch.Lane) (int64, error)
}

// Observer counts what happens; metrics implement it.
type Observer interface {
	Accepted(channel int64, n int)
	OfferFailed(n int)
}

// Options of a Service.
type Options struct {
	Store     *store.Store
	Registry  *registry.Registry
	Queue     Queue
	Providers map[string]provider.Provider
	Observer  Observer
	Log       *slog.Logger
	// DecodeDraft reads a native draft: the entries of a fallback are native.
	DecodeDraft func(raw []byte) (dispatch.Draft, error)
	// Recipients bounds messages of a key to one recipient; nil: unbounded.
	Recipients Recipients
}

// Recipients counts a key's messages to each recipient in an hour.
type Recipients interface {
	// SpendRecipients says how long to wait for each; 0: it is counted. giveBack
	// takes back those, by index, that are not sent after all.
	SpendRecipients(ctx context.Context, key int64, tos []string, perHour int) (waits []time.Duration, giveBack func(ctx context.Context, at []int) error, err error)
}

// Service is the accept pipeline behind every dialect.
type Service struct {
	Options
	reg       *registry.Registry
	providers map[string]provider.Provider
	batch     *batch.Batcher[store.Accept, dispatch.Receipt]
	bulk      *batch.Batcher[store.Accept, dispatch.Receipt]
	repeats   *batch.Batcher[*dispatch.Message, *dispatch.Receipt]
	inflight  keyLocks

	offers   chan dispatch.Page
	mu       sync.Mutex
	buckets  map[int64]*rate.Limiter
	used     map[int64]int64 // template usage not yet written
	deafTill time.Time       // the queue did not answer: don't offer until then
	full     [3]atomic.Bool  // lanes that have pages enough: their messages wait in Postgres
	offered  atomic.Bool     // since the queue's length was last looked at
}

// The bounds of what waits: a flush holds at most flushMax messages and at most
// waitMax wait in front of it; beyond that the front door says so.
const (
	flushMax  = 256
	waitMax   = 20_000
	flushers  = 2
	bulkPage  = 1000
	offerers  = 4
	offerWait = 256
	flushTime = 10 * time.Second
)

// New makes a service; Run does its background work, Close drains it.
func New(o Options) *Service {
	s := &Service{Options: o, reg: o.Registry, providers: o.Providers, buckets: map[int64]*rate.Limiter{}, used: map[int64]int64{}, offers: make(chan dispatch.Page, offerWait)}
	s.batch = batch.New(batch.Options{Max: flushMax, Queue: waitMax, Workers: flushers, More: flushMax / 8, Timeout: flushTime}, s.flush)
	s.bulk = batch.New(batch.Options{Max: bulkPage, Queue: 4 * bulkPage, Workers: 2, Timeout: flushTime}, s.flush)
	s.repeats = batch.New(batch.Options{Max: flushMax, Queue: waitMax, Workers: flushers, Timeout: flushTime}, s.Store.Repeats)
	return s
}

// Run offers pages and writes usage counts until ctx ends.
func (s *Service) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for range offerers {
		wg.Go(func() { s.offerLoop(ctx) })
	}
	wg.Go(func() { s.watchQueue(ctx) })
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			s.writeUsage(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			s.writeUsage(ctx)
		}
	}
}

// Close waits for what is being flushed.
func (s *Service) Close(ctx context.Context) error {
	return errors.Join(s.batch.Close(ctx), s.bulk.Close(ctx), s.repeats.Close(ctx))
}

// Accept takes drafts of one request. Every receipt stands for the draft of its
// place and carries that draft's own refusal. Drafts with an Idempotency-Key are
// the caller's to Hold. Where a queue is full it waits for room, at most wait.
func (s *Service) Accept(ctx context.Context, who *Caller, drafts []dispatch.Draft, wait time.Duration) []dispatch.Receipt {
	out := make([]dispatch.Receipt, len(drafts))
	now := time.Now()
	ready := make([]*prepared, len(drafts))
	for i := range drafts {
		p, err := s.prepare(ctx, who, &drafts[i], now)
		if err != nil {
			out[i].Err = err
			continue
		}
		ready[i] = p
	}
	counted, err := s.spendRecipients(ctx, who, ready, out, wait)
	if err != nil {
		for i := range out {
			out[i].Err = err
		}
		return out
	}
	s.commit(ctx, who, ready, out, wait)
	s.giveBack(ctx, counted, func(i int) bool { return out[i].Replayed || notAccepted(out[i].Err) })
	return out
}

// roomEvery is how often a full queue is tried again.
const roomEvery = 50 * time.Millisecond

// whenRoom does what a full queue did not take until there is room, for at most
// wait: that alone is done again, and nothing is counted twice.
func whenRoom[T any](wait time.Duration, do func() (T, error)) (T, error) {
	for until := time.Now().Add(wait); ; time.Sleep(roomEvery) {
		out, err := do()
		if !errors.Is(err, batch.ErrOverloaded) || time.Now().After(until) {
			return out, err
		}
	}
}

// maxTogether bounds a request whose drafts stand or fall together.
const maxTogether = 1000

// AllOrNone is Accept for a request whose drafts stand or fall together: one
// that is refused refuses all, and nothing of it is kept.
func (s *Service) AllOrNone(ctx context.Context, who *Caller, drafts []dispatch.Draft) ([]dispatch.Receipt, error) {
	if len(drafts) < 2 {
		out := s.Accept(ctx, who, drafts, 0)
		if len(out) == 1 {
			return out, out[0].Err
		}
		return out, nil
	}
	if len(drafts) > maxTogether {
		return nil, dispatch.InvalidField("/to", "has %d recipients, at most %d are allowed", len(drafts), maxTogether)
	}
	out := make([]dispatch.Receipt, len(drafts))
	ready, err := s.prepareAll(ctx, who, drafts)
	if err != nil {
		return nil, err
	}
	counted, err := s.spendRecipients(ctx, who, ready, out, 0)
	if err != nil {
		return nil, err
	}
	out, err = s.commitAll(ctx, who, ready, out)
	s.giveBack(ctx, counted, func(i int) bool {
		if err != nil {
			return notAccepted(err)
		}
		return out[i].Replayed
	})
	return out, err
}

// commitAll simulates or flushes what was prepared, all of it or nothing.
func (s *Service) commitAll(ctx context.Context, who *Caller, ready []*prepared, out []dispatch.Receipt) ([]dispatch.Receipt, error) {
	page := make([]store.Accept, 0, len(ready))
	for i, p := range ready {
		if out[i].Err != nil {
			return nil, out[i].Err
		}
		if p.simulate {
			if out[i] = s.simulate(ctx, who, p); out[i].Err != nil {
				return nil, out[i].Err
			}
			continue
		}
		page = append(page, p.Accept)
	}
	if len(page) == 0 {
		return out, nil
	}
	return s.commitTogether(ctx, who, ready, page)
}

func (s *Service) prepareAll(ctx context.Context, who *Caller, drafts []dispatch.Draft) ([]*prepared, error) {
	now := time.Now()
	ready := make([]*prepared, len(drafts))
	for i := range drafts {
		p, err := s.prepare(ctx, who, &drafts[i], now)
		if err != nil {
			return nil, err
		}
		ready[i] = p
	}
	return ready, nil
}

func (s *Service) commitTogether(ctx context.Context, who *Caller, ready []*prepared, page []store.Accept) ([]dispatch.Receipt, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	s.planOffers(ctx, page)
	receipts, err := s.Store.InsertTogether(ctx, page)
	if err != nil {
		if _, refused := errors.AsType[*dispatch.Error](err); !refused {
			return nil, pageError(err)
		}
		r := dispatch.Receipt{Err: err}
		s.explain(ctx, who, ready[0], &r)
		return nil, r.Err
	}
	s.ring(page, receipts)
	for i, p := range ready {
		if p.template != 0 && !receipts[i].Replayed {
			s.countTemplate(p.template)
		}
	}
	return receipts, nil
}

// commit simulates or flushes what was prepared and fills out.
func (s *Service) commit(ctx context.Context, who *Caller, ready []*prepared, out []dispatch.Receipt, wait time.Duration) {
	var page []store.Accept
	var at []int
	for i, p := range ready {
		switch {
		case p == nil:
		case p.simulate:
			out[i] = s.simulate(ctx, who, p)
		default:
			page, at = append(page, p.Accept), append(at, i)
		}
	}
	if len(page) == 0 {
		return
	}
	b := s.batch
	if len(page) > 16 {
		b = s.bulk
	}
	receipts, err := whenRoom(wait, func() ([]dispatch.Receipt, error) { return b.DoAll(context.WithoutCancel(ctx), page) })
	for k, i := range at {
		if err != nil && (receipts == nil || (receipts[k].ID == dispatch.NoID && receipts[k].Err == nil)) {
			out[i].Err = pageError(err)
			continue
		}
		out[i] = receipts[k] // of another page than the one that failed
		if out[i].Err == nil && !out[i].Replayed && ready[i].template != 0 {
			s.countTemplate(ready[i].template)
		}
		s.explain(ctx, who, ready[i], &out[i])
	}
}

// pageError says what a failed flush means to a client: refused for lack of
// room, or an outcome that only a repeat with the same key can tell.
func pageError(err error) error {
	if errors.Is(err, batch.ErrOverloaded) {
		return &dispatch.Error{Code: dispatch.Overloaded, Msg: "too many requests are waiting; try again shortly", RetryAfter: 1, Err: err}
	}
	if pg.Refused(err) {
		return &dispatch.Error{Code: dispatch.Internal, Msg: "the message was not accepted; try again", Err: err}
	}
	return &dispatch.Error{
		Code: dispatch.OutcomeUnknown, RetryAfter: 1, Err: err,
		Msg: "the database did not answer, so it is not known whether the message was accepted; repeat the request with the same Idempotency-Key",
	}
}

// explain adds what helps to a refusal: the templates that can be sent outside
// the conversation window.
func (s *Service) explain(ctx context.Context, who *Caller, p *prepared, r *dispatch.Receipt) {
	if r.Err == nil || dispatch.CodeOf(r.Err) != dispatch.OutsideWindow {
		return
	}
	ch, err := s.reg.Channel(ctx, p.Channel)
	if err != nil {
		return
	}
	if ts, err := s.reg.Templates(ctx, who.Account.ID); err == nil {
		dispatch.AsError(r.Err).Detail = map[string]any{"usable_templates": ts.Usable(ch)}
	}
}

// simulate checks what the accept transaction would check and writes nothing.
func (s *Service) simulate(ctx context.Context, who *Caller, p *prepared) dispatch.Receipt {
	if err := s.Store.CheckAccept(ctx, p.Accept); err != nil {
		r := dispatch.Receipt{Err: err}
		s.explain(ctx, who, p, &r)
		return r
	}
	return dispatch.Receipt{Status: dispatch.Simulated, To: p.To, Channel: p.Channel, SendAt: p.SendAt, WouldSend: json.RawMessage(p.Raw), Segments: p.Segments, Price: p.Price}
}
