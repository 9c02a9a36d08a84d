package twilio

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// received returns what a contact sent.
func received(f url.Values) dispatch.InboundContent {
	out := dispatch.InboundContent{ReplyTo: f.Get("OriginalRepliedMessageSid")}
	for i := range maxMedia {
		n := strconv.Itoa(i)
		link := f.Get("MediaUrl" + n)
		if link == "" {
			break
		}
		m := dispatch.InboundMedia{URL: link, MimeType: f.Get("MediaContentType" + n)}
		if i == 0 {
			m.Caption = f.Get("Body")
			out.Media = &m
			continue
		}
		out.MoreMedia = append(out.MoreMedia, m)
	}
	if text, payload := f.Get("ButtonText"), f.Get("ButtonPayload"); text != "" || payload != "" {
		out.Button = &dispatch.InboundButton{Text: text, Payload: payload}
	}
	if id := f.Get("ListId"); id != "" {
		out.ListReply = &dispatch.InboundChoice{ID: id, Title: f.Get("ListTitle"), Description: f.Get("ListDescription")}
	}
	if data := f.Get("InteractiveData"); data != "" {
		out.FlowReply = &dispatch.InboundFlow{ResponseJSON: data}
	}
	out.Location, out.Referral = place(f), referral(f)
	return out
}

// ReferralFields has, by Twilio's name, WhatsApp's field of the advertisement that a
// contact came from (twilio.com/docs/messaging/guides/webhook-request).
var ReferralFields = map[string]string{
	"ReferralBody": "body", "ReferralHeadline": "headline", "ReferralSourceId": "source_id", "ReferralSourceType": "source_type",
	"ReferralSourceUrl": "source_url", "ReferralMediaContentType": "media_type", "ReferralCtwaClid": "ctwa_clid",
}

// referral returns the advertisement in WhatsApp's own form, or nil without one.
func referral(f url.Values) json.RawMessage {
	out := map[string]string{}
	for name, key := range ReferralFields {
		if v := f.Get(name); v != "" {
			out[key] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	raw, err := json.Marshal(out)
	if err != nil { // can't happen: texts only
		return nil
	}
	return raw
}

func place(f url.Values) *dispatch.InboundLocation {
	lat, err := strconv.ParseFloat(f.Get("Latitude"), 64)
	lon, lonErr := strconv.ParseFloat(f.Get("Longitude"), 64)
	if err != nil || lonErr != nil {
		return nil
	}
	return &dispatch.InboundLocation{Latitude: lat, Longitude: lon, Name: strings.TrimSpace(f.Get("Label")), Address: f.Get("Address")}
}
