package webhook

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// A delivery goes out once more with its own bytes. One whose bytes were erased does not
// go out empty: it is refused, and the replay of a range makes it anew of what is left.
func TestReplay_ErasedDelivery_NeverGoesOutEmpty(t *testing.T) {
	t.Parallel()
	s, db := open(t)
	w, err := s.CreateWebhook(t.Context(), Endpoint{Account: 1, URL: "https://example.com", Format: "standard", Secret: "x", Enabled: true})
	must(t, err)
	e := Event{Event: dispatch.Event{ID: 7, Message: uuid.Must(uuid.NewV7()), Account: 1, At: time.Now(), Kind: 50, Seq: 1}, Webhook: w.ID}
	e.Format = "standard"
	id := deliveryID(&e.Event)
	payload := func() (out string) {
		t.Helper()
		must(t, db.GetContext(t.Context(), &out, `SELECT state || ' ' || payload FROM webhook_deliveries WHERE id = $1`, id))
		return out
	}
	done := func(payload string) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), `UPDATE webhook_deliveries SET state = 1, done_at = now(), payload = $1`, payload)
		must(t, err)
	}
	replay := func(payload string) {
		t.Helper()
		ds := deliveries{}
		ds.add(&e, payload)
		must(t, ds.insert(t.Context(), db, true))
	}
	replay("first")
	done("first")
	must(t, s.ReplayDelivery(t.Context(), w.ID, id))
	if got := payload(); got != "0 first" {
		t.Errorf("replayed: %q", got)
	}
	done("first")
	if replay("later"); payload() != "0 first" {
		t.Errorf("replayed in its range: %q, want its own bytes", payload())
	}
	done("{}")
	if err := s.ReplayDelivery(t.Context(), w.ID, id); dispatch.CodeOf(err) != dispatch.InvalidState || payload() != "1 {}" {
		t.Errorf("an erased one is replayed: %v, %q", err, payload())
	}
	if replay("later"); payload() != "0 later" {
		t.Errorf("an erased one in its range: %q, want new bytes", payload())
	}
	if err := s.ReplayDelivery(t.Context(), w.ID, uuid.New()); !errors.Is(err, dispatch.ErrNotFound) {
		t.Errorf("an unknown one: %v", err)
	}
}
