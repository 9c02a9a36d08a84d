package stream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

const (
	// heartbeat is the longest time without a write.
	heartbeat = 15 * time.Second
	// keyInterval is the time between two checks of the key or the session.
	keyInterval = 250 * time.Millisecond
	// streamQueue and streamBytes are the maximum number and size of the events
	// queued for a client; a slower one is disconnected and resumes with
	// Last-Event-ID.
	streamQueue, streamBytes = 10_000, 4 << 20
	// writeSize is the size in bytes from which text is written: what a client
	// that does not read keeps in memory besides its queue.
	writeSize = 64 << 10
	// writeTimeout is the timeout of a write, endTimeout that of the last one.
	writeTimeout, endTimeout = 10 * time.Second, 500 * time.Millisecond
)

// stream is a client that follows the events of its account. It reads the log
// itself until it has caught up, joins the hub, reads the events up to the hub's
// position, and from then on the hub pushes events to it.
type stream struct {
	account int64
	allowed func(context.Context) bool // reports whether the key may still read
	shows   func(context.Context, dispatch.ID) (bool, error)
	w       http.ResponseWriter
	control *http.ResponseController
	at      dispatch.Position // the last event that was written
	wrote   time.Time
	joined  chan dispatch.Position // receives the position from which on the hub pushes
	ready   chan struct{}          // receives when events are queued or the stream is cut

	mu    sync.Mutex
	queue []frame
	bytes int // of the queue's texts
	cut   bool
}

func newStream(account int64, at dispatch.Position, w http.ResponseWriter) *stream {
	return &stream{
		account: account, at: at, w: w, shows: showsAll, control: http.NewResponseController(w),
		joined: make(chan dispatch.Position, 1), ready: make(chan struct{}, 1),
	}
}

// showsAll shows the events of every message.
func showsAll(context.Context, dispatch.ID) (bool, error) { return true, nil }

// Reasons for which a stream ends, besides its client and the stop of the process.
var (
	errCut = errors.New("the client is too slow")
	errKey = errors.New("the key may no longer read")
)

// push queues an event. It returns false if the queue is full: the stream is cut.
func (s *stream) push(f frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut = len(s.queue) >= streamQueue || s.bytes >= streamBytes; s.cut {
		s.queue = nil
	} else {
		s.queue, s.bytes = append(s.queue, f), s.bytes+len(f.text)
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
	return !s.cut
}

func (s *stream) take() ([]frame, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.queue
	s.queue, s.bytes = nil, 0
	return out, s.cut
}

func (s *stream) queued() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > 0 || s.cut
}

// run serves the client until it disconnects, its key may no longer read, it is
// too slow, or the hub stops.
func (s *stream) run(ctx context.Context, h *Hub) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(h.stopping, end)()
	defer s.expire()
	defer context.AfterFunc(ctx, s.expire)()
	if err := s.comment(ctx, "following"); err != nil {
		return err
	}
	if err := s.catchUp(ctx, h, nil); err != nil {
		return err
	}
	h.join(s)
	defer h.leave(s)
	return s.follow(ctx, h)
}

// expire limits the present and every later write to endTimeout, so that a client
// that does not read cannot delay the end.
func (s *stream) expire() { _ = s.control.SetWriteDeadline(time.Now().Add(endTimeout)) }

// follow writes the events that the hub pushes.
func (s *stream) follow(ctx context.Context, h *Hub) error {
	tick := time.NewTicker(keyInterval)
	defer tick.Stop()
	var ready <-chan struct{} // nil until the stream has read up to the hub's position
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case until := <-s.joined:
			err, ready = s.catchUp(ctx, h, &until), s.ready
		case <-ready:
			err = s.drain(ctx)
		case <-tick.C:
			if !s.allowed(ctx) {
				return errKey
			}
			if time.Since(s.wrote) >= heartbeat {
				if at := h.delivered(s); ready != nil && s.at.Before(at) {
					s.at = at
				}
				err = s.comment(ctx, "still here")
			}
		}
		if err != nil {
			return err
		}
	}
}

// drain writes the queued events.
func (s *stream) drain(ctx context.Context) error {
	frames, cut := s.take()
	if cut {
		return errCut
	}
	var text []byte
	for _, f := range frames {
		if s.at.Before(f.at) { // false if the client came from a process that was ahead of this hub
			ok, err := s.shows(ctx, f.message)
			if err != nil {
				return err
			}
			if s.at = f.at; ok {
				text = append(text, f.text...)
			}
			if text, err = s.writeFull(ctx, text); err != nil {
				return err
			}
		}
	}
	return s.write(ctx, text)
}

// writeFull writes text of at least writeSize, and returns what is left of it.
func (s *stream) writeFull(ctx context.Context, text []byte) ([]byte, error) {
	if len(text) < writeSize {
		return text, nil
	}
	return text[:0], s.write(ctx, text)
}

// catchUp writes the events of the log after s.at: up to until, or all if until is
// nil.
func (s *stream) catchUp(ctx context.Context, h *Hub, until *dispatch.Position) error {
	for {
		evs, err := h.after(ctx, s.at)
		if err != nil {
			return err
		}
		var text []byte
		for i := range evs {
			at := evs[i].Position()
			if until != nil && until.Before(at) {
				return s.write(ctx, text)
			}
			ok := evs[i].Account == s.account
			if ok {
				if ok, err = s.shows(ctx, evs[i].Message); err != nil {
					return err
				}
			}
			if s.at = at; ok {
				text = append(text, newFrame(&evs[i]).text...)
			}
			if text, err = s.writeFull(ctx, text); err != nil {
				return err
			}
		}
		if err := s.write(ctx, text); err != nil || len(evs) < h.page {
			return err
		}
		if h.summary == nil {
			return s.skip(ctx, h)
		}
		if !s.allowed(ctx) {
			return errKey
		}
		if time.Since(s.wrote) >= heartbeat {
			if err := s.comment(ctx, "catching up"); err != nil {
				return err
			}
		}
	}
}

// skip moves to the end of the log and writes how many events that left out.
func (s *stream) skip(ctx context.Context, h *Hub) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	frames, end, err := h.left(ctx, s.at)
	if err != nil {
		return err
	}
	f := frames[s.account]
	ok, err := s.shows(ctx, f.message)
	if s.at = end; err != nil || !ok {
		return err
	}
	return s.write(ctx, f.text)
}

// comment writes a comment and the position from which the client can resume if it
// receives no further event.
func (s *stream) comment(ctx context.Context, comment string) error {
	return s.write(ctx, fmt.Appendf(nil, "id: %s\n: %s\n\n", s.at, comment))
}

func (s *stream) write(ctx context.Context, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	s.wrote = time.Now()
	if err := s.control.SetWriteDeadline(s.wrote.Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if err := ctx.Err(); err != nil { // ended meanwhile
		s.expire()
		return err
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}
