package webhook

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/kaleyra"
	"github.com/sendoff/sendoff/internal/provider/meta"
	"github.com/sendoff/sendoff/internal/provider/twilio"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

var update = flag.Bool("update", false, "write the golden files")

var (
	at        = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	messageID = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
	inboundID = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8058")
)

// sample is an event of a message that has gone all the way.
func sample(format string, kind int16) *hookstore.Event {
	ms := func(n int) *time.Time { t := at.Add(time.Duration(n) * time.Millisecond); return &t }
	return &hookstore.Event{
		Event:  dispatch.Event{ID: 77, XID: 9, Message: messageID, Account: 1, Channel: 7, At: at, Kind: kind, Seq: 4, Cause: "callback"},
		Format: format, SID: "AC0123456789abcdef0123456789abcdef",
		Sender: &hookstore.Channel{
			ID:            7,
			Key:           "ch_main",
			Provider:      "meta",
			Kind:          "whatsapp",
			Sender:        "+15550199",
			PhoneNumberID: "106540352242922",
			BusinessID:    "102290129340398",
		},
		View: &dispatch.View{
			ID: messageID, Status: dispatch.Read, StatusName: "read", Account: 1, Channel: 7, ChannelKind: "whatsapp", Sender: "+15550199",
			To: "+15550100", Recipient: "+15550100", Type: dispatch.TypeText,
			Content: json.RawMessage(
				`{"text":{"body":"secret"}}`,
			), Lane: "normal", Reference: "order-7", Metadata: json.RawMessage(`{"ref1":"one","ref2":"two","n":1}`), Attempts: 1,
			ProviderMessageID: "wamid.HBgL", ExpiresAt: at.Add(time.Hour), CreatedAt: at.Add(-time.Second), UpdatedAt: at, SentAt: ms(-500),
			DeliveredAt: ms(0), ReadAt: ms(900),
		},
	}
}

// failed is a message that the provider refused, with its code.
func failed(format string) *hookstore.Event {
	e := sample(format, int16(dispatch.Failed))
	e.View.Status, e.View.DeliveredAt, e.View.ReadAt, e.View.FailedAt = dispatch.Failed, nil, nil, &at
	e.View.Error = &dispatch.ViewError{Code: dispatch.FailRecipient, ProviderCode: "131026", Message: "Message undeliverable"}
	return e
}

func received(format string) *hookstore.Event {
	e := sample(format, dispatch.EventInbound)
	e.Message, e.View = inboundID, nil
	e.Inbound = &hookstore.Inbound{
		Received: dispatch.Received{
			ID:         inboundID,
			Channel:    7,
			From:       "+15550100",
			WaID:       "15550100",
			Name:       "Ann",
			Type:       "text",
			Text:       "yes & no",
			ProviderID: "wamid.IN",
			At:         at,
			ReceivedAt: at.Add(time.Second),
		},
		Raw: `{"from":"15550100","id":"wamid.IN","timestamp":"1777896000","type":"text","text":{"body":"yes & no"}}`,
	}
	return e
}

func cases(format string) map[string]*hookstore.Event {
	paused := sample(format, dispatch.EventChannelPaused)
	paused.View, paused.Message, paused.Seq, paused.Detail = nil, uuid.Nil, 0, "credentials refused"
	finished := sample(format, dispatch.EventCampaignFinished)
	finished.View, finished.Message, finished.Seq, finished.Detail = nil, uuid.Nil, 0, `{"campaign_id":3}`
	expired := failed(format)
	expired.Kind, expired.View.SentAt, expired.View.Error = int16(
		dispatch.Expired,
	), nil, &dispatch.ViewError{
		Code:    dispatch.FailExpired,
		Message: "not sent before expires_at",
	}
	return map[string]*hookstore.Event{
		"queued": sample(
			format,
			int16(dispatch.Queued),
		), "sent": sample(format, int16(dispatch.Sent)), "delivered": sample(format, int16(dispatch.Delivered)),
		"read": sample(format, int16(dispatch.Read)),
		"unknown": sample(
			format,
			int16(dispatch.Unknown),
		), "failed": failed(format), "expired": expired, "inbound": received(format), "paused": paused, "finished": finished,
	}
}

func TestRender_Golden(t *testing.T) {
	t.Parallel()
	for _, format := range Formats {
		got := map[string]string{}
		for name, e := range cases(format) {
			if s, ok := Render(e); ok {
				got[name] = s
				if strings.Contains(s, "secret") {
					t.Errorf("%s %s tells the content", format, name)
				}
			}
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		must(t, enc.Encode(got))
		file := filepath.Join("testdata", format+".json")
		if *update {
			must(t, os.WriteFile(file, b.Bytes(), 0o644))
		}
		want, err := os.ReadFile(file)
		must(t, err)
		if d := cmp.Diff(string(want), b.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", format, d)
		}
	}
}

// TestRender_VendorFormats_AreReadByTheirReceivers returns what we send to our
// own reader of that vendor's callbacks: address, signature and body.
func TestRender_VendorFormats_AreReadByTheirReceivers(t *testing.T) {
	t.Parallel()
	secret := NewSecret()
	ch := &dispatch.Channel{
		ID: 7, Provider: "meta", Kind: "whatsapp", Sender: "+15550199", Settings: map[string]string{"phone_number_id": "106540352242922"},
		Secrets: map[string]string{"app_secret": secret, "auth_token": secret, "callback_secret": "in-the-path"},
	}
	readers := map[string]interface {
		ParseCallback(ch *dispatch.Channel, r *http.Request, address string, body []byte) (provider.Callback, error)
	}{Meta: meta.New(nil), Twilio: twilio.New(nil), Kaleyra: kaleyra.New(nil)}
	const address = "https://example.com/hook?a=1"
	for format, reader := range readers {
		read := func(e *hookstore.Event) provider.Callback {
			body, ok := Render(e)
			if !ok {
				t.Fatalf("%s has no word for %d", format, e.Kind)
			}
			r := httptest.NewRequest(http.MethodPost, address, strings.NewReader(body))
			r.SetPathValue("secret", "in-the-path")
			must(t, sign(r.Header, format, address, secret, nil, messageID.String(), at, body))
			cb, err := reader.ParseCallback(ch, r, address, []byte(body))
			if err != nil {
				t.Fatalf("%s: %v in %s", format, err, body)
			}
			return cb
		}
		for _, st := range []dispatch.Status{dispatch.Sent, dispatch.Delivered, dispatch.Read} {
			cb := read(sample(format, int16(st)))
			if len(cb.Statuses) != 1 || cb.Statuses[0].Status != st || strings.TrimPrefix(cb.Statuses[0].Recipient, "+") != "15550100" {
				t.Errorf("%s %s: read as %+v", format, st, cb)
			}
		}
		cb := read(failed(format))
		if len(cb.Statuses) != 1 || cb.Statuses[0].Status != dispatch.Failed || cb.Statuses[0].ProviderCode == "" ||
			!strings.Contains(cb.Statuses[0].Detail, "Message undeliverable") {
			t.Errorf("%s failed: read as %+v", format, cb)
		}
		cb = read(received(format))
		if len(cb.Inbound) != 1 || cb.Inbound[0].From != "+15550100" || cb.Inbound[0].Text != "yes & no" || cb.Inbound[0].Name != "Ann" {
			t.Errorf("%s inbound: read as %+v", format, cb)
		}
	}
}

func TestTestPayload_EveryFormatHasOne(t *testing.T) {
	t.Parallel()
	for _, format := range Formats {
		s := TestPayload(format, "AC1", at)
		if s == "" || (format != Twilio && !json.Valid([]byte(s))) {
			t.Errorf("%s: %q", format, s)
		}
		must(t, sign(http.Header{}, format, "https://example.com/", NewSecret(), nil, "1", at, s))
	}
}

func TestNormalURL(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]bool{
		"https://example.com/x?y=1":                        {true, true},
		"https://example.com/{id}?q=olá":                   {true, true},
		"http://127.0.0.1:80/":                             {false, true},
		"http://localhost/":                                {false, true},
		"http://[::1]:8080/":                               {false, true},
		"http://[::ffff:127.0.0.1]/":                       {false, true},
		"http://example.com/":                              {false, false},
		"http://127.0.0.1.example.com/":                    {false, false},
		"https://user:pw@example.com/":                     {false, false},
		"https://{id}.com/":                                {false, false},
		"https://example.com/" + strings.Repeat("x", 2001): {false, false},
		"ftp://example.com/":                               {false, false},
		"https://":                                         {false, false},
		"":                                                 {false, false},
	} {
		_, err := NormalURL(address, false)
		_, local := NormalURL(address, true)
		if got := [2]bool{err == nil, local == nil}; got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestCheckHeader(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"Authorization": true, "X-Tenant": true, "webhook-id": false, "Webhook-Signature": false, "HOST": false, "Content-Type": false,
		"X-Twilio-Signature": false,
		"Transfer-Encoding":  false, "": false, "a b": false, "x:y": false, "Proxy-Authorization": false, "Idempotency-Key": false,
	} {
		if got := CheckHeader(name, "v") == nil; got != ok {
			t.Errorf("%q: %v, want %v", name, got, ok)
		}
	}
	if CheckHeader("X-A", "a\r\nX-B: c") == nil {
		t.Error("a value brings a header along")
	}
}

func TestCheckSecret(t *testing.T) {
	t.Parallel()
	for _, format := range Formats {
		if err := CheckSecret(format, NewSecret()); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if CheckSecret(format, "short") == nil {
			t.Errorf("%s takes a short one", format)
		}
		if got := CheckSecret(format, "app secret of a receiver") == nil; got != (format == Meta || format == Twilio) {
			t.Errorf("%s: a text is taken: %v", format, got)
		}
	}
}

func TestEventNames_AreThoseOfTheSpec(t *testing.T) {
	t.Parallel()
	want := "message.scheduled message.queued message.sent message.delivered message.read message.failed message.expired message.cancelled " +
		"message.unknown message.inbound campaign.finished channel.paused channel.resumed"
	if got := strings.Join(EventNames(), " "); got != want {
		t.Errorf("got %s", got)
	}
	for _, n := range EventNames() {
		if k, ok := KindOf(n); !ok || EventName(k) != n {
			t.Errorf("%s isn't found", n)
		}
	}
}

func TestTwilioSignature_IsTheOneOfTheReceiversAddress(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	must(t, sign(h, Twilio, "https://example.com/a", "token", nil, "1", at, "A=1&B=2"))
	if h.Get(twilio.SignatureHeader) != twilio.Sign("token", "https://example.com/a", url.Values{"A": {"1"}, "B": {"2"}}) {
		t.Error("another signature")
	}
}

// TestRender_Meta_IsASCII writes the bytes again as JavaScript and PHP would after
// parsing them, which is what some public receivers sign.
func TestRender_Meta_IsASCII(t *testing.T) {
	t.Parallel()
	e := sample(Meta, int16(dispatch.Sent))
	e.View.Reference = `olá "😀" a/b \/ <&> ` + "\u2028\n"
	got, ok := Render(e)
	if !ok || strings.ContainsFunc(got, func(r rune) bool { return r > '~' }) {
		t.Fatalf("not ASCII: %s", got)
	}
	if want := `"ol\u00e1 \"\ud83d\ude00\" a\/b \\\/ <&> \u2028\n"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s in it", got, want)
	}
	var back metaCallback
	must(t, json.Unmarshal([]byte(got), &back))
	if s := back.Entry[0].Changes[0].Value.Statuses[0].Opaque; s != e.View.Reference {
		t.Errorf("read back as %q", s)
	}
}

// A worker that is killed holds an endpoint up until its lease ends: 26 s with
// the tick of the next worker. A living one has ended its turn by then.
func TestTurn_EndsBeforeItsLease(t *testing.T) {
	t.Parallel()
	if turnTime+callTime >= hookstore.TurnLease || hookstore.TurnLease > 25*time.Second {
		t.Errorf("a turn of %s and a call of %s in a lease of %s", turnTime, callTime, hookstore.TurnLease)
	}
}
