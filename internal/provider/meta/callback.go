package meta

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/provider"
)

// Verify answers the handshake by which Meta checks a callback address: the
// challenge goes back as the whole body when the token is the channel's.
func (*Client) Verify(ch *dispatch.Channel, query url.Values) (challenge string, ok bool) {
	want := ch.Secrets["verify_token"]
	got := query.Get("hub.verify_token")
	if want == "" || query.Get("hub.mode") != "subscribe" || subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return "", false
	}
	return query.Get("hub.challenge"), true
}

// signed checks X-Hub-Signature-256, the HMAC-SHA256 of the raw body under the
// app secret. Decoding first would break it: Meta escapes unicode.
func signed(ch *dispatch.Channel, header string, body []byte) bool {
	secret := ch.Secrets["app_secret"]
	hexed, ok := strings.CutPrefix(header, "sha256=")
	if !ok || secret == "" {
		return false
	}
	got, err := hex.DecodeString(hexed)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal(got, mac.Sum(nil))
}

// webhook is the part of a callback that we read.
type webhook struct {
	Entry []struct {
		ID      provider.Scalar `json:"id"`
		Time    provider.Scalar `json:"time"`
		Changes []change        `json:"changes"`
	} `json:"entry"`
}

// change is an entry of a callback. Its value is kept as it came for the fields
// that are not about messages.
type change struct {
	Field string
	Value value
	Raw   json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler. A value that is not as expected costs
// its wrong fields.
func (c *change) UnmarshalJSON(b []byte) error {
	var raw struct {
		Field string          `json:"field"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(b, &raw); err != nil && !wrongType(err) {
		return err
	}
	c.Field, c.Raw = raw.Field, raw.Value
	if (c.Field == "messages" || c.Field == "user_preferences") && len(raw.Value) > 0 {
		if err := json.Unmarshal(raw.Value, &c.Value); err != nil && !wrongType(err) {
			return err
		}
	}
	return nil
}

// otherField reads a change that is not about messages. The id of the entry is the
// business account's: one address serves all of an app.
func otherField(ch *dispatch.Channel, waba provider.Scalar, c *change, at time.Time) provider.Part {
	part := OtherField(ch, c.Field, c.Raw, "app_secret", at)
	if part.Number == (provider.Number{}) && len(part.Unread) == 0 {
		part.Number = provider.Number{Setting: "waba_id", Value: string(waba), Secret: "app_secret"}.Or(ch)
	}
	return part
}

// OtherField reads a change that is not about messages; vendors pass them on as
// they are. secret is what the channels of one owner have in common.
func OtherField(ch *dispatch.Channel, field string, raw json.RawMessage, secret string, at time.Time) (part provider.Part) {
	if t, ok := templateChange(field, raw); ok {
		part.Templates = []dispatch.TemplateChange{t}
		return part
	}
	part.MessagingLimit = messagingLimit(field, raw)
	r, number, ok := accountReport(field, raw, at)
	if !ok {
		if part.MessagingLimit == 0 {
			part.Unread = []string{field}
		}
		return part
	}
	if digits := strings.TrimPrefix(person.ID(number), "+"); digits != "" && !r.Account {
		part.Number = provider.Number{Value: digits, Secret: secret}.Or(ch)
	}
	part.Reports = []dispatch.ChannelReport{r}
	return part
}

type value struct {
	Metadata struct {
		PhoneNumberID provider.Scalar `json:"phone_number_id"`
	} `json:"metadata"`
	Statuses []status          `json:"statuses"`
	Contacts []sender          `json:"contacts"`
	Messages []json.RawMessage `json:"messages"`
	Wishes   []preference      `json:"user_preferences"`
	Errors   []graphError      `json:"errors"`
}

// ReadRest reads all of a value but its statuses into part; vendors pass it on as
// it is.
func ReadRest(part *provider.Part, ch *dispatch.Channel, raw json.RawMessage, now time.Time) {
	var v value
	if err := json.Unmarshal(raw, &v); err == nil || wrongType(err) {
		v.rest(part, ch, now, now)
	}
}

func (v *value) rest(part *provider.Part, ch *dispatch.Channel, at, now time.Time) {
	readInbound(part, ch, v, now)
	readPreferences(part, v, now)
	part.Reports = accountErrors(ch, v.Errors, at)
}

type status struct {
	ID          provider.Scalar `json:"id"`
	Status      provider.Scalar `json:"status"`
	Timestamp   provider.Scalar `json:"timestamp"`
	RecipientID provider.Scalar `json:"recipient_id"`
	UserID      provider.Scalar `json:"recipient_user_id"`
	Ref         provider.Scalar `json:"biz_opaque_callback_data"`
	Errors      json.RawMessage `json:"errors"`

	Conversation json.RawMessage `json:"conversation"`
	Pricing      json.RawMessage `json:"pricing"`
}

// extra returns what s reports besides the status.
func (s *status) extra() string {
	return dispatch.StatusExtra{Conversation: present(s.Conversation), Pricing: present(s.Pricing), Errors: present(s.Errors)}.Text()
}

// ParseCallback reads statuses and inbound messages, those of other numbers of the
// same app, which arrive at the same address, too.
func (c *Client) ParseCallback(ch *dispatch.Channel, r *http.Request, _ string, body []byte) (provider.Callback, error) {
	if !signed(ch, r.Header.Get("X-Hub-Signature-256"), body) {
		return provider.Callback{}, provider.ErrBadSignature
	}
	var w webhook
	// A field of an unexpected type costs that field, not the other 999
	// updates of the callback.
	if err := json.Unmarshal(body, &w); err != nil && !wrongType(err) {
		return provider.Callback{}, &dispatch.Error{Code: dispatch.Malformed, Msg: "callback is no JSON", Err: err}
	}
	var cb provider.Callback
	now := time.Now().UTC()
	for _, e := range w.Entry {
		for i := range e.Changes {
			c := &e.Changes[i]
			if c.Field != "messages" && c.Field != "user_preferences" {
				cb.Add(otherField(ch, e.ID, c, timeOf(string(e.Time), now)))
				continue
			}
			number := provider.Number{Setting: "phone_number_id", Value: string(c.Value.Metadata.PhoneNumberID), Secret: "app_secret", Exact: true}
			part := provider.Part{Number: number.Or(ch)}
			readStatuses(&part, ch, &c.Value, now)
			c.Value.rest(&part, ch, timeOf(string(e.Time), now), now)
			cb.Add(part)
		}
	}
	return cb, nil
}

// notes are Meta's words for what happens to a message without changing its
// status; played is a voice message that was listened to.
var notes = map[string]bool{"deleted": true, "warning": true, "played": true}

// IsNote reports whether a status, in lower case, changes nothing but the timeline.
func IsNote(status string) bool { return notes[status] }

// statuses are Meta's words.
var statuses = map[string]dispatch.Status{
	"sent": dispatch.Sent, "delivered": dispatch.Delivered, "read": dispatch.Read, "failed": dispatch.Failed,
}

func readStatuses(part *provider.Part, ch *dispatch.Channel, v *value, now time.Time) {
	for i := range v.Statuses {
		s := &v.Statuses[i]
		word := strings.ToLower(string(s.Status))
		st, ok := statuses[word]
		if !ok && !notes[word] || (s.ID == "" && s.Ref == "") {
			part.Unread = append(part.Unread, "status "+string(s.Status))
			continue
		}
		u := dispatch.StatusUpdate{
			Channel: ch.ID, ProviderID: string(s.ID), Recipient: string(s.RecipientID), WaID: string(s.RecipientID), UserID: string(s.UserID),
			Status: st, At: timeOf(string(s.Timestamp), now), Extra: s.extra(),
		}
		if id, err := uuid.Parse(string(s.Ref)); err == nil {
			u.ID = id
		}
		if st == dispatch.Failed {
			explainFailure(&u, ch, s.Errors)
		}
		if notes[word] {
			u.Detail = word
			part.Notes = append(part.Notes, u)
			continue
		}
		part.Statuses = append(part.Statuses, u)
	}
}

// explainFailure takes the code that Reasons returns, and the texts of all errors.
func explainFailure(u *dispatch.StatusUpdate, ch *dispatch.Channel, list json.RawMessage) {
	u.Code = dispatch.FailUndelivered
	code, text := Reasons(list)
	u.ProviderCode, u.Detail = code, provider.Redact(ch, cmp.Or(text, provider.NoReason))
	if r, ok := RuleFor(code); ok {
		u.Code, u.Suppress = r.Code, r.Suppress
	}
}

// Reasons returns the code of the first of a list of errors, or of the one that is
// the recipient's refusal, and the texts of all.
func Reasons(list json.RawMessage) (code, text string) {
	var errs []graphError
	if err := json.Unmarshal(list, &errs); (err != nil && !wrongType(err)) || len(errs) == 0 {
		return "", ""
	}
	decides := max(0, slices.IndexFunc(errs, func(e graphError) bool {
		r, _ := RuleFor(string(e.Code))
		return r.Suppress
	}))
	texts := make([]string, 0, len(errs))
	for i := range errs {
		text := errs[i].text()
		if i != decides && errs[i].Code != "" {
			text = string(errs[i].Code) + " " + text
		}
		texts = append(texts, text)
	}
	return string(errs[decides].Code), strings.Join(texts, "; ")
}

// timeOf reads Meta's timestamp: seconds in a string, milliseconds in copies
// that partners make.
func timeOf(s string, now time.Time) time.Time {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil || n <= 0:
		return now
	case n > 100_000_000_000:
		return time.UnixMilli(n).UTC()
	}
	return time.Unix(n, 0).UTC()
}

// wrongType reports whether JSON was read whole although a field had another type
// than expected: encoding/json goes on behind it.
func wrongType(err error) bool {
	_, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok
}
