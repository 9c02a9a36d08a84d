package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/wait"
)

func testStopAndStart(t *testing.T, s *stack) {
	to, ch := "+15558011000", s.channels["twilio sms"]
	s.inbound(t, ch, to, "Stop.")
	wait.For(t, patience, func() error {
		a := s.call(t, http.MethodPost, "/v1/messages", s.body("twilio sms", to))
		if a.status != http.StatusUnprocessableEntity {
			return fmt.Errorf("after STOP still answered %d", a.status)
		}
		if p := as[problem](t, a); p.Code != "suppressed" {
			t.Fatalf("code %q", p.Code)
		}
		return nil
	})
	s.inbound(t, ch, to, "START")
	var id string
	wait.For(t, patience, func() error {
		a := s.call(t, http.MethodPost, "/v1/messages", s.body("twilio sms", to))
		if a.status != http.StatusAccepted {
			return fmt.Errorf("after START still answered %d: %s", a.status, a.body)
		}
		id = as[message](t, a).ID
		return nil
	})
	s.becomes(t, id, "delivered")
}

func testWindow(t *testing.T, s *stack) {
	for i, name := range []string{"meta whatsapp", "kaleyra whatsapp", "twilio whatsapp", "gupshup whatsapp"} {
		ch, to := s.channels[name], fmt.Sprintf("+1555802%04d", 1000+i)
		text := fmt.Sprintf(`{"channel":%q,"to":%q,"type":"text","text":{"body":"Hello again"}}`, ch.Key, to)
		a := s.call(t, http.MethodPost, "/v1/messages", text).want(t, http.StatusUnprocessableEntity)
		p := as[problem](t, a)
		if p.Code != "outside_window" {
			t.Errorf("%s: code %q", name, p.Code)
		}
		usable := map[bool]string{true: "order_confirmation", false: "appointment_" + ch.Provider}[s.ownTemplates[ch.Provider] == ""]
		if !strings.Contains(string(p.More), usable) {
			t.Errorf("%s: usable templates are %s, without %s", name, p.More, usable)
		}
		s.inbound(t, ch, to, "Hello?")
		var id string
		wait.For(t, patience, func() error {
			a := s.call(t, http.MethodPost, "/v1/messages", text)
			if a.status != http.StatusAccepted {
				return fmt.Errorf("%s: after an inbound message answered %d: %s", name, a.status, a.body)
			}
			id = as[message](t, a).ID
			return nil
		})
		s.becomes(t, id, "delivered")
	}
}

// metaStatus is a status callback of Meta for one of our messages.
func metaStatus(phoneID, id, to, status string) string {
	return fmt.Sprintf(
		`{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",`+
			`"metadata":{"display_phone_number":"15550002222","phone_number_id":%q},"statuses":[{"id":"wamid.%s","status":%q,"timestamp":"%d",`+
			`"recipient_id":%q,"biz_opaque_callback_data":%q}]}}]}]}`,
		phoneID,
		id,
		status,
		time.Now().Unix(),
		strings.TrimPrefix(to, "+"),
		id,
	)
}

func metaSignature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func testCallbackForged(t *testing.T, s *stack) {
	to := "+15558030107" // sent, and no callback of its own
	m := s.send(t, order(to))
	s.becomes(t, m.ID, "sent")
	ch := s.channels["meta whatsapp"]
	body := metaStatus(ch.Settings["phone_number_id"], m.ID, to, "read")
	post := func(path, body string, headers ...string) int {
		a, err := s.try(http.MethodPost, s.url+path, body, headers...)
		must(t, err)
		return a.status
	}
	path := "/callbacks/meta/" + ch.Key
	for name, signature := range map[string]string{
		"none": "", "empty": "sha256=", "of another secret": metaSignature("not the secret", body),
		"of another body": metaSignature(ch.Secrets["app_secret"], body+" "),
	} {
		if got := post(path, body, "X-Hub-Signature-256", signature); got != http.StatusUnauthorized {
			t.Errorf("meta, signature %s: %d, want 401", name, got)
		}
	}
	for provider, paths := range map[string][]string{
		"twilio sms":       {""},
		"gupshup whatsapp": {"", "/", "/0000"},
		"kaleyra whatsapp": {"", "/0000"},
	} {
		c := s.channels[provider]
		for _, secret := range paths {
			if got := post("/callbacks/"+c.Provider+"/"+c.Key+secret, `{"id":"1","status":"read","ref":"`+m.ID+
				`"}`); got != http.StatusUnauthorized &&
				got != http.StatusNotFound {
				t.Errorf("%s%s: %d, want 401", provider, secret, got)
			}
		}
	}
	if got := post("/callbacks/meta/nobody", body, "X-Hub-Signature-256",
		metaSignature(ch.Secrets["app_secret"], body)); got != http.StatusNotFound {
		t.Errorf("unknown channel: %d, want 404", got)
	}
	if got := s.message(t, m.ID); got.Status != "sent" {
		t.Errorf("a forged callback made the message %s", got.Status)
	}
	if got := post(path, body, "X-Hub-Signature-256", metaSignature(ch.Secrets["app_secret"], body)); got != http.StatusOK {
		t.Errorf("the genuine callback: %d", got)
	}
	s.becomes(t, m.ID, "read")
}

// A repeated or late callback adds an event and changes nothing.
func testCallbackRepeated(t *testing.T, s *stack) {
	to := "+15558040107"
	m := s.send(t, order(to))
	s.becomes(t, m.ID, "sent")
	ch := s.channels["meta whatsapp"]
	for _, status := range []string{"read", "delivered", "sent", "read", "failed"} {
		body := metaStatus(ch.Settings["phone_number_id"], m.ID, to, status)
		a, err := s.try(
			http.MethodPost,
			s.url+"/callbacks/meta/"+ch.Key,
			body,
			"X-Hub-Signature-256",
			metaSignature(ch.Secrets["app_secret"], body),
		)
		must(t, err)
		a.want(t, http.StatusOK)
	}
	got := s.message(t, m.ID)
	if got.Status != "read" || got.DeliveredAt == nil || got.Anomaly {
		t.Errorf("status %s, delivered at %v, anomaly %v", got.Status, got.DeliveredAt, got.Anomaly)
	}
	kinds := map[string]int{}
	for _, e := range s.events(t, m.ID) {
		kinds[e.Type]++
	}
	if kinds["read"] != 1 || kinds["note"] != 4 || kinds["sent"] != 1 {
		t.Errorf("events %v", kinds)
	}
}

// Callbacks that arrive before the provider's response settle the message; the
// response then adds only what the callbacks do not contain.
func TestCallbackBeforeCompletion_NothingGoesBackward(t *testing.T) {
	t.Parallel()
	s := start(t, options{front: slowAnswers(700 * time.Millisecond)})
	to := "+15558051000"
	m := s.send(t, order(to))
	early := s.becomes(t, m.ID, "delivered")
	if early.ProviderID == "" {
		t.Error("the callback's provider id is not kept")
	}
	var got message
	wait.For(t, patience, func() error { // until the answer is written down
		for _, e := range s.events(t, m.ID) {
			if e.Type == "attempt" && e.Outcome == "accepted" {
				got = s.message(t, m.ID)
				return nil
			}
		}
		return fmt.Errorf("no accepted attempt: %s", s.timeline(t, m.ID))
	})
	if got.Status != "delivered" || got.MaybeSent || got.Attempts != 1 {
		t.Errorf("status %s, maybe_sent %v, %d attempts: %s", got.Status, got.MaybeSent, got.Attempts, s.timeline(t, m.ID))
	}
	if n := s.copies(t, to); n != 1 {
		t.Errorf("%d copies", n)
	}
}

// slowAnswers holds the emulator's answers back: it has accepted, and calls
// back, long before its client learns of it.
func slowAnswers(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/_emulator/") {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			hold := time.NewTimer(d)
			defer hold.Stop()
			select {
			case <-hold.C:
			case <-r.Context().Done():
			}
			maps.Copy(w.Header(), rec.Header())
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	}
}
