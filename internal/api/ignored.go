package api

import (
	"context"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// maxReason is the longest reason that is kept, in bytes.
const maxReason = 200

// ignored counts, logs and keeps a callback of which something was not read.
func (cs *callbacks) ignored(ctx context.Context, ch *dispatch.Channel, unread []string, query url.Values, body []byte) error {
	c := dispatch.IgnoredCallback{
		ID: dispatch.NewID(), Channel: ch.ID, Provider: ch.Provider, Kind: kindOf(query, body),
		Reason: reasonOf(unread), Body: masked(body),
	}
	cs.observer.CallbackIgnored(ch.Provider)
	cs.log.Info("callback ignored", "channel", ch.ID, "provider", ch.Provider, "kind", c.Kind)
	return cs.unread.KeepIgnored(context.WithoutCancel(ctx), ch.Account, c)
}

// late counts, logs and keeps a status of a message that was removed.
func (cs *callbacks) late(ctx context.Context, ch *dispatch.Channel, u *dispatch.StatusUpdate) {
	cs.observer.CallbackLate(ch.Provider)
	cs.log.Info("callback without a message", "channel", ch.ID, "message_id", u.ID, "status", u.Status)
	if err := cs.unread.KeepIgnored(ctx, ch.Account, u.Unmatched(ch)); err != nil {
		cs.log.Error("late callback not kept", "channel", ch.ID, "error", err)
	}
}

// reasonOf returns a sentence about what was not read.
func reasonOf(unread []string) string {
	reason := strings.Join(unread, "; ")
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	if reason != nothingKnown {
		reason = "not read: " + reason
	}
	return reason
}

// maxKind is the longest kind that is kept, in bytes.
const maxKind = 64

// kindOf returns what the provider calls the callback: the field of Meta's
// change and the status in it, the type of Gupshup's event, the status of a form.
func kindOf(query url.Values, body []byte) string {
	var object struct {
		Type  string `json:"type"`
		Entry []struct {
			Changes []struct {
				Field string `json:"field"`
				Value struct {
					Statuses []struct {
						Status string `json:"status"`
					} `json:"statuses"`
				} `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
		Status  any `json:"status"`
		Payload struct {
			Type string `json:"type"`
		} `json:"payload"`
	}
	_ = json.Unmarshal(body, &object) // what can't be read has no kind
	words := []string{object.Type, object.Payload.Type}
	if s, ok := object.Status.(string); ok {
		words = append(words, s)
	}
	for _, e := range object.Entry {
		for _, c := range e.Changes {
			words = append(words, c.Field)
			for _, s := range c.Value.Statuses {
				words = append(words, s.Status)
			}
		}
	}
	form, _ := url.ParseQuery(string(body))
	for _, values := range []url.Values{query, form} {
		for _, name := range []string{"MessageStatus", "SmsStatus", "EventType", "status"} {
			words = append(words, values.Get(name))
		}
	}
	kind := strings.Join(strings.Fields(strings.Join(words, " ")), " ")
	if kind == "" {
		return "unknown"
	}
	return storable.Cut(kind, maxKind)
}

var (
	maskedDigits = regexp.MustCompile(`\d{5,}`)
	maskedTexts  = regexp.MustCompile(`(?i)("(?:body|text|caption|message|name|title|payload|username|email)"\s*:\s*)"(?:\\.|[^"\\])*"`)
	maskedFields = regexp.MustCompile(`(?i)((?:^|&)(?:body|text|message|name|profilename|buttontext|buttonpayload)=)[^&]*`)
)

// maxMasked is how much of a callback is kept, in bytes.
const maxMasked = 4096

// masked returns the beginning of a body without what is personal in it: of
// numbers the last two digits are left, of texts and names nothing.
func masked(body []byte) string {
	s := string(body)
	if len(s) > 4*maxMasked {
		s = s[:4*maxMasked]
	}
	s = maskedTexts.ReplaceAllString(s, `$1"***"`)
	s = maskedFields.ReplaceAllString(s, `$1***`)
	s = maskedDigits.ReplaceAllStringFunc(s, func(n string) string { return "***" + n[len(n)-2:] })
	return storable.Cut(s, maxMasked)
}
