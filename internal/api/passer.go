package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// InboundFinder finds messages from contacts.
type InboundFinder interface {
	// FindInbound returns the provider's id of a message to the channel, named by our
	// id or, without one, by the provider's; empty if there is none.
	FindInbound(ctx context.Context, channel int64, ours dispatch.ID, providerID string) (string, error)
}

// passer sends requests on to vendors with a channel's credentials.
type passer struct {
	providers map[string]provider.Provider
	directory Directory
	inbound   InboundFinder
	test      func(*dispatch.Channel) *dispatch.Channel
}

// pass serves a route whose requests the vendor itself answers.
func (v *vendors) pass(c echo.Context, who *accept.Caller, rt *dialect.Route) (dialect.Reply, error) {
	if err := v.limits.Spend(c, who, 1, true); err != nil {
		return dialect.Reply{}, err
	}
	if err := who.Require(rt.Permission); err != nil {
		return dialect.Reply{}, err
	}
	p, err := rt.Pass(c.Request())
	if err != nil {
		return dialect.Reply{}, err
	}
	return v.passer.call(c, who, p)
}

// call makes a call for a client and returns the vendor's answer.
func (ps *passer) call(c echo.Context, who *accept.Caller, p dialect.Pass) (dialect.Reply, error) {
	r := c.Request()
	ch, id, err := ps.channel(r.Context(), who, p)
	if err != nil {
		return dialect.Reply{}, err
	}
	vendor, ok := ps.providers[p.Provider].(provider.Passer)
	if !ok {
		return dialect.Reply{}, middleware.NoRoute(c)
	}
	if who.Key.Test {
		if ps.test == nil {
			return dialect.Reply{}, dispatch.Errorf(dispatch.Forbidden, "a test key makes no calls to providers: use a live key")
		}
		ch = ps.test(ch)
	}
	call := provider.Call{Method: r.Method, Path: "/" + id + p.Suffix, Query: p.Query, ContentType: "application/json"}
	switch limit := max(p.MaxBody, middleware.MaxBody); {
	case p.Body != nil:
		call.Body, call.Length = bytes.NewReader(p.Body), int64(len(p.Body))
	case r.ContentLength > limit:
		return dialect.Reply{}, tooLarge(limit)
	case r.Method == http.MethodPost:
		call.Body, call.Length = http.MaxBytesReader(c.Response(), io.NopCloser(r.Body), limit), r.ContentLength
		call.ContentType = r.Header.Get(echo.HeaderContentType)
	}
	res, err := vendor.Pass(r.Context(), ch, call)
	if err != nil {
		return dialect.Reply{}, passError(err)
	}
	return passed(res), nil
}

func tooLarge(limit int64) error {
	return dispatch.Errorf(dispatch.TooLarge, "the request body is larger than %d bytes", limit)
}

// passError returns what a client is told of a call that failed.
func passError(err error) error {
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(large.Limit)
	}
	if e, ok := errors.AsType[*provider.Error](err); ok && e.Kind == provider.Uncertain {
		return &dispatch.Error{Code: dispatch.OutcomeUnknown, Msg: "the provider did not answer", Err: err}
	}
	return &dispatch.Error{Code: dispatch.Overloaded, Msg: "the provider can not be reached", Err: err}
}

// passed returns a vendor's answer.
func passed(res outbound.Response) dialect.Reply {
	out := dialect.Reply{Status: res.Status, Header: http.Header{}, Body: json.RawMessage(res.Body)}
	if after := res.Header().Get("Retry-After"); after != "" {
		out.Header.Set("Retry-After", after)
	}
	return out
}

// channel returns the channel that makes a call, and the vendor's id of the object:
// the caller may have named a number by our id of its channel.
func (ps *passer) channel(ctx context.Context, who *accept.Caller, p dialect.Pass) (*dispatch.Channel, string, error) {
	all, err := ps.directory.Channels(ctx, who.Account.ID)
	if err != nil {
		return nil, "", middleware.ReadError(err)
	}
	var known, other *dispatch.Channel
	id := p.ID
	for _, ch := range all {
		if ch.Provider != p.Provider {
			continue
		}
		ours := strconv.FormatInt(ch.ID, 10) == p.ID || ch.Key == p.ID
		switch {
		case slices.ContainsFunc(p.Settings, func(name string) bool { return ch.Settings[name] == p.ID }):
			known, id = ch, p.ID
		case ours && known == nil && ch.Settings[p.Settings[0]] != "":
			known, id = ch, ch.Settings[p.Settings[0]]
		}
		if other == nil || ch.Settings[p.Settings[0]] == p.Hint || ch.Default && other.Settings[p.Settings[0]] != p.Hint {
			other = ch
		}
	}
	switch {
	case known != nil && !known.Enabled:
		return nil, "", dispatch.InvalidField("/channel", "the channel is disabled")
	case known != nil:
		return known, id, nil
	case p.Any && other != nil && other.Enabled:
		return other, p.ID, nil
	}
	return nil, "", dispatch.Errorf(dispatch.ChannelNotFound, "no such object")
}
