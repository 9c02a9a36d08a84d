// Package stream follows the event log: server-sent events of an account, and
// changes of single messages.
package stream

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

const (
	hubTick = 100 * time.Millisecond
	// logPage is how many events are read at once.
	logPage = 1000
	// logTime bounds one read.
	logTime = 5 * time.Second
	// maxCatching is how many streams read pages of their own at once: after a
	// deploy all of them come back together.
	maxCatching = 4
	// maxStreams is how many event streams a key may have open in one process.
	maxStreams = 20
)

// Log is the log as it may be read: in (transaction, id) order and only
// below the oldest running transaction, so that a late commit is not skipped.
type Log interface {
	EventsAfter(ctx context.Context, p dispatch.Position, limit int) ([]dispatch.Event, error)
	EndOfEvents(ctx context.Context) (dispatch.Position, error)
}

var _ Log = (*store.Store)(nil)

// Hub is the process's one reader of the event log. It reads while anybody
// listens, and tells those who wait for one message and those who follow an
// account.
type Hub struct {
	events   Log
	log      *slog.Logger
	wake     chan struct{}
	catching chan struct{}
	stopping context.Context // over: nobody is to wait any longer
	stop     context.CancelFunc

	mu      sync.Mutex
	at      dispatch.Position // everything up to here was told; zero: it does not read
	waits   crowd[dispatch.ID, chan struct{}]
	streams crowd[int64, *stream] // by account
	open    map[int64]int         // streams of a key
}

func NewHub(events Log, log *slog.Logger) *Hub {
	h := &Hub{
		events: events, log: log, wake: make(chan struct{}, 1), catching: make(chan struct{}, maxCatching),
		waits: crowd[dispatch.ID, chan struct{}]{}, streams: crowd[int64, *stream]{}, open: map[int64]int{},
	}
	h.stopping, h.stop = context.WithCancel(context.Background())
	return h
}

// Watch gives a channel that closes at the next event of the message.
func (h *Hub) Watch(id dispatch.ID) (<-chan struct{}, func()) {
	ch := make(chan struct{})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waits.add(id, ch)
	h.ring()
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.waits.drop(id, ch)
	}
}

// Stopping is closed when the process stops: streams and waits end.
func (h *Hub) Stopping() <-chan struct{} { return h.stopping.Done() }

// Stop ends streams and waits, and lets no stream begin.
func (h *Hub) Stop() { h.stop() }

// admit counts a stream of a key; false: the key has as many as it may.
func (h *Hub) admit(key int64) (leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open[key] >= maxStreams {
		return nil, false
	}
	h.open[key]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.open[key]--; h.open[key] == 0 {
			delete(h.open, key)
		}
	}, true
}

// join has the hub tell a stream all from a place on, which it gets to know
// through its channel joined.
func (h *Hub) join(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams.add(s.account, s)
	if h.at != (dispatch.Position{}) {
		s.joined <- h.at
	}
	h.ring()
}

func (h *Hub) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams.drop(s.account, s)
}

// told is the place up to which a stream that has nothing in its queue knows
// all, whoever's events they were.
func (h *Hub) told(s *stream) dispatch.Position {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.waiting() {
		return dispatch.Position{}
	}
	return h.at
}

// ring wakes a hub that rests.
func (h *Hub) ring() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// rest says that nobody listens; then the hub begins anew at the log's end when
// somebody does.
func (h *Hub) rest() bool {
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
	tick := time.NewTicker(hubTick)
	defer tick.Stop()
	failing := false
	for ctx.Err() == nil {
		if h.rest() {
			select {
			case <-ctx.Done():
			case <-h.wake:
			}
			continue
		}
		more, err := h.step(ctx)
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

// step tells what is new; more: there is more at once.
func (h *Hub) step(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	if h.at == (dispatch.Position{}) { // only this goroutine writes it
		return false, h.begin(ctx)
	}
	evs, err := h.events.EventsAfter(ctx, h.at, logPage)
	if err != nil || len(evs) == 0 {
		return false, err
	}
	h.tell(evs)
	return len(evs) == logPage, nil
}

// begin starts at the log's end. Everybody who waits for a message looks once:
// the end is read after they began to.
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

// tell passes a page on.
func (h *Hub) tell(evs []dispatch.Event) {
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
		f := newFrame(e)
		for s := range h.streams[e.Account] {
			if !s.push(f) {
				h.streams.drop(s.account, s)
			}
		}
	}
}

// after reads a page for a stream that has not caught up.
func (h *Hub) after(ctx context.Context, at dispatch.Position) ([]dispatch.Event, error) {
	select {
	case h.catching <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.catching }()
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	return h.events.EventsAfter(ctx, at, logPage)
}

// crowd holds those who listen to each K.
type crowd[K, V comparable] map[K]map[V]struct{}

func (c crowd[K, V]) add(k K, v V) {
	if c[k] == nil {
		c[k] = map[V]struct{}{}
	}
	c[k][v] = struct{}{}
}

func (c crowd[K, V]) drop(k K, v V) {
	delete(c[k], v)
	if len(c[k]) == 0 {
		delete(c, k)
	}
}
