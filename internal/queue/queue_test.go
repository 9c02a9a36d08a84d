package queue

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func drawPage(t *rapid.T) dispatch.Page {
	p := dispatch.Page{Channel: rapid.Int64().Draw(t, "channel"), Lane: rapid.SampledFrom(dispatch.Lanes).Draw(t, "lane")}
	for range rapid.IntRange(0, dispatch.MaxPage).Draw(t, "ids") {
		p.IDs = append(p.IDs, dispatch.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")))
	}
	return p
}

func TestEncode_DecodesToTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPage(t)
		b := Encode(p)
		if len(b) > 1610 {
			t.Fatalf("%d bytes: asynq writes every active payload again each 5 s", len(b))
		}
		got, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Fatalf("(-put +got):\n%s", diff)
		}
	})
}

// What Redis holds may be of another version, or not ours: an error, not a panic.
func TestDecode_RefusesWhatIsNoPage(t *testing.T) {
	t.Parallel()
	whole := Encode(dispatch.Page{Channel: 7, Lane: dispatch.Bulk, IDs: []dispatch.ID{dispatch.NewID()}})
	for name, b := range map[string][]byte{
		"nothing": {}, "cut head": whole[:9], "cut id": whole[:len(whole)-1], "other version": append([]byte{2}, whole[1:]...),
		"no such lane": append([]byte{1, 3}, whole[2:]...), "too many": append(bytes.Clone(whole[:10]), make([]byte, 16*(dispatch.MaxPage+1))...),
	} {
		if p, err := Decode(b); err == nil {
			t.Errorf("%s: read as %+v", name, p)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		if p, err := Decode(b); err == nil && !bytes.Equal(Encode(p), b) {
			t.Fatalf("read as %+v, which is written in another way", p)
		}
	})
}

// named returns the ID of an installation.
func named(id string) ID { return func(context.Context) (string, error) { return id, nil } }

// collect starts a server of an installation that gathers pages, those of earlier
// versions too for drain.
func collect(t *testing.T, url, id string, drain time.Duration) (*Client, func() []dispatch.Page, *Server) {
	t.Helper()
	rc, err := Open(url, 16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rc.Close() })
	var mu sync.Mutex
	var got []dispatch.Page
	s := Start(ServerOptions{
		Redis: rc, Grace: time.Second, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Installation: func(context.Context) (string, time.Duration, error) { return id, drain, nil },
		Handle: func(_ context.Context, p dispatch.Page) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, p)
			return nil
		},
	})
	t.Cleanup(s.Shutdown)
	return NewClient(rc, named(id)), func() []dispatch.Page {
		mu.Lock()
		defer mu.Unlock()
		return append([]dispatch.Page(nil), got...)
	}, s
}

func TestOffer_ReachesTheServerOfItsLane(t *testing.T) {
	t.Parallel()
	c, got, _ := collect(t, storetest.Redis(t), "one", 0)
	want := map[dispatch.Lane]dispatch.Page{}
	for _, lane := range dispatch.Lanes {
		want[lane] = dispatch.Page{Channel: int64(lane) + 1, Lane: lane, IDs: []dispatch.ID{dispatch.NewID(), dispatch.NewID()}}
		if err := c.Offer(t.Context(), want[lane]); err != nil {
			t.Fatal(err)
		}
	}
	wait.Until(t, "all pages have come", func() bool { return len(got()) == len(want) })
	for _, p := range got() {
		if diff := cmp.Diff(want[p.Lane], p); diff != "" {
			t.Errorf("lane %s (-put +got):\n%s", p.Lane, diff)
		}
	}
	for _, lane := range dispatch.Lanes {
		if n, err := c.Pending(t.Context(), lane); err != nil || n != 0 {
			t.Errorf("lane %s: %d pending, %v", lane, n, err)
		}
	}
}

// A page of which the worker could not take care comes again, and is not archived.
func TestServer_HandedBack_ComesAgain(t *testing.T) {
	t.Parallel()
	rc, err := Open(storetest.Redis(t), 16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rc.Close() })
	var times atomic.Int64
	s := Start(ServerOptions{
		Redis: rc, Grace: time.Second, Log: slog.New(slog.DiscardHandler),
		Installation: func(context.Context) (string, time.Duration, error) { return "one", 0, nil },
		Handle: func(context.Context, dispatch.Page) error {
			if times.Add(1) == 1 {
				return errors.New("Postgres is away")
			}
			return nil
		},
	})
	t.Cleanup(s.Shutdown)
	page := dispatch.Page{Channel: 1, Lane: dispatch.Normal, IDs: []dispatch.ID{dispatch.NewID()}}
	if err := NewClient(rc, named("one")).Offer(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the page comes again", func() bool { return times.Load() == 2 })
	if n, err := rc.ZCard(t.Context(), "asynq:{"+queueName("one", page.Lane)+"}:archived").Result(); err != nil || n != 0 {
		t.Errorf("%d pages archived, %v", n, err)
	}
}

// After a wipe exactly one checks first, and pages flow again without a restart.
func TestWiped_ToldOnce_AndTheServerGoesOn(t *testing.T) {
	t.Parallel()
	c, got, _ := collect(t, storetest.Redis(t), "one", 0)
	told := func() int {
		n := 0
		for range 5 {
			wiped, err := c.Wiped(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if wiped {
				n++
			}
		}
		return n
	}
	if n := told(); n != 1 {
		t.Errorf("a new Redis was told of %d times", n)
	}
	if err := c.redis.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if n := told(); n != 1 {
		t.Errorf("a wiped Redis was told of %d times", n)
	}
	if err := errors.Join(c.Register(t.Context()), c.Offer(t.Context(), dispatch.Page{
		Channel: 1, Lane: dispatch.Normal,
		IDs: []dispatch.ID{dispatch.NewID()},
	})); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the page has come", func() bool { return len(got()) == 1 })
}

// An offer without Redis costs its caller less than half a second.
func TestOffer_RedisAway_FailsSoon(t *testing.T) {
	t.Parallel()
	rc, err := Open("redis://127.0.0.1:1/0", 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rc.Close() }()
	began := time.Now()
	if err := NewClient(rc, named("one")).Offer(t.Context(), dispatch.Page{Lane: dispatch.OTP}); err == nil {
		t.Error("an offer to nobody succeeded")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("an offer took %v", took)
	}
}
