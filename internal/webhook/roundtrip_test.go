package webhook

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/gupshup"
	"github.com/sendoff/sendoff/internal/provider/kaleyra"
	"github.com/sendoff/sendoff/internal/provider/meta"
	"github.com/sendoff/sendoff/internal/provider/twilio"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

type reader interface {
	ParseCallback(ch *dispatch.Channel, r *http.Request, address string, body []byte) (provider.Callback, error)
}

const tripSecret = "secret of the callbacks"

// ends is the channel that both ends of a round trip use.
var ends = &dispatch.Channel{
	ID: 7, Provider: "meta", Kind: "whatsapp", Sender: "+15550199", Settings: map[string]string{"phone_number_id": "106540352242922"},
	Secrets: map[string]string{"app_secret": tripSecret, "auth_token": tripSecret, "callback_secret": "in-the-path"},
}

// in parses a provider's callback with one inbound message, signed as format.
func in(t *testing.T, r reader, format, body string) dispatch.Inbound {
	t.Helper()
	const address = "https://example.com/hook"
	req := httptest.NewRequest(http.MethodPost, address, strings.NewReader(body))
	req.SetPathValue("secret", "in-the-path")
	if format == Meta || format == Twilio {
		must(t, sign(req.Header, format, address, tripSecret, nil, messageID.String(), at, body))
	}
	cb, err := r.ParseCallback(ends, req, address, []byte(body))
	if err != nil || len(cb.Inbound) != 1 {
		t.Fatalf("read %+v, %v of %s", cb, err, body)
	}
	return cb.Inbound[0]
}

func metaBody(message string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",
		"metadata":{"phone_number_id":"106540352242922"},"contacts":[{"wa_id":"15550100","profile":{"name":"Ann"}}],
		"messages":[{"from":"15550100","id":"wamid.IN","timestamp":"1777896000",
		"context":{"id":"wamid.OURS","from":"15550199"},` + message + `}]}}]}]}`
}

func gupshupBody(kind, payload string) string {
	return `{"app":"a","timestamp":1777896000000,"version":2,"type":"message","payload":{"id":"ABEG","source":"15550100","type":"` + kind +
		`","payload":` + payload + `,"sender":{"phone":"15550100","name":"Ann"},"context":{"id":"x","gsId":"wamid.OURS"}}}`
}

// TestRoundTrip_Content_ReachesEveryFormat sends what a contact sent through each
// provider out in each vendor's format, and reads it as that vendor's receivers.
func TestRoundTrip_Content_ReachesEveryFormat(t *testing.T) {
	t.Parallel()
	m, tw, g, k := meta.New(nil), twilio.New(nil), gupshup.New(nil), kaleyra.New(nil)
	form := func(pairs ...string) string {
		f := url.Values{
			"From":                      {"whatsapp:+15550100"},
			"To":                        {"whatsapp:+15550199"},
			"MessageSid":                {"SMin"},
			"SmsStatus":                 {"received"},
			"OriginalRepliedMessageSid": {"wamid.OURS"},
		}
		for i := 0; i < len(pairs); i += 2 {
			f.Set(pairs[i], pairs[i+1])
		}
		return f.Encode()
	}
	for _, c := range []struct {
		name, provider string
		from           reader
		format, body   string
		check          func(*dispatch.Inbound) bool
	}{
		{
			"text", "meta", m, Meta, metaBody(`"type":"text","text":{"body":"olá/मराठी"}`),
			func(i *dispatch.Inbound) bool { return i.Text == "olá/मराठी" },
		},
		{
			"image by id", "meta", m, Meta, metaBody(`"type":"image","image":{"id":"77","mime_type":"image/png","sha256":"s","caption":"look"}`),
			picture("77", "look"),
		},
		{
			"document", "meta", m, Meta, metaBody(`"type":"document","document":{"id":"78","mime_type":"application/pdf","filename":"a.pdf"}`),
			picture("78", ""),
		},
		{"button", "meta", m, Meta, metaBody(`"type":"button","button":{"payload":"p1","text":"Yes"}`), button},
		{"reply button", "meta", m, Meta, metaBody(`"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"p1",` +
			`"title":"Yes"}}`), button},
		{
			"list", "meta", m, Meta, metaBody(`"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"p1","title":"Yes"}}`),
			row,
		},
		{"place", "meta", m, Meta, metaBody(`"type":"location","location":{"latitude":52.5,"longitude":13.25,"name":"Tower"}`), place},
		{"flow", "meta", m, Meta, metaBody(`"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Yes",` +
			`"response_json":"{\"a\":\"p1\"}"}}`), flow},
		{"advertisement", "meta", m, Meta, metaBody(`"type":"text","text":{"body":"x"},"referral":{"source_id":"ad1","headline":"Sale"}`), ad},
		{"advertisement", "twilio", tw, Twilio, form("Body", "x", "ReferralSourceId", "ad1", "ReferralHeadline", "Sale"), ad},
		{"flow", "twilio", tw, Twilio, form("Body", "Yes", "InteractiveData", `{"a":"p1"}`), flow},
		{"image by address", "twilio", tw, Twilio, form("NumMedia", "1", "MediaUrl0", "https://media.example/1", "MediaContentType0", "image/png",
			"Body", "look"), picture("https://media.example/1", "look")},
		{"button", "twilio", tw, Twilio, form("Body", "Yes", "ButtonText", "Yes", "ButtonPayload", "p1"), button},
		{"place", "twilio", tw, Twilio, form("Body", "", "Latitude", "52.5", "Longitude", "13.25", "Label", "Tower"), place},
		{
			"image", "gupshup", g, "", gupshupBody("image", `{"url":"https://media.example/2","contentType":"image/png","caption":"look"}`),
			picture("https://media.example/2", "look"),
		},
		{"button", "gupshup", g, "", gupshupBody("button_reply", `{"title":"Yes","id":"p1","postbackText":"p1"}`), button},
		{"list", "gupshup", g, "", gupshupBody("list_reply", `{"title":"Yes","postbackText":"p1","description":"d"}`), row},
		{"place", "gupshup", g, "", gupshupBody("location", `{"latitude":"52.5","longitude":"13.25","name":"Tower"}`), place},
		{"image", "kaleyra", k, "", `{"from":"15550100","wanumber":"15550199","type":"image","media_url":"https://media.example/3",` +
			`"mime_type":"image/png","body":"look","reply_to":"wamid.OURS"}`, picture("https://media.example/3", "look")},
		{"place", "kaleyra", k, "", `{"from":"15550100","type":"location","location":{"latitude":52.5,"longitude":13.25,"name":"Tower"},` +
			`"reply_to":"wamid.OURS"}`, place},
	} {
		got := in(t, c.from, c.format, c.body)
		if !c.check(&got) {
			t.Errorf("%s %s: normal form %+v", c.provider, c.name, got)
		}
		got.Content.Resolve(map[string]dispatch.ID{"wamid.OURS": messageID})
		if got.Content.ReplyTo != messageID.String() {
			t.Errorf("%s %s: answers %q", c.provider, c.name, got.Content.ReplyTo)
		}
		e := received(Standard)
		e.Sender = &hookstore.Channel{ID: 7, Provider: c.provider, Kind: "whatsapp", Sender: "+15550199", PhoneNumberID: "106540352242922"}
		e.Inbound.Type, e.Inbound.Text, e.Inbound.Raw, e.Inbound.InboundContent = got.Type, got.Text, got.Raw, got.Content
		for format, to := range map[string]reader{Meta: m, Twilio: tw, Kaleyra: k} {
			e.Format = format
			body, ok := Render(e)
			if !ok {
				t.Fatalf("%s has no word for it", format)
			}
			back := in(t, to, format, body)
			if !c.check(&back) && !(format == Kaleyra && strings.Contains(body, "p1") && strings.Contains(body, "Yes")) {
				t.Errorf("%s %s as %s: %s", c.provider, c.name, format, body)
			}
			ours := map[string]string{
				Meta: "wamid." + messageID.String(), Twilio: "SM" + hex.EncodeToString(messageID[:]),
				Kaleyra: messageID.String(),
			}[format]
			if !strings.HasPrefix(strings.ReplaceAll(back.Content.ReplyTo, "-", ""), strings.ReplaceAll(ours, "-", "")) {
				t.Errorf("%s %s as %s: answers %q, want %q", c.provider, c.name, format, back.Content.ReplyTo, ours)
			}
		}
	}
}

func picture(where, caption string) func(*dispatch.Inbound) bool {
	return func(i *dispatch.Inbound) bool {
		f := i.Content.Media
		return f != nil && f.MimeType != "" && (f.ID == where || strings.HasSuffix(f.URL, where)) && i.Text == caption
	}
}

func button(i *dispatch.Inbound) bool {
	b := i.Content.Button
	return b != nil && b.Text == "Yes" && b.Payload == "p1"
}

func flow(i *dispatch.Inbound) bool {
	return i.Content.FlowReply != nil && i.Content.FlowReply.ResponseJSON == `{"a":"p1"}`
}

func ad(i *dispatch.Inbound) bool {
	var r map[string]string
	return json.Unmarshal(i.Content.Referral, &r) == nil && r["source_id"] == "ad1" && r["headline"] == "Sale"
}

func row(i *dispatch.Inbound) bool {
	r := i.Content.ListReply
	return r != nil && r.Title == "Yes" && r.ID == "p1"
}

func place(i *dispatch.Inbound) bool {
	l := i.Content.Location
	return l != nil && l.Latitude == 52.5 && l.Longitude == 13.25 && l.Name == "Tower"
}

// What a vendor has no field for is carried as JSON.
func TestRender_ContentWithoutAField_IsCarried(t *testing.T) {
	t.Parallel()
	m := meta.New(nil)
	for kind, content := range map[string]string{
		"order":    `{"catalog_id":"c1","product_items":[{"product_retailer_id":"needle","quantity":1}]}`,
		"contacts": `[{"name":{"formatted_name":"needle"}}]`,
		"reaction": `{"message_id":"wamid.OURS","emoji":"needle"}`,
	} {
		got := in(t, m, Meta, metaBody(`"type":"`+kind+`","`+kind+`":`+content))
		got.Content.Resolve(map[string]dispatch.ID{"wamid.OURS": messageID})
		e := received(Standard)
		e.Sender = &hookstore.Channel{ID: 7, Provider: "meta", Kind: "whatsapp", Sender: "+15550199", PhoneNumberID: "106540352242922"}
		e.Inbound.Type, e.Inbound.Text, e.Inbound.Raw, e.Inbound.InboundContent = got.Type, got.Text, got.Raw, got.Content
		for _, format := range []string{Standard, Meta, Twilio, Kaleyra} {
			e.Format = format
			body, ok := Render(e)
			if !ok || !strings.Contains(body, "needle") {
				t.Errorf("%s as %s: %s", kind, format, body)
			}
			if ours := hex.EncodeToString(messageID[:]); kind == "reaction" && !strings.Contains(strings.ReplaceAll(body, "-", ""), ours) {
				t.Errorf("%s as %s does not name our message: %s", kind, format, body)
			}
		}
	}
}
