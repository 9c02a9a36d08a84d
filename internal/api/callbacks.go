package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// Verifier is a provider that checks an address before it calls it (Meta's GET
// handshake).
type Verifier interface {
	Verify(ch *dispatch.Channel, query url.Values) (challenge string, ok bool)
}

// callback takes what a provider tells us: verified before it is read, and
// answered once it is committed. A 503 makes the provider repeat.
func (s *Server) callback(c echo.Context) error {
	r := c.Request()
	p := s.Providers[c.Param("provider")]
	ch, err := s.Registry.ChannelByKey(r.Context(), c.Param("channel"))
	if p == nil || (err != nil && dispatch.CodeOf(err) == dispatch.NotFound) || (err == nil && ch.Provider != c.Param("provider")) {
		return dispatch.Errorf(dispatch.NotFound, "no such channel")
	}
	if err != nil {
		return middleware.Unavailable(err)
	}
	if r.Method == http.MethodGet {
		if done, err := s.handshake(c, p, ch); done {
			return err
		}
	}
	body, err := middleware.ReadBody(c, 4*middleware.MaxBody)
	if err != nil {
		return err
	}
	r.SetPathValue("secret", c.Param("secret"))
	cb, err := s.parseCallback(c, p, ch, body)
	if err != nil {
		return err
	}
	if err := s.take(r.Context(), ch, cb); err != nil {
		return &dispatch.Error{Code: dispatch.Overloaded, Msg: "not stored; repeat", RetryAfter: 1, Err: err}
	}
	s.Observer.Callback(ch.Provider, len(cb.Statuses), len(cb.Inbound))
	return c.String(http.StatusOK, cb.Reply)
}

func (s *Server) handshake(c echo.Context, p provider.Provider, ch *dispatch.Channel) (bool, error) {
	v, ok := p.(Verifier)
	if !ok {
		return false, nil
	}
	for _, as := range []*dispatch.Channel{ch, s.TestChannel(ch)} {
		if challenge, ok := v.Verify(as, c.QueryParams()); ok {
			return true, c.String(http.StatusOK, challenge)
		}
	}
	return true, c.String(http.StatusForbidden, "verify token does not match")
}

// parseCallback verifies with the channel's own secrets, while a rotation's
// overlap lasts with the old callback secret or, for messages of test keys, with
// those generated for the emulator.
func (s *Server) parseCallback(c echo.Context, p provider.Provider, ch *dispatch.Channel, body []byte) (provider.Callback, error) {
	r := c.Request()
	url := s.PublicURL + r.URL.RequestURI()
	cb, err := provider.Parse(p, ch, r, url, body)
	if err == nil {
		return cb, nil
	}
	if before, ok := ch.BeforeRotation(time.Now()); ok {
		if old, oldErr := provider.Parse(p, before, r, url, body); oldErr == nil {
			return old, nil
		}
	}
	if test, testErr := provider.Parse(p, s.TestChannel(ch), r, url, body); testErr == nil {
		return s.onlyTest(r.Context(), ch.ID, test), nil
	}
	return cb, err
}

// onlyTest keeps what is said about messages of test keys: whoever knows the
// emulator's secrets must not move real ones.
func (s *Server) onlyTest(ctx context.Context, channel int64, cb provider.Callback) provider.Callback {
	kept := cb.Statuses[:0]
	for _, u := range cb.Statuses {
		if u.ID == dispatch.NoID { // a provider that echoes nothing: its own id tells
			u.Channel = channel
			id, err := s.Store.FindMessage(ctx, u)
			if err != nil || id == dispatch.NoID {
				continue
			}
			u.ID = id
		}
		if v, err := s.views.Do(ctx, u.ID); err == nil && v != nil && v.Test {
			kept = append(kept, u)
		}
	}
	return provider.Callback{Statuses: kept, Reply: cb.Reply}
}

// take commits a callback: statuses in a batch with those of others, inbound
// messages one by one.
func (s *Server) take(ctx context.Context, ch *dispatch.Channel, cb provider.Callback) error {
	ctx = context.WithoutCancel(ctx)
	for i := range cb.Statuses {
		cb.Statuses[i].Channel = ch.ID
	}
	if len(cb.Statuses) > 0 {
		found, err := s.statuses.DoAll(ctx, cb.Statuses)
		if err != nil {
			return err
		}
		for i, ok := range found {
			if ok || cb.Statuses[i].ProviderID == "" && cb.Statuses[i].ID == dispatch.NoID {
				continue
			}
			if err := s.Store.Park(ctx, cb.Statuses[i]); err != nil {
				return err
			}
		}
	}
	for _, in := range cb.Inbound {
		in.Channel = ch.ID
		stop, start := dispatch.KeywordAction(in.Text)
		if err := s.Store.InsertInbound(ctx, in, stop, start); err != nil {
			return err
		}
	}
	return nil
}

// applyStatuses merges the evidence of many callbacks at once, and counts the
// messages that failed by it: providers say the same more than once.
func (s *Server) applyStatuses(ctx context.Context, us []dispatch.StatusUpdate) ([]bool, error) {
	a, err := s.Store.Apply(ctx, us)
	if err != nil {
		s.Log.Error("callbacks not applied", "statuses", len(us), "error", err)
		return nil, err
	}
	out := make([]bool, len(us))
	for i := range out {
		out[i] = true
	}
	for _, i := range a.Unmatched {
		out[i] = false
	}
	for _, f := range a.Failed {
		s.Observer.Failed(f.Channel, f.Code)
	}
	return out, nil
}
