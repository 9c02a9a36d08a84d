package gupshup

import (
	"cmp"
	"encoding/json"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

// entry is Meta's envelope as far as Gupshup's version 3 fills it
// (partner-docs.gupshup.io/docs/v3-message-events).
type entry struct {
	Changes []struct {
		Field string `json:"field"`
		Value struct {
			Statuses []status3         `json:"statuses"`
			Messages []json.RawMessage `json:"messages"`
			Contacts []struct {
				WaID    string `json:"wa_id"`
				Profile struct {
					Name string `json:"name"`
				} `json:"profile"`
			} `json:"contacts"`
		} `json:"value"`
	} `json:"changes"`
}

type status3 struct {
	GSID      string `json:"gs_id"`
	ID        string `json:"id"`
	Status    string `json:"status"`
	Recipient string `json:"recipient_id"`
	Timestamp moment `json:"timestamp"`
	Errors    []struct {
		Code      json.RawMessage `json:"code"`
		Title     string          `json:"title"`
		Message   string          `json:"message"`
		ErrorData struct {
			Details string `json:"details"`
		} `json:"error_data"`
	} `json:"errors"`
}

type message3 struct {
	From      string `json:"from"`
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
				continue
			}
			for _, s := range change.Value.Statuses {
				if u, ok := c.status3(ch, &s); ok {
					cb.Statuses = append(cb.Statuses, u)
				}
			}
			names := make(map[string]string)
			for _, who := range change.Value.Contacts {
				names[who.WaID] = who.Profile.Name
			}
			for _, raw := range change.Value.Messages {
				var m message3
				if decode(raw, &m) != nil || m.From == "" {
					continue
				}
				cb.Inbound = append(cb.Inbound, dispatch.Inbound{
					Channel: ch.ID, From: plus(m.From), WaID: m.From, Name: names[m.From], ProviderID: m.ID, Type: m.Type,
					Text: cmp.Or(m.Text.Body, m.Button.Text, m.Interactive.ButtonReply.Title, m.Interactive.ListReply.Title),
					Raw:  string(raw), At: c.at(m.Timestamp),
				})
			}
		}
	}
	return cb
}

func (c *Client) status3(ch *dispatch.Channel, s *status3) (dispatch.StatusUpdate, bool) {
	status, ok := statuses[s.Status]
	if !ok {
		return dispatch.StatusUpdate{}, false
	}
	u := dispatch.StatusUpdate{
		Channel: ch.ID, ProviderID: cmp.Or(s.GSID, s.ID), ProviderRef2: s.ID, Recipient: plus(s.Recipient), Status: status, At: c.at(s.Timestamp),
	}
	if status == dispatch.Failed {
		code, text := "", ""
		if len(s.Errors) > 0 {
			first := s.Errors[0]
			code, text = scalar(first.Code), cmp.Or(first.ErrorData.Details, first.Message, first.Title)
		}
		explain(ch, &u, code, text)
	}
	return u, true
}
