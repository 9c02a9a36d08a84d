package webhook

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider/gupshup"
	"github.com/sendoff/sendoff/internal/provider/meta"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

const (
	conversation = `{"id":"c1","expiration_timestamp":"1777982400","origin":{"type":"utility"}}`
	pricing      = `{"billable":true,"pricing_model":"PMP","category":"utility","type":"regular"}`
	twoErrors    = `[{"code":131026,"title":"Message undeliverable","error_data":{"details":"olá"},"href":"https:\/\/example.com\/"},` +
		`{"code":"131000","title":"Also"}]`
)

// statusOf reads the one status of a callback.
func statusOf(t *testing.T, r reader, format, body string) dispatch.StatusUpdate {
	t.Helper()
	const address = "https://example.com/hook"
	req := httptest.NewRequest(http.MethodPost, address, strings.NewReader(body))
	req.SetPathValue("secret", "in-the-path")
	if format == Meta {
		must(t, sign(req.Header, format, address, tripSecret, nil, messageID.String(), at, body))
	}
	cb, err := r.ParseCallback(ends, req, address, []byte(body))
	if err != nil || len(cb.Statuses) != 1 {
		t.Fatalf("read %+v, %v of %s", cb, err, body)
	}
	return cb.Statuses[0]
}

// What Meta reports beside a status (price, conversation, every error, its own
// time) reaches endpoints of its format as it came, through Gupshup too.
func TestMeta_Status_KeepsWhatTheProviderReported(t *testing.T) {
	f := newFixture(t)
	began := time.Now()
	w := f.endpoint(Meta, "https://example.com/", "message.delivered", "message.failed")
	status := func(rest string) string {
		return `{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages",
		"value":{"metadata":{"phone_number_id":"106540352242922"},
			"statuses":[{"id":"wamid.P","timestamp":"1777896000","recipient_id":"15550100","recipient_user_id":"US.200",` + rest + `}]}}]}]}`
	}
	var us []dispatch.StatusUpdate
	for i, id := range f.send(3, nil) {
		u := []dispatch.StatusUpdate{
			statusOf(t, meta.New(nil), Meta, status(`"status":"delivered","conversation":`+conversation+`,"pricing":`+pricing)),
			statusOf(t, meta.New(nil), Meta, status(`"status":"failed","errors":`+twoErrors)),
			statusOf(t, gupshup.New(nil), Standard, `{"app":"a","timestamp":1777896000000,"type":"message-event","payload":{"id":"wamid.P",
			"gsId":"g",
				"type":"delivered","destination":"15550100","payload":{"ts":1777896000},"conversation":`+conversation+`,"pricing":`+pricing+`}}`),
		}[i]
		u.ID, u.Channel = id, f.channel.ID
		us = append(us, u, u) // twice, as providers do
	}
	_, err := f.store.ApplyStatuses(t.Context(), us)
	must(t, err)
	f.expand(f.deliverer(nil))
	got := map[string]int{}
	for _, d := range f.log(w) {
		var c metaCallback
		must(t, json.Unmarshal([]byte(d.Payload), &c))
		s := c.Entry[0].Changes[0].Value.Statuses[0]
		if strings.ContainsFunc(d.Payload, func(r rune) bool { return r > '~' }) {
			t.Errorf("not ASCII: %s", d.Payload)
		}
		got[s.Status]++
		if s.Status == "failed" {
			same(t, s.Errors, twoErrors)
			continue
		}
		same(t, s.Conversation, conversation)
		same(t, s.Pricing, pricing)
		// The provider's time is months ago: a status is not before its message.
		if at, err := strconv.ParseInt(s.Timestamp, 10, 64); err != nil || at < began.Unix() || at > time.Now().Unix() {
			t.Errorf("at %s; want between %s and now", s.Timestamp, epoch(began))
		}
	}
	if d := cmp.Diff(map[string]int{"delivered": 2, "failed": 1}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// same fails unless both are the same JSON.
func same(t *testing.T, got json.RawMessage, want string) {
	t.Helper()
	var a, b any
	must(t, json.Unmarshal(got, &a))
	must(t, json.Unmarshal([]byte(want), &b))
	if d := cmp.Diff(b, a); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Without an endpoint of a vendor's format nothing of it is kept.
func TestMeta_Status_NothingKeptForNobody(t *testing.T) {
	f := newFixture(t)
	f.endpoint(Standard, "https://example.com/")
	ids := f.send(1, nil)
	_, err := f.store.ApplyStatuses(t.Context(), []dispatch.StatusUpdate{{
		ID: ids[0], Channel: f.channel.ID, Status: dispatch.Sent, At: at, Extra: dispatch.StatusExtra{Pricing: json.RawMessage(pricing)}.Text(),
	}})
	must(t, err)
	var n int
	must(t, f.db.QueryRow(`SELECT count(*) FROM events WHERE extra IS NOT NULL`).Scan(&n))
	if n != 0 {
		t.Errorf("%d events keep it", n)
	}
}

// A person without a number is named by the user id alone.
func TestRender_Meta_UserID(t *testing.T) {
	t.Parallel()
	e := sample(Meta, int16(dispatch.Sent))
	e.View.To, e.View.Recipient, e.View.UserID = "", "DE.2000", "DE.2000"
	in := received(Meta)
	in.Inbound.From, in.Inbound.WaID, in.Inbound.UserID, in.Inbound.Username, in.Inbound.Raw = "", "", "DE.2000", "ann", `{}`
	for want, e := range map[string]*hookstore.Event{`"recipient_user_id":"DE.2000"`: e, `"from_user_id":"DE.2000"`: in} {
		got, ok := Render(e)
		if !ok || !strings.Contains(got, want) || strings.Contains(got, `"recipient_id"`) || strings.Contains(got, `"wa_id"`) ||
			strings.Contains(got, `"from":`) {
			t.Errorf("got %s, want %s in it", got, want)
		}
	}
	if got, _ := Render(in); !strings.Contains(got, `"contacts":[{"profile":{"name":"Ann","username":"ann"},"user_id":"DE.2000"}]`) {
		t.Errorf("got %s", got)
	}
}
