package feeder

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/worker/workertest"
)

// Messages scheduled for soon move to dispatch, later ones stay.
func TestMoveScheduled(t *testing.T) {
	t.Parallel()
	f := open(t)
	now := time.Now()
	f.Messages(t, 2, func(m *dispatch.Message) { m.SendAt = now.Add(time.Hour) })
	ids := f.Messages(t, 2, func(m *dispatch.Message) { m.SendAt = now.Add(6 * time.Minute) })
	soon := now.Add(time.Millisecond)
	for _, id := range ids {
		// A message that moves is one whose time has come closer.
		db, err := sql.Open("postgres", f.URL())
		workertest.Must(t, err)
		_, err = db.ExecContext(t.Context(), `UPDATE scheduled SET due_at = $2 WHERE message_id = $1::uuid`, id.String(), soon)
		workertest.Must(t, err)
		workertest.Must(t, db.Close())
	}
	workertest.Must(t, f.moveScheduled(t.Context()))
	wait.Until(t, "two of four messages are due", func() bool { return f.Due(t) == 2 })
	if n := f.Due(t); n != 0 {
		t.Errorf("%d further messages due", n)
	}
}

// The depth of each lane is reported, empty ones too.
func TestDepths(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Messages(t, 3, nil)
	f.Messages(t, 1, func(m *dispatch.Message) { m.Lane = dispatch.Bulk })
	workertest.Must(t, f.depths(t.Context()))
	if d := f.world.depths; d[dispatch.Normal] != 3 || d[dispatch.Bulk] != 1 || d[dispatch.OTP] != 0 {
		t.Errorf("depths %v", d)
	}
}

// Providers are asked for messages that stay sent, by one worker a minute; what
// they know moves the message on, and an error concerns its own message only.
func TestReceipts(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.Messages(t, 3, nil)
	us := make([]dispatch.StatusUpdate, len(ids))
	old := make([]dispatch.ID, len(ids))
	db, err := sql.Open("postgres", f.URL())
	workertest.Must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for i, id := range ids {
		us[i] = dispatch.StatusUpdate{ID: id, Channel: f.Channel, ProviderID: "p" + string(rune('0'+i)), Status: dispatch.Sent, At: time.Now()}
	}
	_, err = f.Apply(t.Context(), us)
	workertest.Must(t, err)
	for i, id := range ids { // made a quarter of an hour ago, as their ids say
		workertest.Must(t, db.QueryRowContext(t.Context(), `UPDATE messages SET id =
			(substr(uuid_floor(now() - interval '16 minutes')::text, 1, 24) || substr(id::text, 25))::uuid
			WHERE id = $1::uuid RETURNING id`, id.String()).Scan(&old[i]))
	}
	asks := 0
	f.Providers["meta"] = &asked{fetch: func(providerID string) (dispatch.StatusUpdate, error) {
		asks++
		switch providerID {
		case "p0":
			return dispatch.StatusUpdate{ProviderID: providerID, Status: dispatch.Delivered, At: time.Now()}, nil
		case "p1":
			return dispatch.StatusUpdate{ProviderID: providerID, Status: dispatch.Sent, At: time.Now()}, nil
		}
		return dispatch.StatusUpdate{}, errors.New("404")
	}}
	workertest.Must(t, f.receipts(t.Context()))
	workertest.Must(t, f.receipts(t.Context())) // not its turn
	got := f.Statuses(t, old)
	if asks != 3 || got[0] != dispatch.Delivered || got[1] != dispatch.Sent || got[2] != dispatch.Sent {
		t.Errorf("%d questions, then %v", asks, got)
	}
}

// Housekeeping that needs no reply runs without an error, twice.
func TestHousekeeping_Twice(t *testing.T) {
	t.Parallel()
	f := open(t)
	for range 2 {
		for name, job := range map[string]func(context.Context) error{
			"leases": f.leases(), "prune": f.prune, "partitions": f.Feeder.Store.EnsurePartitions, "parked": f.parked, "receipts": f.receipts,
		} {
			if err := job(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// hooks counts calls and holds Wait until it is let.
type hooks struct {
	calls  atomic.Int64
	waited atomic.Bool
}

func (h *hooks) Expand(context.Context) error  { h.calls.Add(1); return nil }
func (h *hooks) Deliver(context.Context) error { h.calls.Add(1); return errors.New("no endpoint") }
func (h *hooks) Tidy(context.Context) error    { h.calls.Add(1); return nil }
func (h *hooks) Wait()                         { h.waited.Store(true) }

// Run runs every job, an error ends none of them, and it returns soon after its
// context has ended, when the deliveries that were started have ended too.
func TestRun_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	f := open(t)
	h := &hooks{}
	f.Feeder.Webhooks = h
	f.Messages(t, 3, nil)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.Run(ctx) }()
	wait.Until(t, "messages are offered and webhooks tried again", func() bool {
		f.world.mu.Lock()
		defer f.world.mu.Unlock()
		return ids(f.world.pages) == 3 && h.calls.Load() > 5
	})
	stop()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("the feeder runs on")
	}
	if !h.waited.Load() {
		t.Error("it did not wait for deliveries that were started")
	}
}
