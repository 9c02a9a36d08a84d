package twilioapi

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// resource is Twilio's message. Counts and prices are strings, dates are
// RFC 2822, and unknown values are null. price is always null: our prices
// are credits, not a currency.
type resource struct {
	SID                 string            `json:"sid"`
	AccountSID          string            `json:"account_sid"`
	MessagingServiceSID *string           `json:"messaging_service_sid"`
	To                  string            `json:"to"`
	From                *string           `json:"from"`
	Body                string            `json:"body"`
	Status              string            `json:"status"`
	NumSegments         string            `json:"num_segments"`
	NumMedia            string            `json:"num_media"`
	Direction           string            `json:"direction"`
	APIVersion          string            `json:"api_version"`
	Price               *string           `json:"price"`
	PriceUnit           string            `json:"price_unit"`
	ErrorCode           *int              `json:"error_code"`
	ErrorMessage        *string           `json:"error_message"`
	DateCreated         string            `json:"date_created"`
	DateSent            *string           `json:"date_sent"`
	DateUpdated         string            `json:"date_updated"`
	URI                 string            `json:"uri"`
	SubresourceURIs     map[string]string `json:"subresource_uris"`
}

// newResource returns a resource with the fields that every message has.
func newResource(account string, id dispatch.ID, created, updated time.Time) resource {
	sid := "SM" + hex.EncodeToString(id[:])
	uri := "/2010-04-01/Accounts/" + account + "/Messages/" + sid
	return resource{
		SID: sid, AccountSID: account, Direction: "outbound-api", APIVersion: "2010-04-01", PriceUnit: "USD",
		DateCreated: date(created), DateUpdated: date(updated), URI: uri + ".json",
		SubresourceURIs: map[string]string{"media": uri + "/Media.json"},
	}
}

func date(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// fill sets the fields that depend on the content.
func (m *resource) fill(c *dispatch.Content, segments int) {
	media := c.MediaObject()
	switch {
	case c.Type == dispatch.TypeText && c.Text != nil:
		m.Body = c.Text.Body
	case media != nil:
		m.Body = media.Caption
	}
	files := len(c.MoreMedia)
	if media != nil {
		files++
	}
	m.NumMedia, m.NumSegments = strconv.Itoa(files), strconv.Itoa(max(segments, 1))
}

// accept returns 201 and the message.
func accept(r *http.Request, drafts []dispatch.Draft, receipts []dispatch.Receipt) dialect.Reply {
	d, rc := &drafts[0], &receipts[0]
	m := newResource(r.PathValue("sid"), rc.ID, rc.CreatedAt, rc.CreatedAt)
	m.To, m.Status = written(d.Kind, rc.To), rc.Status.String()
	if d.ChannelBy == dispatch.BySender && !serviceSID.MatchString(d.Channel) {
		m.From = new(written(d.Kind, d.Channel))
	} else {
		m.MessagingServiceSID = &d.Channel
	}
	m.fill(&d.Content, rc.Segments)
	return dialect.Reply{Status: http.StatusCreated, Body: m}
}

// fromView returns the resource of a stored message.
func fromView(account string, v *dispatch.View) resource {
	m := newResource(account, v.ID, v.CreatedAt, v.UpdatedAt)
	m.To, m.From = written(v.ChannelKind, v.Recipient), new(written(v.ChannelKind, v.Sender))
	var c dispatch.Content
	if json.Unmarshal(v.Content, &c) != nil {
		c = dispatch.Content{} // redacted
	}
	m.fill(&c, v.Segments)
	if v.SentAt != nil {
		m.DateSent = new(date(*v.SentAt))
	}
	m.Status = status(v)
	if shows(v) {
		m.ErrorCode, m.ErrorMessage = errorCode(v.Error), &v.Error.Message
	}
	return m
}

// status returns Twilio's name of a status. An expired message was never sent and
// is failed, with Twilio's code for an expired validity period. Twilio has no
// status for an unknown outcome: it is sent, so that clients do not send again,
// and error_code and error_message explain it.
func status(v *dispatch.View) string {
	switch v.Status {
	case dispatch.Failed:
		if v.SentAt != nil {
			return "undelivered"
		}
		return "failed"
	case dispatch.Expired:
		return "failed"
	case dispatch.Cancelled:
		return "canceled"
	case dispatch.Unknown:
		return "sent"
	}
	return v.Status.String()
}

// shows reports whether Twilio shows the error of a message: a message that was
// cancelled has none.
func shows(v *dispatch.View) bool { return v.Error != nil && v.Status != dispatch.Cancelled }

// codes maps our reasons of failure to Twilio's nearest codes
// (twilio.com/docs/api/errors).
var codes = map[dispatch.ErrorCode]int{
	dispatch.FailRecipient:    21211,
	dispatch.FailSuppressed:   21610,
	dispatch.FailWindow:       63016,
	dispatch.FailTemplate:     63028,
	dispatch.FailPaused:       63028,
	dispatch.FailContent:      63021,
	dispatch.FailCredentials:  20003,
	dispatch.FailAccount:      30002,
	dispatch.FailBalance:      30002,
	dispatch.FailThrottled:    20429,
	dispatch.FailProvider:     20500,
	dispatch.FailUnreachable:  20503,
	dispatch.FailNotDelivered: 30007,
	dispatch.FailExpired:      30036,
}

// unknownError is Twilio's code for any other error.
const unknownError = 30008

// errorCode returns the provider's own code where it is one of Twilio's (five
// digits; Meta's have six, Gupshup's fewer), else the nearest.
func errorCode(e *dispatch.ViewError) *int {
	if n, err := strconv.Atoi(e.ProviderCode); err == nil && len(e.ProviderCode) == 5 && !strings.HasPrefix(e.ProviderCode, "-") {
		return &n
	}
	if n, ok := codes[e.Code]; ok {
		return &n
	}
	return new(unknownError)
}
