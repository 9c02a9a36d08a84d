package meta

import (
	"encoding/json"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
)

// inbound is a message from a contact.
type inbound struct {
	From      string `json:"from"`
	ID        string `json:"id"`
	Timestamp scalar `json:"timestamp"`
	Type      string `json:"type"`
	Text      struct {
		Body string `json:"body"`
	} `json:"text"`
	Button struct {
		Payload string `json:"payload"`
		Text    string `json:"text"`
	} `json:"button"`
	Interactive struct {
		ButtonReply choice `json:"button_reply"`
		ListReply   choice `json:"list_reply"`
		FlowReply   struct {
			Body string `json:"body"`
		} `json:"nfm_reply"`
	} `json:"interactive"`
	Image    caption `json:"image"`
	Video    caption `json:"video"`
	Document caption `json:"document"`
	Reaction struct {
		Emoji string `json:"emoji"`
	} `json:"reaction"`
	Location struct {
		Name    string `json:"name"`
		Address string `json:"address"`
	} `json:"location"`
}

type choice struct {
	Title string `json:"title"`
}

type caption struct {
	Caption string `json:"caption"`
}

// text is what the contact wrote or chose, whatever the type; stop words count
// on a button as well as in a text.
func (m *inbound) text() string {
	for _, s := range []string{
		m.Text.Body, m.Button.Text, m.Button.Payload,
		m.Interactive.ButtonReply.Title, m.Interactive.ListReply.Title, m.Interactive.FlowReply.Body,
		m.Image.Caption, m.Video.Caption, m.Document.Caption, m.Reaction.Emoji, m.Location.Name, m.Location.Address,
	} {
		if s != "" {
			return s
		}
	}
	return ""
}

func readInbound(in []dispatch.Inbound, ch *dispatch.Channel, v *value, now time.Time) []dispatch.Inbound {
	for _, raw := range v.Messages {
		var m inbound
		if err := json.Unmarshal(raw, &m); err != nil && !wrongType(err) {
			continue
		}
		if person.ID(m.From) == "" || m.Type == "system" {
			continue // a notice by Meta (such as a changed number), not the contact's message
		}
		i := dispatch.Inbound{
			Channel: ch.ID, From: person.ID(m.From), WaID: m.From,
			ProviderID: m.ID, Type: m.Type, Text: m.text(), Raw: string(raw), At: timeOf(string(m.Timestamp), now),
		}
		for _, c := range v.Contacts {
			if c.WaID == m.From {
				i.WaID, i.Name = c.WaID, c.Profile.Name
				break
			}
		}
		in = append(in, i)
	}
	return in
}
