package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

const (
	hubTick    = 100 * time.Millisecond
	hubPage    = 1000
	streamBeat = 15 * time.Second
	// keyCheck is how often a stream looks whether its key may still read.
	keyCheck = 250 * time.Millisecond
)

// hub follows the event log while anybody listens, and tells those who wait
// for one message and those who follow an account.
type hub struct {
	store *store.Store
	log   *slog.Logger
	mu    sync.Mutex
	waits map[dispatch.ID]map[chan struct{}]struct{}
	wake  chan struct{}
}

func newHub(st *store.Store, log *slog.Logger) *hub {
	return &hub{store: st, log: log, waits: map[dispatch.ID]map[chan struct{}]struct{}{}, wake: make(chan struct{}, 1)}
}

// watch gives a channel that closes at the next event of the message.
func (h *hub) watch(id dispatch.ID) (<-chan struct{}, func()) {
	ch := make(chan struct{})
	h.mu.Lock()
	if h.waits[id] == nil {
		h.waits[id] = map[chan struct{}]struct{}{}
	}
	h.waits[id][ch] = struct{}{}
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waits[id], ch)
		if len(h.waits[id]) == 0 {
			delete(h.waits, id)
		}
	}
}

func (h *hub) idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waits) == 0
}

// run reads the log while somebody waits; with nobody there it asks nothing.
func (h *hub) run(ctx context.Context) {
	var at store.Position
	tick := time.NewTicker(hubTick)
	defer tick.Stop()
	for ctx.Err() == nil {
		if h.idle() {
			at = store.Position{}
			select {
			case <-ctx.Done():
				return
			case <-h.wake:
			}
		}
		at = h.step(ctx, at)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// step tells those who wait about what is new since at. On a fresh start
// everybody who waits looks once: the log's end is read after they began to.
func (h *hub) step(ctx context.Context, at store.Position) store.Position {
	if at == (store.Position{}) {
		end, err := h.store.EndOfEvents(ctx)
		if err != nil {
			return at
		}
		if end == (store.Position{}) {
			end.XID = 1
		}
		h.tellAll()
		return end
	}
	evs, err := h.store.EventsAfter(ctx, at, hubPage)
	if err != nil || len(evs) == 0 {
		return at
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range evs {
		for ch := range h.waits[e.Message] {
			close(ch)
		}
		delete(h.waits, e.Message)
	}
	last := evs[len(evs)-1]
	return store.Position{XID: last.XID, ID: last.ID}
}

// tellAll has everybody look once.
func (h *hub) tellAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, chs := range h.waits {
		for ch := range chs {
			close(ch)
		}
	}
	clear(h.waits)
}

// streamEvent is one event as a stream shows it.
type streamEvent struct {
	Type     string      `json:"type"`
	At       time.Time   `json:"at"`
	Message  dispatch.ID `json:"message_id,omitzero"`
	Channel  int64       `json:"channel_id,omitempty"`
	Sequence int         `json:"sequence,omitempty"`
	Cause    string      `json:"cause,omitempty"`
	Code     string      `json:"code,omitempty"`
	Detail   string      `json:"detail,omitempty"`
}

// streamEvents follows the account's events live. Last-Event-ID resumes where a
// reader was, without a gap: events are read in the order in which they became
// visible, late commits included.
func (s *Server) streamEvents(c echo.Context) error {
	c.Set("long", true)
	ctx := c.Request().Context()
	account := caller(c).Account.ID
	at, err := s.streamStart(c)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	c.Response().WriteHeader(http.StatusOK)
	_, _ = fmt.Fprint(c.Response(), ": following\n\n")
	c.Response().Flush()
	tick := time.NewTicker(hubTick)
	defer tick.Stop()
	beat, checked := time.Now(), time.Now()
	for {
		if time.Since(checked) > keyCheck {
			if who, err := s.callerOf(ctx, nativeKey(c.Request())); err != nil || who.Require("view_messages") != nil {
				return nil // deleted, disabled, expired or stripped of the permission
			}
			checked = time.Now()
		}
		evs, err := s.Store.EventsAfter(ctx, at, hubPage)
		if err != nil {
			return nil // the client resumes
		}
		wrote := false
		for i := range evs {
			at = store.Position{XID: evs[i].XID, ID: evs[i].ID}
			if evs[i].Account == account {
				wrote = true
				if err := writeEvent(c, &evs[i], at); err != nil {
					return nil
				}
			}
		}
		if !wrote && time.Since(beat) > streamBeat {
			_, _ = fmt.Fprint(c.Response(), ": still here\n\n")
			wrote = true
		}
		if wrote {
			beat = time.Now()
			c.Response().Flush()
		}
		if len(evs) == hubPage {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Server) streamStart(c echo.Context) (store.Position, error) {
	last := c.Request().Header.Get("Last-Event-Id")
	if last == "" {
		last = c.QueryParam("last_event_id")
	}
	if last != "" {
		return store.ParsePosition(last)
	}
	at, err := s.Store.EndOfEvents(c.Request().Context())
	return at, readError(err)
}

func writeEvent(c echo.Context, e *store.Event, at store.Position) error {
	b, err := json.Marshal(streamEvent{Type: eventType(e.Kind), At: e.At, Message: e.Message, Channel: e.Channel, Sequence: e.Seq, Cause: e.Cause, Code: e.Code, Detail: e.Detail})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Response(), "id: %s\nevent: %s\ndata: %s\n\n", at, eventType(e.Kind), b)
	return err
}

// eventType is an event's public name (SPEC 7).
func eventType(kind int16) string {
	switch name := store.KindName(kind); name {
	case "inbound":
		return "message.inbound"
	case "campaign.finished", "channel.paused", "channel.resumed", "webhook.disabled":
		return name
	default:
		return "message." + name
	}
}
