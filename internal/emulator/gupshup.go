package emulator

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// gupshupFace is Gupshup's template and session endpoints. Its events carry no
// signature: they go to the callback address with the channel's secret behind.
var gupshupFace = face{
	provider: "gupshup",
	owns:     func(path string) bool { return strings.HasPrefix(path, "/wa/api/") },
	address:  func(ch *dispatch.Channel) string { return strings.TrimPrefix(ch.Sender, "+") },
	read:     gupshupRead,
	reply:    gupshupReply,
	callback: gupshupCallback,
	inbound:  gupshupInbound,
	maxBatch: 1,
}

func gupshupRead(s *Server, r *http.Request, body []byte) (*send, answer) {
	template := r.URL.Path == "/wa/api/v1/template/msg"
	if r.Method != http.MethodPost || !template && r.URL.Path != "/wa/api/v1/msg" {
		return nil, gupshupError(http.StatusNotFound, "Not Found")
	}
	key := r.Header.Get("Apikey")
	if key == "" || !gupshupKnows(s, key) {
		return nil, gupshupError(http.StatusUnauthorized, "Authentication Failed")
	}
	f, err := url.ParseQuery(string(body))
	if err != nil || f.Get("channel") != "whatsapp" {
		return nil, gupshupError(http.StatusBadRequest, "Invalid Channel")
	}
	for _, ch := range s.channels("gupshup", f.Get("source")) {
		if ch.Secrets["apikey"] != key || ch.Settings["app_name"] != f.Get("src.name") {
			continue
		}
		to := f.Get("destination")
		if number(to) == 0 || strings.Trim(to, "0123456789") != "" {
			return nil, gupshupError(http.StatusBadRequest, "Invalid Destination")
		}
		if fault := gupshupFault(f, template); fault != "" {
			return nil, gupshupError(http.StatusBadRequest, fault)
		}
		return &send{ch: ch, to: "+" + to}, answer{}
	}
	return nil, gupshupError(http.StatusBadRequest, "Invalid App Details")
}

func gupshupKnows(s *Server, key string) bool {
	for _, ch := range s.registry.Load().byKey {
		if ch.Provider == "gupshup" && ch.Secrets["apikey"] == key {
			return true
		}
	}
	return false
}

// gupshupFault says what is wrong with the JSON texts in the form.
func gupshupFault(f url.Values, template bool) string {
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

// gupshupReply words an outcome.
func gupshupReply(m *send, o outcome) answer {
	switch o {
	case throttled:
		return gupshupError(http.StatusTooManyRequests, "Too Many Requests")
	case failing:
		return gupshupError(http.StatusInternalServerError, "Internal Server Error")
	case invalid:
		return gupshupError(http.StatusBadRequest, "Invalid Destination")
	case accepted, silent, cut:
	}
	a := metaJSON(http.StatusAccepted, map[string]string{"status": "submitted", "messageId": hyphens(m.id)})
	a.header = [][2]string{{"Content-Type", "text/html;charset=UTF-8"}} // as Gupshup labels its JSON
	return a
}

func gupshupError(status int, text string) answer {
	return metaJSON(status, map[string]string{"status": "error", "message": text})
}

// hyphens writes 32 hex digits as a UUID is written.
func hyphens(id string) string {
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// gupshupCallback is a version 2 event. A refusal comes early, under the id of
// the send; all else carries WhatsApp's id and the send's as gsId.
func gupshupCallback(ch *dispatch.Channel, to string, es []event) callback {
	e := es[0]
	p := map[string]any{"id": "gBEG" + e.id, "gsId": hyphens(e.id), "type": e.status.String(), "destination": e.to[1:]}
	if e.status == dispatch.Failed {
		delete(p, "gsId")
		p["id"], p["payload"] = hyphens(e.id), map[string]any{"code": 1002, "reason": "Number Does Not Exist On WhatsApp"}
	} else {
		p["payload"] = map[string]any{"ts": e.when.Unix()}
	}
	return gupshupEvent(ch, to, "message-event", e.when.UnixMilli(), p)
}

func gupshupInbound(ch *dispatch.Channel, to string, in inbound) callback {
	return gupshupEvent(ch, to, "message", in.at.UnixMilli(), map[string]any{
		"id": "ABEG" + in.id, "source": in.from[1:], "type": "text", "payload": map[string]string{"text": in.text},
		"sender": map[string]string{"phone": in.from[1:], "name": "Emulated Contact"},
	})
}

func gupshupEvent(ch *dispatch.Channel, to, kind string, at int64, payload map[string]any) callback {
	body := metaJSON(0, map[string]any{"app": ch.Settings["app_name"], "timestamp": at, "version": 2, "type": kind, "payload": payload}).body
	return callback{url: secretURL(ch, to), body: body}
}

// secretURL is the callback address of a provider that signs nothing.
func secretURL(ch *dispatch.Channel, to string) string {
	return to + "/" + url.PathEscape(ch.Secrets["callback_secret"])
}
