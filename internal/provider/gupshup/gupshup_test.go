package gupshup

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

const messageID = "ee4a68a0-1203-4c85-8dc3-49d0b3226a35"

var (
	now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	id  = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
)

func channel(baseURL string) *dispatch.Channel {
	return &dispatch.Channel{
		ID: 7, Key: "key", Provider: "gupshup", Kind: "whatsapp", Sender: "+919999900000",
		Settings: map[string]string{"base_url": baseURL, "app_name": "MyApp"},
		Secrets:  map[string]string{"apikey": "apikey-of-tests", "callback_secret": "callback-secret-of-tests"},
	}
}

// client is one whose clock stands still.
func client(h *outbound.Client) *Client {
	c := New(h)
	c.now = func() time.Time { return now }
	return c
}

// message makes one of content in Meta's own JSON.
func message(content string) *dispatch.Message {
	m := &dispatch.Message{ID: id, To: "+919888800000"}
	if err := json.Unmarshal([]byte(content), &m.Content); err != nil {
		panic(err)
	}
	return m
}

// errorTable is section 3 of the contract, as we mean it, with the bodies of
// section 2: codes rarely come with the answer, but may.
func errorTable() []providertest.Refusal {
	plain := func(name string, status int, text string, kind provider.Kind, code dispatch.ErrorCode, own string) providertest.Refusal {
		return providertest.Refusal{
			Name: name, Reply: providertest.Reply{Status: status, Body: `{"status":"error","message":` + strconv.Quote(text) + `}`}, Kind: kind,
			Code: code, Provider: own,
		}
	}
	rs := []providertest.Refusal{
		plain("destination", 400, "Invalid Destination", provider.Permanent, dispatch.FailContent, ""),
		plain("app", 400, "Invalid App Details", provider.Permanent, dispatch.FailContent, ""),
		plain("key", 401, "Authentication Failed", provider.Denied, dispatch.FailCredentials, ""),
		plain("key, other words", 401, "Portal User Not Found With APIKey", provider.Denied, dispatch.FailCredentials, ""),
		plain("throttled", 429, "Too Many Requests", provider.Throttled, dispatch.FailThrottled, ""),
		plain("internal", 500, "Internal Server Error", provider.Temporary, dispatch.FailProvider, "500"),
		plain("gateway's words", 502, "Bad Gateway", provider.Uncertain, dispatch.FailUnclear, ""),
		{
			Name: "internal, not Gupshup's", Reply: providertest.Reply{Status: 500, Body: `{"message":"upstream"}`},
			Kind: provider.Uncertain, Code: dispatch.FailUnclear,
		},
		{
			Name: "message as an object", Reply: providertest.Reply{
				Status: 400,
				Body:   `{"status":"error","message":{"code":1010,"reason":"Media URL Invalid"}}`,
			},
			Kind: provider.Permanent, Code: dispatch.FailContent, Provider: "1010",
		},
		{
			Name: "error with 200", Reply: providertest.Reply{Status: 200, Body: `{"status":"error","message":{"code":1012,"reason":"opted out"}}`},
			Kind: provider.Permanent, Code: dispatch.FailSuppressed, Provider: "1012", Suppress: true,
		},
		{
			Name: "yes without an id", Reply: providertest.Reply{Status: 202, Body: `{"status":"submitted"}`},
			Kind: provider.Uncertain, Code: dispatch.FailUnclear,
		},
	}
	add := func(kind provider.Kind, scope provider.Scope, code dispatch.ErrorCode, codes ...string) {
		for _, c := range codes {
			rs = append(rs, providertest.Refusal{
				Reply: providertest.Reply{Status: 400, Body: `{"status":"error","code":` + c + `,"message":"Something"}`},
				Kind:  kind, Scope: scope, Code: code, Provider: c, Suppress: code == dispatch.FailSuppressed,
			})
		}
	}
	add(provider.Permanent, 0, dispatch.FailAccount, "1001", "4004")
	add(provider.Permanent, 0, dispatch.FailRecipient, "1002", "1006", "1007", "1008", "131026")
	add(provider.Permanent, 0, dispatch.FailBalance, "1003")
	add(provider.Permanent, 0, dispatch.FailWindow, "470", "1004", "131047")
	add(provider.Permanent, 0, dispatch.FailTemplate, "1005", "4003", "4005", "132001")
	add(provider.Permanent, 0, dispatch.FailContent, "1009", "1011")
	add(provider.Permanent, 0, dispatch.FailSuppressed, "1012", "131050")
	add(provider.Held, provider.ScopeAccount, dispatch.FailThrottled, "4001")
	add(provider.Temporary, 0, dispatch.FailProvider, "4002")
	add(provider.Throttled, provider.ScopeRecipient, dispatch.FailThrottled, "131056")
	return rs
}

func TestGupshup(t *testing.T) {
	providertest.Run(t, providertest.Case{
		New:     func(h *outbound.Client) provider.Provider { return client(h) },
		Channel: channel,
		Message: func() *dispatch.Message { return message(`{"type":"text","text":{"body":"hello"}}`) },
		Accepted: providertest.Reply{
			Status: 202, Header: http.Header{"Content-Type": {"text/html"}}, Body: `{"status":"success","messageId":"` + messageID + `"}`,
		},
		AcceptedID: messageID,
		Errors:     errorTable(),
		Quoting: func(text string) providertest.Reply {
			return providertest.Reply{Status: 401, Body: `{"status":"error","message":` + strconv.Quote(text) + `}`}
		},
		Requests:  requests(),
		Callbacks: callbacks(),
	})
}

// requests has one message of each type.
func requests() []providertest.Request {
	return []providertest.Request{
		{
			Name:    "text",
			Message: message(`{"type":"text","text":{"body":"Grüße & 100 %","preview_url":true},"context":{"message_id":"gBEGabc"}}`),
		},
		{Name: "image", Message: message(`{"type":"image","image":{"link":"https://files.example.com/a.jpg","caption":"A view"}}`)},
		{Name: "video", Message: message(`{"type":"video","video":{"link":"https://files.example.com/a.mp4","caption":"A walk"}}`)},
		{Name: "audio", Message: message(`{"type":"audio","audio":{"link":"https://files.example.com/a.ogg"}}`)},
		{
			Name:    "document",
			Message: message(`{"type":"document","document":{"link":"https://files.example.com/a.pdf","filename":"Bill.pdf"}}`),
		},
		{Name: "sticker", Message: message(`{"type":"sticker","sticker":{"link":"https://files.example.com/a.webp"}}`)},
		{
			Name:    "location",
			Message: message(`{"type":"location","location":{"latitude":37.758056,"longitude":-122.425332,"name":"Office"}}`),
		},
		{Name: "reaction", Message: message(`{"type":"reaction","reaction":{"message_id":"gBEGabc","emoji":"👍"}}`)},
		{
			Name: "template",
			Message: message(
				`{"type":"template","template":{"name":"order","provider_template_id":"c6aecef6-0000-0000-0000-28c094e3bc6b","components":[
			{"type":"button","sub_type":"quick_reply","index":1,"parameters":[{"type":"payload","payload":"no"}]},
			{"type":"button","sub_type":"quick_reply","index":0,"parameters":[{"type":"payload","payload":"yes"}]},
			{"type":"body","parameters":[{"type":"text","text":"Ann"},{"type":"date_time","date_time":{"fallback_value":"4 May"}}]},
			{"type":"header","parameters":[{"type":"document","document":{"link":"https://files.example.com/a.pdf","filename":"Bill.pdf"}}]}]}}`,
			),
		},
		{
			Name: "template_auth",
			Message: message(`{"type":"template","template":{"provider_template_id":"c6aecef6-0000-0000-0000-28c094e3bc6b","components":[
			{"type":"body","parameters":[{"type":"text","text":"123456"}]},
			{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"123456"}]}]}}`),
		},
		{
			Name: "template_location",
			Message: message(`{"type":"template","template":{"provider_template_id":"c6aecef6-0000-0000-0000-28c094e3bc6b","components":[
			{"type":"header","parameters":[{"type":"location","location":{"latitude":1.5,"longitude":2.5}}]}]}}`),
		},
		{
			Name:    "template_bare",
			Message: message(`{"type":"template","template":{"provider_template_id":"c6aecef6-0000-0000-0000-28c094e3bc6b"}}`),
		},
	}
}

// Every type that the client claims is among the golden requests, and without
// its content none is sent.
func TestSupports(t *testing.T) {
	t.Parallel()
	golden := map[dispatch.Type]bool{}
	for _, r := range requests() {
		golden[r.Message.Content.Type] = true
	}
	c := New(nil)
	for _, ty := range []dispatch.Type{
		"text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction",
	} {
		if got := c.Spec().Supports("whatsapp", ty); got != golden[ty] || c.Spec().Supports("sms", ty) {
			t.Errorf("Supports(%s) = %v", ty, got)
		}
		if _, _, err := form(channel(""), &dispatch.Message{Content: dispatch.Content{Type: ty}}); err == nil ||
			provider.AsError(err).Kind != provider.Permanent {
			t.Errorf("%s without content: %v", ty, err)
		}
	}
	byID := message(
		`{"type":"template","template":{"provider_template_id":"x","components":[{"type":"header","parameters":[{"type":"image",` +
			`"image":{"id":"1"}}]}]}}`,
	)
	if _, _, err := form(channel(""), byID); err == nil {
		t.Error("a header's media by id is taken")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]provider.Kind{
		400: 0, 401: provider.Denied, 202: provider.Uncertain, 429: provider.Throttled, 502: provider.Uncertain,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"status":"error","message":"?"}`))
		}))
		t.Cleanup(s.Close)
		err := New(outbound.New(outbound.Options{})).Check(t.Context(), channel(s.URL))
		if (err == nil) != (want == 0) || err != nil && provider.AsError(err).Kind != want {
			t.Errorf("HTTP %d: %v", status, err)
		}
	}
}
