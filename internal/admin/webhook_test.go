package admin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/dispatch"
)

func newWebhook() admin.WebhookCreate {
	return admin.WebhookCreate{WebhookUpdate: admin.WebhookUpdate{URL: new("https://example.com/hook")}}
}

func (f *fixture) createWebhook(in admin.WebhookCreate) *admin.Webhook {
	f.t.Helper()
	w, err := f.CreateWebhook(f.t.Context(), f.who, in)
	if err != nil {
		f.t.Fatal(err)
	}
	return w
}

func TestWebhook_CreatedChangedDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	in := newWebhook()
	in.Events, in.Headers = &[]string{"message.sent", "message.failed", "message.sent"}, &map[string]string{"authorization": "hidden-1"}
	w := f.createWebhook(in)
	if !strings.HasPrefix(w.Secret, "whsec_") || w.Format != "standard" || !w.Enabled ||
		fmt.Sprint(w.Events) != "[message.sent message.failed]" ||
		fmt.Sprint(w.Headers) != "map[Authorization:***]" {
		t.Errorf("created %+v", w)
	}
	shown, err := f.Webhook(t.Context(), f.who, w.ID)
	if err != nil || shown.Secret != "" || shown.Location() != "/v1/webhooks/1" {
		t.Errorf("shown %+v, %v", shown, err)
	}
	w, err = f.UpdateWebhook(t.Context(), f.who, w.ID, admin.WebhookUpdate{Events: &[]string{}, Description: new("d"), Enabled: new(false)})
	if err != nil || len(w.Events) != 0 || w.Description != "d" || w.Enabled || w.DisabledReason == "" ||
		w.URL != "https://example.com/hook" {
		t.Errorf("changed %+v, %v", w, err)
	}
	if w, err = f.EnableWebhook(t.Context(), f.who, w.ID); err != nil || !w.Enabled || w.DisabledReason != "" {
		t.Errorf("enabled %+v, %v", w, err)
	}
	_, err = f.UpdateWebhook(t.Context(), f.stranger, w.ID, admin.WebhookUpdate{})
	refused(t, err, dispatch.NotFound)
	refused(t, f.DeleteWebhook(t.Context(), f.stranger, w.ID), dispatch.NotFound)
	if err := f.DeleteWebhook(t.Context(), f.who, w.ID); err != nil {
		t.Error(err)
	}
	f.noted("webhook.create webhook:1", "webhook.update webhook:1", "webhook.enable webhook:1", "webhook.delete webhook:1")
	if n := f.count(`audit_log WHERE detail::text LIKE '%hidden-%' OR detail::text LIKE '%whsec_%'`); n != 0 {
		t.Error("the audit log contains secrets")
	}
}

func TestWebhook_Faults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.CreateWebhook(t.Context(), f.who, admin.WebhookCreate{})
	refused(t, err, dispatch.Invalid, "/url")
	headers := map[string]string{}
	for i := range 21 {
		headers[fmt.Sprintf("X-%d", i)] = "x"
	}
	headers["webhook-id"] = "1"
	in := admin.WebhookCreate{Secret: new("short"), WebhookUpdate: admin.WebhookUpdate{
		URL: new(
			"http://127.0.0.1/",
		), Events: &[]string{"message.typing"}, Format: new("xml"), Headers: &headers, Description: new(strings.Repeat("x", 501)),
	}}
	_, err = f.CreateWebhook(t.Context(), f.who, in)
	refused(t, err, dispatch.Invalid, "/url", "/events/0", "/format", "/headers", "/headers/webhook-id", "/secret", "/description")
	f.WebhookLocal = true
	loop := newWebhook()
	loop.URL = new("http://127.0.0.1:1/")
	f.createWebhook(loop)
	// A secret must fit the format, also when only the format changes.
	own := newWebhook()
	own.Format, own.Secret = new("twilio"), new("their own token")
	w := f.createWebhook(own)
	_, err = f.UpdateWebhook(t.Context(), f.who, w.ID, admin.WebhookUpdate{Format: new("standard")})
	refused(t, err, dispatch.Invalid, "/secret")
}

func TestWebhooks_AtMostTwenty(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 20 {
		f.createWebhook(newWebhook())
	}
	_, err := f.CreateWebhook(t.Context(), f.who, newWebhook())
	refused(t, err, dispatch.Conflict)
	if p, err := f.Webhooks(t.Context(), f.who, admin.Paging{Limit: 15}); err != nil || len(p.Data) != 15 || p.Next == "" {
		t.Errorf("%d, %v", len(p.Data), err)
	}
}

func TestRotateWebhook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.createWebhook(newWebhook())
	turned, err := f.RotateWebhook(t.Context(), f.who, w.ID, admin.WebhookSecret{})
	if err != nil || turned.Secret == w.Secret || turned.OldUntil == nil || time.Until(*turned.OldUntil) < 23*time.Hour {
		t.Errorf("%+v, %v", turned, err)
	}
	turned, err = f.RotateWebhook(t.Context(), f.who, w.ID, admin.WebhookSecret{Rotate: admin.Rotate{Overlap: new(0)}, Secret: w.Secret})
	if err != nil || turned.Secret != w.Secret || turned.OldUntil != nil {
		t.Errorf("%+v, %v", turned, err)
	}
	_, err = f.RotateWebhook(t.Context(), f.who, w.ID, admin.WebhookSecret{Secret: "short", Rotate: admin.Rotate{Overlap: new(-1)}})
	refused(t, err, dispatch.Invalid, "/secret", "/overlap_seconds")
	_, err = f.RotateWebhook(t.Context(), f.who, 9, admin.WebhookSecret{})
	refused(t, err, dispatch.NotFound)
}

func TestDeliveries_TestedAndReplayed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.createWebhook(newWebhook())
	queued, err := f.TestWebhook(t.Context(), f.who, w.ID)
	if err != nil {
		t.Fatal(err)
	}
	list := func(in admin.DeliveryFilter) []*admin.Delivery {
		t.Helper()
		p, err := f.Deliveries(t.Context(), f.who, w.ID, in)
		if err != nil {
			t.Fatal(err)
		}
		return p.Data
	}
	d := list(admin.DeliveryFilter{Limit: 5})[0]
	if d.ID != queued.ID || d.Event != "webhook.test" || d.State != "pending" || d.NextAttempt == nil || d.Request.URL != w.URL ||
		!strings.Contains(string(d.Request.Body), "webhook.test") ||
		d.Response != nil {
		t.Errorf("%+v", d)
	}
	f.exec(
		`UPDATE webhook_deliveries SET state = 2, attempts = 1, done_at = now(), response = 'gone', tries = '[{"at":"2026-01-02T03:04:05Z",` +
			`"status":410,"latency_ms":7}]'`,
	)
	d = list(admin.DeliveryFilter{Limit: 5, State: "failed"})[0]
	if d.State != "failed" || d.NextAttempt != nil || d.Response.Status != 410 || d.Response.Body != "gone" || len(d.Tries) != 1 {
		t.Errorf("%+v", d)
	}
	if len(list(admin.DeliveryFilter{Limit: 5, State: "delivered"})) != 0 {
		t.Error("lists what was not delivered")
	}
	if _, err := f.ReplayDelivery(t.Context(), f.who, w.ID, d.ID.String()); err != nil ||
		list(admin.DeliveryFilter{Limit: 5})[0].State != "pending" {
		t.Errorf("not replayed: %v", err)
	}
	for _, id := range []string{"x", dispatch.NewID().String()} {
		_, err = f.ReplayDelivery(t.Context(), f.who, w.ID, id)
		refused(t, err, dispatch.NotFound)
	}
	if _, err := f.UpdateWebhook(t.Context(), f.who, w.ID, admin.WebhookUpdate{Enabled: new(false)}); err != nil {
		t.Fatal(err)
	}
	if d := list(admin.DeliveryFilter{Limit: 5})[0]; d.NextAttempt != nil {
		t.Errorf("a disabled webhook gets an attempt: %+v", d)
	}
	_, err = f.TestWebhook(t.Context(), f.who, w.ID)
	refused(t, err, dispatch.Conflict)
	_, err = f.ReplayDelivery(t.Context(), f.who, w.ID, d.ID.String())
	refused(t, err, dispatch.Conflict)
	_, err = f.Deliveries(t.Context(), f.stranger, w.ID, admin.DeliveryFilter{Limit: 1})
	refused(t, err, dispatch.NotFound)
}

func TestReplayWebhook_Range(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.createWebhook(newWebhook())
	now := time.Now()
	hour := now.Add(-time.Hour)
	for _, in := range []admin.Replay{
		{},
		{From: new(now.Add(time.Minute))},
		{From: new(now.Add(-32 * 24 * time.Hour))},
		{From: &now, To: &hour},
	} {
		_, err := f.ReplayWebhook(t.Context(), f.who, w.ID, in)
		refused(t, err, dispatch.Invalid, "/from")
	}
	r, err := f.ReplayWebhook(t.Context(), f.who, w.ID, admin.Replay{From: &hour, To: new(now.Add(time.Hour))})
	if err != nil || !r.From.Equal(hour) || r.To.After(time.Now()) {
		t.Errorf("%+v, %v", r, err)
	}
	_, err = f.ReplayWebhook(t.Context(), f.who, w.ID, admin.Replay{From: &hour})
	refused(t, err, dispatch.Conflict)
}

func TestStatusCallbackToken_StaysTheSame(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, err := f.StatusCallbackToken(t.Context(), f.who)
	if err != nil || len(a.AuthToken) != 32 || !strings.HasPrefix(a.AccountSID, "AC") {
		t.Fatalf("%+v, %v", a, err)
	}
	if b, err := f.StatusCallbackToken(t.Context(), f.who); err != nil || *b != *a {
		t.Errorf("%+v, then %+v, %v", a, b, err)
	}
	if c, err := f.StatusCallbackToken(t.Context(), f.stranger); err != nil || c.AuthToken == a.AuthToken {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestCreateWebhook_URL_IsTheOneThatIsRequested(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for given, want := range map[string]string{
		"https://Example.com": "https://example.com/", "https://example.com/{id}?q=olá x#f": "https://example.com/%7Bid%7D?q=ol%C3%A1%20x",
	} {
		w := newWebhook()
		w.URL = &given
		if got := f.createWebhook(w); got.URL != want {
			t.Errorf("%s: %s, want %s", given, got.URL, want)
		}
	}
	for _, given := range []string{"https://exa mple.com/", "https://{host}/", "https://example.com:99999/", "https://example.com/%zz"} {
		w := newWebhook()
		w.URL = &given
		_, err := f.CreateWebhook(t.Context(), f.who, w)
		refused(t, err, dispatch.Invalid, "/url")
	}
}
