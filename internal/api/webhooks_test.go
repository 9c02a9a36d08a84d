package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/webhook"
)

func TestWebhooks_CreatedChangedDeleted(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	r := f.do("POST", "/v1/webhooks", m{
		"url": "https://example.com/hook", "description": "orders", "events": []string{"message.delivered", "channel.paused", "message.delivered"}, "headers": m{"authorization": "Bearer theirs"},
	})
	made := r.want(http.StatusCreated)
	secret, _ := made["secret"].(string)
	if _, err := standardwebhooks.NewWebhook(secret); err != nil || len(secret) != len("whsec_")+44 || r.header.Get("Location") != "/v1/webhooks/"+made.id() {
		t.Fatalf("secret %q: %v, Location %q", secret, err, r.header.Get("Location"))
	}
	path := "/v1/webhooks/" + made.id()
	shown := f.do("GET", path, nil)
	if strings.Contains(string(shown.body), secret) || strings.Contains(string(shown.body), "theirs") {
		t.Errorf("a secret is shown again: %s", shown.body)
	}
	for at, want := range map[string]string{
		"url": "https://example.com/hook", "format": "standard", "events": "[message.delivered channel.paused]", "enabled": "true", "description": "orders", "headers.Authorization": "***",
	} {
		if got := shown.want(http.StatusOK).text(at); got != want {
			t.Errorf("%s = %s, want %s", at, got, want)
		}
	}
	changed := f.do("PATCH", path, m{"events": []string{}, "enabled": false, "format": "meta", "headers": m{}}).want(http.StatusOK)
	if changed.text("events") != "[]" || changed.text("format") != "meta" || changed.text("enabled") != "false" || changed.text("disabled_reason") != "disabled by hand" || changed.text("headers") != "map[]" {
		t.Errorf("changed: %v", changed)
	}
	f.do("POST", path+"/test", nil).refused(http.StatusConflict, dispatch.Conflict)
	if on := f.do("POST", path+"/enable", nil).want(http.StatusOK); on["enabled"] != true || on["disabled_reason"] != nil {
		t.Errorf("enabled: %v", on)
	}
	if n := len(f.do("GET", "/v1/webhooks", nil).want(http.StatusOK).data()); n != 1 {
		t.Errorf("%d webhooks", n)
	}
	_, stranger := f.newAccount("Two")
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		f.as(stranger, method, path, map[string]any{}).refused(http.StatusNotFound, dispatch.NotFound)
	}
	f.as(f.newKey(f.account.ID, "view_messages"), "GET", path, nil).refused(http.StatusForbidden, dispatch.Forbidden)
	f.do("DELETE", path, nil).want(http.StatusNoContent)
	f.do("GET", path, nil).refused(http.StatusNotFound, dispatch.NotFound)
	log := f.do("GET", "/v1/audit-log?target=webhook:"+made.id(), nil)
	if log.status == http.StatusOK && (strings.Contains(string(log.body), "theirs") || !strings.Contains(string(log.body), "webhook.delete")) {
		t.Errorf("audit log: %s", log.body)
	}
}

func TestWebhooks_Faults_AllAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.do("POST", "/v1/webhooks", m{}).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/url")
	f.do("POST", "/v1/webhooks", m{
		"url": "http://127.0.0.1/", "events": []string{"message.sent", "message.typing"}, "format": "xml", "headers": m{"webhook-id": "1"}, "secret": "short", "description": strings.Repeat("x", 501),
	}).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/url", "/events/1", "/format", "/headers/webhook-id", "/secret", "/description")
	f.do("POST", "/v1/webhooks", `{"url": "https://example.com/", "colour": 1}`).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/colour")
	f.do("POST", "/v1/webhooks", `{`).refused(http.StatusBadRequest, dispatch.Malformed)
	made := f.do("POST", "/v1/webhooks", m{"url": "https://example.com/", "format": "twilio", "secret": "their own auth token"}).want(http.StatusCreated)
	f.do("PATCH", "/v1/webhooks/"+made.id(), m{"secret": "another one of theirs"}).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/secret")
	f.do("PATCH", "/v1/webhooks/"+made.id(), m{"format": "standard"}).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/secret")
	f.do("GET", "/v1/webhooks/x", nil).refused(http.StatusNotFound, dispatch.NotFound)
	for range 19 {
		f.do("POST", "/v1/webhooks", m{"url": "https://example.com/"}).want(http.StatusCreated)
	}
	f.do("POST", "/v1/webhooks", m{"url": "https://example.com/"}).refused(http.StatusConflict, dispatch.Conflict)
}

func TestWebhooks_Rotate_OldSecretForADay(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.do("POST", "/v1/webhooks", m{"url": "https://example.com/"}).want(http.StatusCreated)
	fresh := f.do("POST", "/v1/webhooks/"+made.id()+"/rotate", nil).want(http.StatusOK)
	until, err := time.Parse(time.RFC3339, fresh.text("old_secret_valid_until"))
	if err != nil || time.Until(until) < 23*time.Hour || time.Until(until) > 25*time.Hour || fresh["secret"] == made["secret"] || fresh["secret"] == nil {
		t.Errorf("rotated: %v", fresh)
	}
	f.do("POST", "/v1/webhooks/"+made.id()+"/rotate", m{"secret": "not base64"}).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/secret")
}

func TestWebhooks_DeliveryLogTestAndReplay(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.do("POST", "/v1/webhooks", m{"url": "https://example.com/"}).want(http.StatusCreated)
	path := "/v1/webhooks/" + made.id()
	for range 2 {
		f.do("POST", path+"/test", nil).want(http.StatusAccepted)
	}
	first := f.do("GET", path+"/deliveries?limit=1", nil).want(http.StatusOK)
	second := f.do("GET", path+"/deliveries?limit=1&cursor="+first.text("next_cursor"), nil).want(http.StatusOK)
	d := first.data()[0]
	if d.text("event") != "webhook.test" || d.text("state") != "pending" || d.text("request.body.type") != "webhook.test" || d.text("id") == second.data()[0].text("id") || d["next_attempt_at"] == nil {
		t.Errorf("got %v", d)
	}
	if n := len(f.do("GET", path+"/deliveries?state=delivered", nil).want(http.StatusOK).data()); n != 0 {
		t.Errorf("%d delivered", n)
	}
	f.do("GET", path+"/deliveries?state=lost", nil).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/state")
	f.do("GET", path+"/deliveries?limit=0", nil).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/limit")
	f.do("GET", path+"/deliveries?cursor=x", nil).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/cursor")
	f.do("POST", path+"/deliveries/"+d.text("id")+"/replay", nil).want(http.StatusAccepted)
	f.do("POST", path+"/deliveries/"+dispatch.NewID().String()+"/replay", nil).refused(http.StatusNotFound, dispatch.NotFound)

	now := time.Now()
	f.do("POST", path+"/replay", m{}).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/from")
	f.do("POST", path+"/replay", m{"from": now.Add(time.Hour)}).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/from")
	f.do("POST", path+"/replay", m{"from": now.Add(-32 * 24 * time.Hour)}).refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/from")
	f.do("POST", path+"/replay", m{"from": now.Add(-time.Hour)}).want(http.StatusAccepted)
	f.do("POST", path+"/replay", m{"from": now.Add(-time.Hour)}).refused(http.StatusConflict, dispatch.Conflict)
	for {
		_, more, err := f.store.ExpandWebhooks(t.Context(), true, 100, webhook.Render)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	f.do("POST", path+"/replay", m{"from": now.Add(-time.Hour)}).want(http.StatusAccepted)
}

func TestWebhooks_TwilioToken_StaysTheSame(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, b := f.do("GET", "/v1/webhooks/twilio-token", nil).want(http.StatusOK), f.do("GET", "/v1/webhooks/twilio-token", nil).want(http.StatusOK)
	if a.text("auth_token") != b.text("auth_token") || len(a.text("auth_token")) != 32 || a.text("account_sid") != f.account.SID {
		t.Errorf("%v, then %v", a, b)
	}
	_, stranger := f.newAccount("Two")
	if c := f.as(stranger, "GET", "/v1/webhooks/twilio-token", nil).want(http.StatusOK); c.text("auth_token") == a.text("auth_token") {
		t.Error("two accounts share a token")
	}
}
