package meta

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// maxTargets bounds the targets that are kept: channels come and go, and so do their
// tokens.
const maxTargets = 1000

// targets are where sends go, by what of a channel decides that: to find one takes a
// tenth of what it takes to make a request.
type targets struct {
	kept atomic.Pointer[map[address]*outbound.Target] // never changed: a map with one more replaces it
}

// address is what of a channel decides where its messages are posted, and how.
type address struct{ base, version, number, token string }

// target returns where the messages of a channel are posted.
func (c *Client) target(ch *dispatch.Channel) (*outbound.Target, error) {
	s := address{ch.Settings["base_url"], ch.Settings["version"], ch.Settings["phone_number_id"], ch.Secrets["access_token"]}
	kept := c.targets.kept.Load()
	if kept != nil {
		if t := (*kept)[s]; t != nil {
			return t, nil
		}
	}
	req, err := c.request(context.Background(), ch, http.MethodPost, "/"+url.PathEscape(s.number)+"/messages", []byte{})
	if err != nil {
		return nil, err
	}
	t, err := c.http.NewTarget(req)
	if err != nil {
		return nil, &provider.Error{Kind: provider.NotSent, Code: dispatch.FailUnreachable, Msg: "not sent", Err: err}
	}
	more := make(map[address]*outbound.Target)
	if kept != nil && len(*kept) < maxTargets {
		maps.Copy(more, *kept)
	}
	more[s] = t
	c.targets.kept.CompareAndSwap(kept, &more) // else another one's is kept
	return t, nil
}
