// Package gupshup sends WhatsApp messages through Gupshup's API and reads its
// events.
//
// Settings: base_url, app_name (the Gupshup app that owns the sender's number).
// Secrets: apikey, callback_secret (the last segment of the callback's address:
// Gupshup signs nothing).
package gupshup

import (
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// DefaultBaseURL is where Gupshup answers when a channel names no other place.
const DefaultBaseURL = "https://api.gupshup.io"

func baseURL(ch *dispatch.Channel) string {
	if base := strings.TrimRight(ch.Settings["base_url"], "/"); base != "" {
		return base
	}
	return DefaultBaseURL
}

// digits is a number in Gupshup's form: country code first, no plus.
func digits(number string) string { return strings.TrimPrefix(number, "+") }
