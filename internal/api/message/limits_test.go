package message_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Refused and simulated requests count against second and minute, not against
// the day, and every answer's RateLimit header has it so.
func TestDailyLimit_CountsWhatIsSent(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.Do("POST", "/v1/templates", m{
		"name": "hello_world", "language": "en", "category": "utility", "components": []m{{"type": "body", "text": "Hello"}},
	}).Want(http.StatusCreated)
	key, _ := f.NewKeyWith(func(k *account.Key) {
		k.PerDay, k.PerMinute, k.Permissions = 3, 100, []string{"send_template", "view_messages"}
	})
	message := func(more m) m {
		body := m{"to": "+15550000100", "type": "template", "template": m{"name": "hello_world", "language": "en"}}
		maps.Copy(body, more)
		return body
	}
	left := func(header http.Header, day int) {
		t.Helper()
		h := header.Get("RateLimit")
		if !strings.Contains(h, `"day";r=`+string(rune('0'+day))+";") {
			t.Errorf("RateLimit: %s, want %d left of the day", h, day)
		}
	}
	for range 2 {
		r := f.As(key, "POST", "/v1/messages", message(m{"to": "12"}))
		r.Refused(http.StatusUnprocessableEntity, dispatch.Invalid, "/to")
		left(r.Header, 3)
		r = f.As(key, "POST", "/v1/messages", message(m{"type": "text", "text": m{"body": "x"}, "template": nil}))
		r.Refused(http.StatusForbidden, dispatch.Forbidden)
		left(r.Header, 3)
		r = f.As(key, "POST", "/v1/messages", "{")
		r.Refused(http.StatusBadRequest, dispatch.Malformed)
		left(r.Header, 3)
		r = f.As(key, "POST", "/v1/messages", message(m{"simulate": true}))
		r.Want(http.StatusOK)
		left(r.Header, 3)
	}
	batch := f.As(key, "POST", "/v1/messages/batch", m{"messages": []m{message(m{"simulate": true}), message(m{"to": "12"})}}).
		Want(http.StatusAccepted)
	if batch["accepted"] != 1.0 || batch["rejected"] != 1.0 {
		t.Errorf("batch: %v", batch)
	}
	for day := 2; day >= 0; day-- {
		r := f.As(key, "POST", "/v1/messages", message(nil))
		r.Want(http.StatusAccepted)
		left(r.Header, day)
	}
	f.As(key, "POST", "/v1/messages", message(nil)).Refused(http.StatusTooManyRequests, dispatch.DailyLimited)
	f.As(key, "POST", "/v1/messages", message(m{"simulate": true})).Want(http.StatusOK)
}
