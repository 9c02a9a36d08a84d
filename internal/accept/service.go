// Package accept is the pipeline that turns drafts into stored messages. Its
// stages, in order: who (what a caller may do), idempotency (answers of earlier
// requests), prepare (checks that need no transaction), limits (messages per
// recipient), commit (one transaction for many callers) and offer (the queue).
package accept

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/erasure"
	"github.com/sendoff/sendoff/internal/store/people"
)

// Store is the message store, as the stages use it.
type Store interface {
	commitStore
	peopleStore
	repeatStore
	quoteStore
	editStore
}

// Accounts is the store of what people configure.
type Accounts interface {
	usageStore
	listStore
}

// Registry caches what people configure.
type Registry interface {
	Channel(ctx context.Context, id int64) (*dispatch.Channel, error)
	FindChannel(ctx context.Context, account int64, name string, by dispatch.ChannelBy, kind string) (*dispatch.Channel, error)
	Templates(ctx context.Context, account int64) (*registry.Templates, error)
	Users(ctx context.Context, account int64) ([]dispatch.User, error)
	OpenCircuits(ctx context.Context) (map[int64]store.Health, error)
	ErasedOptOuts(ctx context.Context, account int64) (*erasure.OptOuts, error)
	// Contracted returns the migration up to which everything is contracted.
	Contracted() int
}

// Observer counts events; metrics implement it.
type Observer interface {
	Accepted(channel int64, n int)
	OfferFailed(n int)
}

// Options of a Service.
type Options struct {
	Store     Store
	Accounts  Accounts
	Registry  Registry
	Queue     Queue
	Providers map[string]provider.Provider
	Observer  Observer
	Log       *slog.Logger
	// DecodeDraft reads a native draft: the entries of a fallback are native.
	DecodeDraft func(raw []byte) (dispatch.Draft, error)
	// Recipients limits the messages of a key to one recipient; nil: unlimited.
	Recipients Recipients
	// Tracer makes traces of messages; nil: nobody does.
	Tracer Tracer
}

// Tracer makes traces of messages.
type Tracer interface {
	// Begin decides whether a new message is traced.
	Begin(ctx context.Context, m *dispatch.Message)
	// Stored notes a page that was stored.
	Stored(began time.Time, page []store.NewMessage)
}

// Service is the accept pipeline behind every dialect.
type Service struct {
	Options
	batch    *batch.Batcher[store.NewMessage, dispatch.Receipt]
	bulk     *batch.Batcher[store.NewMessage, dispatch.Receipt]
	repeats  *batch.Batcher[*dispatch.Message, *dispatch.Receipt]
	ids      *batch.Batcher[people.ID, []string] // see persons
	inflight keyLocks
	offers   offers
	usage    usage

	quoteWait time.Duration // see findQuoted

	quit    context.Context // ends when no request may wait any more
	quitNow context.CancelFunc
}

// The bounds of the batches: one flush holds at most flushMax messages, and at
// most waitMax wait for one; further messages are refused as overloaded.
const (
	flushMax  = 256
	waitMax   = 20_000
	flushers  = 2
	bulkPage  = 1000
	flushTime = 10 * time.Second
)

// New returns a Service. Run does its background work, Close drains it.
func New(o Options) *Service {
	s := &Service{Options: o, offers: newOffers(), quoteWait: quoteWait}
	s.quit, s.quitNow = context.WithCancel(context.Background())
	s.batch = batch.New(batch.Options{Max: flushMax, Queue: waitMax, Workers: flushers, More: flushMax / 4, Timeout: flushTime}, s.flush)
	s.bulk = batch.New(batch.Options{Max: bulkPage, Queue: 4 * bulkPage, Workers: 2, Timeout: flushTime}, s.flush)
	s.repeats = batch.New(batch.Options{Max: flushMax, Queue: waitMax, Workers: flushers, Timeout: flushTime}, s.Store.Repeats)
	s.ids = batch.New(batch.Options{Max: flushMax, Queue: waitMax, Workers: 2, Timeout: flushTime}, s.Store.IDs)
	return s
}

// Run offers pages and writes usage counts until ctx ends.
func (s *Service) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for range offerers {
		wg.Go(func() { s.offerLoop(ctx) })
	}
	wg.Go(func() { s.watchQueue(ctx) })
	wg.Go(func() { s.usageLoop(ctx) })
	wg.Wait()
}

// StopWaiting makes full queues refuse at once, also the requests that wait for
// room already: a shutdown must not wait for them.
func (s *Service) StopWaiting() { s.quitNow() }

// Close waits until the messages that were handed in are committed.
func (s *Service) Close(ctx context.Context) error {
	s.quitNow()
	return errors.Join(s.batch.Close(ctx), s.bulk.Close(ctx), s.repeats.Close(ctx), s.ids.Close(ctx))
}

// Accept runs the drafts of one request through the pipeline. Each receipt
// belongs to the draft of the same index and carries that draft's own refusal.
// Drafts with an Idempotency-Key must be held (see Hold). While a queue is full
// Accept waits for room, at most wait and not after ctx has ended.
func (s *Service) Accept(ctx context.Context, who *Caller, drafts []dispatch.Draft, wait time.Duration) []dispatch.Receipt {
	r := &request{who: who, wait: wait}
	s.run(ctx, r, drafts)
	return r.out
}

// maxTogether is the largest number of drafts in an all-or-none request.
const maxTogether = 1000

// AllOrNone is Accept for a request that is accepted as a whole: the refusal of
// one draft refuses all, and nothing of it is stored. The error is that refusal.
func (s *Service) AllOrNone(ctx context.Context, who *Caller, drafts []dispatch.Draft) ([]dispatch.Receipt, error) {
	if len(drafts) > maxTogether {
		return nil, dispatch.InvalidField("/to", "has %d recipients, at most %d are allowed", len(drafts), maxTogether)
	}
	r := &request{who: who, together: len(drafts) > 1} // a single message shares its page with those of others
	s.run(ctx, r, drafts)
	for i := range r.out {
		if r.out[i].Err != nil {
			return nil, r.out[i].Err
		}
	}
	return r.out, nil
}

// run is the pipeline. A stage leaves out the drafts that an earlier one
// refused.
func (s *Service) run(ctx context.Context, r *request, drafts []dispatch.Draft) {
	s.prepareAll(ctx, r, drafts)
	s.countRecipients(ctx, r)
	s.commit(ctx, r)
	s.uncountRefused(ctx, r)
}

// request is one call on its way through the pipeline.
type request struct {
	who      *Caller
	together bool               // the refusal of one draft refuses all
	wait     time.Duration      // for room in a full queue
	ready    []*prepared        // by draft; nil: refused
	counted  []counted          // against the recipients' limit
	out      []dispatch.Receipt // by draft
	alone    alone
}

// alone is what a request with one draft needs, allocated together.
type alone struct {
	ready [1]*prepared
	out   [1]dispatch.Receipt
	place [1]place
	page  [1]store.NewMessage
	at    [1]int
}

// prepared is a draft that passed every check, ready to be committed.
type prepared struct {
	store.NewMessage
	use      dispatch.TemplateUse // of the message's content
	template int64                // registry id; 0: none
	simulate bool
	began    time.Time // of the request
}

// refuse refuses draft i, and with it all of an all-or-none request.
func (r *request) refuse(i int, err error) {
	if r.together {
		r.refuseAll(err)
		return
	}
	r.ready[i], r.out[i] = nil, dispatch.Receipt{Err: err}
}

func (r *request) refuseAll(err error) {
	clear(r.ready)
	for i := range r.out {
		r.out[i] = dispatch.Receipt{Err: err}
	}
}

// roomEvery is the interval at which a full queue is tried again.
const roomEvery = 50 * time.Millisecond

// whenRoom retries do while the queue is full: for at most wait, and neither
// after ctx has ended nor after StopWaiting. It then returns batch.ErrOverloaded.
func whenRoom[T any](ctx context.Context, s *Service, wait time.Duration, do func() (T, error)) (T, error) {
	out, err := do()
	if err == nil {
		return out, nil
	}
	for until := time.Now().Add(wait); errors.Is(err, batch.ErrOverloaded) && time.Now().Before(until); {
		if !pause(ctx, roomEvery) || s.quit.Err() != nil {
			break
		}
		out, err = do()
	}
	return out, err
}

// pause waits for d. It returns false, at once, when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
