package restore

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var must = storetest.Must

// What was due or had a call is held, what waits for later is not; fallbacks that
// were due are dropped. Only what has not expired is released.
func TestHold_TakesWhatMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.Postgres(t), 2)
	s := New(db)
	ids := map[string]dispatch.ID{}
	for _, name := range []string{"due", "claimed", "retried", "later", "scheduled", "far", "expired", "sent"} {
		ids[name] = uuid.Must(uuid.NewV7())
		_, err := db.ExecContext(t.Context(), `INSERT INTO messages (id, account_id, channel_id, expires_at, lane, type, recipient, content,
  reference, status) VALUES ($1, 1, 1, now() + interval '1 hour' * CASE WHEN $2 = 'expired' THEN -1 ELSE 1 END, 1, 'text', '+15550000100',
  '{}', $2, CASE WHEN $2 = 'sent' THEN 30 ELSE 10 END)`, ids[name].String(), name)
		must(t, err)
	}
	for name, row := range map[string]string{
		"due": "now(), 0, 0", "claimed": "now() + interval '1 minute', 1, 0", "retried": "now() + interval '1 minute', 0, 1",
		"later": "now() + interval '1 minute', 0, 0", "expired": "now(), 0, 0", "sent": "now(), 1, 1",
	} {
		_, err := db.ExecContext(t.Context(), `INSERT INTO dispatch (message_id, account_id, channel_id, lane, expires_at, wake_at, due_at, state,
  attempts) VALUES ($1, 1, 1, 1, now() + interval '1 hour', now(), `+row+`)`, ids[name].String())
		must(t, err)
	}
	for name, due := range map[string]string{"scheduled": "-1 minute", "far": "1 day"} {
		_, err := db.ExecContext(t.Context(), `INSERT INTO scheduled (due_at, message_id, account_id, channel_id, lane, expires_at)
  VALUES (now() + $2::interval, $1, 1, 1, 1, now() + interval '2 days')`, ids[name].String(), due)
		must(t, err)
	}
	_, err := db.ExecContext(t.Context(), `INSERT INTO fallbacks (message_id, wake_at) VALUES ($1, now()), ($2, now() + interval '1 hour')`,
		ids["sent"].String(), ids["later"].String())
	must(t, err)

	if h, err := s.Hold(t.Context()); err != nil || h != (Held{Messages: 5, Fallbacks: 1}) {
		t.Errorf("held %+v, %v", h, err)
	}
	held, err := s.List(t.Context(), 10, false)
	must(t, err)
	var names []string
	for i := range held {
		names = append(names, held[i].Reference)
	}
	if want := []string{"due", "claimed", "retried", "scheduled", "expired"}; !slices.Equal(names, want) {
		t.Errorf("held %v", names)
	}
	if n, err := s.ReleaseAll(t.Context()); err != nil || n != 4 {
		t.Errorf("released %d, %v", n, err)
	}
	var ready int
	must(t, db.GetContext(t.Context(), &ready, `SELECT count(*) FROM dispatch d JOIN messages m ON m.id = d.message_id
  WHERE d.state = 0 AND d.maybe_sent AND m.status = 10 AND m.error_code IS NULL AND m.maybe_sent`))
	if held, err = s.List(t.Context(), 10, false); err != nil || len(held) != 1 || held[0].ID != ids["expired"] || ready != 4 {
		t.Errorf("left %+v, %v; %d ready", held, err, ready)
	}
}
