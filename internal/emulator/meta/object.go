package meta

import (
	"net/http"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator/engine"
)

// done is the Graph API's answer to a change.
var done = map[string]bool{"success": true}

// mediaID is the id of every upload: files are not kept.
const mediaID = "1037543291543636"

// object answers calls about phone numbers, business accounts and media.
func object(s *engine.Server, r *http.Request, id, edge string) engine.Answer {
	if ch, _ := channel(s, r, id); ch != nil {
		return ofNumber(r, ch, edge)
	}
	chs := owned(s, r)
	switch {
	case len(chs) == 0:
		_, refused := channel(s, r, id)
		return refused
	case chs[0].Settings["waba_id"] == id && edge == "phone_numbers" && r.Method == http.MethodGet:
		var list []any
		for _, ch := range chs {
			list = append(list, numberRecord(ch))
		}
		return engine.JSON(http.StatusOK, map[string]any{"data": list})
	case chs[0].Settings["waba_id"] == id && edge == "message_templates" && r.Method == http.MethodPost:
		return engine.JSON(http.StatusOK, map[string]string{"id": "594425479261596", "status": "PENDING", "category": "UTILITY"})
	case chs[0].Settings["waba_id"] == id && edge == "message_templates" && r.Method == http.MethodDelete:
		return engine.JSON(http.StatusOK, done)
	case id == mediaID && edge == "" && r.Method == http.MethodDelete:
		return engine.JSON(http.StatusOK, done)
	case id == mediaID && edge == "" && r.Method == http.MethodGet:
		return engine.JSON(http.StatusOK, map[string]any{
			"messaging_product": "whatsapp", "id": id, "url": "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=" + id,
			"mime_type": "image/png", "sha256": strings.Repeat("0", 64), "file_size": 8,
		})
	}
	return noObject(r.Method, id)
}

// ofNumber answers a call about a phone number.
func ofNumber(r *http.Request, ch *dispatch.Channel, edge string) engine.Answer {
	switch r.Method + " " + edge {
	case "GET ":
		return engine.JSON(http.StatusOK, numberRecord(ch))
	case "POST media":
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
			return refusal(http.StatusBadRequest, 100, "(#100) The parameter messaging_product is required.", "")
		}
		return engine.JSON(http.StatusOK, map[string]string{"id": mediaID})
	case "GET whatsapp_business_profile":
		return engine.JSON(http.StatusOK, map[string]any{"data": []any{map[string]string{"about": "Emulator", "messaging_product": "whatsapp"}}})
	case "POST whatsapp_business_profile":
		return engine.JSON(http.StatusOK, done)
	}
	return noObject(r.Method, ch.Settings["phone_number_id"])
}

// owned returns the channels whose token a request has.
func owned(s *engine.Server, r *http.Request) []*dispatch.Channel {
	var out []*dispatch.Channel
	for _, ch := range s.ChannelsOf(vendorName) {
		if r.Header.Get("Authorization") == "Bearer "+ch.Secrets["access_token"] {
			out = append(out, ch)
		}
	}
	return out
}

// numberRecord returns the record of a phone number.
func numberRecord(ch *dispatch.Channel) map[string]string {
	return map[string]string{
		"id": ch.Settings["phone_number_id"], "display_phone_number": ch.Sender, "verified_name": "Emulator",
		"quality_rating": "GREEN", "code_verification_status": "VERIFIED",
	}
}
