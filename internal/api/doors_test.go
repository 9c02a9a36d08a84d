package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/apitest"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// HEAD has the status and the type of GET, and no body.
func TestHead_EveryGET(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for _, path := range []string{
		"/healthz", "/readyz", "/docs", "/openapi.json", "/v1/messages", "/v1/keys", "/v1/events",
		"/nothing", "/metrics",
	} {
		r := f.Do(http.MethodHead, path, nil)
		want := http.StatusOK
		if path == "/nothing" {
			want = http.StatusNotFound
		}
		if r.Status != want || len(r.Body) > 0 || r.Header.Get("Content-Type") == "" {
			t.Errorf("HEAD %s: got %d, %q: %s", path, r.Status, r.Header.Get("Content-Type"), r.Body)
		}
	}
	if r := f.As("", http.MethodHead, "/v1/messages", nil); r.Status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", r.Status)
	}
	if r := f.Do(http.MethodHead, "/v1/messages/batch", nil); r.Status != http.StatusNotFound { // as /v1/messages/{id}
		t.Errorf("no message: %d", r.Status)
	}
	if r := f.Do(http.MethodHead, "/callbacks/meta/x", nil); r.Status != http.StatusMethodNotAllowed {
		t.Errorf("a callback: %d", r.Status)
	}
}

// The dashboard stands at /, also where it was not built; the documentation at
// /docs.
func TestPages_Headers(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	root := f.As("", "GET", "/", nil)
	if root.Status != http.StatusOK || !strings.HasPrefix(root.Header.Get("Content-Type"), "text/html") ||
		!strings.Contains(root.Header.Get("Content-Security-Policy"), "script-src 'self';") {
		t.Errorf("/: got %d, %v", root.Status, root.Header)
	}
	h := f.As("", "GET", "/docs", nil).Header
	if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("X-Frame-Options") != "DENY" ||
		h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers of /docs: %v", h)
	}
}

// An unknown path below /v1 is answered in the form of the key header.
func TestUnknownBelowV1_EnvelopeOfTheHeader(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	for header, want := range map[string]string{"api-key": "kaleyra", "apikey": "sociocs", "X-API-Key": "native"} {
		r := f.Ask("GET", "/v1/nothing", apitest.Sent{Headers: []string{header, f.Key}})
		if got := envelope(r); r.Status != http.StatusNotFound || got != want {
			t.Errorf("%s: got %d in %s's form: %s", header, r.Status, got, r.Body)
		}
	}
	for _, path := range []string{"/v1/nothing", "/nothing", "/v2/nothing", "/api/v1/external/nothing", "/2010-04-01/nothing"} {
		if r := f.Ask("GET", path, apitest.Sent{Basic: f.Key}); r.Status != http.StatusNotFound || envelope(r) != "twilio" {
			t.Errorf("%s with Basic: got %d in %s's form: %s", path, r.Status, envelope(r), r.Body)
		}
	}
	if r := f.Ask("GET", "/v1/messages", apitest.Sent{Headers: []string{"api-key", f.Key}}); r.Status != http.StatusUnauthorized ||
		envelope(r) != "native" {
		t.Errorf("a known route: got %d: %s", r.Status, r.Body)
	}
}

// A client whose variable is unset must notice that it has no protection.
func TestIdempotencyKey_Empty_Refused(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	const native, external = "/v1/messages", "/api/messages/send"
	body := `{"to":"+15550000100","type":"text","text":{"body":"x"}}`
	f.Ask("POST", native, apitest.Sent{
		Headers: []string{"X-API-Key", f.Key, "Content-Type", "application/json", "Idempotency-Key", ""},
		Body:    body,
	}).
		Refused(http.StatusBadRequest, dispatch.Malformed)
	r := f.Ask("POST", external, apitest.Sent{
		Headers: []string{"X-API-Key", f.Key, "Content-Type", "application/json", "Idempotency-Key", ""},
		Body:    `{"to":"+15550000100","type":"text","text":"x"}`,
	})
	if r.Status != http.StatusBadRequest || !strings.Contains(string(r.Body), "Idempotency-Key must not be empty") {
		t.Errorf("aisoule: %d %s", r.Status, r.Body)
	}
	f.Ask("POST", native+"/batch", apitest.Sent{
		Headers: []string{
			"X-API-Key",
			f.Key,
			"Content-Type",
			"application/json",
			"Idempotency-Key",
			"",
		}, Body: `{"messages":[` + body + `]}`,
	}).Refused(http.StatusBadRequest, dispatch.Malformed)
}

// The letters and digits of a key are the key, at every door.
func TestKey_TwilioForm(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	bare := strings.ReplaceAll(f.Key, "_", "")
	f.As(bare, "GET", "/v1/messages", nil).Want(http.StatusOK)
	if r := f.Ask("GET", "/2010-04-01/Accounts/"+f.Account.SID+"/Messages.json", apitest.Sent{Basic: bare}); r.Status != http.StatusOK {
		t.Errorf("twilio: %d %s", r.Status, r.Body)
	}
	if r := f.As(bare[:len(bare)-1]+"!", "GET", "/v1/messages", nil); r.Status != http.StatusUnauthorized {
		t.Errorf("a wrong one: %d", r.Status)
	}
}

// What was sent is never answered with a 4xx: the error is the last result.
func TestBatch_BreaksOff_ResultsAndErrorLast(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	const one = `{"to":"+15550000100","type":"text","text":{"body":"x"}}`
	for _, body := range []string{
		`{"messages":[` + one + `],"extra":1}`, `{"messages":[` + one + `]`, `{"messages":[` + one, `{"messages":[` + one + `,]}`,
		`{"messages":[` + one + `]} {}`, `{"messages":[` + one + `,{"to":`,
	} {
		o := f.Do("POST", "/v1/messages/batch", body).Want(http.StatusAccepted)
		results := o["results"].([]any)
		last := apitest.Object(results[len(results)-1].(map[string]any))
		if o["accepted"] != 1.0 || o["rejected"] != 1.0 || len(results) != 2 || last.Text("error.code") != string(dispatch.Malformed) ||
			last["index"] != 1.0 {
			t.Errorf("%s: %v", body, o)
		}
	}
	f.Do("POST", "/v1/messages/batch", `{"messages":[`).Refused(http.StatusBadRequest, dispatch.Malformed)
	var lines bytes.Buffer
	for range 2 {
		lines.WriteString(one + "\n")
	}
	r := f.Ask(
		"POST",
		"/v1/messages/batch",
		apitest.Sent{Headers: []string{"X-API-Key", f.Key, "Content-Type", "application/x-ndjson"}, Body: lines.String() + "{"},
	)
	if n := bytes.Count(bytes.TrimSpace(r.Body), []byte("\n")); r.Status != http.StatusAccepted || n != 2 {
		t.Errorf("lines: %d %s", r.Status, r.Body)
	}
}

// A send_at that has long passed is a mistake; clocks may differ by a minute.
func TestSendAt_Past(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("PATCH", "/v1/channels/1", m{"window": "provider"}).Want(http.StatusOK)
	body := m{"to": "+15550000100", "type": "text", "text": m{"body": "x"}}
	body["send_at"] = time.Now().Add(-70 * time.Second)
	f.Do("POST", "/v1/messages", body).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/send_at")
	body["send_at"] = time.Now().Add(-30 * time.Second)
	f.Do("POST", "/v1/messages", body).Want(http.StatusAccepted)
}
