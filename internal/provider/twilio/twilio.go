// Package twilio sends SMS, MMS and WhatsApp messages through Twilio's
// Programmable Messaging API and reads its callbacks.
//
// Settings: base_url, account_sid, messaging_service_sid (optional),
// api_key_sid (optional). Secrets: auth_token (also signs the callbacks),
// api_key_secret (with api_key_sid).
package twilio

import (
	"net/url"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// DefaultBaseURL is where Twilio answers when a channel names no other place.
const DefaultBaseURL = "https://api.twilio.com"

// whatsAppPrefix marks an address as WhatsApp's: one API serves both kinds.
const whatsAppPrefix = "whatsapp:"

// messagesURL is the Messages resource of the channel's account.
func messagesURL(ch *dispatch.Channel) string {
	return accountURL(ch) + "/Messages.json"
}

func accountURL(ch *dispatch.Channel) string {
	base := strings.TrimRight(ch.Settings["base_url"], "/")
	if base == "" {
		base = DefaultBaseURL
	}
	return base + "/2010-04-01/Accounts/" + url.PathEscape(ch.Settings["account_sid"])
}

// address is a number in Twilio's form for the channel.
func address(ch *dispatch.Channel, number string) string {
	if ch.WhatsApp() {
		return whatsAppPrefix + number
	}
	return number
}

// start is when the first call for m can have been made.
func start(m *dispatch.Message) time.Time {
	if m.SendAt.After(m.CreatedAt) {
		return m.SendAt
	}
	return m.CreatedAt
}
