package twilio

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

const (
	callback = "https://dispatch.example.com/callbacks/twilio/key"
	sid1     = "SM00000000000000000000000000000001"
	mms1     = "MM00000000000000000000000000000001"
)

var (
	now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	id  = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
)

func channel(kind, baseURL string) *dispatch.Channel {
	return &dispatch.Channel{
		ID: 7, Key: "key", Provider: "twilio", Kind: kind, Sender: "+15550002222",
		Settings: map[string]string{"base_url": baseURL, "account_sid": "AC" + strings.Repeat("0", 32), "callback_url": callback},
		Secrets:  map[string]string{"auth_token": "0123456789abcdef0123456789abcdef"},
	}
}

// service is a channel with a Messaging Service and an API key.
func service(kind, baseURL string) *dispatch.Channel {
	ch := channel(kind, baseURL)
	ch.Settings["messaging_service_sid"] = "MG" + strings.Repeat("a", 32)
	ch.Settings["api_key_sid"] = "SK" + strings.Repeat("b", 32)
	ch.Secrets["api_key_secret"] = "api-key-secret-of-tests"
	return ch
}

// client is one whose clock stands still.
func client(h *outbound.Client) *Client {
	c := New(h)
	c.now = func() time.Time { return now }
	return c
}

// message makes one of content in Meta's own JSON.
func message(content string) *dispatch.Message {
	m := &dispatch.Message{ID: id, To: "+15550001111", CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour)}
	if err := json.Unmarshal([]byte(content), &m.Content); err != nil {
		panic(err)
	}
	return m
}

// sign makes a callback as Twilio does.
func sign(ch *dispatch.Channel, address string, body []byte) *http.Request {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodPost, address, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set(SignatureHeader, Sign(ch.Secrets["auth_token"], address, form))
	return r
}

func errorBody(code string) string {
	return `{"code":` + code + `,"message":"Something","more_info":"https://www.twilio.com/docs/errors/` + code + `","status":400}`
}

// errorTable is section 4 of the contract, as we mean it.
func errorTable() []providertest.Refusal {
	var rs []providertest.Refusal
	add := func(kind provider.Kind, code dispatch.ErrorCode, status int, codes ...string) {
		for _, c := range codes {
			rs = append(rs, providertest.Refusal{
				Reply: providertest.Reply{Status: status, Body: errorBody(c)}, Kind: kind, Code: code, Provider: c,
			})
		}
	}
	wait := func(scope provider.Scope, d time.Duration, status int, code string) {
		rs = append(rs, providertest.Refusal{
			Reply: providertest.Reply{Status: status, Body: errorBody(code)},
			Kind:  provider.Throttled, Scope: scope, Code: dispatch.FailThrottled, Provider: code, RetryAfter: d,
		})
	}
	wait(provider.ScopeChannel, 0, 429, "20429")
	wait(provider.ScopeRecipient, 30*time.Second, 400, "14107")
	wait(provider.ScopeChannel, time.Minute, 400, "21611")
	wait(provider.ScopeChannel, time.Minute, 400, "30001")
	wait(provider.ScopeChannel, 10*time.Second, 400, "30022")
	wait(provider.ScopeAccount, 5*time.Minute, 400, "60728")
	wait(provider.ScopeAccount, time.Second, 400, "63017")
	wait(provider.ScopeChannel, 10*time.Second, 400, "63018")
	wait(provider.ScopeAccount, time.Hour, 400, "63038")
	add(provider.Doubtful, dispatch.FailProvider, 500, "20500")
	add(provider.Temporary, dispatch.FailProvider, 503, "20503")
	add(provider.Temporary, dispatch.FailProvider, 400, "63005", "63010", "63012")
	add(provider.Denied, dispatch.FailCredentials, 401, "20003")
	add(provider.Denied, dispatch.FailAccount, 400, "30002")
	add(provider.Permanent, dispatch.FailAccount, 404, "20404")
	add(
		provider.Permanent,
		dispatch.FailAccount,
		400,
		"21212",
		"21408",
		"21606",
		"21608",
		"21621",
		"21664",
		"21666",
		"21667",
		"30034",
		"60727",
		"63007",
		"63008",
		"63020",
	)
	add(provider.Permanent, dispatch.FailRecipient, 400, "21211", "21266", "21612", "21614", "21635", "30005", "30006", "63003", "63024")
	add(provider.Permanent, dispatch.FailUndelivered, 400, "30003", "30004", "63014")
	add(provider.Permanent, dispatch.FailContent, 400, "21602", "21617", "63021")
	add(provider.Permanent, dispatch.FailTemplate, 400, "21654", "21655", "21656", "63028")
	add(provider.Permanent, dispatch.FailWindow, 400, "63016")
	add(provider.Permanent, dispatch.FailNotDelivered, 400, "30007", "30450", "63049")
	add(provider.Permanent, dispatch.FailExpired, 400, "30036")
	add(provider.Permanent, dispatch.FailContent, 400, "29999")  // one that we don't know
	add(provider.Uncertain, dispatch.FailUnclear, 500, "29998")  // likewise: Twilio may have processed it
	add(provider.Throttled, dispatch.FailThrottled, 429, "2999") // likewise
	return append(rs,
		providertest.Refusal{
			Reply: providertest.Reply{Status: 400, Body: errorBody("21610")},
			Kind:  provider.Permanent, Code: dispatch.FailSuppressed, Provider: "21610", Suppress: true,
		},
		providertest.Refusal{
			Name: "newer body", Reply: providertest.Reply{
				Status: 400,
				Body:   `{"code":"21211","message":"?","httpStatusCode":400,"params":{},"userError":true}`,
			},
			Kind: provider.Permanent, Code: dispatch.FailRecipient, Provider: "21211",
		},
		providertest.Refusal{
			Name: "yes without a sid", Reply: providertest.Reply{Status: 201, Body: `{"status":"queued","sid":"12"}`},
			Kind: provider.Uncertain, Code: dispatch.FailUnclear,
		},
		providertest.Refusal{
			Name: "failed from the start", Reply: providertest.Reply{Status: 201, Body: `{"sid":"` + sid1 +
				`","status":"failed","error_code":30034,"error_message":"unregistered"}`},
			Kind: provider.Permanent, Code: dispatch.FailAccount, Provider: "30034",
		},
		providertest.Refusal{
			Name: "a gateway's JSON", Reply: providertest.Reply{Status: 503, Body: `{"message":"no upstream"}`},
			Kind: provider.Uncertain, Code: dispatch.FailUnclear,
		},
	)
}

func quoting(text string) providertest.Reply {
	return providertest.Reply{Status: 401, Body: `{"code":20003,"message":` + strconv.Quote(text) + `}`}
}

func TestTwilio_SMS(t *testing.T) {
	providertest.Run(t, providertest.Case{
		New:     func(h *outbound.Client) provider.Provider { return client(h) },
		Channel: func(base string) *dispatch.Channel { return channel("sms", base) },
		Message: func() *dispatch.Message { return message(`{"type":"text","text":{"body":"hello"}}`) },
		Accepted: providertest.Reply{
			Status: 201,
			Body:   `{"sid":"` + sid1 + `","status":"queued","from":"+15550002222","error_code":null,"num_segments":"1"}`,
		},
		AcceptedID: sid1,
		Errors:     errorTable(),
		Quoting:    quoting,
		Requests:   smsRequests(),
		Callbacks:  callbacks(),
		Sign:       sign,
	})
}

func TestTwilio_WhatsApp(t *testing.T) {
	providertest.Run(t, providertest.Case{
		New:     func(h *outbound.Client) provider.Provider { return client(h) },
		Channel: func(base string) *dispatch.Channel { return service("whatsapp", base) },
		Message: func() *dispatch.Message {
			return message(`{"type":"image","image":{"link":"https://files.example.com/a.jpg"}}`)
		},
		Accepted:   providertest.Reply{Status: 201, Body: `{"sid":"` + mms1 + `","status":"accepted","from":null,"num_media":"1"}`},
		AcceptedID: mms1,
		Quoting:    quoting,
		Requests:   whatsAppRequests(),
		Callbacks:  inboundCallbacks(),
		Sign:       sign,
	})
}
