package gupshup

import (
	"cmp"
	"encoding/json"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// entry is Meta's envelope as far as Gupshup's version 3 fills it
// (partner-docs.gupshup.io/docs/v3-message-events).
type entry struct {
	Changes []struct {
		Field string `json:"field"`
		Value struct {
			Metadata struct {
				DisplayNumber text2 `json:"display_phone_number"`
			} `json:"metadata"`
			Statuses []status3         `json:"statuses"`
			Messages []json.RawMessage `json:"messages"`
			Contacts []contact3        `json:"contacts"`
		} `json:"value"`
	} `json:"changes"`
}

type contact3 struct {
	WaID    string `json:"wa_id"`
	UserID  string `json:"user_id"`
	Profile struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"profile"`
}

type status3 struct {
	GSID      string          `json:"gs_id"`
	ID        string          `json:"id"`
	Status    string          `json:"status"`
	Recipient string          `json:"recipient_id"`
	Timestamp moment          `json:"timestamp"`
	Errors    json.RawMessage `json:"errors"`

	Conversation json.RawMessage `json:"conversation"`
	Pricing      json.RawMessage `json:"pricing"`
}

type error3 struct {
	Code      json.RawMessage `json:"code"`
	Title     string          `json:"title"`
	Message   string          `json:"message"`
	ErrorData struct {
		Details string `json:"details"`
	} `json:"error_data"`
}

type message3 struct {
	From      string `json:"from"`
	UserID    string `json:"from_user_id"`
	Group     string `json:"group_id"`
	ID        string `json:"id"`
	Timestamp moment `json:"timestamp"`
	Type      string `json:"type"`
	Text      struct {
		Body string `json:"body"`
	} `json:"text"`
	Button struct {
		Text string `json:"text"`
	} `json:"button"`
	Interactive struct {
		ButtonReply struct {
			Title string `json:"title"`
		} `json:"button_reply"`
		ListReply struct {
			Title string `json:"title"`
		} `json:"list_reply"`
	} `json:"interactive"`
}

func (c *Client) version3(ch *dispatch.Channel, entries []entry) provider.Callback {
	var cb provider.Callback
	for _, e := range entries {
		for _, change := range e.Changes {
			if change.Field != "messages" {
				cb.Add(provider.Part{Unread: []string{change.Field}})
				continue
			}
			number := provider.Number{Value: digits(string(change.Value.Metadata.DisplayNumber)), Secret: "apikey"}
			part := provider.Part{Number: number.Or(ch)}
			for _, s := range change.Value.Statuses {
				switch u, ok := c.status3(ch, &s); {
				case s.Status == deleted:
					u.Detail = deleted
					part.Notes = append(part.Notes, u)
				case ok:
					part.Statuses = append(part.Statuses, u)
				default:
					part.Unread = append(part.Unread, "status "+s.Status)
				}
			}
			for _, raw := range change.Value.Messages {
				if in, ok := c.message3(ch, raw, change.Value.Contacts); ok {
					part.Inbound = append(part.Inbound, in)
				}
			}
			cb.Add(part)
		}
	}
	return cb
}

func (c *Client) message3(ch *dispatch.Channel, raw json.RawMessage, contacts []contact3) (dispatch.Inbound, bool) {
	var m message3
	if decode(raw, &m) != nil || m.Type == "system" {
		return dispatch.Inbound{}, false
	}
	in := dispatch.Inbound{
		Channel: ch.ID, From: person.ID(cmp.Or(m.From, m.UserID)), WaID: person.WaID(m.From), UserID: m.UserID,
		GroupID: m.Group, ProviderID: m.ID, Type: m.Type,
		Text:    cmp.Or(m.Text.Body, m.Button.Text, m.Interactive.ButtonReply.Title, m.Interactive.ListReply.Title),
		Content: meta.Content(raw), Raw: string(raw), At: c.at(m.Timestamp),
	}
	for _, who := range contacts {
		if (who.WaID != "" && who.WaID == m.From) || (who.UserID != "" && who.UserID == m.UserID) {
			in.Name, in.Username, in.UserID = who.Profile.Name, who.Profile.Username, cmp.Or(in.UserID, who.UserID)
			break
		}
	}
	return in, true
}

func (c *Client) status3(ch *dispatch.Channel, s *status3) (dispatch.StatusUpdate, bool) {
	status, ok := statuses[s.Status]
	if !ok && s.Status != deleted {
		return dispatch.StatusUpdate{}, false
	}
	u := dispatch.StatusUpdate{
		Channel: ch.ID, ProviderID: cmp.Or(s.GSID, s.ID), ProviderRef2: s.ID, Recipient: plus(s.Recipient), Status: status, At: c.at(s.Timestamp),
		Extra: dispatch.StatusExtra{Conversation: s.Conversation, Pricing: s.Pricing, Errors: s.Errors}.Text(),
	}
	if status == dispatch.Failed {
		code, text := "", ""
		var errs []error3
		if decode(s.Errors, &errs) == nil && len(errs) > 0 {
			first := errs[0]
			code, text = scalar(first.Code), cmp.Or(first.ErrorData.Details, first.Message, first.Title)
		}
		explain(ch, &u, code, text)
	}
	return u, true
}
