// Package gupshup emulates Gupshup's WhatsApp API.
package gupshup

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator/engine"
)

// vendorName is the name in dispatch.Channel.Provider.
const vendorName = "gupshup"

// Vendor is Gupshup's template and session endpoints. Its events carry no
// signature: they go to the callback address with the channel's secret behind.
var Vendor = &engine.Vendor{
	Name:     vendorName,
	Owns:     func(path string) bool { return strings.HasPrefix(path, "/wa/api/") },
	Address:  func(ch *dispatch.Channel) string { return strings.TrimPrefix(ch.Sender, "+") },
	Read:     read,
	Reply:    reply,
	Callback: callback,
	Inbound:  inbound,
	MaxBatch: 1,
}

func read(s *engine.Server, r *http.Request, body []byte) (*engine.Send, engine.Answer) {
	template := r.URL.Path == "/wa/api/v1/template/msg"
	if r.Method != http.MethodPost || !template && r.URL.Path != "/wa/api/v1/msg" {
		return nil, refusal(http.StatusNotFound, "Not Found")
	}
	key := r.Header.Get("Apikey")
	if key == "" || !knows(s, key) {
		return nil, refusal(http.StatusUnauthorized, "Authentication Failed")
	}
	f, err := url.ParseQuery(string(body))
	if err != nil || f.Get("channel") != "whatsapp" {
		return nil, refusal(http.StatusBadRequest, "Invalid Channel")
	}
	for _, ch := range s.Channels(vendorName, f.Get("source")) {
		if ch.Secrets["apikey"] != key || ch.Settings["app_name"] != f.Get("src.name") {
			continue
		}
		to := f.Get("destination")
		if engine.Number(to) == 0 || strings.Trim(to, "0123456789") != "" {
			return nil, refusal(http.StatusBadRequest, "Invalid Destination")
		}
		if fault := fault(f, template); fault != "" {
			return nil, refusal(http.StatusBadRequest, fault)
		}
		return &engine.Send{Channel: ch, To: "+" + to}, engine.Answer{}
	}
	return nil, refusal(http.StatusBadRequest, "Invalid App Details")
}

func knows(s *engine.Server, key string) bool {
	for _, ch := range s.ChannelsOf(vendorName) {
		if ch.Secrets["apikey"] == key {
			return true
		}
	}
	return false
}

// fault returns what is wrong with the JSON texts in the form.
func fault(f url.Values, template bool) string {
	var t struct {
		ID     string   `json:"id"`
		Params []string `json:"params"`
	}
	var msg struct {
		Type string `json:"type"`
	}
	if template {
		if json.Unmarshal([]byte(f.Get("template")), &t) != nil || t.ID == "" || t.Params == nil {
			return "Invalid Template"
		}
		var postbacks []struct {
			Index int    `json:"index"`
			Text  string `json:"text"`
		}
		if f.Has("postbackTexts") && json.Unmarshal([]byte(f.Get("postbackTexts")), &postbacks) != nil {
			return "Invalid postbackTexts"
		}
		if !f.Has("message") {
			return ""
		}
	}
	if json.Unmarshal([]byte(f.Get("message")), &msg) != nil || msg.Type == "" {
		return "Invalid Message"
	}
	return ""
}

// reply words an outcome.
func reply(m *engine.Send, o engine.Outcome) engine.Answer {
	switch o {
	case engine.Throttled:
		return refusal(http.StatusTooManyRequests, "Too Many Requests")
	case engine.Failing:
		return refusal(http.StatusInternalServerError, "Internal Server Error")
	case engine.Invalid:
		return refusal(http.StatusBadRequest, "Invalid Destination")
	}
	a := engine.JSON(http.StatusAccepted, map[string]string{"status": "submitted", "messageId": engine.UUID(m.ID)})
	a.Header = [][2]string{{"Content-Type", "text/html;charset=UTF-8"}} // as Gupshup labels its JSON
	return a
}

func refusal(status int, text string) engine.Answer {
	return engine.JSON(status, map[string]string{"status": "error", "message": text})
}

// callback is a version 2 event. A refusal comes early, under the id of
// the send; all else carries WhatsApp's id and the send's as gsId.
func callback(ch *dispatch.Channel, to string, es []engine.Event) engine.Callback {
	e := es[0]
	p := map[string]any{"id": "gBEG" + e.ID, "gsId": engine.UUID(e.ID), "type": e.Status.String(), "destination": e.To[1:]}
	if e.Status == dispatch.Failed {
		delete(p, "gsId")
		p["id"], p["payload"] = engine.UUID(e.ID), map[string]any{"code": 1002, "reason": "Number Does Not Exist On WhatsApp"}
	} else {
		p["payload"] = map[string]any{"ts": e.When.Unix()}
	}
	return event(ch, to, "message-event", e.When.UnixMilli(), p)
}

func inbound(ch *dispatch.Channel, to string, in engine.Inbound) engine.Callback {
	return event(ch, to, "message", in.At.UnixMilli(), map[string]any{
		"id": "ABEG" + in.ID, "source": in.From[1:], "type": "text", "payload": map[string]string{"text": in.Text},
		"sender": map[string]string{"phone": in.From[1:], "name": "Emulated Contact"},
	})
}

func event(ch *dispatch.Channel, to, kind string, at int64, payload map[string]any) engine.Callback {
	body := engine.JSON(0, map[string]any{
		"app": ch.Settings["app_name"], "timestamp": at, "version": 2, "type": kind, "payload": payload,
	}).Body
	return engine.Callback{URL: engine.SecretURL(ch, to), Body: body}
}
