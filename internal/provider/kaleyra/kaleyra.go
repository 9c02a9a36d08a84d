// Package kaleyra sends WhatsApp (V2) and SMS messages through Kaleyra's API
// and reads its callbacks.
//
// Settings: base_url (differs by region), sid, and for SMS sms_type (TXN, MKT,
// OTP) and template_id (India's DLT). Secrets: api_key, callback_secret (the
// last segment of the callback's address: what Kaleyra can sign with isn't
// documented).
package kaleyra

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// DefaultBaseURL is Kaleyra's Indian region; a channel elsewhere names its own
// (api.kaleyra.io, api.eu.kaleyra.io, api.na.kaleyra.ai).
const DefaultBaseURL = "https://api.in.kaleyra.io"

// endpoint is where messages of the channel's kind are posted.
func endpoint(ch *dispatch.Channel) string {
	base, sid := cmp.Or(strings.TrimRight(ch.Settings["base_url"], "/"), DefaultBaseURL), url.PathEscape(ch.Settings["sid"])
	if ch.WhatsApp() {
		return base + "/v2/" + sid + "/whatsapp/" + url.PathEscape(plus(ch.Sender)) + "/messages"
	}
	return base + "/v1/" + sid + "/sms"
}

// plus is a number as E.164, whether or not it has its plus; nothing stays
// nothing.
func plus(number string) string {
	if number == "" {
		return ""
	}
	return "+" + strings.TrimPrefix(number, "+")
}

// whole is the id of a message without the part that Kaleyra appends for each
// recipient ("<uuid>:1"): answers and callbacks don't agree on it, and we send
// to one recipient at a time.
func whole(id string) string {
	before, part, ok := strings.Cut(id, ":")
	if ok && part != "" && strings.Trim(part, "0123456789") == "" {
		return before
	}
	return id
}
