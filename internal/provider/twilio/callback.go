package twilio

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/provider"
)

// statuses is what Twilio's MessageStatus is to us. What Twilio has taken over
// (queued, accepted, sending) means the same as its 201 did: sent. That matters
// for a message whose answer we lost, since Twilio may keep it queued for
// hours; for any other it changes nothing. A scheduled one is not ours: we
// never ask Twilio to hold a message.
var statuses = map[string]dispatch.Status{
	"accepted": dispatch.Sent, "queued": dispatch.Sent, "sending": dispatch.Sent, "sent": dispatch.Sent,
	"delivered": dispatch.Delivered, "partially_delivered": dispatch.Delivered, "read": dispatch.Read,
	"undelivered": dispatch.Failed, "failed": dispatch.Failed, "canceled": dispatch.Failed,
}

// ParseCallback verifies X-Twilio-Signature over the address and every field,
// then reads a status or an inbound message.
func (c *Client) ParseCallback(ch *dispatch.Channel, r *http.Request, address string, body []byte) (provider.Callback, error) {
	if r.URL.RawQuery != "" && !strings.Contains(address, "?") {
		address += "?" + r.URL.RawQuery // the signature covers the query
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	form, err := url.Values(nil), error(nil)
	if kind != jsonType {
		form, err = url.ParseQuery(string(body)) // its fields are part of what is signed
	}
	if !verify(ch.Secrets["auth_token"], address, r.Header.Get(SignatureHeader), form, body) {
		return provider.Callback{}, provider.ErrBadSignature
	}
	switch {
	case kind == jsonType:
		form, err = flat(body)
	case r.Method == http.MethodGet:
		form = r.URL.Query() // all of it is signed as part of the address
	}
	if err != nil {
		return provider.Callback{}, &dispatch.Error{Code: dispatch.Malformed, Msg: "callback body can't be read", Err: err}
	}
	id, _ := uuid.Parse(r.URL.Query().Get("id")) // ours, put there by form; signed like the rest
	var cb provider.Callback
	cb.Add(c.part(ch, form, id))
	return cb, nil
}

// part reads a status or an inbound message. A status with our id is about a
// message of the channel whose address we gave with it.
func (c *Client) part(ch *dispatch.Channel, form url.Values, id dispatch.ID) provider.Part {
	if inbound(form) {
		return provider.Part{Number: number(form.Get("To")).Or(ch), Inbound: []dispatch.Inbound{c.message(ch, form)}}
	}
	u, ok := c.status(ch, form)
	if !ok {
		return provider.Part{Unread: []string{"status " + first(form, "MessageStatus", "SmsStatus")}}
	}
	part := provider.Part{Statuses: []dispatch.StatusUpdate{u}}
	if part.Statuses[0].ID = id; id == dispatch.NoID {
		part.Number = sender(form).Or(ch)
	}
	return part
}

// number returns which of our numbers a callback is about: a messaging service has
// one address for all of its numbers.
func number(address string) provider.Number {
	n := provider.Number{Value: strings.TrimPrefix(person.ID(address), "+"), Secret: "auth_token", Kind: "sms"}
	if strings.HasPrefix(address, whatsAppPrefix) {
		n.Kind = "whatsapp"
	}
	return n
}

// sender returns who sent a message: a messaging service, whichever of its numbers
// it took, or a number.
func sender(form url.Values) provider.Number {
	if service := form.Get("MessagingServiceSid"); service != "" {
		return provider.Number{Setting: "messaging_service_sid", Value: service, Secret: "auth_token"}
	}
	return number(form.Get("From"))
}

// jsonType marks a body that isn't a form; its digest stands in the address.
const jsonType = "application/json"

// flat reads the texts and numbers of a JSON object.
func flat(body []byte) (url.Values, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, errors.New("not a JSON object")
	}
	all := make(url.Values, len(object))
	for name, raw := range object {
		all.Set(name, provider.ScalarOf(raw))
	}
	return all, nil
}

// inbound reports whether a callback is a received message, not the status of a
// sent one.
func inbound(f url.Values) bool {
	if s := f.Get("MessageStatus"); s != "" {
		return strings.EqualFold(s, "received")
	}
	return strings.EqualFold(f.Get("SmsStatus"), "received") || f.Has("Body")
}

func (c *Client) status(ch *dispatch.Channel, f url.Values) (dispatch.StatusUpdate, bool) {
	name := f.Get("MessageStatus")
	if name == "" {
		name = f.Get("SmsStatus")
	}
	if strings.EqualFold(f.Get("EventType"), "READ") { // a channel's read receipt
		name = "read"
	}
	u, ok := update(name, f.Get("ErrorCode"), first(f, "ErrorMessage", "ChannelStatusMessage"))
	if !ok {
		return u, false
	}
	u.Channel, u.At, u.Detail = ch.ID, c.now(), provider.Redact(ch, u.Detail)
	u.ProviderID = first(f, "MessageSid", "SmsSid")
	u.Recipient = strings.TrimPrefix(f.Get("To"), whatsAppPrefix)
	return u, true
}

// update turns Twilio's name of a status and its error code into ours; false
// for a status that isn't about an outgoing message. A callback and the
// Message resource share it.
func update(name, code, text string) (dispatch.StatusUpdate, bool) {
	s, ok := statuses[strings.ToLower(name)]
	if !ok {
		return dispatch.StatusUpdate{}, false
	}
	u := dispatch.StatusUpdate{Status: s}
	if s != dispatch.Failed {
		return u, true
	}
	u.Code, u.Detail = dispatch.FailUndelivered, text
	if u.Detail == "" {
		u.Detail = "Twilio says " + name
	}
	u.ProviderCode = code
	if r, known := codes[code]; known {
		u.Code, u.Suppress = r.Code, r.Suppress
	}
	return u, true
}

// message reads an inbound message (twilio.com/docs/messaging/guides/webhook-request).
// Twilio sends no time: the time of arrival counts.
func (c *Client) message(ch *dispatch.Channel, f url.Values) dispatch.Inbound {
	flat := make(map[string]string, len(f))
	for name := range f {
		flat[name] = f.Get(name)
	}
	raw, err := json.Marshal(flat)
	if err != nil { // can't happen: strings only
		raw = []byte("{}")
	}
	return dispatch.Inbound{
		Channel: ch.ID, From: person.ID(f.Get("From")), WaID: person.WaID(f.Get("WaId")), Name: f.Get("ProfileName"),
		ProviderID: first(f, "MessageSid", "SmsMessageSid", "SmsSid"), Type: inboundType(f), Text: first(f, "Body", "ButtonText"),
		Content: received(f),
		Raw:     string(raw), At: c.now(), Stop: asks(f, "STOP"), Start: asks(f, "START"),
	}
}

// asks reports whether Twilio has recognised one of its keywords, which accounts
// choose themselves (twilio.com/docs/messaging/tutorials/advanced-opt-out).
func asks(f url.Values, what string) bool { return strings.EqualFold(f.Get("OptOutType"), what) }

func inboundType(f url.Values) string {
	if f.Get("ButtonPayload") != "" || f.Get("ButtonText") != "" {
		return "button"
	}
	if f.Get("Latitude") != "" {
		return "location"
	}
	if n, _ := strconv.Atoi(f.Get("NumMedia")); n > 0 {
		switch kind, _, _ := strings.Cut(f.Get("MediaContentType0"), "/"); kind {
		case "image", "video", "audio":
			return kind
		}
		return "document"
	}
	return "text"
}

// first returns the first of the named fields that isn't empty.
func first(f url.Values, names ...string) string {
	for _, n := range names {
		if v := f.Get(n); v != "" {
			return v
		}
	}
	return ""
}
