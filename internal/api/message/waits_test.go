package message_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/wait"
)

// waiting sends a text and returns its path.
func waiting(f *front, more m) string {
	f.T.Helper()
	body := m{"to": "+15550000100", "type": "template", "template": m{"name": "hello_world", "language": "en"}}
	maps.Copy(body, more)
	return "/v1/messages/" + f.Do("POST", "/v1/messages", body).Want(http.StatusAccepted).Text("message_id")
}

// A message that is not finished shows what it waits for: first of all the gate
// that it would meet first.
func TestGet_WaitsFor(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/templates", m{
		"name": "hello_world", "language": "en", "category": "utility", "components": []m{{"type": "body", "text": "Hello"}},
	}).Want(http.StatusCreated)
	later := time.Now().Add(time.Hour).UTC().Truncate(time.Second).Format(time.RFC3339)
	if got := f.Do("GET", waiting(f, m{"send_at": later}), nil).Want(http.StatusOK); got["waits_for"] != "send_at" ||
		got["next_attempt_at"] != later {
		t.Errorf("scheduled: %v, next attempt %v", got["waits_for"], got["next_attempt_at"])
	}
	path := waiting(f, nil)
	says := func(want string, next bool) {
		t.Helper()
		wait.For(t, 10*time.Second, func() error { // registry and counts are up to a second old
			got := f.Do("GET", path, nil).Want(http.StatusOK)
			if got["waits_for"] != want || (got["next_attempt_at"] != nil) != next {
				return fmt.Errorf("waits for %v, next attempt %v, want %s, %t", got["waits_for"], got["next_attempt_at"], want, next)
			}
			return nil
		})
	}
	set := func(query string, args ...any) {
		t.Helper()
		if _, err := f.DB.ExecContext(t.Context(), query, args...); err != nil {
			t.Fatal(err)
		}
	}
	says("worker", false)
	set(`INSERT INTO instances (id, role, host) VALUES (gen_random_uuid(), 'work', 'test')`)
	set(`UPDATE channels SET policy = jsonb_set(policy::jsonb, '{rate}', '0.5')`)
	says("rate", false)
	set(`UPDATE dispatch SET claim = gen_random_uuid(), wake_at = now() + interval '1 minute' WHERE due_at <= now()`)
	says("spacing", true)
	set(`UPDATE dispatch SET attempts = 1, due_at = now() + interval '1 minute' WHERE due_at <= now()`)
	says("retry", true)
	set(`UPDATE dispatch SET attempts = 0, due_at = now() - interval '1 minute', wake_at = now(), claim = NULL WHERE claim IS NOT NULL`)
	set(`UPDATE messages SET type = 'text', created_at = now() - interval '2 minutes'`)
	set(`DELETE FROM windows`)
	says("window", false)
	set(`INSERT INTO windows (channel_id, phone, opened_at) SELECT id, '+15550000100', now() FROM channels`)
	says("rate", false)
	if err := f.Store.OpenCircuit(t.Context(), f.Channel.ID, "5xx", time.Minute); err != nil {
		t.Fatal(err)
	}
	says("circuit", true)
	if err := f.Store.PauseChannel(t.Context(), f.Channel.ID, "by hand"); err != nil {
		t.Fatal(err)
	}
	says("paused", false)
	set(`UPDATE messages SET status = $1, sent_at = now()`, int(dispatch.Sent))
	set(`DELETE FROM dispatch`)
	if got := f.Do("GET", path, nil).Want(http.StatusOK); got["waits_for"] != nil {
		t.Errorf("sent, and waits for %v", got["waits_for"])
	}
}

// A wait for a status ends when the message has reached it, and every wait ends
// at once when no change is expected.
func TestGet_WaitForStatus(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/templates", m{
		"name": "hello_world", "language": "en", "category": "utility", "components": []m{{"type": "body", "text": "Hello"}},
	}).Want(http.StatusCreated)
	path := waiting(f, nil)
	became := func(st dispatch.Status) {
		t.Helper()
		if _, err := f.DB.ExecContext(t.Context(), `UPDATE messages SET status = $1, sent_at = now(), version = version + 1`,
			int(st)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.DB.ExecContext(t.Context(), `DELETE FROM dispatch`); err != nil {
			t.Fatal(err)
		}
	}
	took := func(query string) (string, time.Duration) {
		t.Helper()
		began := time.Now()
		return f.Do("GET", path+query, nil).Want(http.StatusOK).Text("status"), time.Since(began)
	}
	if st, d := took("?wait=1&status=sent"); st != "queued" || d < time.Second {
		t.Errorf("%s after %s, want queued after the wait", st, d)
	}
	if st, d := took("?wait=20&status=queued"); st != "queued" || d > 5*time.Second {
		t.Errorf("%s after %s, want queued at once", st, d)
	}
	became(dispatch.Sent)
	if st, d := took("?wait=20&status=sent"); st != "sent" || d > 5*time.Second {
		t.Errorf("%s after %s, want sent at once", st, d)
	}
	became(dispatch.Delivered)
	if _, d := took("?wait=1&status=read"); d < time.Second {
		t.Errorf("WhatsApp may be read after delivery, the wait ended after %s", d)
	}
	if _, err := f.DB.ExecContext(t.Context(), `UPDATE channels SET kind = 'sms'`); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"?wait=20", "?wait=20&status=read"} {
		if st, d := took(query); st != "delivered" || d > 5*time.Second {
			t.Errorf("%s: %s after %s, want delivered at once: SMS knows no read", query, st, d)
		}
	}
	f.Do("GET", path+"?wait=1&status=nonsense", nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/status")
	f.Do("GET", path+"?wait=1&status=failed", nil).Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/status")
}
