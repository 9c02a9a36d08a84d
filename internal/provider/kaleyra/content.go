package kaleyra

import (
	"cmp"
	"encoding/json"
	"path"
	"strconv"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// content returns what a contact sent, by the documented variables of incoming
// WhatsApp messages. An operator's profile may also carry WhatsApp's own message.
func content(f fields) dispatch.InboundContent {
	if whole := f["message"]; len(whole) > 1 && whole[0] == '{' {
		return meta.Content([]byte(whole))
	}
	out := dispatch.InboundContent{ReplyTo: whole(f["reply_to"])}
	if url := f["media_url"]; url != "" {
		out.Media = &dispatch.InboundMedia{
			URL: url, MimeType: f["mime_type"], Caption: cmp.Or(f["caption"], f["body"]), Filename: cmp.Or(f["file_name"], f["filename"]),
			Voice: f["type"] == "voice",
		}
		if out.Media.Filename == "" && f["type"] == "document" {
			out.Media.Filename = path.Base(url)
		}
	}
	for name, to := range map[string]*json.RawMessage{"contacts": &out.Contacts, "order": &out.Order, "referral": &out.Referral} {
		if raw := []byte(f[name]); json.Valid(raw) {
			*to = raw
		}
	}
	if payload := cmp.Or(f["button_payload"], f["payload"]); payload != "" || f["type"] == "button" {
		out.Button = &dispatch.InboundButton{Text: cmp.Or(f["body"], f["message"]), Payload: payload}
	}
	out.Location = location(f)
	return out
}

// location reads a place: an object in one field, or fields of its own.
func location(f fields) *dispatch.InboundLocation {
	if raw := f["location"]; len(raw) > 1 && raw[0] == '{' {
		return meta.Content([]byte(`{"location":` + raw + `}`)).Location
	}
	lat, err := strconv.ParseFloat(f["latitude"], 64)
	lon, lonErr := strconv.ParseFloat(f["longitude"], 64)
	if err != nil || lonErr != nil {
		return nil
	}
	return &dispatch.InboundLocation{Latitude: lat, Longitude: lon, Name: f["location"], Address: f["address"]}
}
