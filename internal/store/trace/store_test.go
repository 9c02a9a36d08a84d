package trace

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// fixture is a store with messages that a test writes by itself.
type fixture struct {
	*Store

	t *testing.T
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	db, err := pg.Open(pg.Options{URL: storetest.Postgres(t), MaxConns: 4, Application: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return fixture{New(db), t}
}

func (f fixture) exec(query string, args ...any) {
	f.t.Helper()
	if _, err := f.db.ExecContext(f.t.Context(), query, args...); err != nil {
		f.t.Fatal(err)
	}
}

// message inserts a message that was accepted age ago, with an event of a kind of ten
// seconds ago.
func (f fixture) message(traced bool, lane dispatch.Lane, age time.Duration, kind dispatch.Status) dispatch.ID {
	f.t.Helper()
	id := dispatch.NewID()
	ms := time.Now().Add(-age).UnixMilli()
	for i := range 6 {
		id[5-i] = byte(ms >> (8 * i))
	}
	id[15] = 0
	if traced {
		id[14], id[15] = 0x5e, 0x0d
	}
	f.exec(`INSERT INTO messages (id, account_id, channel_id, lane, type, recipient, content, expires_at, created_at)
		VALUES ($1, 1, 2, $2, 'text', '+15550001000', '{}', now(), now() - make_interval(secs => $3))`, id, lane, age.Seconds())
	f.event(id, kind, 10*time.Second)
	return id
}

func (f fixture) event(id dispatch.ID, kind dispatch.Status, age time.Duration) {
	f.t.Helper()
	f.exec(`INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause, at)
		VALUES ($1, 1, 2, $2, 2, 'callback', now() - make_interval(secs => $3))`, id, kind, age.Seconds())
}

// next returns the messages of the events of the next page, once no transaction of
// another test hides any.
func (f fixture) next() (ids []dispatch.ID) {
	f.t.Helper()
	wait.For(f.t, time.Minute, func() error {
		var hidden int
		err := f.db.GetContext(f.t.Context(), &hidden, `SELECT count(*) FROM events WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())`)
		if err == nil && hidden > 0 {
			err = fmt.Errorf("%d events are not to be read yet", hidden)
		}
		return err
	})
	events, _, err := f.Next(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, e := range events {
		ids = append(ids, e.Message)
	}
	return ids
}

func TestNext_MarkedFailedUnknownAndSlow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	want := []dispatch.ID{
		f.message(true, dispatch.Normal, 11*time.Second, dispatch.Sent),
		f.message(false, dispatch.Normal, 11*time.Second, dispatch.Failed),
		f.message(false, dispatch.Bulk, 11*time.Second, dispatch.Unknown),
		f.message(false, dispatch.OTP, 11*time.Second, dispatch.Expired),
		f.message(false, dispatch.Normal, 42*time.Second, dispatch.Sent),
	}
	f.exec(`UPDATE events SET cause = 'worker' WHERE kind <> $1`, dispatch.Failed)
	f.exec(`UPDATE events SET late = true WHERE message_id = $1`, want[4])
	want = append(want, f.message(false, dispatch.Normal, 42*time.Second, dispatch.Sent)) // a callback was first
	f.message(false, dispatch.Normal, 11*time.Second, dispatch.Sent)
	f.message(false, dispatch.Normal, 39*time.Second, dispatch.Sent)
	f.message(false, dispatch.Bulk, time.Hour, dispatch.Sent)
	scheduled := f.message(false, dispatch.Normal, time.Hour, dispatch.Sent)
	f.exec(`UPDATE messages SET send_at = now() - interval '11 seconds' WHERE id = $1`, scheduled)
	if got := f.next(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for range MostLate + 10 {
		f.message(false, dispatch.Normal, 42*time.Second, dispatch.Sent)
	}
	f.exec(`UPDATE events SET late = true, cause = 'worker' WHERE message_id <> ALL($1)`, pg.UUIDArray(append(slices.Clone(want), scheduled)))
	if got := f.next(); len(got) != MostLate {
		t.Errorf("%d of a backlog, want %d", len(got), MostLate)
	}
	if got := f.next(); len(got) != 0 {
		t.Errorf("events came twice: %v", got)
	}
}

func TestNext_StopsBeforeWhatIsYoung(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.message(true, dispatch.Normal, 11*time.Second, dispatch.Queued)
	f.event(first, dispatch.Sent, 0)
	f.event(first, dispatch.Failed, 10*time.Second) // of a transaction that began earlier
	if got := f.next(); len(got) != 1 {
		t.Fatalf("%d events, want the first only", len(got))
	}
	f.exec(`UPDATE events SET at = now() - interval '2 seconds' WHERE kind = $1`, dispatch.Sent)
	if got := f.next(); len(got) != 2 {
		t.Errorf("%d events later, want 2", len(got))
	}
}

func TestNext_PassesOverWhatIsOld(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.message(true, dispatch.Normal, time.Hour, dispatch.Queued)
	f.exec(`UPDATE events SET at = now() - interval '10 minutes'`)
	for range 2 {
		if got := f.next(); len(got) != 0 {
			t.Fatalf("spans of what is old: %v", got)
		}
	}
	f.event(id, dispatch.Sent, 10*time.Second)
	if got := f.next(); len(got) != 1 {
		t.Errorf("%d new events", len(got))
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id, other := f.message(true, dispatch.OTP, time.Minute, dispatch.Sent), f.message(false, dispatch.Normal, time.Minute, dispatch.Sent)
	f.exec(`UPDATE messages SET traceparent = 'x' WHERE id = $1`, id)
	f.exec(`UPDATE events SET seq = 7, code = '131026' WHERE message_id = $1`, id)
	f.event(id, dispatch.Queued, time.Minute)
	claim := uuid.New()
	f.exec(`INSERT INTO attempts (message_id, claim, outcome, http, code, latency_ms) VALUES ($1, $2, 5, 400, '131026', 12)`, id, claim)
	got, err := f.Messages(t.Context(), []dispatch.ID{id, other, dispatch.NewID()})
	if err != nil || len(got) != 2 {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	m := got[id]
	if m.Account != 1 || m.Channel != 2 || m.Lane != dispatch.OTP || m.Traceparent != "x" || got[other].Traceparent != "" {
		t.Errorf("%+v", m)
	}
	if c := m.Changes; len(c) != 2 || c[0].Seq != 2 || c[1].Seq != 7 || c[1].Code != "131026" || c[1].Cause != "callback" {
		t.Errorf("changes %+v", m.Changes)
	}
	if len(m.Calls) != 1 || m.Calls[0].Claim != claim || m.Calls[0].HTTP != 400 || m.Calls[0].Latency != 12 || m.Calls[0].StartedAt != nil {
		t.Errorf("calls %+v", m.Calls)
	}
	late := func(lane dispatch.Lane, after time.Duration, scheduled bool) dispatch.ID {
		id := f.message(false, lane, time.Hour, dispatch.Sent)
		f.exec(`UPDATE messages SET created_at = now() - make_interval(secs => $2), sent_at = now() WHERE id = $1`, id, after.Seconds())
		if scheduled {
			f.exec(`UPDATE messages SET send_at = now() WHERE id = $1`, id)
		}
		return id
	}
	slow := late(dispatch.OTP, 40*time.Second, false)
	parents, err := f.Parents(t.Context(), []dispatch.ID{
		id, other, slow, late(dispatch.OTP, 20*time.Second, false), late(dispatch.Bulk, time.Hour, false), late(dispatch.Normal, time.Hour, true),
	})
	if err != nil || len(parents) != 2 || parents[id] != (Parent{Traceparent: "x"}) || parents[slow] != (Parent{Slow: true}) {
		t.Errorf("parents %v, %v", parents, err)
	}
}
