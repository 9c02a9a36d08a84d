package manage_test

import (
	"net/http"
	"slices"
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
	r := f.Do("POST", "/v1/webhooks", m{
		"url": "https://example.com/hook", "description": "orders", "events": []string{
			"message.delivered", "channel.paused",
			"message.delivered",
		}, "headers": m{"authorization": "Bearer theirs"},
	})
	made := r.Want(http.StatusCreated)
	secret, _ := made["secret"].(string)
	if _, err := standardwebhooks.NewWebhook(secret); err != nil || len(secret) != len("whsec_")+44 ||
		r.Header.Get("Location") != "/v1/webhooks/"+made.ID() {
		t.Fatalf("secret %q: %v, Location %q", secret, err, r.Header.Get("Location"))
	}
	path := "/v1/webhooks/" + made.ID()
	shown := f.Do("GET", path, nil)
	if strings.Contains(string(shown.Body), secret) || strings.Contains(string(shown.Body), "theirs") {
		t.Errorf("a secret is shown again: %s", shown.Body)
	}
	for at, want := range map[string]string{
		"url": "https://example.com/hook", "format": "standard", "events": "[message.delivered channel.paused]", "enabled": "true",
		"description": "orders", "headers.Authorization": "***",
	} {
		if got := shown.Want(http.StatusOK).Text(at); got != want {
			t.Errorf("%s = %s, want %s", at, got, want)
		}
	}
	changed := f.Do("PATCH", path, m{"events": []string{}, "enabled": false, "format": "meta", "headers": m{}}).Want(http.StatusOK)
	if changed.Text("events") != "[]" || changed.Text("format") != "meta" || changed.Text("enabled") != "false" ||
		changed.Text("disabled_reason") != "disabled by hand" ||
		changed.Text("headers") != "map[]" {
		t.Errorf("changed: %v", changed)
	}
	f.Do("POST", path+"/test", nil).Refused(http.StatusConflict, dispatch.Conflict)
	if on := f.Do("POST", path+"/enable", nil).Want(http.StatusOK); on["enabled"] != true || on["disabled_reason"] != nil {
		t.Errorf("enabled: %v", on)
	}
	if n := len(f.Do("GET", "/v1/webhooks", nil).Want(http.StatusOK).Data()); n != 1 {
		t.Errorf("%d webhooks", n)
	}
	_, stranger := f.NewAccount("Two")
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		f.As(stranger, method, path, map[string]any{}).Refused(http.StatusNotFound, dispatch.NotFound)
	}
	f.As(f.NewKey(f.Account.ID, "view_messages"), "GET", path, nil).Refused(http.StatusForbidden, dispatch.Forbidden)
	f.Do("DELETE", path, nil).Want(http.StatusNoContent)
	f.Do("GET", path, nil).Refused(http.StatusNotFound, dispatch.NotFound)
	log := f.Do("GET", "/v1/audit?target=webhook:"+made.ID(), nil)
	var actions []string
	for _, entry := range log.Want(http.StatusOK).Data() {
		actions = append(actions, entry.Text("action"))
	}
	want := []string{"webhook.delete", "webhook.enable", "webhook.update", "webhook.create"}
	if !slices.Equal(actions, want) || strings.Contains(string(log.Body), "theirs") || strings.Contains(string(log.Body), secret) {
		t.Errorf("audit log: %s", log.Body)
	}
}

func TestWebhooks_Faults_AllAtOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/webhooks", m{}).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/url")
	f.Do("POST", "/v1/webhooks", m{
		"url": "http://127.0.0.1/", "events": []string{"message.sent", "message.typing"}, "format": "xml", "headers": m{"webhook-id": "1"},
		"secret": "short", "description": strings.Repeat("x", 501),
	}).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/url", "/events/1", "/format", "/headers/webhook-id",
		"/secret", "/description")
	f.Do("POST", "/v1/webhooks", `{"url": "https://example.com/", "colour": 1}`).
		Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/colour")
	f.Do("POST", "/v1/webhooks", `{`).Refused(http.StatusBadRequest, dispatch.Malformed)
	made := f.Do("POST", "/v1/webhooks", m{"url": "https://example.com/", "format": "twilio", "secret": "their own auth token"}).
		Want(http.StatusCreated)
	f.Do("PATCH", "/v1/webhooks/"+made.ID(), m{"secret": "another one of theirs"}).
		Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/secret")
	f.Do("PATCH", "/v1/webhooks/"+made.ID(), m{"format": "standard"}).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/secret")
	f.Do("GET", "/v1/webhooks/x", nil).Refused(http.StatusNotFound, dispatch.NotFound)
	for range 19 {
		f.Do("POST", "/v1/webhooks", m{"url": "https://example.com/"}).Want(http.StatusCreated)
	}
	f.Do("POST", "/v1/webhooks", m{"url": "https://example.com/"}).Refused(http.StatusConflict, dispatch.Conflict)
}

func TestWebhooks_Rotate_OldSecretForADay(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.Do("POST", "/v1/webhooks", m{"url": "https://example.com/"}).Want(http.StatusCreated)
	fresh := f.Do("POST", "/v1/webhooks/"+made.ID()+"/rotate", nil).Want(http.StatusOK)
	until, err := time.Parse(time.RFC3339, fresh.Text("old_secret_valid_until"))
	if err != nil || time.Until(until) < 23*time.Hour || time.Until(until) > 25*time.Hour || fresh["secret"] == made["secret"] ||
		fresh["secret"] == nil {
		t.Errorf("rotated: %v", fresh)
	}
	f.Do("POST", "/v1/webhooks/"+made.ID()+"/rotate", m{"secret": "not base64"}).
		Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/secret")
}

func TestWebhooks_DeliveryLogTestAndReplay(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.Do("POST", "/v1/webhooks", m{"url": "https://example.com/"}).Want(http.StatusCreated)
	path := "/v1/webhooks/" + made.ID()
	for range 2 {
		f.Do("POST", path+"/test", nil).Want(http.StatusAccepted)
	}
	first := f.Do("GET", path+"/deliveries?limit=1", nil).Want(http.StatusOK)
	second := f.Do("GET", path+"/deliveries?limit=1&cursor="+first.Text("next_cursor"), nil).Want(http.StatusOK)
	d := first.Data()[0]
	if d.Text("event") != "webhook.test" || d.Text("state") != "pending" || d.Text("request.body.type") != "webhook.test" ||
		d.Text("id") == second.Data()[0].Text("id") ||
		d["next_attempt_at"] == nil {
		t.Errorf("got %v", d)
	}
	if n := len(f.Do("GET", path+"/deliveries?state=delivered", nil).Want(http.StatusOK).Data()); n != 0 {
		t.Errorf("%d delivered", n)
	}
	f.Do("GET", path+"/deliveries?state=lost", nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/state")
	f.Do("GET", path+"/deliveries?limit=0", nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/limit")
	f.Do("GET", path+"/deliveries?cursor=x", nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/cursor")
	f.Do("POST", path+"/deliveries/"+d.Text("id")+"/replay", nil).Want(http.StatusAccepted)
	f.Do("POST", path+"/deliveries/"+dispatch.NewID().String()+"/replay", nil).Refused(http.StatusNotFound, dispatch.NotFound)

	now := time.Now()
	f.Do("POST", path+"/replay", m{}).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/from")
	f.Do("POST", path+"/replay", m{"from": now.Add(time.Hour)}).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/from")
	f.Do("POST", path+"/replay", m{"from": now.Add(-32 * 24 * time.Hour)}).
		Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/from")
	f.Do("POST", path+"/replay", m{"from": now.Add(-time.Hour)}).Want(http.StatusAccepted)
	f.Do("POST", path+"/replay", m{"from": now.Add(-time.Hour)}).Refused(http.StatusConflict, dispatch.Conflict)
	for {
		_, more, err := f.Hooks.ExpandWebhooks(t.Context(), true, 100, webhook.Render)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	f.Do("POST", path+"/replay", m{"from": now.Add(-time.Hour)}).Want(http.StatusAccepted)
}

func TestWebhooks_StatusCallbackToken_StaysTheSame(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	a, b := f.Do("GET", "/v1/webhooks/twilio-token", nil).
		Want(http.StatusOK),
		f.Do("GET", "/v1/webhooks/twilio-token", nil).
			Want(http.StatusOK)
	if a.Text("auth_token") != b.Text("auth_token") || len(a.Text("auth_token")) != 32 || a.Text("account_sid") != f.Account.SID {
		t.Errorf("%v, then %v", a, b)
	}
	_, stranger := f.NewAccount("Two")
	if c := f.As(stranger, "GET", "/v1/webhooks/twilio-token", nil).Want(http.StatusOK); c.Text("auth_token") == a.Text("auth_token") ||
		len(c.Text("auth_token")) != 32 {
		t.Errorf("the tokens of two accounts: %v and %v", a, c)
	}
}
