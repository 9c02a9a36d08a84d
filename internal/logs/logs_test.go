package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func (b *buffer) Len() int { return len(b.String()) }

func (b *buffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all.Reset()
}

func newLog(level slog.Level) (*slog.Logger, *buffer) {
	var out buffer
	return slog.New(Calm(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))), &out
}

// refusal is an error of Postgres.
type refusal string

func (r refusal) Error() string    { return "pq: " + string(r) }
func (r refusal) SQLState() string { return string(r) }

func TestCalm_OutagesAreNotWarnedOf(t *testing.T) {
	t.Parallel()
	refused := fmt.Errorf("read: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")})
	for _, c := range []struct {
		level slog.Level
		err   error
		shown bool
	}{
		{slog.LevelWarn, refused, false},
		{slog.LevelWarn, fmt.Errorf("x: %w", refusal("57P01")), false},
		{slog.LevelWarn, context.DeadlineExceeded, false},
		{slog.LevelWarn, refusal("23505"), true},
		{slog.LevelWarn, errors.New("odd"), true},
		{slog.LevelError, refused, true},
	} {
		log, out := newLog(slog.LevelInfo)
		log.With("part", "x").Log(t.Context(), c.level, "not stored", "n", 1, "error", c.err)
		if (out.Len() > 0) != c.shown {
			t.Errorf("%v %v: %q", c.level, c.err, out)
		}
	}
	log, out := newLog(slog.LevelDebug)
	log.Warn("not stored", "error", refused)
	if !strings.Contains(out.String(), "level=DEBUG") {
		t.Errorf("%q", out)
	}
}

func TestWatch_OnceThenEveryMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, out := newLog(slog.LevelInfo)
		var err atomic.Pointer[error]
		set := func(e error) { err.Store(&e) }
		set(nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go Watch(ctx, log, &State{Name: "redis", Effect: "limits are kept locally", Check: func(context.Context) error { return *err.Load() }})
		lines := func(want ...string) {
			t.Helper()
			synctest.Wait()
			got := strings.Split(strings.TrimSpace(out.String()), "\n")
			out.Reset()
			if len(want) == 0 && len(got) == 1 && got[0] == "" {
				return
			}
			if len(got) != len(want) {
				t.Fatalf("got %q, want %q", got, want)
			}
			for i, w := range want {
				if !strings.Contains(got[i], w) {
					t.Errorf("line %q, want %q", got[i], w)
				}
			}
		}
		time.Sleep(10500 * time.Millisecond)
		lines()
		set(errors.New("connection refused"))
		time.Sleep(30 * time.Second)
		lines(`level=WARN msg="redis does not work; limits are kept locally" cause="connection refused"`)
		time.Sleep(2 * time.Minute)
		lines("still does not work", "still does not work")
		set(nil)
		time.Sleep(30 * time.Second)
		lines(`level=INFO msg="redis works again" after=2m30s`)
	})
}

func TestSparse_OnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, out := newLog(slog.LevelDebug)
		s := NewSparse(log, "go-redis")
		for i := range 90 {
			s.Printf(t.Context(), "pool: dial %d", i)
			s.Say(slog.LevelWarn, "heartbeat failed: "+fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		if n := strings.Count(out.String(), "\n"); n != 4 || !strings.Contains(out.String(), "component=go-redis") {
			t.Errorf("%d lines: %s", n, out)
		}
	})
}
