package kaleyra

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

const messageID = "5f8c1f0e-3a51-4a92-9f04-0a4f4a3b7b11"

var (
	now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	id  = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
)

func whatsAppChannel(baseURL string) *dispatch.Channel {
	return &dispatch.Channel{
		ID: 7, Key: "key", Provider: "kaleyra", Kind: "whatsapp", Sender: "+919999900000",
		Settings: map[string]string{
			"base_url":     baseURL,
			"sid":          "HXAP0001IN",
			"callback_url": "https://dispatch.example.com/callbacks/kaleyra/key",
		},
		Secrets: map[string]string{"api_key": "api-key-of-tests", "callback_secret": "callback-secret-of-tests"},
	}
}

func smsChannel(baseURL string) *dispatch.Channel {
	ch := whatsAppChannel(baseURL)
	ch.Kind, ch.Sender = "sms", "SENDOF"
	ch.Settings["sms_type"], ch.Settings["template_id"] = "TXN", "1107161234567890123"
	return ch
}

// client is one whose clock stands still.
func client(h *outbound.Client) *Client {
	c := New(h)
	c.now = func() time.Time { return now }
	return c
}

// msg makes one of content in Meta's own JSON.
func msg(content string) *dispatch.Message {
	m := &dispatch.Message{ID: id, To: "+919888800000"}
	if err := json.Unmarshal([]byte(content), &m.Content); err != nil {
		panic(err)
	}
	return m
}

// refusal is an answer in the form that Kaleyra's pages show.
func refusal(status int, code, text, part string) providertest.Reply {
	return providertest.Reply{
		Status: status,
		Body: `{"code":"` + code + `","message":` + strconv.Quote(
			text,
		) + `,"data":{},"error":{"` + part + `":` + strconv.Quote(
			text,
		) + `}}`,
	}
}

// errorTable is section 5 of the contract, as we mean it.
func errorTable() []providertest.Refusal {
	return []providertest.Refusal{
		{
			Reply:    refusal(401, "RBC001", "Incorrect SID or API key.", "error"),
			Kind:     provider.Denied,
			Code:     dispatch.FailCredentials,
			Provider: "RBC001",
		},
		{
			Reply:    refusal(401, "WA401", "Phone number is not present", "phone_number"),
			Kind:     provider.Denied,
			Code:     dispatch.FailCredentials,
			Provider: "WA401",
		},
		{
			Reply:    refusal(401, "WA-401", "API is not available", "account"),
			Kind:     provider.Denied,
			Code:     dispatch.FailAccount,
			Provider: "WA-401",
		},
		{
			Reply:    refusal(400, "E110", "You have a low balance!", "balance"),
			Kind:     provider.Permanent,
			Code:     dispatch.FailBalance,
			Provider: "E110",
		},
		{
			Reply:    refusal(400, "WAV2101", "Daily limit reached", "limit"),
			Kind:     provider.Permanent,
			Code:     dispatch.FailThrottled,
			Provider: "WAV2101",
		},
		{
			Reply:    refusal(400, "WA400", "Refer to correct payload format", "payload"),
			Kind:     provider.Permanent,
			Code:     dispatch.FailContent,
			Provider: "WA400",
		},
		{
			Reply:    refusal(429, "WA429", "Too many requests", "error"),
			Kind:     provider.Throttled,
			Code:     dispatch.FailThrottled,
			Provider: "WA429",
		},
		{
			Reply:    refusal(500, "WA500", "Please try again later", "error"),
			Kind:     provider.Temporary,
			Code:     dispatch.FailProvider,
			Provider: "WA500",
		},
		{Reply: refusal(400, "E13001", "?", "error"), Kind: provider.Permanent, Code: dispatch.FailContent, Provider: "E13001"},
		{Reply: refusal(503, "E13002", "?", "error"), Kind: provider.Uncertain, Code: dispatch.FailUnclear, Provider: "E13002"},
		{
			Name: "error with 200", Reply: providertest.Reply{Status: 200, Body: `{"id":"","error":{"to":"invalid"}}`},
			Kind: provider.Permanent, Code: dispatch.FailContent,
		},
		{
			Name: "error with 202, as text", Reply: providertest.Reply{Status: 202, Body: `{"data":[{"message_id":"x"}],"error":"RBC001"}`},
			Kind: provider.Permanent, Code: dispatch.FailContent,
		},
		{
			Name: "status error with 200", Reply: providertest.Reply{Status: 200, Body: `{"status":"error","code":"E110","message":"low"}`},
			Kind: provider.Permanent, Code: dispatch.FailBalance, Provider: "E110",
		},
		{
			Name: "code inside the error", Reply: providertest.Reply{Status: 200, Body: `{"error":{"code":"E110","message":"low"}}`},
			Kind: provider.Permanent, Code: dispatch.FailBalance, Provider: "E110",
		},
		{
			Name: "refused by code alone", Reply: providertest.Reply{Status: 200, Body: `{"code":"WA400","message":"?","error":{}}`},
			Kind: provider.Permanent, Code: dispatch.FailContent, Provider: "WA400",
		},
	}
}

func quoting(text string) providertest.Reply { return refusal(401, "RBC001", text, "error") }

func TestKaleyra_WhatsApp(t *testing.T) {
	providertest.Run(t, providertest.Case{
		New:     func(h *outbound.Client) provider.Provider { return client(h) },
		Channel: whatsAppChannel,
		Message: func() *dispatch.Message { return msg(`{"type":"text","text":{"body":"hello"}}`) },
		Accepted: providertest.Reply{
			Status: 202,
			Body:   `{"code":"WA202","message":"Request Accepted","data":{"message_id":"` + messageID + `"},"error":{}}`,
		},
		AcceptedID: messageID, EmptyAccepted: true,
		Errors:    errorTable(),
		Quoting:   quoting,
		Requests:  whatsAppRequests(),
		Callbacks: whatsAppCallbacks(),
	})
}

func TestKaleyra_SMS(t *testing.T) {
	providertest.Run(t, providertest.Case{
		New:     func(h *outbound.Client) provider.Provider { return client(h) },
		Channel: smsChannel,
		Message: func() *dispatch.Message { return msg(`{"type":"text","text":{"body":"hello"}}`) },
		Accepted: providertest.Reply{
			Status: 200,
			Body: `{"body":"hello","sender":"SENDOF","type":"TXN","source":"API","id":"` + messageID + `",
			"createdDateTime":"2026-05-04 12:00:00","totalCount":1,
			"data":[{"message_id":"` + messageID + `:1","recipient":"919888800000"}],"error":{}}`,
		},
		AcceptedID: messageID, EmptyAccepted: true,
		Errors:  errorTable(),
		Quoting: quoting,
		Requests: []providertest.Request{
			{Name: "sms_text", Message: msg(`{"type":"text","text":{"body":"Your code is 123456"}}`)},
			{Name: "sms_unicode", Message: msg(`{"type":"text","text":{"body":"आपका कोड 123456"}}`)},
			{Name: "sms_bare", Message: msg(`{"type":"text","text":{"body":"hello"}}`), Channel: func(base string) *dispatch.Channel {
				ch := smsChannel(base)
				for _, k := range []string{"sms_type", "template_id", "callback_url"} {
					delete(ch.Settings, k)
				}
				return ch
			}},
		},
		Callbacks:   smsCallbacks(),
		ContentType: "application/x-www-form-urlencoded",
	})
}

// whatsAppRequests has one message of each of Meta's types.
func whatsAppRequests() []providertest.Request {
	link := `{"link":"https://files.example.com/a"}`
	rs := []providertest.Request{
		{Name: "whatsapp_text", Message: msg(`{"type":"text","text":{"body":"Grüße & 100 %"},"context":{"message_id":"wamid.1"}}`)},
		{
			Name: "whatsapp_template",
			Message: msg(`{"type":"template","template":{"name":"auth1","language":{"code":"en_US"},"template_id":4,"components":[
			{"type":"body","parameters":[{"type":"text","text":"123456"}]},
			{"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"123456"}]}]}}`),
		},
		{Name: "whatsapp_location", Message: msg(`{"type":"location","location":{"latitude":1.5,"longitude":2.5}}`)},
		{Name: "whatsapp_contacts", Message: msg(`{"type":"contacts","contacts":[{"name":{"formatted_name":"Ann"}}]}`)},
		{Name: "whatsapp_reaction", Message: msg(`{"type":"reaction","reaction":{"message_id":"wamid.1","emoji":"👍"}}`)},
		{Name: "whatsapp_interactive", Message: msg(`{"type":"interactive","interactive":{"type":"button","body":{"text":"Sure?"},
			"action":{"buttons":[{"type":"reply","reply":{"id":"y","title":"Yes"}}]}}}`)},
	}
	sourced := msg(`{"type":"text","text":{"body":"hello"}}`)
	sourced.Metadata = `{"ref1": "marketing", "wa_source": "zoho"}`
	rs = append(rs, providertest.Request{Name: "whatsapp_source", Message: sourced})
	for _, ty := range []string{"image", "video", "audio", "document", "sticker"} {
		rs = append(rs, providertest.Request{Name: "whatsapp_" + ty, Message: msg(`{"type":"` + ty + `","` + ty + `":` + link + `}`)})
	}
	return rs
}

// Every type that the client claims is among the golden requests.
func TestSupports(t *testing.T) {
	t.Parallel()
	golden := map[dispatch.Type]bool{}
	for _, r := range whatsAppRequests() {
		golden[r.Message.Content.Type] = true
	}
	c := New(nil)
	for _, ty := range []dispatch.Type{
		"text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction",
	} {
		if c.Spec().Supports("whatsapp", ty) != golden[ty] || c.Spec().Supports("sms", ty) != (ty == "text") ||
			c.Spec().Supports("email", ty) {
			t.Errorf("Supports is wrong about %s", ty)
		}
		if _, err := request(smsChannel(""), &dispatch.Message{Content: dispatch.Content{Type: ty}}); err == nil ||
			provider.AsError(err).Kind != provider.Permanent {
			t.Errorf("an SMS without text: %v", err)
		}
	}
}

// Kaleyra documents no answer, so every form that was seen returns its id, and a
// yes without one is a yes.
func TestSend_IDs(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"id":"a","data":{"message_id":"b"}}`:                           "a",
		`{"data":{"message_id":"b"},"messages":[{"id":"c"}]}`:            "b",
		`{"data":[{"message_id":"b:1"},{"message_id":"b:2"}]}`:           "b",
		`{"messaging_product":"whatsapp","messages":[{"id":"wamid.c"}]}`: "wamid.c",
		`{"id":17}`:                           "17",
		`{"code":"WA200","error":null}`:       "",
		`{"code":"WA202","error":[]}`:         "",
		`{}`:                                  "",
		``:                                    "",
		`{"message":"Accepted","error": { }}`: "",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		t.Cleanup(s.Close)
		acc, err := New(
			outbound.New(outbound.Options{}),
		).Send(t.Context(), whatsAppChannel(s.URL), msg(`{"type":"text","text":{"body":"hello"}}`))
		if err != nil || acc.ProviderID != want {
			t.Errorf("%s: %+v, %v", body, acc, err)
		}
	}
}

func TestSource_OnlyWhatThePageLists(t *testing.T) {
	t.Parallel()
	for metadata, want := range map[string]string{
		"": "api", `{}`: "api", `{"wa_source":"moengage"}`: "moengage", `{"wa_source":"a client's own"}`: "api",
		`{"wa_source":{"zoho":1}}`: "api", `{"wa_source":null,"x":"zoho"}`: "api", `{"x":"wa_source"}`: "api",
	} {
		if got := source(&dispatch.Message{Metadata: metadata}); got != want {
			t.Errorf("%s: %q, want %q", metadata, got, want)
		}
	}
}

func TestWhole(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "a": "a", "a:1": "a", "a:12": "a", "a:": "a:", "a:b": "a:b", "a:1:2": "a:1:2",
	} {
		if got := whole(in); got != want {
			t.Errorf("whole(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reply providertest.Reply
		want  provider.Kind // 0: works
	}{
		{refusal(400, "WA400", "Refer to correct payload format", "payload"), 0},
		{refusal(401, "RBC001", "Incorrect SID or API key.", "error"), provider.Denied},
		{refusal(400, "RBC001", "Incorrect SID or API key.", "error"), provider.Denied},
		{refusal(401, "WA401", "Phone number is not present", "phone_number"), provider.Denied},
		{providertest.Reply{Status: 502, Body: "<html>"}, provider.Uncertain},
	}
	for _, tt := range tests {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.reply.Status)
			_, _ = w.Write([]byte(tt.reply.Body))
		}))
		t.Cleanup(s.Close)
		err := New(outbound.New(outbound.Options{})).Check(t.Context(), whatsAppChannel(s.URL))
		if (err == nil) != (tt.want == 0) || err != nil && provider.AsError(err).Kind != tt.want {
			t.Errorf("%+v: %v", tt.reply, err)
		}
	}
}
