package queue

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// Two installations on one Redis each get their own pages, all of them, and each
// notices a wipe for itself.
func TestServer_OfAnotherInstallation_GetsNothingOfOurs(t *testing.T) {
	t.Parallel()
	url := storetest.Redis(t)
	mine, got, _ := collect(t, url, "mine", 0)
	theirs, theirGot, _ := collect(t, url, "theirs", 24*time.Hour)
	const pages = 40
	for i := range pages {
		for channel, c := range []*Client{mine, theirs} {
			page := dispatch.Page{Channel: int64(channel), Lane: dispatch.Lanes[i%len(dispatch.Lanes)], IDs: []dispatch.ID{dispatch.NewID()}}
			wait.For(t, 10*time.Second, func() error { return c.Offer(t.Context(), page) }) // a busy machine takes more than an offer's time
		}
	}
	wait.Until(t, "all pages have come", func() bool { return len(got()) >= pages && len(theirGot()) >= pages })
	for channel, ps := range [][]dispatch.Page{got(), theirGot()} {
		if slices.ContainsFunc(ps, func(p dispatch.Page) bool { return p.Channel != int64(channel) }) {
			t.Errorf("installation %d got a page of the other", channel)
		}
	}
	for _, c := range []*Client{mine, theirs} {
		if wiped, err := c.Wiped(t.Context()); err != nil || !wiped {
			t.Errorf("a Redis new to the installation: wiped %v, %v", wiped, err)
		}
		if err := c.Register(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := mine.redis.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		shared := key == queueNames || key == "asynq:servers" || key == "asynq:workers" ||
			strings.HasPrefix(key, "asynq:servers:{") || strings.HasPrefix(key, "asynq:workers:{")
		if !shared && !strings.Contains(key, "mine:") && !strings.Contains(key, "theirs:") {
			t.Errorf("key %s carries no id", key)
		}
	}
}

func TestFindNeighbours_NamesOthersAndCountsOurWorkers(t *testing.T) {
	t.Parallel()
	url := storetest.Redis(t)
	mine, _, _ := collect(t, url, "mine", 0)
	if err := mine.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait.For(t, 10*time.Second, func() error {
		n, err := FindNeighbours(t.Context(), mine.redis, "mine")
		if err == nil && (len(n.Others) > 0 || n.Workers != 1) {
			err = errors.New("alone: " + cmp.Diff(Neighbours{Workers: 1}, n))
		}
		return err
	})
	for _, id := range []string{"b", "a"} {
		if err := NewClient(mine.redis, named(id)).Register(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := mine.redis.SAdd(t.Context(), queueNames, "otp", "normal", "bulk").Err(); err != nil {
		t.Fatal(err)
	}
	n, err := FindNeighbours(t.Context(), mine.redis, "mine")
	if diff := cmp.Diff(Neighbours{Others: []string{"", "a", "b"}, Workers: 1}, n); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// After an upgrade what earlier versions have offered, without an id, is worked on.
func TestServer_AfterAnUpgrade_DrainsTheOldQueues(t *testing.T) {
	t.Parallel()
	c, got, _ := collect(t, storetest.Redis(t), "new", time.Hour)
	old := asynq.NewClientFromRedisClient(c.redis)
	for _, lane := range dispatch.Lanes {
		page := dispatch.Page{Channel: 1, Lane: lane, IDs: []dispatch.ID{dispatch.NewID()}}
		if _, err := old.EnqueueContext(t.Context(), asynq.NewTask(taskPage, Encode(page)), asynq.Queue(lane.String())); err != nil {
			t.Fatal(err)
		}
	}
	wait.Until(t, "the old pages have come", func() bool { return len(got()) == len(dispatch.Lanes) })
}

// A worker starts without Postgres and begins to fetch when the id is known; one
// that stops before that stops at once.
func TestStart_WithoutID_WaitsForIt(t *testing.T) {
	t.Parallel()
	rc, err := Open(storetest.Redis(t), 8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rc.Close() })
	var known atomic.Bool
	came := make(chan dispatch.Page, 1)
	o := ServerOptions{
		Redis: rc, Grace: time.Second, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Installation: func(context.Context) (string, time.Duration, error) {
			if !known.Load() {
				return "", 0, errors.New("postgres is away")
			}
			return "one", 0, nil
		},
		Handle: func(_ context.Context, p dispatch.Page) error { came <- p; return nil },
	}
	Start(o).Shutdown()
	s := Start(o)
	t.Cleanup(s.Shutdown)
	if err := NewClient(rc, named("one")).Offer(t.Context(), dispatch.Page{IDs: []dispatch.ID{dispatch.NewID()}}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-came:
		t.Fatal("a page came before the id was known")
	default:
	}
	known.Store(true)
	select {
	case <-came:
	case <-time.After(10 * time.Second):
		t.Fatal("no page came")
	}
}
