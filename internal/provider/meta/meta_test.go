package meta_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/meta"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

func channel(baseURL string) *dispatch.Channel {
	return &dispatch.Channel{
		ID: 7, Key: "main", Provider: "meta", Kind: "whatsapp", Sender: "+15550002222",
		Settings: map[string]string{
			"base_url":        baseURL,
			"version":         "v25.0",
			"phone_number_id": "106540352242922",
			"waba_id":         "102290129340398",
		},
		Secrets: map[string]string{
			"access_token": "EAAB-token-of-tests",
			"app_secret":   "app-secret-for-tests",
			"verify_token": "verify-of-tests",
		},
	}
}

// id is the message id of golden requests and callbacks.
var id = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")

// message makes one of content in Meta's own JSON.
func message(content string) *dispatch.Message {
	m := &dispatch.Message{ID: id, To: "+15550001111"}
	if err := json.Unmarshal([]byte(content), &m.Content); err != nil {
		panic(err)
	}
	return m
}

// sign signs a callback as Meta does.
func sign(ch *dispatch.Channel, url string, body []byte) *http.Request {
	mac := hmac.New(sha256.New, []byte(ch.Secrets["app_secret"]))
	mac.Write(body)
	r := httptest.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func graphError(code any, extra string) string {
	return fmt.Sprintf(
		`{"error":{"message":"Something","type":"OAuthException","code":%v,"error_data":{"messaging_product":"whatsapp","details":"the `+
			`details"},"fbtrace_id":"A"%s}}`,
		code,
		extra,
	)
}

// errorTable is contracts/meta-whatsapp-cloud.md section 4, as we mean it.
func errorTable() []providertest.Refusal {
	var rs []providertest.Refusal
	add := func(kind provider.Kind, scope provider.Scope, code dispatch.ErrorCode, status int, codes ...string) {
		for _, c := range codes {
			rs = append(rs, providertest.Refusal{
				Reply: providertest.Reply{Status: status, Body: graphError(c, "")}, Kind: kind, Scope: scope, Code: code, Provider: c,
			})
		}
	}
	add(provider.Doubtful, 0, dispatch.FailProvider, 500, "1", "131000")
	add(provider.Temporary, 0, dispatch.FailProvider, 503, "2", "133004")
	add(provider.Temporary, 0, dispatch.FailProvider, 500, "131016")
	add(provider.Throttled, provider.ScopeAccount, dispatch.FailThrottled, 400, "4", "80007")
	add(provider.Throttled, provider.ScopeChannel, dispatch.FailThrottled, 400, "130429")
	add(provider.Throttled, provider.ScopeRecipient, dispatch.FailThrottled, 400, "131056")
	add(provider.Held, 0, dispatch.FailThrottled, 400, "131048")
	add(provider.Denied, 0, dispatch.FailCredentials, 401, "0", "190")
	add(provider.Denied, 0, dispatch.FailAccount, 403, "368", "131031")
	add(provider.Denied, 0, dispatch.FailAccount, 400, "131042")
	add(provider.Permanent, 0, dispatch.FailAccount, 500, "3", "133000")
	add(provider.Permanent, 0, dispatch.FailAccount, 403, "10", "200", "299", "131005")
	add(provider.Permanent, 0, dispatch.FailAccount, 400, "33", "131030", "131037", "131045", "133010")
	add(
		provider.Permanent,
		0,
		dispatch.FailContent,
		400,
		"100",
		"131008",
		"131009",
		"131051",
		"131052",
		"131053",
		"132068",
		"135000",
		"137000",
		"130501",
	)
	add(provider.Permanent, 0, dispatch.FailContent, 403, "130497")
	add(provider.Permanent, 0, dispatch.FailRecipient, 400, "131021", "131026")
	add(provider.Permanent, 0, dispatch.FailNotDelivered, 400, "131049", "130472")
	add(provider.Permanent, 0, dispatch.FailWindow, 400, "131047")
	add(provider.Permanent, 0, dispatch.FailTemplate, 400, "132000", "132005", "132007", "132008", "132012")
	add(provider.Permanent, 0, dispatch.FailPaused, 400, "132015", "132016")
	add(provider.Permanent, 0, dispatch.FailTemplate, 404, "132001")
	return append(rs, oddErrors()...)
}

func oddErrors() []providertest.Refusal {
	body := func(status int, code any, extra string) providertest.Reply {
		return providertest.Reply{Status: status, Body: graphError(code, extra)}
	}
	later := body(429, 130429, "")
	later.Header = http.Header{"Retry-After": {"3"}}
	return []providertest.Refusal{
		{Reply: body(400, 131050, ""), Kind: provider.Permanent, Code: dispatch.FailSuppressed, Provider: "131050", Suppress: true},
		{Reply: body(500, 131057, ""), Kind: provider.Temporary, Code: dispatch.FailProvider, Provider: "131057", RetryAfter: time.Minute},
		{Reply: body(400, 132069, ""), Kind: provider.Temporary, Code: dispatch.FailProvider, Provider: "132069", RetryAfter: time.Hour},
		{
			Name:       "with Retry-After",
			Reply:      later,
			Kind:       provider.Throttled,
			Code:       dispatch.FailThrottled,
			Provider:   "130429",
			RetryAfter: 3 * time.Second,
		},
		{
			Name:     "code as text",
			Reply:    body(400, `"131026"`, ""),
			Kind:     provider.Permanent,
			Code:     dispatch.FailRecipient,
			Provider: "131026",
		},
		{
			Name:     "transient unknown",
			Reply:    body(400, 999, `,"is_transient":true`),
			Kind:     provider.Temporary,
			Code:     dispatch.FailProvider,
			Provider: "999",
		},
		{
			Name:     "transient 100",
			Reply:    body(400, 100, `,"is_transient":true`),
			Kind:     provider.Temporary,
			Code:     dispatch.FailProvider,
			Provider: "100",
		},
		{
			Name:     "transient throttle",
			Reply:    body(400, 131056, `,"is_transient":true`),
			Kind:     provider.Throttled,
			Scope:    provider.ScopeRecipient,
			Code:     dispatch.FailThrottled,
			Provider: "131056",
		},
		{
			Name:     "transient doubt",
			Reply:    body(500, 131000, `,"is_transient":true`),
			Kind:     provider.Doubtful,
			Code:     dispatch.FailProvider,
			Provider: "131000",
		},
		{Name: "unknown code 400", Reply: body(400, 999, ""), Kind: provider.Permanent, Code: dispatch.FailContent, Provider: "999"},
		{Name: "unknown code 500", Reply: body(500, 999, ""), Kind: provider.Uncertain, Code: dispatch.FailUnclear, Provider: "999"},
		{Name: "error with 200", Reply: body(200, 131026, ""), Kind: provider.Permanent, Code: dispatch.FailRecipient, Provider: "131026"},
		{Name: "gateway", Reply: providertest.Reply{Status: 502, Body: "<html>"}, Kind: provider.Uncertain, Code: dispatch.FailUnclear},
	}
}

func TestMeta(t *testing.T) {
	providertest.Run(t, providertest.Case{
		New:     func(c *outbound.Client) provider.Provider { return meta.New(c) },
		Channel: channel,
		Message: func() *dispatch.Message { return message(`{"type":"text","text":{"body":"hello"}}`) },
		Accepted: providertest.Reply{
			Status: 200,
			Body: `{"messaging_product":"whatsapp","contacts":[{"input":"15550001111","wa_id":"15550001111"}],
			"messages":[{"id":"wamid.HBgL","message_status":"accepted"}]}`,
		},
		AcceptedID: "wamid.HBgL",
		Errors:     errorTable(),
		Quoting: func(text string) providertest.Reply {
			b, err := json.Marshal(map[string]any{"error": map[string]any{"message": text, "code": 190}})
			if err != nil {
				t.Fatal(err)
			}
			return providertest.Reply{Status: 401, Body: string(b)}
		},
		Requests:  requests(),
		Callbacks: callbacks(),
		Sign:      sign,
	})
}

// requests has one message of each type.
func requests() []providertest.Request {
	withOurs := message(
		`{"type":"template","template":{"name":"order_ready","language":{"code":"en_US"},"template_id":12,"provider_template_id":"HX1",
		"components":[{"type":"header","parameters":[{"type":"image","image":{"link":"https://cdn.test/a.png"}}]},
			{"type":"body","parameters":[{"type":"text","parameter_name":"customer_name","text":"Ann & Bob"},
				{"type":"currency","currency":{"fallback_value":"$1","code":"USD","amount_1000":1000}},{"type":"date_time",
				"date_time":{"fallback_value":"today"}}]},
			{"type":"button","sub_type":"url","index":0,"parameters":[{"type":"text","text":"a-17"}]}]}}`,
	)
	withOurs.Content.MoreMedia = []dispatch.Media{{Link: "https://cdn.test/mms.png"}}
	list := []providertest.Request{{Name: "template", Message: withOurs}}
	for _, m := range []*dispatch.Message{
		message(`{"type":"text","text":{"body":"Grüße <b>","preview_url":true},"context":{"message_id":"wamid.REPLY"}}`),
		message(`{"type":"image","image":{"link":"https://cdn.test/a.png","caption":"a"}}`),
		message(`{"type":"video","video":{"id":"777","caption":"v"}}`),
		message(`{"type":"audio","audio":{"id":"778"}}`),
		message(`{"type":"document","document":{"link":"https://cdn.test/a.pdf","filename":"a.pdf"}}`),
		message(`{"type":"sticker","sticker":{"id":"779"}}`),
		message(`{"type":"location","location":{"latitude":52.5,"longitude":13.4,"name":"Berlin","address":"Mitte"}}`),
		message(`{"type":"contacts","contacts":[{"name":{"formatted_name":"Ann","first_name":"Ann"},"phones":[{"phone":"+15550003333",` +
			`"type":"HOME"}]}]}`),
		message(`{"type":"reaction","reaction":{"message_id":"wamid.X","emoji":"👍"}}`),
		message(`{"type":"interactive","interactive":{"type":"button","body":{"text":"Sure?"},"footer":{"text":"f"},
			"action":{"buttons":[{"type":"reply","reply":{"id":"y","title":"Yes"}}]}}}`),
	} {
		list = append(list, providertest.Request{Name: string(m.Content.Type), Message: m})
	}
	return append(
		list,
		providertest.Request{
			Name: "interactive_list",
			Message: message(`{"type":"interactive","interactive":{"type":"list","body":{"text":"Which?"},
		"action":{"button":"Choose","sections":[{"title":"s","rows":[{"id":"1","title":"One","description":"first"}]}]}}}`),
		},
	)
}
