package gupshup

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// statuses is what the type of an event is to us. Enqueued is Gupshup's word
// for what WhatsApp has not yet taken: the same as the 202 to the call.
var statuses = map[string]dispatch.Status{
	"enqueued": dispatch.Sent, "sent": dispatch.Sent, "delivered": dispatch.Delivered, "read": dispatch.Read, "failed": dispatch.Failed,
}

// ParseCallback compares the secret in the address, then reads an event of
// version 2 (docs.gupshup.io/docs/events) or 3, which is Meta's form with
// Gupshup's ids added. An event that isn't about a message returns an empty
// Callback: Gupshup expects 2xx for it too, without a body.
func (c *Client) ParseCallback(ch *dispatch.Channel, r *http.Request, _ string, body []byte) (provider.Callback, error) {
	want, got := ch.Secrets["callback_secret"], r.PathValue("secret")
	if want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(got)) != 1 {
		return provider.Callback{}, provider.ErrBadSignature
	}
	var e event
	if err := decode(body, &e); err != nil {
		return provider.Callback{}, &dispatch.Error{Code: dispatch.Malformed, Msg: "callback body can't be read", Err: err}
	}
	switch {
	case len(e.Entry) > 0:
		return c.version3(ch, e.Entry), nil
	case e.Type == "message-event":
		return one(c.status(ch, &e)), nil
	case e.Type == "user-event":
		return one(provider.Part{Number: e.number(ch), Consents: c.consent(&e)}), nil
	case e.Type == "message":
		return one(provider.Part{Number: e.number(ch), Inbound: c.inbound(ch, &e)}), nil
	case e.Type == "template-event":
		return one(provider.Part{Number: e.number(ch), Templates: templateChange(&e)}), nil
	}
	return provider.Callback{}, nil
}

// templateChange reads a change of a template, which has Gupshup's id.
func templateChange(e *event) []dispatch.TemplateChange {
	var p struct {
		ID     provider.Scalar `json:"id"`
		Name   provider.Scalar `json:"elementName"`
		Lang   provider.Scalar `json:"languageCode"`
		Status provider.Scalar `json:"status"`
		Reason provider.Scalar `json:"reason"`
		Why    provider.Scalar `json:"rejectedReason"`
	}
	if decode(e.Payload, &p) != nil || p.ID == "" && p.Name == "" {
		return nil
	}
	return []dispatch.TemplateChange{{
		ProviderID: string(p.ID), Name: string(p.Name), Language: string(p.Lang), Status: provider.TemplateStatus(string(p.Status)),
		Reason: string(cmp.Or(p.Reason, p.Why)),
	}}
}

func one(p provider.Part) provider.Callback {
	var cb provider.Callback
	cb.Add(p)
	return cb
}

// number returns which app an event is about: an address may serve several apps
// of one account.
func (e *event) number(ch *dispatch.Channel) provider.Number {
	return provider.Number{Setting: "app_name", Value: string(e.App), Secret: "apikey"}.Or(ch)
}

// decode reads JSON, leniently: a field of another type than expected costs
// that field (encoding/json goes on behind it), since an event that is refused
// only comes again.
func decode(b []byte, v any) error {
	err := json.Unmarshal(b, v)
	if _, wrongType := errors.AsType[*json.UnmarshalTypeError](err); wrongType {
		return nil
	}
	return err
}

// event is the envelope of both versions.
type event struct {
	App       provider.Scalar `json:"app"`
	Timestamp moment          `json:"timestamp"`
	Type      provider.Scalar `json:"type"`
	Payload   json.RawMessage `json:"payload"`
	Entry     []entry         `json:"entry"`
}

// status reads a version 2 event about a message of ours. Three ids name it:
// gsId, the messageId of the answer to the call; the same as id in enqueued and
// early failed events; or WhatsApp's own as id, which enqueued carries and which
// alone stands in events later than a week. Without gsId an id may be either,
// so it is given as both.
func (c *Client) status(ch *dispatch.Channel, e *event) provider.Part {
	part := provider.Part{Number: e.number(ch)}
	var p struct {
		ID          provider.Scalar `json:"id"`
		GSID        provider.Scalar `json:"gsId"`
		Type        provider.Scalar `json:"type"`
		Destination provider.Scalar `json:"destination"`
		Payload     struct {
			WhatsApp provider.Scalar `json:"whatsappMessageId"`
			TS       moment          `json:"ts"`
			Code     provider.Scalar `json:"code"`
			Reason   provider.Scalar `json:"reason"`
			Message  provider.Scalar `json:"message"`
		} `json:"payload"`
		Conversation json.RawMessage `json:"conversation"`
		Pricing      json.RawMessage `json:"pricing"`
	}
	if decode(e.Payload, &p) != nil {
		return part
	}
	word := strings.ToLower(string(p.Type))
	s, ok := statuses[word]
	if !ok && !meta.IsNote(word) {
		part.Unread = []string{string(e.Type) + " " + string(p.Type)}
		return part
	}
	u := dispatch.StatusUpdate{
		Channel: ch.ID, ProviderID: string(cmp.Or(p.GSID, p.ID)), ProviderRef2: string(cmp.Or(p.Payload.WhatsApp, p.ID)),
		Recipient: plus(string(p.Destination)), Status: s, At: c.at(p.Payload.TS, e.Timestamp),
		Extra: dispatch.StatusExtra{Conversation: p.Conversation, Pricing: p.Pricing}.Text(),
	}
	if s == dispatch.Failed {
		explain(ch, &u, string(p.Payload.Code), string(cmp.Or(p.Payload.Reason, p.Payload.Message)))
	}
	if !ok {
		u.Detail = word
		part.Notes = []dispatch.StatusUpdate{u}
		return part
	}
	part.Statuses = []dispatch.StatusUpdate{u}
	return part
}

// explain adds the reason of a failure.
func explain(ch *dispatch.Channel, u *dispatch.StatusUpdate, code, text string) {
	u.Code, u.ProviderCode, u.Detail = dispatch.FailUndelivered, code, provider.Redact(ch, cmp.Or(text, provider.NoReason))
	if r, ok := ruleFor(code); ok {
		u.Code, u.Suppress = r.Code, r.Suppress
	}
}

// inbound reads a version 2 message from a contact.
func (c *Client) inbound(ch *dispatch.Channel, e *event) []dispatch.Inbound {
	var p struct {
		ID      provider.Scalar `json:"id"`
		Source  provider.Scalar `json:"source"`
		Type    provider.Scalar `json:"type"`
		Payload struct {
			Text    provider.Scalar `json:"text"`
			Title   provider.Scalar `json:"title"`
			Caption provider.Scalar `json:"caption"`
		} `json:"payload"`
		Sender struct {
			Phone provider.Scalar `json:"phone"`
			Name  provider.Scalar `json:"name"`
		} `json:"sender"`
	}
	if decode(e.Payload, &p) != nil {
		return nil
	}
	kind, ok := map[string]string{
		"file": "document", "contact": "contacts", "button_reply": "interactive", "list_reply": "interactive", "quick_reply": "button",
	}[string(p.Type)]
	if !ok {
		kind = string(p.Type)
	}
	from := string(cmp.Or(p.Source, p.Sender.Phone))
	return []dispatch.Inbound{{
		Channel: ch.ID, From: person.ID(from), WaID: person.WaID(from), Name: string(p.Sender.Name), ProviderID: string(p.ID), Type: kind,
		Text: string(cmp.Or(p.Payload.Text, p.Payload.Title, p.Payload.Caption)), Content: content2(e.Payload), Raw: string(e.Payload),
		At: c.at(e.Timestamp),
	}}
}

// consent reads the event of a user who has opted out or in at Gupshup; others
// ("sandbox-start") ask for nothing.
func (c *Client) consent(e *event) []dispatch.Consent {
	var p struct {
		Phone provider.Scalar `json:"phone"`
		Type  provider.Scalar `json:"type"`
	}
	if decode(e.Payload, &p) != nil {
		return nil
	}
	id, word := person.ID(string(p.Phone)), strings.ToLower(string(p.Type))
	if id == "" || (word != "opted-out" && word != "opted-in") {
		return nil
	}
	return []dispatch.Consent{{
		Person: id, Start: word == "opted-in", Scope: dispatch.ScopeAll, Detail: "Gupshup: " + word, At: c.at(e.Timestamp),
	}}
}

// at returns the first time that is present, else now.
func (c *Client) at(times ...moment) time.Time {
	for _, t := range times {
		if !time.Time(t).IsZero() {
			return time.Time(t)
		}
	}
	return c.now()
}

// plus is a number in Gupshup's form as E.164.
func plus(number string) string {
	if number == "" {
		return ""
	}
	return "+" + digits(number)
}

// moment is a time as Gupshup writes it: seconds or, in the outer envelope and
// in version 3, milliseconds; a number or a text. What isn't one is no time.
type moment time.Time

// UnmarshalJSON reads seconds and milliseconds, distinguished by the year 5138.
func (t *moment) UnmarshalJSON(b []byte) error {
	n, err := json.Number(provider.ScalarOf(b)).Int64()
	switch {
	case err != nil || n <= 0:
		*t = moment{}
	case n >= 1e11:
		*t = moment(time.UnixMilli(n))
	default:
		*t = moment(time.Unix(n, 0))
	}
	return nil
}
