package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/provider"
)

// recorded is the request log.
type recorded struct {
	Requests []struct {
		Method   string            `json:"method"`
		Path     string            `json:"path"`
		Headers  map[string]string `json:"headers"`
		Body     string            `json:"body"`
		At       time.Time         `json:"at"`
		Accepted bool              `json:"accepted"`
	} `json:"requests"`
}

func TestRequests_AreLoggedOldestFirst_CredentialsMasked(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{}, nil)
	start := time.Now()
	m := textTo("+15550000101")
	for range 3 {
		_, _ = r.send(m)
	}
	if _, err := r.send(textTo("+15550009999")); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"+15550000101", "%2B15550000101", "15550000101", " 15550000101"} {
		var log recorded
		r.get("/_emulator/requests?to="+strings.ReplaceAll(to, " ", "%20"), &log)
		if len(log.Requests) != 3 {
			t.Fatalf("to=%s: %d requests, want 3", to, len(log.Requests))
		}
		for i, q := range log.Requests {
			if q.Method != http.MethodPost || q.Path != "/v25.0/106540352242922/messages" || q.Accepted != (i == 2) {
				t.Errorf("request %d: %+v", i, q)
			}
			if q.Headers["Authorization"] != "Bearer ***" || q.Headers["Content-Type"] != "application/json" {
				t.Errorf("headers %v", q.Headers)
			}
			if !strings.Contains(q.Body, m.ID.String()) || q.At.Before(start) || (i > 0 && q.At.Before(log.Requests[i-1].At)) {
				t.Errorf("body %s at %s", q.Body, q.At)
			}
		}
	}
	var all struct {
		Count      int `json:"count"`
		Recipients int `json:"recipients"`
		Most       int `json:"max_per_recipient"`
	}
	r.get("/_emulator/count", &all)
	if all.Count != 2 || all.Recipients != 2 || all.Most != 1 {
		t.Errorf("got %+v", all)
	}
	r.call(http.MethodDelete, "/_emulator/requests", "", http.StatusNoContent, nil)
	r.get("/_emulator/count", &all)
	var log recorded
	r.get("/_emulator/requests", &log)
	if all.Count != 0 || all.Recipients != 0 || len(log.Requests) != 0 || r.count("+15550009999") != 0 {
		t.Errorf("after clearing: %+v, %d requests", all, len(log.Requests))
	}
}

func TestRequests_ByteBudget_DropsTheOldestButCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{LogBytes: 4000}, nil)
	for range 50 {
		if _, err := r.send(textTo("+15550009999")); err != nil {
			t.Fatal(err)
		}
	}
	var log recorded
	r.get("/_emulator/requests", &log)
	if n := len(log.Requests); n == 0 || n > 10 {
		t.Errorf("%d requests kept within 4,000 bytes", n)
	}
	if n := r.count("+15550009999"); n != 50 {
		t.Errorf("counted %d", n)
	}
	r.call(http.MethodPut, "/_emulator/settings", `{"record":false}`, http.StatusOK, nil)
	r.call(http.MethodDelete, "/_emulator/requests", "", http.StatusNoContent, nil)
	if _, err := r.send(textTo("+15550009999")); err != nil {
		t.Fatal(err)
	}
	r.get("/_emulator/requests", &log)
	if len(log.Requests) != 0 || r.count("+15550009999") != 1 {
		t.Errorf("record false: %d requests, %d counted", len(log.Requests), r.count("+15550009999"))
	}
}

func TestSettings_SharesDecideTheOutcome(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{}, nil)
	for share, want := range map[string]provider.Kind{
		"error_rate": provider.Temporary, "throttle_rate": provider.Throttled, "timeout_rate": provider.Uncertain,
		"reset_rate": provider.Uncertain,
	} {
		r.call(http.MethodPut, "/_emulator/settings", `{"`+share+`":1}`, http.StatusOK, nil)
		if _, err := r.send(textTo("+15550009999")); kindOf(t, err) != want {
			t.Errorf("%s: %v", share, err)
		}
		r.call(http.MethodPut, "/_emulator/settings", `{"`+share+`":0}`, http.StatusOK, nil)
	}
	if n := r.count("+15550009999"); n != 1 { // a timeout is accepted
		t.Errorf("%d accepted, want 1", n)
	}
	for _, bad := range []string{`{"error_rate":2}`, `{"error_rate":0.6,"reset_rate":0.6}`, `{"latency_ms":-1}`, `{"callback_batch":0}`} {
		r.call(http.MethodPut, "/_emulator/settings", bad, http.StatusUnprocessableEntity, nil)
	}
	for _, bad := range []string{`{"latency":5}`, `{`, `[]`} {
		r.call(http.MethodPut, "/_emulator/settings", bad, http.StatusBadRequest, nil)
	}
	var st emulator.Settings
	r.get("/_emulator/settings", &st)
	if st.ErrorRate != 0 || !st.Callbacks || st.CallbackDelayMS != 5 {
		t.Errorf("got %+v", st)
	}
}

func TestSettings_LatencyDelaysTheAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{}, nil)
	r.call(http.MethodPut, "/_emulator/settings", `{"latency_ms":120,"callbacks":false}`, http.StatusOK, nil)
	start := time.Now()
	if _, err := r.send(textTo("+15550009999")); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < 120*time.Millisecond {
		t.Errorf("answered after %s", d)
	}
	r.quiet()
}

func TestSettings_RateLimitIsPerChannel_AndShownBySecond(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{}, nil)
	other := metaChannel(r.base, "")
	other.Key, other.Settings["phone_number_id"] = "meta-other", "2"
	r.server.Register(other)
	r.call(http.MethodPut, "/_emulator/settings", `{"rate_limit":5,"callbacks":false}`, http.StatusOK, nil)
	ok, throttled := 0, 0
	for range 20 {
		switch _, err := r.send(textTo("+15550009999")); kindOf(t, err) {
		case 0:
			ok++
		case provider.Throttled:
			throttled++
		default:
			t.Fatal(err)
		}
	}
	if ok < 5 || ok > 10 || throttled < 10 {
		t.Errorf("%d accepted, %d throttled of 20 at 5/s", ok, throttled)
	}
	if _, err := r.client.Send(t.Context(), other, textTo("+15550009999")); err != nil {
		t.Errorf("another channel: %v", err)
	}
	var rate struct {
		Max     int `json:"max"`
		Seconds []struct {
			Second             time.Time
			Received, Accepted int
		} `json:"seconds"`
	}
	r.get("/_emulator/rate?channel=meta-demo", &rate)
	received, accepted := 0, 0
	for _, s := range rate.Seconds {
		received, accepted = received+s.Received, accepted+s.Accepted
	}
	if received != 20 || accepted != ok || rate.Max < 3 {
		t.Errorf("received %d, accepted %d of %d, most %d", received, accepted, ok, rate.Max)
	}
	r.get("/_emulator/rate?channel=nobody", &rate)
	if len(rate.Seconds) != 0 {
		t.Errorf("got %+v", rate)
	}
}

func TestInbound_ComesSigned(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{}, nil)
	r.call(
		http.MethodPost,
		"/_emulator/inbound",
		`{"channel":"meta-demo","from":"+15550001111","text":"STOP \u00e9"}`,
		http.StatusAccepted,
		nil,
	)
	select {
	case cb := <-r.got:
		if len(cb.Inbound) != 1 || cb.Inbound[0].From != "+15550001111" || cb.Inbound[0].Text != "STOP é" || cb.Inbound[0].Type != "text" {
			t.Errorf("got %+v", cb)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nothing came")
	}
	r.call(http.MethodPost, "/_emulator/inbound", `{"channel":"nobody","from":"+1","text":"x"}`, http.StatusNotFound, nil)
	r.call(http.MethodPost, "/_emulator/inbound", `{"channel":"meta-demo","from":"","text":"x"}`, http.StatusUnprocessableEntity, nil)
}

func TestChannels_RegisteredOverHTTP_ShowNoSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{}, nil)
	r.call(http.MethodPut, "/_emulator/channels", `[{"key":"second","provider":"meta","kind":"whatsapp","sender":"+15550003333",
		"settings":{"phone_number_id":"22","waba_id":"33"},"secrets":{"access_token":"EAAB-second","app_secret":"app-second"},
		"callback_url":"http://127.0.0.1:9/callbacks"}]`, http.StatusOK, nil)
	ch := metaChannel(r.base, "")
	ch.Settings["phone_number_id"], ch.Secrets["access_token"] = "22", "EAAB-second"
	if _, err := r.client.Send(t.Context(), ch, textTo("+15550009999")); err != nil {
		t.Error(err)
	}
	var list json.RawMessage
	r.get("/_emulator/channels", &list)
	if !bytes.Contains(list, []byte(`"second"`)) || bytes.Contains(list, []byte("EAAB")) || bytes.Contains(list, []byte("app-second")) {
		t.Errorf("got %s", list)
	}
	r.call(http.MethodPut, "/_emulator/channels", `[{"key":"x","provider":"nobody"}]`, http.StatusUnprocessableEntity, nil)
	r.call(http.MethodPut, "/_emulator/channels", `[{"provider":"meta"}]`, http.StatusUnprocessableEntity, nil)
}

func TestTemplates_CanBeReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{}, nil)
	ts, err := r.client.Templates(t.Context(), r.ch)
	if err != nil || len(ts) != len(emulator.DemoTemplates()) {
		t.Fatalf("%d templates, err %v", len(ts), err)
	}
	for _, want := range emulator.DemoTemplates() {
		found := false
		for _, got := range ts {
			found = found ||
				got.Name == want.Name && got.Language == want.Language && got.Category == want.Category && got.Status == "approved"
		}
		if !found {
			t.Errorf("%s is missing", want.Name)
		}
	}
	r.call(
		http.MethodPut,
		"/_emulator/templates",
		`[{"name":"only","language":"de","status":"paused","category":"utility","components":[]}]`,
		http.StatusOK,
		nil,
	)
	if ts, err = r.client.Templates(t.Context(), r.ch); err != nil || len(ts) != 1 || ts[0].Name != "only" || ts[0].Status != "paused" {
		t.Errorf("got %+v, %v", ts, err)
	}
}

func TestToken_GuardsTheAdminRoutesOnly(t *testing.T) {
	t.Parallel()
	s := emulator.New(emulator.Options{Token: "let-me-in"})
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	s.Register(metaChannel("", ""))
	status := func(method, path, auth string) int {
		req := httptest.NewRequest(method, path, strings.NewReader(`{}`))
		if auth != "" {
			req.Header.Set("Authorization", auth)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		return w.Code
	}
	for _, c := range []struct {
		path, auth string
		want       int
	}{
		{"/_emulator/count", "", 401},
		{"/_emulator/count", "Bearer let-me", 401},
		{"/_emulator/count?token=", "", 401},
		{"/_emulator/count", "Bearer let-me-in", 200},
		{"/_emulator/count?token=let-me-in", "", 200},
		{"/v25.0/106540352242922", "Bearer EAAB-token-of-tests", 200},
		{"/nobody", "", 404},
	} {
		if got := status(http.MethodGet, c.path, c.auth); got != c.want {
			t.Errorf("%s with %q: %d, want %d", c.path, c.auth, got, c.want)
		}
	}
}

func TestSend_RefusedBodies(t *testing.T) {
	t.Parallel()
	r := newRig(t, emulator.Options{}, nil)
	post := func(body string) (int, string) {
		req, err := http.NewRequestWithContext(
			t.Context(),
			http.MethodPost,
			r.base+"/v25.0/106540352242922/messages",
			strings.NewReader(body),
		)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer EAAB-token-of-tests")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var e struct {
			Error struct {
				Code json.Number `json:"code"`
			} `json:"error"`
		}
		_ = json.NewDecoder(res.Body).Decode(&e)
		return res.StatusCode, e.Error.Code.String()
	}
	for body, code := range map[string]string{
		`{`:    "100",
		`null`: "100",
		`{"messaging_product":"sms","to":"15550001111","type":"text","text":{"body":"x"}}`:                          "100",
		`{"messaging_product":"whatsapp","type":"text","text":{"body":"x"}}`:                                        "100",
		`{"messaging_product":"whatsapp","to":"15550001111","type":"text"}`:                                         "131008",
		`{"messaging_product":"whatsapp","to":"15550001111","type":"template"}`:                                     "131008",
		`{"messaging_product":"whatsapp","to":"15550001111","type":"template","template":{"name":"a"}}`:             "131008",
		`{"messaging_product":"whatsapp","to":"15550001111","type":"image"}`:                                        "131008",
		`{"messaging_product":"whatsapp","to":"15550001111","type":"hologram","hologram":{}}`:                       "100",
		`{"messaging_product":"whatsapp","to":"15550001111","type":"text","text":{"body":""}}`:                      "100",
		`{"messaging_product":"whatsapp","to":"15550001111","type":"reaction","reaction":{"message_id":"wamid.X"}}`: "",
	} {
		if status, got := post(body); got != code || (code != "") != (status == http.StatusBadRequest) {
			t.Errorf("%s: %d with code %s, want %s", body, status, got, code)
		}
	}
}

func TestClose_EndsHeldCallsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := emulator.New(emulator.Options{})
	h := httptest.NewServer(s)
	defer h.Close()
	ch := metaChannel(h.URL, "http://127.0.0.1:9/never")
	s.Register(ch)
	r := &rig{t: t, base: h.URL}
	got := make(chan error, 1)
	go func() {
		_, err := newMeta().Send(t.Context(), ch, &dispatch.Message{ID: dispatch.NewID(), To: "+15550000105", Content: textTo("").Content})
		got <- err
	}()
	for r.count("+15550000105") == 0 && t.Context().Err() == nil { // until it holds the call
		continue
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	if kindOf(t, <-got) != provider.Uncertain {
		t.Error("a held call wasn't cut")
	}
}
