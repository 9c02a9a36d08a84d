package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// memory is an event log in memory.
type memory struct {
	mu     sync.Mutex
	events []dispatch.Event
	reads  int
}

// write adds n events of an account.
func (m *memory) write(account int64, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		id := int64(len(m.events)) + 1
		m.events = append(m.events, dispatch.Event{ID: id, XID: id + 100, Account: account, Kind: 30})
	}
}

func (m *memory) EventsAfter(_ context.Context, p dispatch.Position, limit int) ([]dispatch.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return m.events[min(p.ID, int64(len(m.events))):min(p.ID+int64(limit), int64(len(m.events)))], nil
}

func (m *memory) readsDone() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads
}

func (m *memory) EndOfEvents(context.Context) (dispatch.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.events) == 0 {
		return dispatch.Position{}, nil
	}
	return m.events[len(m.events)-1].Position(), nil
}

func (m *memory) EventCounts(_ context.Context, p, end dispatch.Position, limit int) ([]dispatch.EventCount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := map[dispatch.EventCount]int{}
	for _, e := range m.events[p.ID:min(end.ID, p.ID+int64(limit))] {
		n[dispatch.EventCount{Account: e.Account, Kind: e.Kind}]++
	}
	var out []dispatch.EventCount
	for c, n := range n {
		c.N = n
		out = append(out, c)
	}
	return out, nil
}

// client is what a stream writes to; while it is stuck it takes nothing, until
// the write's deadline.
type client struct {
	mu       sync.Mutex
	text     strings.Builder
	stuck    chan struct{}
	deadline time.Time
	most     int // bytes of a write
}

// largest returns the size of the largest write in bytes.
func (c *client) largest() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

func (c *client) Header() http.Header { return http.Header{} }
func (c *client) WriteHeader(int)     {}
func (c *client) Flush()              {}

func (c *client) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return nil
}

func (c *client) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = max(c.most, len(b))
	for c.stuck != nil {
		stuck, left := c.stuck, time.Until(c.deadline)
		if left <= 0 {
			return 0, os.ErrDeadlineExceeded
		}
		c.mu.Unlock()
		select {
		case <-stuck:
		case <-time.After(min(left, 100*time.Millisecond)): // the deadline may have come nearer
		}
		c.mu.Lock()
	}
	return c.text.Write(b)
}

func (c *client) stick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stuck = make(chan struct{})
}

func (c *client) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.stuck)
	c.stuck = nil
}

// got returns the places of its events, and where it would resume.
func (c *client) got() (ids []string, resume string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for block := range strings.SplitSeq(c.text.String(), "\n\n") {
		if first, rest, ok := strings.Cut(block, "\n"); ok {
			resume = strings.TrimPrefix(first, "id: ")
			if strings.HasPrefix(rest, "event: ") {
				ids = append(ids, resume)
			}
		}
	}
	return ids, resume
}

// room is a hub that runs on a log in memory.
func room(t *testing.T) (*Hub, *memory) {
	log := &memory{}
	log.write(1, 1)
	h := NewHub(log, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go h.Run(ctx)
	return h, log
}

// visit has a client follow account 1; what ends the stream is sent.
func visit(t *testing.T, h *Hub, c *client, after string) <-chan error {
	t.Helper()
	at, err := dispatch.ParsePosition(after)
	if err != nil {
		t.Fatal(err)
	}
	s := newStream(1, at, c)
	s.allowed = func(context.Context) bool { return true }
	end := make(chan error, 1)
	go func() { end <- s.run(t.Context(), h) }()
	synctest.Wait()
	return end
}

var first = dispatch.Position{XID: 101, ID: 1}.String()

func TestHub_ManyStreams_OneReader_WhichRestsWhenTheyAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := room(t)
		var ends []<-chan error
		for range 30 {
			ends = append(ends, visit(t, h, new(client), first))
		}
		time.Sleep(time.Second) // fake time
		before := log.readsDone()
		time.Sleep(10 * time.Second)
		if n := log.readsDone() - before; n < 90 || n > 110 {
			t.Errorf("30 streams read the log %d times in 10 s", n)
		}
		h.stop()
		for _, end := range ends {
			if err := <-end; err != nil {
				t.Errorf("stopped: %v", err)
			}
		}
		time.Sleep(time.Second)
		before = log.readsDone()
		time.Sleep(time.Minute)
		if n := log.readsDone() - before; n > 0 {
			t.Errorf("nobody listens, and the log is read %d times", n)
		}
	})
}

func TestStream_SlowClient_IsCutAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := room(t)
		slow, quick := new(client), new(client)
		ended := visit(t, h, slow, first)
		visit(t, h, quick, first)
		time.Sleep(time.Second)
		slow.stick()
		for range streamQueue/logPage + 2 {
			log.write(1, logPage)
			time.Sleep(readInterval)
		}
		slow.free()
		if err := <-ended; !errors.Is(err, errCut) {
			t.Errorf("ended by %v", err)
		}
		got, resume := slow.got()
		again := new(client)
		visit(t, h, again, resume)
		log.write(1, 10)
		time.Sleep(time.Second)
		rest, _ := again.got()
		want, _ := quick.got()
		if all := append(got, rest...); len(got) == 0 || strings.Join(all, " ") != strings.Join(want, " ") || len(want) != len(log.events)-1 {
			t.Errorf("%d before it was cut, %d after; the quick one has %d", len(got), len(rest), len(want))
		}
		h.stop()
	})
}

func TestStream_ClientTakesNothing_EndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := room(t)
		c := new(client)
		ended := visit(t, h, c, first)
		time.Sleep(time.Second)
		c.stick()
		log.write(1, 1)
		began := time.Now()
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("ended by %v", err)
		}
		if took := time.Since(began); took > writeTimeout+time.Second {
			t.Errorf("after %s", took)
		}
	})
}

// Clients that never read keep little in memory, delay nobody, and are gone soon.
func TestStream_UnreadStreams_KeepLittleAndDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := room(t)
		reader := new(client)
		visit(t, h, reader, first)
		var unread []*client
		var ends []<-chan error
		for range maxStreams {
			c := new(client)
			ends = append(ends, visit(t, h, c, first))
			unread = append(unread, c)
		}
		time.Sleep(time.Second)
		for _, c := range unread {
			c.stick()
		}
		log.write(1, logPage)
		began := time.Now()
		for range 20 {
			log.write(1, logPage)
			time.Sleep(readInterval)
		}
		if ids, _ := reader.got(); len(ids) < 19*logPage {
			t.Errorf("beside streams that are not read, a reader has %d events", len(ids))
		}
		for i, end := range ends {
			if err := <-end; err == nil {
				t.Error("a stream that is not read ended without a reason")
			}
			if n := unread[i].largest(); n > writeSize+1<<10 {
				t.Errorf("%d bytes were to be written at once, at most %d are meant to", n, writeSize)
			}
		}
		if took := time.Since(began); took > writeTimeout+time.Second {
			t.Errorf("they were gone after %s", took)
		}
		h.stop()
	})
}

// The size of what is queued counts too, not only its number.
func TestStream_LargeEvents_FillTheQueue(t *testing.T) {
	t.Parallel()
	s := newStream(1, dispatch.Position{}, new(client))
	f := frame{text: make([]byte, 64<<10)}
	n := 0
	for s.push(f) {
		n++
	}
	if n*len(f.text) != streamBytes {
		t.Errorf("%d events of 64 KiB fitted", n)
	}
	if _, cut := s.take(); !cut {
		t.Error("the stream goes on with a gap")
	}
}

// The heartbeat of a quiet stream moves its client past the events of others, so that
// it need not read those when it comes back.
func TestStream_Quiet_SaysThatItIsThereAndWhereToResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := room(t)
		c := new(client)
		visit(t, h, c, first)
		if _, resume := c.got(); resume != first {
			t.Errorf("begins at %q, want %q", resume, first)
		}
		log.write(2, 3000)
		time.Sleep(2*heartbeat + time.Second)
		ids, resume := c.got()
		if want := log.events[3000].Position().String(); len(ids) != 0 || resume != want {
			t.Errorf("%d events, resumes at %s, want %s", len(ids), resume, want)
		}
		if n := strings.Count(c.text.String(), ": still here\n"); n != 2 {
			t.Errorf("it said so %d times in half a minute", n)
		}
		h.stop()
	})
}

// However much happens, a summary has a page of events a read, and what it leaves
// out is counted; a client that comes back after long reads no more.
func TestSummary_MuchTraffic_IsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := room(t)
		live, late, other := new(client), new(client), new(client)
		visit(t, h.summary, live, first)
		log.write(1, 30)
		time.Sleep(summaryInterval)
		synctest.Wait()
		if ids, _ := live.got(); len(ids) != 30 || strings.Contains(live.text.String(), "events.skipped") {
			t.Errorf("of little traffic it got %d of 30 events", len(ids))
		}
		log.write(2, 40)
		log.write(1, 5000)
		time.Sleep(summaryInterval)
		visit(t, h.summary, late, first)
		visit(t, h, other, first)
		end := log.events[len(log.events)-1].Position().String()
		for who, want := range map[*client]struct{ events, left int }{live: {30 + 60 + 1, 5000 - 60}, late: {30 + 30 + 1, 5000 - 30}} {
			ids, resume := who.got()
			left := fmt.Sprintf(`"counts":{"message.sent":%d}`, want.left)
			if len(ids) != want.events || resume != end || !strings.Contains(who.text.String(), left) {
				t.Errorf("%d events, want %d; resumes at %s, want %s; counts %v", len(ids), want.events, resume, end,
					strings.Contains(who.text.String(), left))
			}
		}
		if ids, _ := other.got(); len(ids) != 5030 {
			t.Errorf("a stream of all events got %d of 5030", len(ids))
		}
		log.write(1, 1)
		time.Sleep(summaryInterval)
		synctest.Wait()
		if ids, resume := late.got(); len(ids) != 62 || resume == end {
			t.Errorf("it goes on with %d events, at %s", len(ids), resume)
		}
		h.stop()
	})
}
