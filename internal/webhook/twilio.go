package webhook

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dialect/twilioapi"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider/twilio"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// TokenPath is the path below the webhooks' of the token that signs status
// callbacks.
const TokenPath = "/twilio-token"

// IsForm reports whether the bodies of the format are forms instead of JSON.
func IsForm(format string) bool { return format == Twilio }

// renderTwilio makes a form as Twilio posts it. There is no callback for the
// first status (queued, scheduled), as with Twilio.
func renderTwilio(e *hookstore.Event, v *dispatch.View) (string, bool) {
	switch {
	case v != nil && v.Status >= dispatch.Sent && v.Status <= dispatch.Unknown:
		return twilioapi.Callback(e.SID, v).Encode(), true
	case e.Kind != dispatch.EventInbound || e.Inbound == nil || e.Sender == nil:
		return "", false
	}
	in := e.Inbound
	form := twilioapi.Received(e.SID, e.Sender.Kind, e.Sender.Sender, in.ID, &dispatch.Inbound{
		From: string(in.From), WaID: waID(&in.Received),
		Name: in.Name, Text: in.Text,
	})
	fillTwilio(form, e)
	var raw map[string]string
	if e.Sender.Provider == "twilio" && json.Unmarshal([]byte(in.Raw), &raw) == nil {
		for name, value := range raw { // media, buttons, places: as they came
			if !form.Has(name) || name == "NumMedia" || name == "NumSegments" {
				form.Set(name, value)
			}
		}
	}
	return form.Encode(), true
}

// fillTwilio carries the content of an inbound message
// (twilio.com/docs/messaging/guides/webhook-request).
func fillTwilio(form url.Values, e *hookstore.Event) {
	c := &e.Inbound.InboundContent
	for i, m := range c.AllMedia() {
		n := strconv.Itoa(i)
		form.Set("MediaUrl"+n, mediaURL(&m))
		form.Set("MediaContentType"+n, cmp.Or(m.MimeType, "application/octet-stream"))
		form.Set("NumMedia", strconv.Itoa(i+1))
	}
	set := func(name, value string) {
		if value != "" {
			form.Set(name, value)
		}
	}
	if b := c.Button; b != nil {
		form.Set("ButtonText", b.Text)
		set("ButtonPayload", b.Payload)
	}
	if r := c.ListReply; r != nil {
		form.Set("ListId", r.ID)
		form.Set("ListTitle", r.Title)
		set("ListDescription", r.Description)
	}
	if l := c.Location; l != nil {
		form.Set("Latitude", strconv.FormatFloat(l.Latitude, 'f', -1, 64))
		form.Set("Longitude", strconv.FormatFloat(l.Longitude, 'f', -1, 64))
		set("Label", l.Name)
		set("Address", l.Address)
	}
	if f := c.FlowReply; f != nil {
		set("InteractiveData", f.ResponseJSON)
	}
	replied := c.ReplyTo
	if c.Reaction != nil {
		replied = c.Reaction.MessageID
	}
	if id, err := uuid.Parse(replied); err == nil {
		form.Set("OriginalRepliedMessageSid", "SM"+hex.EncodeToString(id[:]))
	}
	set("Contacts", string(c.Contacts)) // Twilio has no fields for these two
	set("Order", string(c.Order))
	var referral map[string]any
	if json.Unmarshal(c.Referral, &referral) == nil {
		for name, key := range twilio.ReferralFields {
			text, _ := referral[key].(string)
			set(name, text)
		}
	}
	if e.Sender.Kind == "whatsapp" {
		form.Set("MessageType", e.Inbound.Type)
	}
}
