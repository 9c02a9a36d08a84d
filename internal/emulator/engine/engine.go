// Package engine is the part of the emulator that all vendors share: it decides
// on the outcome of each request, records it, and sends the callbacks when they
// are due. The last four digits of the recipient choose the outcome (magic.go).
//
// A request goes to the Vendor to which its path belongs, which reads it; the
// Server decides on an outcome, records it in the ledger, and lets the Vendor
// write the answer and the callbacks (callbacks.go).
package engine

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/outbound"
)

// Options configure a Server.
type Options struct {
	// Token, when set, is wanted on every /_emulator route, as a bearer or as
	// the query parameter token. Empty is for a server that binds to loopback.
	Token string
	// LogBytes bounds the memory of recorded requests, oldest dropped first;
	// default 64 MiB. Counts are kept besides.
	LogBytes int
	// CallbackWorkers bounds the callbacks under way at once; default 128.
	CallbackWorkers int
	// Templates are what the providers' template lists show.
	Templates []template.Template
	// Settings at the start; default DefaultSettings.
	Settings *Settings
}

// Server is the emulator: an http.Handler, and a sender of callbacks that runs
// until Close.
type Server struct {
	vendors   []*Vendor
	token     string
	admin     http.Handler
	settings  atomic.Pointer[Settings]
	registry  atomic.Pointer[registry]
	templates atomic.Pointer[[]template.Template]
	ledger    *ledger
	history   *history
	attempts  *tally
	limiter   *limiter
	calls     *caller
	prefix    string
	lastID    atomic.Uint64
	conns     sync.Map // *writer: the connections of Serve
	closing   context.Context
	close     context.CancelFunc
	done      sync.WaitGroup
}

// New returns an emulator of the vendors and starts its callbacks. End it with
// Close.
func New(o Options, vendors ...*Vendor) *Server {
	if o.LogBytes <= 0 {
		o.LogBytes = 64 << 20
	}
	if o.CallbackWorkers <= 0 {
		o.CallbackWorkers = 128
	}
	if o.Settings == nil {
		d := DefaultSettings()
		o.Settings = &d
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	s := &Server{
		vendors: vendors, token: o.Token, ledger: newLedger(o.LogBytes), history: newHistory(maxHistory),
		attempts: newTally(maxCounts), limiter: new(limiter), prefix: hex.EncodeToString(random[:]),
	}
	s.settings.Store(o.Settings)
	s.templates.Store(&o.Templates)
	s.registry.Store(new(registry))
	s.closing, s.close = context.WithCancel(context.Background())
	client := outbound.New(outbound.Options{MaxIdleConnsPerHost: o.CallbackWorkers, Timeout: callbackTimeout})
	s.calls = newCaller(client, s.current, s.lead, func() int { return s.settings.Load().CallbackBatch })
	s.done.Go(func() { s.calls.schedule(s.closing) })
	for range o.CallbackWorkers {
		s.done.Go(func() { s.calls.work(s.closing) })
	}
	s.admin = s.adminRoutes()
	return s
}

// Close stops the callbacks and Serve, and closes held connections.
func (s *Server) Close(ctx context.Context) error {
	s.close()
	s.conns.Range(func(w, _ any) bool {
		_ = w.(*writer).conn.Close()
		return true
	})
	done := make(chan struct{})
	go func() {
		s.done.Wait()
		s.calls.client.CloseIdleConnections()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop callbacks: %w", ctx.Err())
	}
}

// registry is the channels by what requests name them by. It is replaced whole.
type registry struct {
	byKey     map[string]*dispatch.Channel
	byAddress map[string][]*dispatch.Channel // provider + " " + Vendor.Address
}

// Register adds channels, or replaces those with the same key. They must not be
// changed afterwards.
func (s *Server) Register(chs ...*dispatch.Channel) {
	for {
		old := s.registry.Load()
		next := &registry{byKey: make(map[string]*dispatch.Channel), byAddress: make(map[string][]*dispatch.Channel)}
		maps.Copy(next.byKey, old.byKey)
		for _, ch := range chs {
			next.byKey[ch.Key] = ch
		}
		for _, ch := range next.byKey {
			if f := s.vendor(ch.Provider); f != nil {
				k := ch.Provider + " " + f.Address(ch)
				next.byAddress[k] = append(next.byAddress[k], ch)
			}
		}
		if s.registry.CompareAndSwap(old, next) {
			return
		}
	}
}

// Channels returns those that a request to the provider names by address.
func (s *Server) Channels(provider, address string) []*dispatch.Channel {
	return s.registry.Load().byAddress[provider+" "+address]
}

// ChannelsOf returns all channels of the provider.
func (s *Server) ChannelsOf(provider string) []*dispatch.Channel {
	var chs []*dispatch.Channel
	for _, ch := range s.registry.Load().byKey {
		if ch.Provider == provider {
			chs = append(chs, ch)
		}
	}
	return chs
}

// Templates returns what the providers' template lists show.
func (s *Server) Templates() []template.Template { return *s.templates.Load() }

// Sent returns the accepted send of the id, or nil.
func (s *Server) Sent(id string) *Send { return s.history.get(id) }

// SentTo returns the accepted sends to a recipient (E.164), newest first.
func (s *Server) SentTo(to string) []*Send { return s.history.to(to) }

// current returns the channel as it is registered now: its secrets may have
// changed since a message was accepted.
func (s *Server) current(ch *dispatch.Channel) *dispatch.Channel {
	if now, ok := s.registry.Load().byKey[ch.Key]; ok {
		return now
	}
	return ch
}

// lead returns the first channel of the app that m was sent through.
func (s *Server) lead(m *Send) *dispatch.Channel {
	app, lead := m.vendor.App(m.Channel), s.current(m.Channel)
	for _, ch := range s.ChannelsOf(m.Channel.Provider) {
		if m.vendor.App(ch) == app && ch.Key < lead.Key {
			lead = ch
		}
	}
	return lead
}

// newID returns 32 hex digits that no other message has, also not of another
// emulator.
func (s *Server) newID() string {
	const digits = "0123456789abcdef"
	n := s.lastID.Add(1)
	id := make([]byte, 32)
	copy(id, s.prefix)
	for i := 31; i >= 16; i-- {
		id[i] = digits[n&15]
		n >>= 4
	}
	return string(id)
}

// sleep waits for d, unless the client or the emulator goes.
func (s *Server) sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-s.closing.Done():
	}
}
