package meta

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/provider"
)

// inbound is a message from a contact.
type inbound struct {
	From       provider.Scalar `json:"from"`
	FromUserID provider.Scalar `json:"from_user_id"`
	UserID     provider.Scalar `json:"user_id"`
	Group      provider.Scalar `json:"group_id"`
	ID         provider.Scalar `json:"id"`
	Timestamp  provider.Scalar `json:"timestamp"`
	Type       provider.Scalar `json:"type"`
	System     struct {
		Body    provider.Scalar `json:"body"`
		Type    provider.Scalar `json:"type"`
		WaID    provider.Scalar `json:"wa_id"`
		NewWaID provider.Scalar `json:"new_wa_id"`
	} `json:"system"`
	Text struct {
		Body provider.Scalar `json:"body"`
	} `json:"text"`
	Button struct {
		Payload provider.Scalar `json:"payload"`
		Text    provider.Scalar `json:"text"`
	} `json:"button"`
	Interactive struct {
		ButtonReply choice `json:"button_reply"`
		ListReply   choice `json:"list_reply"`
		FlowReply   struct {
			Body provider.Scalar `json:"body"`
		} `json:"nfm_reply"`
	} `json:"interactive"`
	Image    caption `json:"image"`
	Video    caption `json:"video"`
	Document caption `json:"document"`
	Reaction struct {
		Emoji provider.Scalar `json:"emoji"`
	} `json:"reaction"`
	Location struct {
		Name    provider.Scalar `json:"name"`
		Address provider.Scalar `json:"address"`
	} `json:"location"`
}

type choice struct {
	Title provider.Scalar `json:"title"`
}

type caption struct {
	Caption provider.Scalar `json:"caption"`
}

// text is what the contact wrote or chose, whatever the type; stop words count
// on a button as well as in a text.
func (m *inbound) text() string {
	for _, s := range []provider.Scalar{
		m.Text.Body, m.Button.Text, m.Button.Payload,
		m.Interactive.ButtonReply.Title, m.Interactive.ListReply.Title, m.Interactive.FlowReply.Body,
		m.Image.Caption, m.Video.Caption, m.Document.Caption, m.Reaction.Emoji, m.Location.Name, m.Location.Address, m.System.Body,
	} {
		if s != "" {
			return string(s)
		}
	}
	return ""
}

// readInbound reads the messages of a value. A person is named by the message
// itself; the contact with the same id adds the other ids and the name.
func readInbound(part *provider.Part, ch *dispatch.Channel, v *value, now time.Time) {
	for _, raw := range v.Messages {
		var m inbound
		if err := json.Unmarshal(raw, &m); err != nil && !wrongType(err) || m.Type == "" && m.ID == "" {
			part.Unread = append(part.Unread, "message")
			continue
		}
		i := dispatch.Inbound{
			Channel: ch.ID, WaID: string(m.From), UserID: m.userID(), GroupID: string(m.Group), MovedTo: m.movedTo(),
			ProviderID: string(m.ID), Type: string(m.Type), Text: m.text(), Content: Content(raw), Raw: string(raw),
			At: timeOf(string(m.Timestamp), now),
		}
		if c := v.contact(&m); c != nil {
			i.WaID, i.Name, i.Username = cmp.Or(i.WaID, string(c.WaID)), string(c.Profile.Name), string(c.Profile.Username)
			i.UserID = cmp.Or(i.UserID, c.userID())
		}
		i.From, i.WaID = cmp.Or(person.ID(i.WaID), i.UserID), person.WaID(i.WaID)
		if m.Type == "system" && i.MovedTo == "" {
			part.Unread = append(part.Unread, strings.TrimSpace("system "+string(m.System.Type)))
			continue
		}
		part.Inbound = append(part.Inbound, i)
	}
}

// userID returns the business-scoped user id of who wrote, if the message has
// one.
func (m *inbound) userID() string {
	for _, id := range []provider.Scalar{m.FromUserID, m.UserID, m.From} {
		if person.IsUserID(string(id)) {
			return string(id)
		}
	}
	return ""
}

// movedTo returns the new id of a person who has another number now.
func (m *inbound) movedTo() string {
	if m.Type != "system" || !strings.HasSuffix(string(m.System.Type), "user_changed_number") &&
		!strings.HasSuffix(string(m.System.Type), "customer_changed_number") {
		return ""
	}
	return cmp.Or(person.ID(string(m.System.NewWaID)), person.ID(string(m.System.WaID)))
}

// sender is a contact of a value.
type sender struct {
	WaID    provider.Scalar `json:"wa_id"`
	UserID  provider.Scalar `json:"user_id"`
	Profile struct {
		Name     provider.Scalar `json:"name"`
		Username provider.Scalar `json:"username"`
	} `json:"profile"`
}

func (c *sender) userID() string {
	if person.IsUserID(string(c.UserID)) {
		return string(c.UserID)
	}
	return ""
}

// contact returns the contact who wrote m, by an id that both have.
func (v *value) contact(m *inbound) *sender {
	for i := range v.Contacts {
		c := &v.Contacts[i]
		if (c.WaID != "" && c.WaID == m.From) || (c.userID() != "" && c.userID() == m.userID()) {
			return c
		}
	}
	return nil
}
