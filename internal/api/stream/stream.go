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
	// streamBeat is how long a stream says nothing at most.
	streamBeat = 15 * time.Second
	// keyCheck is how often a stream looks whether its key may still read.
	keyCheck = 250 * time.Millisecond
	// streamQueue is how many events may wait for a client; one that falls
	// further behind is cut and resumes with Last-Event-ID.
	streamQueue = 10_000
	// streamWrite is how long a client may take for one write, streamEnd once
	// the stream is over.
	streamWrite, streamEnd = 10 * time.Second, 500 * time.Millisecond
)

// stream is a client that follows its account's events. It catches up by pages
// of its own, joins the hub, reads the rest up to where the hub was then, and
// from there on the hub tells it all.
type stream struct {
	account int64
	allowed func(context.Context) bool // its key may still read
	w       http.ResponseWriter
	control *http.ResponseController
	at      dispatch.Position // the client has all up to here
	wrote   time.Time
	joined  chan dispatch.Position // from where on the hub tells all
	ready   chan struct{}          // something is in the queue, or the stream was cut

	mu    sync.Mutex
	queue []frame
	cut   bool
}

func newStream(account int64, at dispatch.Position, w http.ResponseWriter) *stream {
	return &stream{
		account: account, at: at, w: w, control: http.NewResponseController(w),
		joined: make(chan dispatch.Position, 1), ready: make(chan struct{}, 1),
	}
}

// What ends a stream besides its client and our stop.
var (
	errCut     = errors.New("the client is too slow")
	errRefused = errors.New("the key may read no more")
)

// push hands the stream an event; false: it is cut.
func (s *stream) push(f frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut = len(s.queue) >= streamQueue; s.cut {
		s.queue = nil
	} else {
		s.queue = append(s.queue, f)
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
	s.queue = nil
	return out, s.cut
}

func (s *stream) waiting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > 0 || s.cut
}

// run serves the client until it is gone, may read no more, is too slow, or we
// stop.
func (s *stream) run(ctx context.Context, h *Hub) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	defer context.AfterFunc(h.stopping, end)()
	defer s.hurry()
	defer context.AfterFunc(ctx, s.hurry)()
	if err := s.say(ctx, "following"); err != nil {
		return err
	}
	if err := s.catchUp(ctx, h, nil); err != nil {
		return err
	}
	h.join(s)
	defer h.leave(s)
	return s.follow(ctx, h)
}

// hurry ends a write that the client does not take, the last one of all too:
// it must not keep us.
func (s *stream) hurry() { _ = s.control.SetWriteDeadline(time.Now().Add(streamEnd)) }

// follow writes what the hub tells.
func (s *stream) follow(ctx context.Context, h *Hub) error {
	tick := time.NewTicker(keyCheck)
	defer tick.Stop()
	var ready <-chan struct{} // not before the stream has come to where the hub began
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case until := <-s.joined:
			err, ready = s.catchUp(ctx, h, &until), s.ready
		case <-ready:
			err = s.pass(ctx)
		case <-tick.C:
			if !s.allowed(ctx) {
				return errRefused
			}
			if time.Since(s.wrote) >= streamBeat {
				if at := h.told(s); ready != nil && s.at.Before(at) {
					s.at = at
				}
				err = s.say(ctx, "still here")
			}
		}
		if err != nil {
			return err
		}
	}
}

// pass writes what is in the queue.
func (s *stream) pass(ctx context.Context) error {
	frames, cut := s.take()
	if cut {
		return errCut
	}
	var text []byte
	for _, f := range frames {
		if s.at.Before(f.at) { // the client came from a process that was ahead of our hub
			text, s.at = append(text, f.text...), f.at
		}
	}
	return s.write(ctx, text)
}

// catchUp writes what the log holds after the client's place: up to until, or
// all there is by now.
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
			if s.at = at; evs[i].Account == s.account {
				text = append(text, newFrame(&evs[i]).text...)
			}
		}
		if err := s.write(ctx, text); err != nil || len(evs) < logPage {
			return err
		}
		if !s.allowed(ctx) {
			return errRefused
		}
		if time.Since(s.wrote) >= streamBeat {
			if err := s.say(ctx, "catching up"); err != nil {
				return err
			}
		}
	}
}

// say writes a comment, and the place from which a client may resume that has
// seen no event of its own for long, or none yet.
func (s *stream) say(ctx context.Context, comment string) error {
	return s.write(ctx, fmt.Appendf(nil, "id: %s\n: %s\n\n", s.at, comment))
}

func (s *stream) write(ctx context.Context, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	s.wrote = time.Now()
	if err := s.control.SetWriteDeadline(s.wrote.Add(streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if err := ctx.Err(); err != nil { // over meanwhile
		s.hurry()
		return err
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}
