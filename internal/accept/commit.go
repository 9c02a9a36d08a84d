package accept

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/batch"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// commitStore writes messages. A receipt carries the refusal of its message; an
// error concerns the whole page.
type commitStore interface {
	InsertMessages(ctx context.Context, page []store.NewMessage) ([]dispatch.Receipt, error)
	InsertTogether(ctx context.Context, page []store.NewMessage) ([]dispatch.Receipt, error)
	CheckAccept(ctx context.Context, a store.NewMessage) error
}

// bulkFrom is the number of messages from which a request goes to the batcher
// of large pages, so that it does not delay single messages.
const bulkFrom = 17

// commit simulates or stores what is ready, and sets the receipts.
func (s *Service) commit(ctx context.Context, r *request) {
	s.simulateAll(ctx, r)
	page, at := r.alone.page[:0], r.alone.at[:0]
	if len(r.ready) > 1 {
		page, at = make([]store.NewMessage, 0, len(r.ready)), make([]int, 0, len(r.ready))
	}
	for i, p := range r.ready {
		if p != nil && !p.simulate {
			page, at = append(page, p.NewMessage), append(at, i)
		}
	}
	if len(page) == 0 {
		return
	}
	receipts, err := s.insertPage(ctx, r, page)
	for k, i := range at {
		p := r.ready[i]
		if p == nil { // refused with another one
			continue
		}
		if err != nil && (receipts == nil || (receipts[k].ID == dispatch.NoID && receipts[k].Err == nil)) {
			r.refuse(i, s.explain(ctx, r.who, p, pageError(err)))
			continue
		}
		r.out[i] = receipts[k] // also when another page of the same call failed
		r.out[i].Err = s.explain(ctx, r.who, p, receipts[k].Err)
		if r.out[i].Err == nil && !r.out[i].Replayed {
			s.usage.add(p.template)
		}
	}
}

// insertPage commits a page: in a transaction of its own when it is all or
// none, else together with the messages of other callers.
func (s *Service) insertPage(ctx context.Context, r *request, page []store.NewMessage) ([]dispatch.Receipt, error) {
	committing := context.WithoutCancel(ctx) // what is handed in is committed, even if the client hangs up
	if r.together {
		committing, cancel := context.WithTimeout(committing, flushTime)
		defer cancel()
		return s.flushWith(committing, page, s.Store.InsertTogether)
	}
	if len(page) == 1 {
		return whenRoom(ctx, s, r.wait, func() (_ []dispatch.Receipt, err error) {
			r.alone.out[0], err = s.batch.Do(committing, page[0])
			return r.alone.out[:], err
		})
	}
	b := s.batch
	if len(page) >= bulkFrom {
		b = s.bulk
	}
	return whenRoom(ctx, s, r.wait, func() ([]dispatch.Receipt, error) { return b.DoAll(committing, page) })
}

// flush commits one page of the batcher.
func (s *Service) flush(ctx context.Context, page []store.NewMessage) ([]dispatch.Receipt, error) {
	receipts, err := s.flushWith(ctx, page, s.insert)
	if err != nil {
		s.Log.Error("accept page failed", "messages", len(page), "error", err)
	}
	return receipts, err
}

// flushWith commits a page with insert and hands the messages that are due to
// the offerers.
func (s *Service) flushWith(
	ctx context.Context, page []store.NewMessage, insert func(context.Context, []store.NewMessage) ([]dispatch.Receipt, error),
) ([]dispatch.Receipt, error) {
	s.planOffers(ctx, page)
	s.planPages(ctx, page)
	began := time.Now()
	receipts, err := insert(ctx, page)
	if err == nil {
		s.enqueueOffers(page, receipts)
		if s.Tracer != nil {
			s.Tracer.Stored(began, page)
		}
	}
	return receipts, err
}

// insert commits a page of several callers. A message that Postgres refuses
// must not fail the others: such a page is halved until that message is alone.
func (s *Service) insert(ctx context.Context, page []store.NewMessage) ([]dispatch.Receipt, error) {
	receipts, err := s.Store.InsertMessages(ctx, page)
	if err == nil || !pg.Poisoned(err) {
		return receipts, err
	}
	if len(page) == 1 {
		s.Log.Error("message refused by the database", "message_id", page[0].ID, "error", err)
		return []dispatch.Receipt{{Err: pageError(err)}}, nil
	}
	half := len(page) / 2
	first, err := s.insert(ctx, page[:half])
	if err != nil {
		return nil, err
	}
	second, err := s.insert(ctx, page[half:])
	if err != nil { // the first half is committed all the same
		second = slices.Repeat([]dispatch.Receipt{{Err: pageError(err)}}, len(page)-half)
	}
	return append(first, second...), nil
}

// pageError turns the error of a failed flush into the refusal of its messages:
// no room, surely not stored, or an outcome that only a repeat with the same
// Idempotency-Key can find out.
func pageError(err error) error {
	refusal, isRefusal := errors.AsType[*dispatch.Error](err)
	switch {
	case isRefusal:
		return refusal
	case errors.Is(err, batch.ErrOverloaded), errors.Is(err, batch.ErrClosed):
		return overloaded(err)
	case pg.Refused(err):
		return &dispatch.Error{Code: dispatch.Internal, Msg: "the message was not accepted; try again", Err: err}
	}
	return &dispatch.Error{
		Code: dispatch.OutcomeUnknown, RetryAfter: 1, Err: err,
		Msg: "the database did not answer, so it is not known whether the message was accepted; repeat the request with the same Idempotency-Key",
	}
}

func overloaded(err error) error {
	return &dispatch.Error{Code: dispatch.Overloaded, Msg: "too many requests are waiting; try again shortly", RetryAfter: 1, Err: err}
}

// unavailable returns err, before anything was written, as one that the client may repeat.
func unavailable(err error) error {
	return &dispatch.Error{
		Code: dispatch.Overloaded, Msg: "the service is not available at the moment; try again shortly", RetryAfter: 1, Err: err,
	}
}

// explain adds to an outside_window refusal the templates that can be sent
// instead.
func (s *Service) explain(ctx context.Context, who *Caller, p *prepared, err error) error {
	if err == nil || dispatch.CodeOf(err) != dispatch.OutsideWindow {
		return err
	}
	ch, lookup := s.Registry.Channel(ctx, p.Channel)
	if lookup != nil {
		return err
	}
	if ts, lookup := s.Registry.Templates(ctx, who.Account.ID); lookup == nil {
		dispatch.AsError(err).Detail = map[string]any{"usable_templates": ts.Usable(ch)}
	}
	return err
}

// simulateAll answers the drafts that are to be simulated: it makes the checks
// of the accept transaction and writes nothing.
func (s *Service) simulateAll(ctx context.Context, r *request) {
	for i, p := range r.ready {
		if p == nil || !p.simulate {
			continue
		}
		if err := s.Store.CheckAccept(ctx, p.NewMessage); err != nil {
			r.refuse(i, s.explain(ctx, r.who, p, err))
			continue
		}
		r.out[i] = dispatch.Receipt{
			Status: dispatch.Simulated, To: p.To, Channel: p.Channel, SendAt: p.SendAt,
			WouldSend: json.RawMessage(p.Raw), Segments: p.Segments, Price: p.Price,
		}
	}
}
