package manage_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestChannels_Secrets_AreNeverShown(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	body := m{
		"name": "Support", "provider": "meta", "sender": "+1 555 000 3333", "settings": m{"phone_number_id": "1", "waba_id": "2"},
		"secrets": m{"access_token": "hidden-1", "app_secret": "hidden-2", "verify_token": "hidden-3"},
		"policy": m{
			"rate":             12.5,
			"resolve_window_s": m{"otp": 2},
			"unknown_retries":  m{"bulk": 1},
			"price":            m{"default": 0.5, "marketing": 1.25},
		},
	}
	r := f.Do("POST", "/v1/channels", body)
	made := r.Want(http.StatusCreated)
	path := "/v1/channels/" + made.ID()
	for at, want := range map[string]string{
		"sender": "+15550003333", "kind": "whatsapp", "window": "enforce", "default": "false", "enabled": "true",
		"secrets":     "[access_token app_secret verify_token]",
		"policy.rate": "12.5", "policy.concurrency": "100", "policy.resolve_window_s.otp": "2", "policy.resolve_window_s.normal": "60",
		"policy.unknown_retries.bulk": "1",
		"policy.price":                "map[default:0.5 marketing:1.25]", "health.state": "closed", "send_rate.effective": "12.5",
		"callback_url": apitest.Public + "/callbacks/meta/" + made.Text("key"),
	} {
		if got := made.Text(at); got != want {
			t.Errorf("%s = %s, want %s", at, got, want)
		}
	}
	changed := f.Do("PATCH", path, m{
		"secrets": m{"access_token": "hidden-4"}, "settings": m{"waba_id": nil}, "policy": m{"rate": 5},
		"window": "provider", "default": true,
	}).
		Want(http.StatusOK)
	for at, want := range map[string]string{
		"settings": "map[phone_number_id:1]", "policy.rate": "5",
		"policy.price": "map[default:0.5 marketing:1.25]", "window": "provider", "default": "true",
	} {
		if got := changed.Text(at); got != want {
			t.Errorf("%s = %s, want %s", at, got, want)
		}
	}
	stored, err := f.Accounts.ChannelByKey(t.Context(), made.Text("key"))
	if err != nil || stored.Secrets["access_token"] != "hidden-4" || stored.Secrets["app_secret"] != "hidden-2" ||
		stored.Policy.Price[""] != 500_000 {
		t.Errorf("stored: %v %v", stored, err)
	}
	for _, r := range []*reply{r, f.Do("GET", path, nil), f.Do("GET", "/v1/channels", nil), f.Do("GET", "/v1/audit", nil)} {
		if r.Status/100 != 2 || strings.Contains(string(r.Body), "hidden-") || strings.Contains(string(r.Body), "token-of-meta") {
			t.Errorf("%s fails or shows a secret: %d %s", r.What, r.Status, r.Body)
		}
	}
	if list := f.Do("GET", "/v1/channels", nil).Want(http.StatusOK).Data(); len(list) != 2 || list[0]["default"] != false {
		t.Errorf("channels: %v", list)
	}
	f.Do("DELETE", path, nil).Want(http.StatusNoContent)
	f.Do("GET", path, nil).Refused(http.StatusNotFound, dispatch.NotFound)
}

func TestChannels_CallbackSecret_IsShownWhenMade(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.Do("POST", "/v1/channels", m{
		"name": "K", "provider": "kaleyra", "kind": "sms", "sender": "SENDOF", "key": "my-sms",
		"settings": m{"sid": "HX1"}, "secrets": m{"api_key": "k"},
	}).
		Want(http.StatusCreated)
	base := apitest.Public + "/callbacks/kaleyra/my-sms/"
	secret := strings.TrimPrefix(made.Text("callback_url"), base)
	if len(secret) != 64 {
		t.Fatalf("callback_url = %s", made.Text("callback_url"))
	}
	path := "/v1/channels/" + made.ID()
	if got := f.Do("GET", path, nil).Want(200).Text("callback_url"); got != base+"{callback_secret}" {
		t.Errorf("callback_url = %s", got)
	}
	if got := f.Do("PATCH", path, m{"name": "K2"}).Want(200).Text("callback_url"); got != base+"{callback_secret}" {
		t.Errorf("callback_url = %s", got)
	}
	turned := f.Do("POST", path+"/callback-secret", nil).Want(200).Text("callback_url")
	if len(turned) != len(base)+64 || strings.HasSuffix(turned, secret) {
		t.Errorf("callback_url = %s", turned)
	}
	own := strings.Repeat("s", 32)
	if got := f.Do("PATCH", path, m{"secrets": m{"callback_secret": own}}).Want(200).Text("callback_url"); got != base+own {
		t.Errorf("callback_url = %s", got)
	}
	f.Do("POST", "/v1/channels", m{
		"name": "K", "provider": "kaleyra", "kind": "sms", "sender": "SENDOF", "key": "my-sms",
		"settings": m{"sid": "HX1"}, "secrets": m{"api_key": "k"},
	}).
		Refused(http.StatusConflict, dispatch.Conflict)
	f.Do("POST", "/v1/channels/1/callback-secret", nil).Refused(http.StatusConflict, dispatch.Conflict)
}

func TestChannels_PauseAndResume(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	paused := f.Do("POST", "/v1/channels/1/pause", m{"reason": "maintenance"}).Want(200)
	if paused.Text("health.state") != "paused" || paused.Text("health.reason") != "maintenance" {
		t.Errorf("health: %v", paused["health"])
	}
	if list := f.Do("GET", "/v1/channels", nil).Want(200).Data(); list[0].Text("health.state") != "paused" {
		t.Errorf("list: %v", list)
	}
	if got := f.Do("POST", "/v1/channels/1/resume", nil).Want(200); got.Text("health.state") != "closed" {
		t.Errorf("health: %v", got["health"])
	}
}

func TestChannels_FaultyBody_NamesEveryField(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	good := func(change m) m {
		b := m{"name": "a", "provider": "gupshup", "sender": "+919999900000", "settings": m{"app_name": "A"}, "secrets": m{"apikey": "k"}}
		maps.Copy(b, change)
		return b
	}
	for _, c := range []struct {
		body     m
		pointers []string
	}{
		{m{}, []string{"/provider", "/name", "/sender"}},
		{m{"provider": "meta"}, []string{"/name", "/sender", "/settings/phone_number_id", "/secrets/access_token", "/secrets/app_secret"}},
		{
			m{"provider": "meta", "secrets": m{"verify_token": ""}, "settings": m{"phone_number_id": "+1", "waba_id": "x"}},
			[]string{
				"/name", "/sender", "/settings/phone_number_id", "/settings/waba_id", "/secrets/access_token", "/secrets/app_secret",
				"/secrets/verify_token",
			},
		},
		{m{"provider": "twilio", "settings": m{"account_sid": "AC1", "api_key_sid": "x"}}, []string{
			"/name", "/sender", "/settings/account_sid",
			"/settings/api_key_sid", "/secrets/auth_token", "/secrets/api_key_secret",
		}},
		{m{"provider": "twilio", "kind": "sms", "name": "a", "sender": "+15550001111"}, []string{"/settings/account_sid", "/secrets/auth_token"}},
		{m{"provider": "kaleyra", "name": "a", "sender": "ACME"}, []string{"/sender", "/settings/sid", "/secrets/api_key"}},
		{good(m{"kind": "sms"}), []string{"/kind"}},
		{good(m{"sender": "12"}), []string{"/sender"}},
		{good(m{"settings": m{"app_name": "A", "phone_number_id": "1"}}), []string{"/settings/phone_number_id"}},
		{good(m{"settings": m{"app_name": ""}}), []string{"/settings/app_name"}},
		{good(m{"settings": m{"app_name": 1}}), []string{"/settings/app_name"}},
		{good(m{"settings": m{"app_name": "A", "base_url": "file:///etc/passwd"}}), []string{"/settings/base_url"}},
		{good(m{"secrets": m{"apikey": "k", "callback_secret": "short"}}), []string{"/secrets/callback_secret"}},
		{good(m{"policy": m{"rate": 0, "unknown_retries": m{"otp": 11}}}), []string{"/policy/rate", "/policy/unknown_retries/otp"}},
		{good(m{"policy": m{"backoff_base_s": 10, "backoff_cap_s": 5}}), []string{"/policy/backoff_cap_s"}},
		{good(m{"policy": m{"price": m{"gold": 1, "utility": -1}}}), []string{"/policy/price/gold", "/policy/price/utility"}},
		{good(m{"policy": m{"price": m{"default": 1e12}}}), []string{"/policy/price/default"}},
		{good(m{"key": "1abc"}), []string{"/key"}},
		{good(m{"callback_url": "x"}), []string{"/callback_url"}},
		{good(m{"window": "always"}), []string{"/window"}},
	} {
		f.Do("POST", "/v1/channels", c.body).Refused(422, dispatch.Invalid, c.pointers...)
	}
	f.Do("PATCH", "/v1/channels/1", m{"secrets": m{"app_secret": nil}, "provider": "twilio"}).
		Refused(422, dispatch.Invalid, "/provider", "/secrets/app_secret")
	f.Do("PATCH", "/v1/channels/1", m{"secrets": m{"app_secret": nil}}).Refused(422, dispatch.Invalid, "/secrets/app_secret")
}

func TestChannels_UnfinishedMessages_KeepTheirChannel(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(200)
	f.Do("POST", "/v1/messages", m{"to": "+15550000100", "type": "text", "text": m{"body": "hi"}}).Want(202)
	f.Do("DELETE", "/v1/channels/1", nil).Refused(http.StatusConflict, dispatch.Conflict)
}

func TestChannels_VerifyToken_LeftOut_IsMadeAndShownOnce(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	made := f.Do("POST", "/v1/channels", m{
		"name": "M", "provider": "meta", "sender": "+15550003333", "settings": m{"phone_number_id": "1"},
		"secrets": m{"access_token": "a", "app_secret": "b"},
	}).Want(http.StatusCreated)
	if len(made.Text("verify_token")) != 64 {
		t.Errorf("verify_token = %q", made.Text("verify_token"))
	}
	if again := f.Do("GET", "/v1/channels/"+made.ID(), nil).Want(200); again["verify_token"] != nil {
		t.Error("the verify token is shown again")
	}
}
