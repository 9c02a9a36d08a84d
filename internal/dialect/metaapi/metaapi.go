// Package metaapi speaks Meta's WhatsApp Cloud API, so that its SDKs send
// through us when their base URL is changed
// (developers.facebook.com/documentation/business-messaging/whatsapp, Messages API).
package metaapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// New returns the dialect.
func New() dialect.Dialect {
	return dialect.Dialect{
		Name:       "meta",
		Header:     "Authorization",
		Credential: bearer,
		Routes: []dialect.Route{
			{Method: http.MethodPost, Path: "/:version/:phone_number_id/messages", Decode: decode, Accept: accept, Doc: sendDoc},
		},
		Reject: reject,
		Doc:    doc,
	}
}

// bearer returns the token, which is our API key.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// version matches any version of the Graph API.
var version = regexp.MustCompile(`^v\d+\.\d+$`)

// maxOpaque is the maximum length of biz_opaque_callback_data in characters.
const maxOpaque = 512

// maxReference is the maximum length of a reference; longer data are kept in
// metadata only.
const maxReference = 255

// decode reads a message to send, or a mark-as-read, which yields no draft.
func decode(r *http.Request, body []byte) ([]dispatch.Draft, error) {
	if !version.MatchString(r.PathValue("version")) {
		return nil, dispatch.Errorf(dispatch.NotFound, "no such version of the API")
	}
	o, err := dialect.ReadObject(r, body)
	if err != nil {
		return nil, err
	}
	if product := o.Required("messaging_product"); product != "" && product != "whatsapp" {
		o.Fault("messaging_product", "must be whatsapp")
	}
	if o.Has("status") {
		return nil, markRead(o)
	}
	if kind := o.Text("recipient_type"); kind != "" && kind != "individual" {
		o.Fault("recipient_type", "must be individual")
	}
	d := dispatch.Draft{
		Channel:   r.PathValue("phone_number_id"),
		ChannelBy: dispatch.ByPhoneNumberID,
		Kind:      "whatsapp",
		To:        recipient(o),
		Content:   dialect.Content(o),
	}
	opaque(o, &d)
	if err := o.Err(); err != nil {
		return nil, err
	}
	return []dispatch.Draft{d}, nil
}

// recipient returns the number in to, or the user id in recipient.
func recipient(o dialect.Object) string {
	if id := o.Text("recipient"); id != "" && !o.Has("to") {
		return id
	}
	return o.Required("to")
}

// markRead checks a mark-as-read. It has no effect: the read state of inbound
// messages is not stored.
func markRead(o dialect.Object) error {
	if o.Text("status") != "read" {
		o.Fault("status", "must be read")
	}
	o.Required("message_id")
	return o.Err()
}

// opaque reads biz_opaque_callback_data, which is returned in webhooks.
func opaque(o dialect.Object, d *dispatch.Draft) {
	data := o.Text("biz_opaque_callback_data")
	n := utf8.RuneCountInString(data)
	if n == 0 {
		return
	}
	if n > maxOpaque {
		o.Fault("biz_opaque_callback_data", "must be at most %d characters", maxOpaque)
	}
	if n <= maxReference {
		d.Reference = data
	}
	d.Metadata, _ = json.Marshal(map[string]string{"biz_opaque_callback_data": data}) // strings can't fail
}
