package webhook

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
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

// A state that is rare in the log is found page by page, however far back.
func TestDeliveries_RareState_IsFoundFartherBack(t *testing.T) {
	t.Parallel()
	s, db := open(t)
	for from := 0; from <= pg.WalkMax; from += 5000 { // each well within the statement timeout
		_, err := db.ExecContext(t.Context(), `INSERT INTO webhook_deliveries (webhook_id, id, message_id, seq, kind, state, format, payload)
		  SELECT 1, lpad(to_hex(i), 32, '0')::uuid, gen_random_uuid(), 1, 20, CASE WHEN i = 1 THEN 2 ELSE 1 END, 'standard', '{}'
		  FROM generate_series($1::integer, $1::integer + 4999) i`, from)
		must(t, err)
	}
	found, cursor, pages := 0, "", 0
	for ok := true; ok; ok = cursor != "" {
		page, next, err := s.Deliveries(t.Context(), 1, Failed, cursor, 50)
		must(t, err)
		found, cursor, pages = found+len(page), next, pages+1
	}
	if found != 1 || pages > 3 {
		t.Errorf("%d found on %d pages", found, pages)
	}
}

// The log reads its page, and what is rare at most pg.WalkMax of it, beside other endpoints.
func TestReadings_Log_ReadsWhatItShows(t *testing.T) {
	t.Parallel()
	_, db := open(t)
	grow := []string{`INSERT INTO webhook_deliveries (webhook_id, id, message_id, seq, kind, state, format, payload)
	  SELECT 1 + (i > 30000)::int, lpad(to_hex(i), 32, '0')::uuid, gen_random_uuid(), 1, 20, CASE i WHEN 1 THEN 2 ELSE 1 END, 'standard', '{}'
	  FROM generate_series(1, 30010) i`}
	of := func(webhook int64, state int) func(ctx context.Context, tx *pg.DB) error {
		return func(ctx context.Context, tx *pg.DB) error {
			_, _, err := New(tx, nil).Deliveries(ctx, webhook, state, "", 50)
			return err
		}
	}
	storetest.Readings(t, db, grow, []storetest.Reading{
		{Name: "deliveries", Most: 500, Read: of(1, -1)},
		{Name: "deliveries of another endpoint", Most: 500, Read: of(2, -1)},
		{Name: "deliveries in a rare state", Most: pg.WalkMax + 500, Read: of(1, Failed)},
	})
}
