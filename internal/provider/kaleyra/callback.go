package kaleyra

import (
	"bytes"
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/provider"
)

// statuses is what Kaleyra's status is to us: the words of WhatsApp and SMS in
// one, as word returns them, with the short forms of SMPP (3.4, table B-2); 0 is
// the number of a failure.
var statuses = map[string]dispatch.Status{
	"submitted": dispatch.Sent, "submitd": dispatch.Sent, "accepted": dispatch.Sent, "acceptd": dispatch.Sent, "enroute": dispatch.Sent,
	"sent": dispatch.Sent, "sentnodlr": dispatch.Sent,
	"delivered": dispatch.Delivered, "delivrd": dispatch.Delivered, "read": dispatch.Read, "seen": dispatch.Read,
	"failed": dispatch.Failed, "undelivered": dispatch.Failed, "undeliv": dispatch.Failed, "undelivrd": dispatch.Failed,
	"notsent": dispatch.Failed, "undeliverable": dispatch.Failed,
	"expired": dispatch.Failed, "rejected": dispatch.Failed, "rejectd": dispatch.Failed, "deleted": dispatch.Failed,
	"blocked": dispatch.Failed,
	"0":       dispatch.Failed,
}

// word returns a status in lower case and without spaces, dashes and underscores.
func word(status string) string {
	return strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(status))
}

// ParseCallback compares the secret in the address, then reads one callback or
// a list of them. What Kaleyra sends is what the operator's callback profile
// states, as JSON, as a form or in the query, so fields are found by their names
// (developers.kaleyra.io/docs/account-settings-callback-profiles) and unknown
// ones are ignored.
func (c *Client) ParseCallback(ch *dispatch.Channel, r *http.Request, _ string, body []byte) (provider.Callback, error) {
	want, got := ch.Secrets["callback_secret"], r.PathValue("secret")
	if want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(got)) != 1 {
		return provider.Callback{}, provider.ErrBadSignature
	}
	items, err := items(r.URL.Query(), body)
	if err != nil {
		return provider.Callback{}, &dispatch.Error{Code: dispatch.Malformed, Msg: "callback body can't be read", Err: err}
	}
	var cb provider.Callback
	for _, f := range items {
		if f == nil {
			cb.Unread = append(cb.Unread, "an element that is no JSON object")
			continue
		}
		cb.Add(c.part(ch, f))
	}
	return cb, nil
}

// part reads one callback: a status has one, an inbound message has none.
func (c *Client) part(ch *dispatch.Channel, f fields) provider.Part {
	number := provider.Number{Value: strings.TrimPrefix(plus(cmp.Or(f["wanumber"], f["phone_number"])), "+"), Secret: "api_key"}
	part := provider.Part{Number: number.Or(ch)}
	if f["status"] == "" {
		if in, ok := c.inbound(ch, f, cmp.Or(number.Value, ch.Sender)); ok {
			part.Inbound = append(part.Inbound, in)
		}
		return part
	}
	if u, ok := c.status(ch, f); ok {
		part.Statuses = append(part.Statuses, u)
	} else {
		part.Unread = append(part.Unread, "status "+f["status"])
	}
	return part
}

// fields are one callback's fields as text; an object or a list stays JSON.
type fields map[string]string

// items reads the callbacks of one request; nil is an element of a list that is no
// JSON object. Fields of the query (our ref is one) hold for all of them.
func items(query url.Values, body []byte) ([]fields, error) {
	common := flat(query)
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return []fields{common}, nil
	case body[0] == '[':
		var list []json.RawMessage
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, errors.New("not a JSON list")
		}
		out := make([]fields, len(list))
		for i, raw := range list { // one that is no object costs itself
			var object map[string]json.RawMessage
			if json.Unmarshal(raw, &object) == nil && object != nil {
				out[i] = merge(common, object)
			}
		}
		return out, nil
	case body[0] == '{':
		var object map[string]json.RawMessage
		if err := json.Unmarshal(body, &object); err != nil {
			return nil, errors.New("not a JSON object")
		}
		return []fields{merge(common, object)}, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("neither JSON nor a form")
	}
	maps.Copy(common, flat(form))
	return []fields{common}, nil
}

func flat(v url.Values) fields {
	f := make(fields, len(v))
	for k := range v {
		f[k] = v.Get(k)
	}
	return f
}

func merge(common fields, object map[string]json.RawMessage) fields {
	f := make(fields, len(common)+len(object))
	maps.Copy(f, common)
	for k, raw := range object {
		if v := cmp.Or(provider.ScalarOf(raw), string(raw)); v != "null" && v != `""` && v != "{}" && v != "[]" {
			f[k] = v
		}
	}
	return f
}

func (c *Client) status(ch *dispatch.Channel, f fields) (dispatch.StatusUpdate, bool) {
	s, ok := statuses[word(f["status"])]
	if _, trace := traces[word(f["status"])]; trace {
		s, ok = dispatch.Failed, true
	}
	if !ok {
		return dispatch.StatusUpdate{}, false
	}
	u := dispatch.StatusUpdate{
		Channel: ch.ID, ProviderID: whole(cmp.Or(f["id"], f["message_id"])), Recipient: plus(cmp.Or(f["recipient"], f["mobile"])),
		Status: s, At: c.at(f["timestamp"]),
	}
	for _, ref := range []string{f["ref"], f["ref_custom"], f["custom_response"]} {
		if id, err := uuid.Parse(ref); err == nil {
			u.ID = id
			break
		}
	}
	if s == dispatch.Failed {
		explain(ch, &u, f)
	}
	return u, true
}

// explain adds the reason of a failure: SMS has a trace, WhatsApp a code or an
// error, which may be an object. What names the reason stands in any of them, also
// as the status.
func explain(ch *dispatch.Channel, u *dispatch.StatusUpdate, f fields) {
	inner, text := provider.Reason([]byte(f["error"]))
	u.Code, u.ProviderCode = dispatch.FailUndelivered, cmp.Or(f["error_code"], f["status_trace"], inner)
	u.Detail = provider.Redact(ch, cmp.Or(text, f["error"], f["description"], f["reason"], f["status_trace"], "status "+f["status"]))
	for _, code := range []string{f["status_trace"], f["error_code"], inner} {
		if r, ok := ruleFor(code); ok {
			u.Code, u.Suppress = r.Code, r.Suppress
			return
		}
	}
	for _, text := range []string{f["error"], f["reason"], f["description"], f["status"]} {
		if r, ok := traces[word(text)]; ok {
			u.Code, u.Suppress, u.ProviderCode = r.Code, r.Suppress, upper(text)
			return
		}
	}
	if strings.EqualFold(f["status"], "expired") {
		u.Code = dispatch.FailExpired
	}
}

// inbound reads a message from a contact. The profile's names for the two
// numbers differ (from and wanumber, mobile, source), so the contact's is the
// first that isn't our own.
func (c *Client) inbound(ch *dispatch.Channel, f fields, own string) (dispatch.Inbound, bool) {
	text := cmp.Or(f["body"], f["message"])
	if text == "" && f["media_url"] == "" && f["type"] == "" {
		return dispatch.Inbound{}, false
	}
	from := ""
	for _, name := range []string{"from", "mobile", "source"} {
		if id := person.ID(f[name]); id != "" && id != person.ID(own) {
			from = id
			break
		}
	}
	if cmp.Or(f["from"], f["mobile"], f["source"]) == "" {
		return dispatch.Inbound{}, false
	}
	raw, err := json.Marshal(f)
	if err != nil { // can't happen: texts only
		raw = []byte("{}")
	}
	in := dispatch.Inbound{
		Channel: ch.ID, From: from, Name: f["name"], ProviderID: f["id"], Type: cmp.Or(f["type"], "text"), Text: text, Content: content(f),
		Raw: string(raw), At: c.at(cmp.Or(f["created_at"], f["timestamp"])),
	}
	if ch.WhatsApp() {
		in.WaID = person.WaID(from)
	}
	return in, true
}

// layouts are the forms of a time that profiles are seen with, besides seconds
// and milliseconds.
var layouts = []string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05"}

// at parses a time; an unreadable or future one becomes now.
func (c *Client) at(s string) time.Time {
	now := c.now()
	t := now
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		t = time.Unix(n, 0)
		if n >= 1e11 { // milliseconds: as seconds it would be the year 5138
			t = time.UnixMilli(n)
		}
	}
	for _, layout := range layouts {
		if p, err := time.Parse(layout, s); err == nil {
			t = p
			break
		}
	}
	if t.After(now) {
		return now
	}
	return t
}
