package webhook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// metaCallback is Meta's envelope
// (developers.facebook.com/documentation/business-messaging/whatsapp/webhooks).
type metaCallback struct {
	Object string      `json:"object"`
	Entry  []metaEntry `json:"entry"`
}

type metaEntry struct {
	ID      string       `json:"id"`
	Changes []metaChange `json:"changes"`
}

type metaChange struct {
	Value metaValue `json:"value"`
	Field string    `json:"field"`
}

type metaValue struct {
	Product  string            `json:"messaging_product"`
	Metadata metaMetadata      `json:"metadata"`
	Contacts []metaContact     `json:"contacts,omitempty"`
	Messages []json.RawMessage `json:"messages,omitempty"`
	Statuses []metaStatus      `json:"statuses,omitempty"`
}

type metaMetadata struct {
	DisplayNumber string `json:"display_phone_number"`
	NumberID      string `json:"phone_number_id"`
}

type metaContact struct {
	Profile struct {
		Name     string `json:"name"`
		Username string `json:"username,omitempty"`
	} `json:"profile"`
	WaID   string `json:"wa_id,omitempty"`
	UserID string `json:"user_id,omitempty"`
}

type metaStatus struct {
	ID        string `json:"id"`
	Status    string `json:"status"`
	Timestamp string `json:"timestamp"`
	Recipient string `json:"recipient_id,omitempty"`
	UserID    string `json:"recipient_user_id,omitempty"`
	Opaque    string `json:"biz_opaque_callback_data,omitempty"`
	dispatch.StatusExtra
}

// newMetaStatus returns the status of a message under Meta's word for it. What the
// provider reported besides is carried as it came.
func newMetaStatus(e *hookstore.Event, v *dispatch.View, word string) metaStatus {
	s := metaStatus{
		ID: "wamid." + v.ID.String(), Status: word, Timestamp: epoch(reachedAt(e, v)), Recipient: cmp.Or(v.WaID, digits(string(v.To))),
		Opaque: opaque(v),
	}
	if person.IsUserID(v.UserID) {
		s.UserID = v.UserID
	}
	_ = json.Unmarshal([]byte(e.Extra), &s.StatusExtra) // none, or what we wrote
	if word == "failed" && len(s.Errors) == 0 {
		s.Errors = plainJSON([]metaError{metaErrorOf(v)})
	}
	return s
}

type metaError struct {
	Code    int           `json:"code"`
	Title   string        `json:"title"`
	Message string        `json:"message"`
	Data    metaErrorData `json:"error_data"`
}

type metaErrorData struct {
	Details string `json:"details"`
}

// metaWords are Meta's words for our statuses. It has none for what has not
// left us yet; what expired or was cancelled failed there; an unknown outcome
// is sent, after which no client sends again.
var metaWords = map[dispatch.Status]string{
	dispatch.Sent: "sent", dispatch.Delivered: "delivered", dispatch.Read: "read",
	dispatch.Failed: "failed", dispatch.Expired: "failed", dispatch.Cancelled: "failed", dispatch.Unknown: "sent",
}

func renderMeta(e *hookstore.Event, v *dispatch.View) (string, bool) {
	value := metaValue{Product: "whatsapp"}
	switch word, ok := metaWords[dispatch.Status(e.Kind)]; {
	case ok && v != nil:
		value.Statuses = []metaStatus{newMetaStatus(e, v, word)}
	case e.Kind == dispatch.EventInbound && e.Inbound != nil:
		c := metaContact{WaID: waID(&e.Inbound.Received), UserID: e.Inbound.UserID}
		c.Profile.Name, c.Profile.Username = e.Inbound.Name, e.Inbound.Username
		value.Contacts, value.Messages = []metaContact{c}, []json.RawMessage{metaMessage(e)}
	default:
		return "", false
	}
	id := e.SID
	if ch := e.Sender; ch != nil {
		value.Metadata = metaMetadata{DisplayNumber: digits(ch.Sender), NumberID: ch.PhoneNumberID}
		if value.Metadata.NumberID == "" {
			value.Metadata.NumberID = strconv.FormatInt(ch.ID, 10) // what the Meta dialect takes, too
		}
		if ch.BusinessID != "" {
			id = ch.BusinessID
		}
	}
	return encodeMeta(metaCallback{
		Object: "whatsapp_business_account",
		Entry:  []metaEntry{{ID: id, Changes: []metaChange{{Value: value, Field: "messages"}}}},
	})
}

// encodeMeta writes JSON byte for byte as Meta does: a slash as \/ and everything
// outside ASCII as \uXXXX. Receivers sign the bytes, or sign what they parsed
// after they wrote it again in this form.
func encodeMeta(v any) (string, bool) { return escapeMeta(string(plainJSON(v))), true }

func escapeMeta(s string) string {
	var out strings.Builder
	out.Grow(len(s) + len(s)/8)
	escaped := false // the character before is a backslash that begins an escape
	for _, r := range s {
		switch {
		case r == '/' && !escaped:
			out.WriteString(`\/`)
		case r <= unicode.MaxASCII:
			out.WriteByte(byte(r))
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&out, `\u%04x`, unit)
			}
		}
		escaped = r == '\\' && !escaped
	}
	return out.String()
}

// reachedAt returns the provider's time of the status, where it reported one.
func reachedAt(e *hookstore.Event, v *dispatch.View) time.Time {
	times := map[dispatch.Status]*time.Time{dispatch.Sent: v.SentAt, dispatch.Delivered: v.DeliveredAt, dispatch.Read: v.ReadAt}
	if at := times[dispatch.Status(e.Kind)]; at != nil {
		return *at
	}
	return e.At
}

// metaCodes are Meta's nearest to our reasons
// (developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes).
var metaCodes = map[dispatch.ErrorCode]int{
	dispatch.FailRecipient: 131026, dispatch.FailSuppressed: 131050, dispatch.FailWindow: 131047, dispatch.FailTemplate: 132001,
	dispatch.FailPaused: 132015, dispatch.FailContent: 131009, dispatch.FailCredentials: 190, dispatch.FailAccount: 131031,
	dispatch.FailBalance:   131042,
	dispatch.FailThrottled: 130429, dispatch.FailProvider: 131016, dispatch.FailUnreachable: 131016, dispatch.FailUndelivered: 131026,
	dispatch.FailNotDelivered: 131049,
}

// metaErrorOf returns the provider's own code where it looks like Meta's (three
// digits, or six), else the nearest to our reason.
func metaErrorOf(v *dispatch.View) metaError {
	out := metaError{Code: 131000, Title: "Message " + v.StatusName}
	if v.Error != nil {
		if c, ok := metaCodes[v.Error.Code]; ok {
			out.Code = c
		}
		if n, err := strconv.Atoi(v.Error.ProviderCode); err == nil && n > 0 &&
			(len(v.Error.ProviderCode) == 3 || len(v.Error.ProviderCode) == 6) {
			out.Code = n
		}
		out.Data.Details = v.Error.Message
	}
	out.Message = out.Title
	return out
}

// opaque is what the sender gave along: biz_opaque_callback_data, or the
// reference.
func opaque(v *dispatch.View) string {
	if s := metadata(v)["biz_opaque_callback_data"]; s != "" {
		return s
	}
	return v.Reference
}

// metadata reads the texts of a message's metadata.
func metadata(v *dispatch.View) map[string]string {
	var all map[string]json.RawMessage
	if json.Unmarshal(v.Metadata, &all) != nil {
		return nil
	}
	out := map[string]string{}
	for k, raw := range all {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			out[k] = s
		}
	}
	return out
}

func epoch(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func digits(number string) string { return strings.TrimPrefix(number, "+") }

func waID(in *dispatch.Received) string {
	if in.WaID != "" {
		return in.WaID
	}
	return digits(string(in.From))
}
