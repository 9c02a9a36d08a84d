package accept

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// Queue notifies workers of pages; a lost call costs latency, never a message.
type Queue interface {
	Offer(ctx context.Context, p dispatch.Page) error
	// Pending returns the number of pages that wait in a lane.
	Pending(ctx context.Context, lane dispatch.Lane) (int64, error)
}

const (
	// pauseOffers is how long nothing is offered after the queue failed. The
	// feeder takes over at once: rows that are not offered are due immediately.
	pauseOffers = time.Second
	// watchEvery is the interval at which the queue's length is read while pages
	// are offered.
	watchEvery = 100 * time.Millisecond
	// pagesEnough is the number of pages waiting in a lane from which accepting
	// offers no more: twice what the feeder keeps there.
	pagesEnough = 240
	// messagesEnough is the number of messages, 100 ms of a worker's work, from which
	// those of the normal lane wait in the backlog too: there they wait in pages, which
	// costs Postgres a third of what a row of dispatch costs.
	messagesEnough = 2000
	// offerers are the goroutines that offer pages, offerWait the pages that may
	// wait for them.
	offerers  = 4
	offerWait = 256
)

// offers is the state of the offer stage.
type offers struct {
	pages       chan dispatch.Page
	mu          sync.Mutex
	buckets     map[int64]*rate.Limiter // by channel
	pausedUntil time.Time
	normal      int            // messages of the normal lane planned since the queue's length was read
	offered     tally          // of that lane, since then
	full        [3]atomic.Bool // by lane: enough waits, messages stay in Postgres
	active      atomic.Bool    // a page was offered since the queue's length was read
}

// tally counts pages and the messages in them.
type tally struct{ pages, messages atomic.Int64 }

// add counts a page of n messages.
func (t *tally) add(n int) {
	t.pages.Add(1)
	t.messages.Add(int64(n))
}

// take returns the mean size of the pages counted, and starts again; it is old if there
// were none.
func (t *tally) take(old int64) int64 {
	pages, messages := t.pages.Swap(0), t.messages.Swap(0)
	if pages == 0 {
		return old
	}
	return messages / pages
}

func newOffers() offers {
	return offers{pages: make(chan dispatch.Page, offerWait), buckets: map[int64]*rate.Limiter{}}
}

// planOffers marks the messages that will be offered right after the commit:
// those due now, up to half a second of their channel's rate, while the workers
// keep up. All others, and bulk always, wait in Postgres for the feeder.
func (s *Service) planOffers(ctx context.Context, page []store.NewMessage) {
	open, _ := s.Registry.OpenCircuits(ctx)
	s.offers.mu.Lock()
	defer s.offers.mu.Unlock()
	now := time.Now()
	if now.Before(s.offers.pausedUntil) {
		return
	}
	for i := range page {
		a := &page[i]
		if a.Lane == dispatch.Bulk || !a.SendAt.IsZero() || s.offers.full[a.Lane].Load() {
			continue
		}
		if _, isOpen := open[a.Channel]; isOpen {
			continue
		}
		a.Offered = a.Lane == dispatch.OTP || s.offers.normal < messagesEnough && s.bucket(ctx, a.Channel).AllowN(now, 1)
		if a.Offered && a.Lane == dispatch.Normal {
			s.offers.normal++
		}
	}
}

// pageFrom is how many messages of a channel and lane wait in a page: a row each is as
// good for fewer.
const pageFrom = 4

// line is a lane of a channel.
type line struct {
	channel int64
	lane    dispatch.Lane
}

// planPages marks the messages that will wait in a page of the backlog: those of a fast
// channel that are not offered.
func (s *Service) planPages(ctx context.Context, page []store.NewMessage) {
	if len(page) < pageFrom || s.Registry.Contracted() < store.PagesFrom {
		return
	}
	open, _ := s.Registry.OpenCircuits(ctx)
	lines := map[line][]int{}
	for i := range page {
		if a := &page[i]; !a.Offered && a.Lane != dispatch.OTP && a.SendAt.IsZero() {
			k := line{a.Channel, a.Lane}
			lines[k] = append(lines[k], i)
		}
	}
	for k, of := range lines {
		_, isOpen := open[k.channel]
		ch, err := s.Registry.Channel(ctx, k.channel)
		if len(of) < pageFrom || isOpen || err != nil || ch.Policy.Rate < store.PagedRate {
			continue
		}
		for _, i := range of {
			page[i].Paged = true
		}
	}
}

// bucket returns the channel's token bucket; the caller holds offers.mu.
func (s *Service) bucket(ctx context.Context, channel int64) *rate.Limiter {
	ch, err := s.Registry.Channel(ctx, channel)
	if err != nil {
		return rate.NewLimiter(0, 0)
	}
	l := s.offers.buckets[channel]
	if l == nil || l.Limit() != rate.Limit(ch.Policy.Rate) {
		l = rate.NewLimiter(rate.Limit(ch.Policy.Rate), max(1, int(ch.Policy.Rate/2)))
		s.offers.buckets[channel] = l
	}
	return l
}

// enqueueOffers hands the new messages that planOffers marked to the offerers,
// in pages of one channel and lane. It does not wait: a page that finds no room
// is left to the feeder.
func (s *Service) enqueueOffers(page []store.NewMessage, receipts []dispatch.Receipt) {
	groups := map[line][]dispatch.ID{}
	accepted := map[int64]int{}
	for i := range page {
		if r := receipts[i]; r.Err != nil || r.Replayed || r.ID != page[i].ID {
			continue
		}
		accepted[page[i].Channel]++
		if page[i].Offered {
			k := line{page[i].Channel, page[i].Lane}
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
			case s.offers.pages <- dispatch.Page{Channel: k.channel, Lane: k.lane, IDs: ids[:n]}:
				if k.lane == dispatch.Normal {
					s.offers.offered.add(n)
				}
			default:
				s.Observer.OfferFailed(n)
			}
			ids = ids[n:]
		}
	}
}

// offerLoop offers pages until ctx ends.
func (s *Service) offerLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-s.offers.pages:
			s.offers.active.Store(true)
			if err := s.Queue.Offer(ctx, p); err != nil {
				s.Observer.OfferFailed(len(p.IDs))
				s.offers.mu.Lock()
				s.offers.pausedUntil = time.Now().Add(pauseOffers)
				s.offers.mu.Unlock()
			}
		}
	}
}

// watchQueue marks the lanes in which enough waits, because workers do not keep up or
// are away: further messages then wait in Postgres, not in Redis.
func (s *Service) watchQueue(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var size int64 // of a page of the normal lane
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		busy := s.offers.active.Swap(false)
		size = s.offers.offered.take(size)
		for _, lane := range dispatch.Lanes {
			if busy || s.offers.full[lane].Load() {
				n, err := s.Queue.Pending(ctx, lane)
				enough := n >= pagesEnough || lane == dispatch.Normal && n*size >= messagesEnough
				s.offers.full[lane].Store(err == nil && enough)
			}
		}
		s.offers.mu.Lock()
		s.offers.normal = 0
		s.offers.mu.Unlock()
	}
}
