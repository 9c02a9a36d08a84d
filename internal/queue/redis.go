package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Open builds a Redis client as asynq needs it and can't build itself: sockets
// obey contexts, a popped task is never popped twice by a silent retry, and
// errors slow the caller down instead of spinning. The address is
// redis://host:port/db, a comma list of hosts for a cluster
// (redis-cluster://h1:6379,h2:6379) or Sentinel (redis-sentinel://s1:26379,s2:26379/master).
func Open(rawURL string, pool int) (redis.UniversalClient, error) {
	o := &redis.UniversalOptions{
		DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second,
		ContextTimeoutEnabled: true, MaxRetries: -1, PoolSize: pool,
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("redis url must look like redis://host:6379/0")
	}
	if u.User != nil {
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	o.Addrs = strings.Split(u.Host, ",")
	var c redis.UniversalClient
	switch u.Scheme {
	case "redis", "rediss", "unix":
		so, err := redis.ParseURL(rawURL)
		if err != nil {
			return nil, fmt.Errorf("read redis url: %w", err)
		}
		so.DialTimeout, so.ReadTimeout, so.WriteTimeout = o.DialTimeout, o.ReadTimeout, o.WriteTimeout
		so.ContextTimeoutEnabled, so.MaxRetries, so.PoolSize = true, -1, pool
		c = redis.NewClient(so)
	case "redis-cluster":
		c = redis.NewClusterClient(o.Cluster())
	case "redis-sentinel":
		o.MasterName = strings.Trim(u.Path, "/")
		c = redis.NewFailoverClient(o.Failover())
	default:
		return nil, fmt.Errorf("redis url scheme %q is not one of redis, rediss, redis-cluster, redis-sentinel", u.Scheme)
	}
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
	if err == nil || errors.Is(err, redis.Nil) || strings.HasPrefix(err.Error(), "NOSCRIPT") || strings.HasPrefix(err.Error(), "ERR no such key") {
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
