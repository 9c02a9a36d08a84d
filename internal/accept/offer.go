package accept

import (
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// deafFor is how long nothing is offered after the queue did not answer: the
// feeder takes over at once, since rows that aren't offered are due at once.
const deafFor = time.Second

// watchEvery is how often the queue's length is looked at while pages are
// offered.
const watchEvery = 100 * time.Millisecond

// pagesEnough is how many pages may wait in a lane before accepting offers no
// more: twice what the feeder keeps there.
const pagesEnough = 240

// flush commits one page and hands what is due to the offerers.
func (s *Service) flush(ctx context.Context, page []store.Accept) ([]dispatch.Receipt, error) {
	s.planOffers(ctx, page)
	receipts, err := s.insert(ctx, page)
	if err != nil {
		s.Log.Error("accept page failed", "messages", len(page), "error", err)
		return nil, err
	}
	s.ring(page, receipts)
	return receipts, nil
}

// insert commits a page. What Postgres refuses in one message must not fail
// those of other callers: such a page is halved until that message is alone.
func (s *Service) insert(ctx context.Context, page []store.Accept) ([]dispatch.Receipt, error) {
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

// planOffers marks what will be offered right after the commit: messages that
// are due now, up to half a second of their channel's rate and as long as the
// workers keep up. The rest waits in Postgres for the feeder, safe, in order and
// fair; bulk always does.
func (s *Service) planOffers(ctx context.Context, page []store.Accept) {
	troubled, _ := s.reg.Troubled(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.deafTill) {
		return
	}
	for i := range page {
		a := &page[i]
		if a.Lane == dispatch.Bulk || !a.SendAt.IsZero() || s.full[a.Lane].Load() {
			continue
		}
		if _, bad := troubled[a.Channel]; bad {
			continue
		}
		a.Offered = a.Lane == dispatch.OTP || s.bucket(ctx, a.Channel).AllowN(now, 1)
	}
}

func (s *Service) bucket(ctx context.Context, channel int64) *rate.Limiter {
	ch, err := s.reg.Channel(ctx, channel)
	if err != nil {
		return rate.NewLimiter(0, 0)
	}
	l := s.buckets[channel]
	if l == nil || l.Limit() != rate.Limit(ch.Policy.Rate) {
		l = rate.NewLimiter(rate.Limit(ch.Policy.Rate), max(1, int(ch.Policy.Rate/2)))
		s.buckets[channel] = l
	}
	return l
}

// ring groups new, due messages into pages of one channel and lane. The
// offerers are not waited for: a page that finds them busy is left to the
// feeder.
func (s *Service) ring(page []store.Accept, receipts []dispatch.Receipt) {
	type lane struct {
		channel int64
		lane    dispatch.Lane
	}
	groups := map[lane][]dispatch.ID{}
	accepted := map[int64]int{}
	for i := range page {
		if r := receipts[i]; r.Err != nil || r.Replayed || r.ID != page[i].ID {
			continue
		}
		accepted[page[i].Channel]++
		if page[i].Offered {
			k := lane{page[i].Channel, page[i].Lane}
			groups[k] = append(groups[k], page[i].ID)
		}
	}
	for ch, n := range accepted {
		s.Observer.Accepted(ch, n)
	}
	for k, ids := range groups {
		for len(ids) > 0 {
			n := min(len(ids), dispatch.MaxPage)
			select {
			case s.offers <- dispatch.Page{Channel: k.channel, Lane: k.lane, IDs: ids[:n]}:
			default:
				s.Observer.OfferFailed(n)
			}
			ids = ids[n:]
		}
	}
}

func (s *Service) offerLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-s.offers:
			s.offered.Store(true)
			if err := s.Queue.Offer(ctx, p); err != nil {
				s.Observer.OfferFailed(len(p.IDs))
				s.mu.Lock()
				s.deafTill = time.Now().Add(deafFor)
				s.mu.Unlock()
			}
		}
	}
}

// watchQueue sees when the workers don't keep up, or are away: what waits then
// waits in Postgres, not in Redis' memory.
func (s *Service) watchQueue(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		busy := s.offered.Swap(false)
		for _, lane := range dispatch.Lanes {
			if busy || s.full[lane].Load() {
				n, err := s.Queue.Pending(ctx, lane)
				s.full[lane].Store(err == nil && n >= pagesEnough)
			}
		}
	}
}

func (s *Service) countTemplate(id int64) {
	s.mu.Lock()
	s.used[id]++
	s.mu.Unlock()
}

func (s *Service) writeUsage(ctx context.Context) {
	s.mu.Lock()
	used := s.used
	s.used = map[int64]int64{}
	s.mu.Unlock()
	if err := s.Store.CountTemplates(ctx, used); err != nil {
		s.Log.Warn("template usage not written", "error", err)
	}
}
