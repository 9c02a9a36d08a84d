// Package stream follows the event log: server-sent events of an account, and
// changes of single messages.
package stream

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

const (
	// readInterval is the time between two reads of the event log.
	readInterval = 100 * time.Millisecond
	// logPage is the number of events per read.
	logPage = 1000
	// summaryInterval, summaryPage and summaryCounted are the same for summaries,
	// and how many of the events that a read leaves out are counted.
	summaryInterval, summaryPage, summaryCounted = 500 * time.Millisecond, 100, 100_000
	// readTimeout is the timeout of a read.
	readTimeout = 5 * time.Second
	// maxCatchingUp is how many streams read the log themselves at the same time:
	// after a deployment all clients reconnect at once.
	maxCatchingUp = 4
	// maxStreams is the maximum number of open streams per key and process.
	maxStreams = 20
)

// Log reads the event log in (transaction, id) order and only below the oldest
// running transaction, so that a late commit is not skipped.
type Log interface {
	EventsAfter(ctx context.Context, p dispatch.Position, limit int) ([]dispatch.Event, error)
	EndOfEvents(ctx context.Context) (dispatch.Position, error)
	EventCounts(ctx context.Context, p, end dispatch.Position, limit int) ([]dispatch.EventCount, error)
}

// Hub reads the event log for the whole process while there are subscribers, and
// publishes events to those that wait for a message and to the streams of
// accounts.
type Hub struct {
	events     Log
	log        *slog.Logger
	wake       chan struct{}
	catchingUp chan struct{}
	stopping   context.Context // done once the process stops
	stop       context.CancelFunc
	interval   time.Duration // between two reads
	page       int           // events a read
	summary    *Hub          // publishes summaries; nil in itself

	mu      sync.Mutex
	at      dispatch.Position // the last published event; zero while idle
	waits   subscribers[dispatch.ID, chan struct{}]
	streams subscribers[int64, *stream] // by account
	counts  map[int64]int               // open streams by key
}

// NewHub returns a Hub. Run reads the log.
func NewHub(events Log, log *slog.Logger) *Hub {
	h := newHub(events, log, readInterval, logPage)
	h.stopping, h.stop = context.WithCancel(context.Background())
	h.summary = newHub(events, log, summaryInterval, summaryPage)
	h.summary.stopping = h.stopping
	return h
}

func newHub(events Log, log *slog.Logger, interval time.Duration, page int) *Hub {
	return &Hub{
		interval: interval, page: page, events: events, log: log, wake: make(chan struct{}, 1), catchingUp: make(chan struct{}, maxCatchingUp),
		waits: subscribers[dispatch.ID, chan struct{}]{}, streams: subscribers[int64, *stream]{}, counts: map[int64]int{},
	}
}

// Watch returns a channel that is closed at the next event of the message. stop
// ends the watch.
func (h *Hub) Watch(id dispatch.ID) (<-chan struct{}, func()) {
	ch := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits.add(id, ch)
	h.notify()
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.waits.remove(id, ch)
	}
}

// Stopping is closed when the process stops: streams and waits end.
func (h *Hub) Stopping() <-chan struct{} { return h.stopping.Done() }

// Stop ends streams and waits, and lets no stream begin.
func (h *Hub) Stop() { h.stop() }

// open counts a stream of a key. It returns false if the key has maxStreams open.
func (h *Hub) open(key int64) (leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.counts[key] >= maxStreams {
		return nil, false
	}
	h.counts[key]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.counts[key]--; h.counts[key] == 0 {
			delete(h.counts, key)
		}
	}, true
}

// join subscribes a stream. Its channel joined receives the position from which
// on events are pushed to it.
func (h *Hub) join(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams.add(s.account, s)
	if h.at != (dispatch.Position{}) {
		s.joined <- h.at
	}
	h.notify()
}

func (h *Hub) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams.remove(s.account, s)
}

// delivered returns the position up to which s has received every event of its
// account, or zero if events are queued.
func (h *Hub) delivered(s *stream) dispatch.Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.queued() {
		return dispatch.Position{}
	}
	return h.at
}

// notify wakes Run when it is idle.
func (h *Hub) notify() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// idle reports whether there are no subscribers. Reading then starts again at the
// end of the log.
func (h *Hub) idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waits) > 0 || len(h.streams) > 0 {
		return false
	}
	h.at = dispatch.Position{}
	return true
}

// Run reads until ctx ends.
func (h *Hub) Run(ctx context.Context) {
	if h.summary != nil {
		go h.summary.Run(ctx)
	}
	tick := time.NewTicker(h.interval)
	defer tick.Stop()
	failing := false
	for ctx.Err() == nil {
		if h.idle() {
			select {
			case <-ctx.Done():
			case <-h.wake:
			}
			continue
		}
		more, err := h.read(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			h.log.Warn("event log not read", "error", err)
		}
		if failing = err != nil; more {
			continue
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// read publishes the next page of events. more reports whether another page can
// be read at once.
func (h *Hub) read(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if h.at == (dispatch.Position{}) { // written by this goroutine only
		return false, h.begin(ctx)
	}
	evs, err := h.events.EventsAfter(ctx, h.at, h.page)
	if err != nil || len(evs) == 0 {
		return false, err
	}
	h.publish(evs)
	if more = len(evs) == h.page; more && h.summary == nil {
		return false, h.skip(ctx)
	}
	return more, nil
}

// skip moves to the end of the log and publishes how many events it left out.
func (h *Hub) skip(ctx context.Context) error {
	frames, end, err := h.left(ctx, h.at)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = end
	for account, f := range frames {
		h.push(account, f)
	}
	return nil
}

// left returns the end of the log, and for each account the number of its events
// between at and the end.
func (h *Hub) left(ctx context.Context, at dispatch.Position) (map[int64]frame, dispatch.Position, error) {
	end, err := h.events.EndOfEvents(ctx)
	if err != nil {
		return nil, at, err
	}
	counts, err := h.events.EventCounts(ctx, at, end, summaryCounted)
	return newSkipped(counts, end), end, err
}

// begin starts at the end of the log. Watches end, so that their readers read the
// message once more: the end is read after they subscribed.
func (h *Hub) begin(ctx context.Context) error {
	end, err := h.events.EndOfEvents(ctx)
	if err != nil {
		return err
	}
	if end == (dispatch.Position{}) {
		end.XID = 1
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = end
	for _, chs := range h.waits {
		for ch := range chs {
			close(ch)
		}
	}
	clear(h.waits)
	for _, ss := range h.streams {
		for s := range ss {
			s.joined <- end
		}
	}
	return nil
}

// publish delivers a page of events to the subscribers.
func (h *Hub) publish(evs []dispatch.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range evs {
		e := &evs[i]
		for ch := range h.waits[e.Message] {
			close(ch)
		}
		delete(h.waits, e.Message)
		h.at = e.Position()
		if len(h.streams[e.Account]) == 0 {
			continue
		}
		h.push(e.Account, newFrame(e))
	}
}

// push queues a frame for the streams of an account; h.mu is held.
func (h *Hub) push(account int64, f frame) {
	for s := range h.streams[account] {
		if !s.push(f) {
			h.streams.remove(s.account, s)
		}
	}
}

// after returns a page of events for a stream that is catching up.
func (h *Hub) after(ctx context.Context, at dispatch.Position) ([]dispatch.Event, error) {
	select {
	case h.catchingUp <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.catchingUp }()
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return h.events.EventsAfter(ctx, at, h.page)
}

// subscribers is a set of values by key.
type subscribers[K, V comparable] map[K]map[V]struct{}

func (c subscribers[K, V]) add(k K, v V) {
	if c[k] == nil {
		c[k] = map[V]struct{}{}
	}
	c[k][v] = struct{}{}
}

func (c subscribers[K, V]) remove(k K, v V) {
	delete(c[k], v)
	if len(c[k]) == 0 {
		delete(c, k)
	}
}
