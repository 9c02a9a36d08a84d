package feeder

import (
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/worker/workertest"
)

// Messages that are due are offered once, in pages of at most MaxPage, and those
// that have expired are ended instead.
func TestFeedLane_OffersPages(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.Concurrency = 1000 })
	f.Messages(t, 250, nil)
	expired := f.Messages(t, 2, func(m *dispatch.Message) { m.ExpiresAt = time.Now().Add(-time.Second) })
	f.Messages(t, 3, func(m *dispatch.Message) { m.Lane = dispatch.OTP })
	f.feed(t)
	f.feed(t)
	if n := ids(f.world.pages); n != 250 {
		t.Errorf("%d of 250 messages offered", n)
	}
	for _, p := range f.world.pages {
		if p.Channel != f.Channel || p.Lane != dispatch.Normal || len(p.IDs) > dispatch.MaxPage {
			t.Errorf("page of channel %d, lane %s, %d ids", p.Channel, p.Lane, len(p.IDs))
		}
	}
	for _, s := range f.Statuses(t, expired) {
		if s != dispatch.Expired {
			t.Errorf("an expired message is %v", s)
		}
	}
}

// A lane with enough pages in Redis gets no more, and a channel no more than it
// may send.
func TestFeedLane_Bounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w *world)
		want   int
	}{
		"lane is full":       {func(w *world) { w.pending = highWater }, 0},
		"lane is not":        {func(w *world) { w.pending = highWater - 1 }, 20},
		"rate":               {func(w *world) { w.allowed = 7 }, 7},
		"no rate left":       {func(w *world) { w.allowed = 0 }, 0},
		"calls of a channel": {func(w *world) { w.room = 5 }, 5},
		"calls hang":         {func(w *world) { w.room = 0 }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			c.change(f.world)
			f.Messages(t, 20, nil)
			f.feed(t)
			if n := ids(f.world.pages); n != c.want {
				t.Errorf("%d messages offered, want %d", n, c.want)
			}
		})
	}
}

// One-time passwords are not held to the rate of the feeder.
func TestFeedLane_OTP_AsksForNoRate(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.world.allowed = 0
	f.Messages(t, 4, func(m *dispatch.Message) { m.Lane = dispatch.OTP })
	workertest.Must(t, f.feedLane(t.Context(), dispatch.OTP))
	if n := ids(f.world.pages); n != 4 || len(f.world.asks) != 0 {
		t.Errorf("%d of 4 offered, asked for %v", n, f.world.asks)
	}
}

// While Redis is away the worker sends the pages itself.
func TestFeedLane_RedisAway_SendsHere(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.world.away = true
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.Concurrency = 1000 })
	f.Messages(t, 150, nil)
	f.feed(t)
	if n := ids(f.world.local); n != 150 || len(f.world.pages) != 0 {
		t.Errorf("%d of 150 messages sent here", n)
	}
}

// A large backlog of a fast channel is drained, and not offered; one of a slow
// channel is offered.
func TestFeedLane_LargeBacklog_IsDrained(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Messages(t, drainFrom, nil)
	f.feed(t)
	if len(f.world.drained) != 0 || len(f.world.pages) == 0 {
		t.Errorf("a slow channel: drained %v, %d pages offered", f.world.drained, len(f.world.pages))
	}
	f.world.pages = nil
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.Rate = store.PagedRate })
	f.Messages(t, drainFrom, nil)
	f.feed(t)
	if len(f.world.drained) != 1 || f.world.drained[0] != dispatch.Normal || len(f.world.pages) != 0 {
		t.Errorf("a fast channel: drained %v, %d pages offered", f.world.drained, len(f.world.pages))
	}
}

// Pages of a fast channel are drained, however few; those of one that has become slow are
// opened and offered.
func TestFeedLane_Pages(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Paged = true
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.Rate = store.PagedRate })
	f.Messages(t, 3, nil)
	f.feed(t)
	if len(f.world.drained) != 1 || len(f.world.pages) != 0 {
		t.Errorf("a fast channel: drained %v, %d pages offered", f.world.drained, len(f.world.pages))
	}
	f.world.drained = nil
	f.Messages(t, 3, nil)
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.Rate = 10 })
	f.feed(t)
	if n := ids(f.world.pages); n != 6 || len(f.world.drained) != 0 {
		t.Errorf("a slow channel: %d offered, drained %v", n, f.world.drained)
	}
}

// The pages of a channel that has become slow have their turn although further messages come.
func TestFeedLane_Pages_OfASlowChannel_HaveTheirTurn(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Paged = true
	oldest := f.Messages(t, 20, nil)
	f.Paged = false
	f.Change(t, func(ch *dispatch.Channel) { ch.Policy.Rate = 10 })
	f.world.allowed = 10
	for range 4 {
		f.Messages(t, 10, nil)
		f.feed(t)
	}
	offered := map[dispatch.ID]bool{}
	for _, p := range f.world.pages {
		for _, id := range p.IDs {
			offered[id] = true
		}
	}
	for i, id := range oldest {
		if !offered[id] {
			t.Errorf("message %d of the page was not offered among %d", i, len(offered))
		}
	}
}

// Pages of a channel that may not send stay as they are, but for one when its probe is due.
func TestFeedLane_Pages_ChannelMayNotSend(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Paged = true
	f.Messages(t, 5, nil)
	workertest.Must(t, f.PauseChannel(t.Context(), f.Channel, "by hand"))
	f.feed(t)
	workertest.Must(t, f.CloseCircuit(t.Context(), f.Channel, true))
	workertest.Must(t, f.OpenCircuit(t.Context(), f.Channel, "broken", time.Hour))
	f.feed(t)
	if n, rows := ids(f.world.pages), f.Due(t); n != 0 || rows != 0 {
		t.Errorf("%d offered, %d rows", n, rows)
	}
	_, err := f.Connect(t).ExecContext(t.Context(), `UPDATE channel_health SET probe_at = now() - interval '1 second'`)
	workertest.Must(t, err)
	f.feed(t)
	if n := ids(f.world.pages); n != 1 {
		t.Errorf("probe due: %d offered", n)
	}
}

// Nothing is offered on a channel whose circuit is open but for one message when
// its probe is due; what expires there is
// ended all the same.
func TestFeedLane_ChannelMayNotSend(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.Messages(t, 5, nil)
	expired := f.Messages(t, 1, func(m *dispatch.Message) { m.ExpiresAt = time.Now().Add(-time.Second) })
	workertest.Must(t, f.PauseChannel(t.Context(), f.Channel, "by hand"))
	f.feed(t)
	if n := ids(f.world.pages); n != 0 || f.Statuses(t, expired)[0] != dispatch.Expired {
		t.Errorf("paused: %d offered, the expired one is %v", n, f.Statuses(t, expired)[0])
	}
	workertest.Must(t, f.CloseCircuit(t.Context(), f.Channel, true))
	workertest.Must(t, f.WakeChannel(t.Context(), f.Channel))
	workertest.Must(t, f.OpenCircuit(t.Context(), f.Channel, "broken", time.Microsecond))
	f.feed(t)
	if n := ids(f.world.pages); n != 1 {
		t.Errorf("probe due: %d offered", n)
	}
}

// Messages of a channel whose secrets can't be read wait, and expire in time.
func TestFeedLane_UnreadableChannel_Waits(t *testing.T) {
	t.Parallel()
	f := open(t)
	waiting := f.Messages(t, 2, nil)
	expired := f.Messages(t, 1, func(m *dispatch.Message) { m.ExpiresAt = time.Now().Add(-time.Second) })
	_, err := f.Connect(t).ExecContext(t.Context(), `UPDATE channels SET secrets = overlay(secrets PLACING '\x00000000'::bytea FROM 2)`)
	workertest.Must(t, err)
	f.feed(t)
	if n, ended := ids(f.world.pages), f.Statuses(t, append(expired, waiting...)); n != 0 || ended[0] != dispatch.Expired ||
		ended[1] != dispatch.Queued {
		t.Errorf("%d offered, statuses %v", n, ended)
	}
}

// When a circuit closes the messages that had been put off are due at once.
func TestClosedCircuits_WakesTheChannel(t *testing.T) {
	t.Parallel()
	f := open(t)
	look := f.closedCircuits()
	waiting := f.Messages(t, 3, nil)
	workertest.Must(t, f.OpenCircuit(t.Context(), f.Channel, "broken", time.Hour))
	workertest.Must(t, look(t.Context()))
	workertest.Must(t, f.Postpone(t.Context(), waiting, time.Hour))
	workertest.Must(t, look(t.Context()))
	if n := f.Due(t); n != 0 {
		t.Fatalf("%d messages due while the circuit is open", n)
	}
	workertest.Must(t, f.CloseCircuit(t.Context(), f.Channel, false))
	workertest.Must(t, look(t.Context()))
	if n := f.Due(t); n != 3 {
		t.Errorf("%d of 3 messages due", n)
	}
}
