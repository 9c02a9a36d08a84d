package gupshup

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// entry is Meta's envelope as far as Gupshup's version 3 fills it
// (partner-docs.gupshup.io/docs/v3-message-events).
type entry struct {
	Changes []struct {
		Field string          `json:"field"`
		Value json.RawMessage `json:"value"`
	} `json:"changes"`
}

// value3 is what Gupshup writes in its own way; the rest is as Meta's.
type value3 struct {
	Metadata struct {
		DisplayNumber provider.Scalar `json:"display_phone_number"`
	} `json:"metadata"`
	Statuses []status3 `json:"statuses"`
}

type status3 struct {
	GSID      provider.Scalar `json:"gs_id"`
	ID        provider.Scalar `json:"id"`
	Status    provider.Scalar `json:"status"`
	Recipient provider.Scalar `json:"recipient_id"`
	UserID    provider.Scalar `json:"recipient_user_id"`
	Timestamp moment          `json:"timestamp"`
	Errors    json.RawMessage `json:"errors"`

	Conversation json.RawMessage `json:"conversation"`
	Pricing      json.RawMessage `json:"pricing"`
}

func (c *Client) version3(ch *dispatch.Channel, entries []entry) provider.Callback {
	var cb provider.Callback
	for _, e := range entries {
		for _, change := range e.Changes {
			if change.Field != "messages" && change.Field != "user_preferences" {
				cb.Add(meta.OtherField(ch, change.Field, change.Value, "apikey", c.now()))
				continue
			}
			var v value3
			if decode(change.Value, &v) != nil {
				cb.Add(provider.Part{Unread: []string{change.Field}})
				continue
			}
			number := provider.Number{Value: strings.TrimPrefix(person.ID(string(v.Metadata.DisplayNumber)), "+"), Secret: "apikey"}
			part := provider.Part{Number: number.Or(ch)}
			for i := range v.Statuses {
				c.readStatus3(&part, ch, &v.Statuses[i])
			}
			meta.ReadRest(&part, ch, change.Value, c.now())
			cb.Add(part)
		}
	}
	return cb
}

func (c *Client) readStatus3(part *provider.Part, ch *dispatch.Channel, s *status3) {
	word := strings.ToLower(string(s.Status))
	switch u, ok := c.status3(ch, s, word); {
	case meta.IsNote(word):
		u.Detail = word
		part.Notes = append(part.Notes, u)
	case ok:
		part.Statuses = append(part.Statuses, u)
	default:
		part.Unread = append(part.Unread, "status "+string(s.Status))
	}
}

func (c *Client) status3(ch *dispatch.Channel, s *status3, word string) (dispatch.StatusUpdate, bool) {
	status, ok := statuses[word]
	if !ok && !meta.IsNote(word) {
		return dispatch.StatusUpdate{}, false
	}
	u := dispatch.StatusUpdate{
		Channel: ch.ID, ProviderID: string(cmp.Or(s.GSID, s.ID)), ProviderRef2: string(s.ID), Recipient: plus(string(s.Recipient)),
		WaID: string(s.Recipient), UserID: string(s.UserID), Status: status, At: c.at(s.Timestamp),
		Extra: dispatch.StatusExtra{Conversation: s.Conversation, Pricing: s.Pricing, Errors: s.Errors}.Text(),
	}
	if status == dispatch.Failed {
		code, text := meta.Reasons(s.Errors)
		explain(ch, &u, code, text)
	}
	return u, true
}
