package message_test

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Fields that change what is sent are sent on, or refused where the vendor can't.
func TestContent_CarriedOrRefused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	gupshup := f.opens(f.Key, aGupshup, false)
	f.Do("PATCH", "/v1/channels/"+strconv.FormatInt(gupshup, 10), m{"window": "provider"}).Want(200)
	components := []m{
		{"type": "LIMITED_TIME_OFFER", "limited_time_offer": m{"text": "Soon", "has_expiration": true}},
		{"type": "BODY", "text": "x"},
	}
	f.Do("POST", "/v1/templates", m{"name": "offer", "language": "en", "category": "marketing", "components": components}).Want(201)
	f.Do("POST", "/v1/templates", m{
		"name": "offer", "language": "en", "category": "marketing", "components": components, "provider": "gupshup",
		"provider_template_id": "u-1",
	}).Want(201)
	for _, c := range []struct {
		kind    string
		content m
		more    m
		refused string
	}{
		{"text", m{"body": "x"}, m{"recipient_identity_key_hash": "hash"}, "/recipient_identity_key_hash"},
		{"audio", m{"link": "https://example.com/a.ogg", "voice": true}, nil, "/audio/voice"},
		{"document", m{"link": "https://example.com/x", "filename": "Rechnung für März.pdf"}, nil, ""},
		{"template", m{"name": "offer", "language": m{"code": "en"}, "components": []m{{
			"type": "limited_time_offer", "parameters": []m{{
				"type":               "limited_time_offer",
				"limited_time_offer": m{"expiration_time_ms": 1798794000000},
			}},
		}}}, nil, "/template/components"},
	} {
		body := m{"to": someone, "type": c.kind, c.kind: c.content, "channel": 1}
		maps.Copy(body, c.more)
		id := f.Do("POST", "/v1/messages", body).Want(202).Text("message_id")
		var stored string
		if err := f.DB.QueryRowContext(t.Context(), `SELECT content FROM messages WHERE id = $1::uuid`, id).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		var got, want map[string]any
		if err := json.Unmarshal([]byte(stored), &got); err != nil {
			t.Fatal(err)
		}
		delete(body, "to")
		delete(body, "channel")
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		if use, ok := got["template"].(map[string]any); ok {
			delete(use, "template_id")
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.kind, d)
		}
		body["to"], body["channel"] = someone, gupshup
		if c.refused == "" {
			f.Do("POST", "/v1/messages", body).Want(202)
			continue
		}
		if c.kind == "template" {
			body["template"] = m{"name": "offer", "language": "en", "components": c.content["components"]}
		}
		f.Do("POST", "/v1/messages", body).Refused(422, dispatch.Invalid, c.refused)
	}
}

// A vendor that shows the last part of the link as a document's name is given no
// other one.
func TestContent_FileName_RefusedWhereItIsLost(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	twilio := f.Do("POST", "/v1/channels", m{
		"name": "T", "provider": "twilio", "kind": "whatsapp", "sender": "+15550004444", "window": "provider",
		"settings": m{"account_sid": "AC" + strings.Repeat("1", 32)}, "secrets": m{"auth_token": "t"},
	}).Want(201).ID()
	send := func(name string) *apitest.Reply {
		return f.Do("POST", "/v1/messages", m{
			"to": someone, "channel": twilio, "type": "document",
			"document": m{"link": "https://example.com/a/Bill%20May.pdf?x=1", "filename": name},
		})
	}
	send("").Want(202)
	send("Bill May.pdf").Want(202)
	send("Rechnung.pdf").Refused(422, dispatch.Invalid, "/document/filename")
}
