// Package metaapi implements Meta's WhatsApp Cloud API, so that its SDKs send
// through us when their base URL is changed
// (developers.facebook.com/documentation/business-messaging/whatsapp, Messages API).
package metaapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// New returns the dialect.
func New() dialect.Dialect {
	d := dialect.Dialect{
		Name:       "meta",
		Header:     "Authorization",
		Credential: bearer,
		Routes: []dialect.Route{
			{Method: http.MethodPost, Path: "/:version/:phone_number_id/messages", Decode: decode, Accept: accept, Aside: aside, Doc: sendDoc},
			{
				Method: http.MethodPost, Path: "/:phone_number_id/messages", Decode: decode, Accept: accept, Aside: aside, Doc: bareDoc,
				Matches: func(path string) bool { return bare.MatchString(path) },
			},
		},
		Reject: reject,
		Doc:    doc,
	}
	d.Routes = append(d.Routes, passRoutes()...)
	return d
}

// bare matches an address without a version.
var bare = regexp.MustCompile(`^/\d+/messages$`)

// bearer returns the token, which is our API key; Graph also takes it from the
// query.
func bearer(r *http.Request) string {
	if r.Header.Get("Authorization") == "" && r.URL != nil {
		return strings.TrimSpace(r.URL.Query().Get("access_token"))
	}
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

// read reads the body of a request to any version.
func read(r *http.Request, body []byte) (dialect.Object, error) {
	if v := r.PathValue("version"); v != "" && !version.MatchString(v) {
		return dialect.Object{}, dispatch.Errorf(dispatch.NotFound, "no such version of the API")
	}
	o, err := dialect.ReadObject(r, body)
	if err != nil {
		return o, err
	}
	if product := o.Required("messaging_product"); product != "" && product != "whatsapp" {
		o.Fault("messaging_product", "must be whatsapp")
	}
	return o, nil
}

// aside reads a mark-as-read, with or without a typing indicator.
func aside(r *http.Request, body []byte) (*dialect.Aside, error) {
	if !bytes.Contains(body, []byte(`"status"`)) {
		return nil, nil
	}
	o, err := read(r, body)
	if err != nil || !o.Has("status") {
		return nil, err
	}
	if o.Has("typing_indicator") && o.Object("typing_indicator").Text("type") != "text" {
		o.Fault("typing_indicator/type", "must be text")
	}
	number := r.PathValue("phone_number_id")
	return &dialect.Aside{
		Channel: dispatch.Draft{Channel: number, ChannelBy: dispatch.ByPhoneNumberID, Kind: "whatsapp"},
		Message: o.Text("message_id"), Ours: ownID(o.Text("message_id")), Pass: passRead(number, o),
	}, markRead(o)
}

// decode reads a message to send.
func decode(r *http.Request, body []byte) ([]dispatch.Draft, error) {
	o, err := read(r, body)
	if err != nil {
		return nil, err
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
	o.Hold(&d, dialect.Pointers{"/recipient": "/to/recipient"})
	return []dispatch.Draft{d}, nil
}

// recipient returns the number in to, or the user id in recipient.
func recipient(o dialect.Object) string {
	if to := o.Raw("to"); o.Has("recipient") && (to == nil || string(to) == `""`) {
		return o.Required("recipient")
	}
	return o.Required("to")
}

// ownID returns our id in an id of this format, or none.
func ownID(id string) dispatch.ID {
	ours, err := uuid.Parse(strings.TrimPrefix(id, "wamid."))
	if err != nil {
		return dispatch.NoID
	}
	return ours
}

// markRead checks a mark-as-read. It is sent on to Meta if the message is known.
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
