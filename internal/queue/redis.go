package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Open returns a Redis client as asynq needs it and can't build itself: sockets
// obey contexts, a popped task is never popped twice by a silent retry, and
// errors slow the caller down instead of spinning. rawURL is
// redis://user:password@host:port/db, redis-cluster://h1:6379,h2:6379 or
// redis-sentinel://s1:26379,s2:26379/master, with rediss, rediss-cluster and
// rediss-sentinel for TLS (?ca_file=, cert_file= and key_file=); Sentinels may
// have a password of their own (?sentinel_password=).
func Open(rawURL string, pool int) (redis.UniversalClient, error) {
	a, err := parseAddress(rawURL)
	if err != nil {
		return nil, err
	}
	c := a.client(pool)
	c.AddHook(&backoff{})
	return c, nil
}

// backoff sleeps after errors, 50 ms doubling to 1 s: asynq's fetch loop does
// not, and spins at thousands of calls a second against a Redis that is down.
type backoff struct{ failures atomic.Int32 }

func (b *backoff) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (b *backoff) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		b.wait(ctx, cmd, err)
		return err
	}
}

func (b *backoff) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (b *backoff) wait(ctx context.Context, cmd redis.Cmder, err error) {
	if err == nil || errors.Is(err, redis.Nil) || strings.HasPrefix(err.Error(), "NOSCRIPT") ||
		strings.HasPrefix(err.Error(), "ERR no such key") {
		b.failures.Store(0)
		return
	}
	// Only the loops that fetch without a deadline need a brake.
	if _, bounded := ctx.Deadline(); bounded {
		return
	}
	n := min(b.failures.Add(1), 5)
	d := 50 * time.Millisecond << (n - 1)
	t := time.NewTimer(d/2 + rand.N(d/2))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
