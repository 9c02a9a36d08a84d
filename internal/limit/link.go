// Package limit implements the rate limits: of API keys (Spender), of channels
// (Channels) and of retries (RetryBudget).
//
// The counts are in Redis, so that they hold over all processes, and change
// only in Lua scripts, so that no two processes act on the same count. Without
// Redis each process goes on with its own: limits become approximate, nothing
// stops.
package limit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// The client passed in should have ContextTimeoutEnabled: go-redis otherwise
// waits its own, longer timeouts.
const (
	callTimeout = 300 * time.Millisecond
	probeEvery  = 500 * time.Millisecond
)

// errAway is returned while Redis does not answer: the local limiter decides.
var errAway = errors.New("redis is away")

// Prefix returns how the name of every key in Redis begins. While it returns an
// error the limits are kept locally.
type Prefix func(ctx context.Context) (string, error)

// link calls Redis until it fails, and then not again until a probe in the
// background succeeds: no caller waits for a dead server twice.
type link struct {
	rdb    redis.UniversalClient
	prefix Prefix
	away   atomic.Bool
	probed atomic.Int64  // when the last probe began, Unix ns
	wait   time.Duration // for one answer
	lost   func(error)   // Redis failed just now
	local  func()        // a call is answered without Redis
	now    func() uint64 // set by tests; nil: Redis' clock, or ours without it
}

// open fills in the hooks.
func (l *link) open(rdb redis.UniversalClient, prefix Prefix, lost func(error), local func()) {
	l.rdb, l.prefix, l.wait, l.lost, l.local = rdb, prefix, callTimeout, lost, local
	if l.prefix == nil {
		l.prefix = func(context.Context) (string, error) { return "", nil }
	}
	if l.lost == nil {
		l.lost = func(error) {}
	}
	if l.local == nil {
		l.local = func() {}
	}
}

// started makes microseconds since 1970 that no clock adjustment moves.
var started = time.Now()

// micros is the time for the local limiter.
func (l *link) micros() float64 {
	if l.now != nil {
		return float64(l.now())
	}
	return float64(started.UnixMicro() + time.Since(started).Microseconds())
}

// clock is the time for the script: 0 lets it take Redis' own.
func (l *link) clock() uint64 {
	if l.now != nil {
		return l.now()
	}
	return 0
}

// run runs a script. errAway means that the local limiter must answer; any
// other error is the caller's own context.
func (l *link) run(ctx context.Context, s *redis.Script, keys []string, args ...any) ([]int64, error) {
	return l.ask(ctx, keys, func(ctx context.Context, keys []string) ([]int64, error) {
		return s.Run(ctx, l.rdb, keys, args...).Int64Slice()
	})
}

// runKeys runs a script that treats groups of its keys by themselves: the first
// ends at ends[0]. per has width arguments for each key; they follow head. The keys
// of a Redis Cluster lie on several servers, so there each group, whose keys have
// one hash tag, gets a call of its own, in one round trip.
func (l *link) runKeys(ctx context.Context, s *redis.Script, keys []string, ends []int, head []any, width int, per []any) ([]int64, error) {
	if _, ok := l.rdb.(*redis.ClusterClient); !ok {
		return l.run(ctx, s, keys, append(head[:len(head):len(head)], per...)...)
	}
	return l.ask(ctx, keys, func(ctx context.Context, keys []string) ([]int64, error) {
		cmds := make([]*redis.Cmd, len(ends))
		pipe := l.rdb.Pipeline()
		group := func(i int) ([]string, []any) {
			from := 0
			if i > 0 {
				from = ends[i-1]
			}
			return keys[from:ends[i]], append(head[:len(head):len(head)], per[from*width:ends[i]*width]...)
		}
		for i := range ends {
			keys, args := group(i)
			cmds[i] = s.EvalSha(ctx, pipe, keys, args...)
		}
		_, _ = pipe.Exec(ctx) // each command has its own error
		var all []int64
		for i, cmd := range cmds {
			if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
				keys, args := group(i)
				cmd = s.Eval(ctx, l.rdb, keys, args...)
			}
			got, err := cmd.Int64Slice()
			if err != nil {
				return nil, err
			}
			all = append(all, got...)
		}
		return all, nil
	})
}

// ask makes a call with the full names of keys.
func (l *link) ask(ctx context.Context, keys []string, call func(context.Context, []string) ([]int64, error)) ([]int64, error) {
	if l.away.Load() {
		l.probe()
		l.local()
		return nil, errAway
	}
	short, cancel := context.WithTimeout(ctx, l.wait)
	defer cancel()
	full, err := l.full(short, keys)
	if err == nil {
		var got []int64
		if got, err = call(short, full); err == nil {
			return got, nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if l.away.CompareAndSwap(false, true) {
		l.probed.Store(time.Now().UnixNano())
		l.lost(fmt.Errorf("limit: ask redis: %w", err))
	}
	l.local()
	return nil, errAway
}

// full returns the names of keys in Redis.
func (l *link) full(ctx context.Context, keys []string) ([]string, error) {
	prefix, err := l.prefix(ctx)
	if err != nil || prefix == "" {
		return keys, err
	}
	out := make([]string, len(keys))
	for i, key := range keys {
		out[i] = prefix + key
	}
	return out, nil
}

// probe looks after Redis, in the background, when the last look is long enough
// ago.
func (l *link) probe() {
	last, now := l.probed.Load(), time.Now().UnixNano()
	if now-last >= int64(probeEvery) && l.probed.CompareAndSwap(last, now) {
		go l.look()
	}
}

// look ends within callTimeout.
func (l *link) look() {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	if l.rdb.Ping(ctx).Err() == nil {
		l.away.Store(false)
	}
}
