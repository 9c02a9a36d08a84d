// Package devstack runs a private Postgres and Redis for `sendoff dev` and for
// the tests: on free loopback ports, out of one folder, without touching any
// server that the machine runs for others.
package devstack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// startLimit bounds one start of one server; crash recovery of a large
// database is what takes longest.
const startLimit = 60 * time.Second

// Options are the folder of a stack and how durable its data is.
type Options struct {
	// Dir holds everything: data, logs, the lock. A second start keeps the data.
	Dir string
	// Fast trades durability for speed: for tests.
	Fast bool
	// RedisAOF makes Redis append to disk every second, so that its data
	// outlive it.
	RedisAOF bool
	// Log receives starts, restarts and fallbacks; nil discards them.
	Log *slog.Logger
}

// Stack is a running Postgres and Redis.
type Stack struct {
	place    *place
	postgres *postgres
	pg       *service
	redis    redisServer
}

// redisServer is what redis-server and its stand-in have in common.
type redisServer interface {
	kind() string
	url() string
	pid() int
	watch(ctx context.Context)
	stop(ctx context.Context) error
}

// Start starts both servers and returns when they answer. ctx bounds the start
// only: the servers run until Stop, or until this process dies.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p, err := openPlace(o.Dir, o.Log)
	if err != nil {
		return nil, err
	}
	s := &Stack{place: p}
	if err := s.start(ctx, o); err != nil {
		// The caller's ctx may be what failed: the clean-up has its own.
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, o Options) error {
	var err error
	if s.postgres, s.pg, err = startPostgres(ctx, s.place, o); err != nil {
		return fmt.Errorf("start postgres: %w", err)
	}
	if s.redis, err = startRedis(ctx, s.place, o); err != nil {
		return fmt.Errorf("start redis: %w", err)
	}
	return nil
}

// PostgresURL is the address of the database "sendoff", with its password.
func (s *Stack) PostgresURL() string { return s.postgres.url("sendoff") }

// RedisURL is the address of Redis database 0.
func (s *Stack) RedisURL() string { return s.redis.url() }

// RedisKind is "redis-server", or "miniredis" where none could be found.
func (s *Stack) RedisKind() string { return s.redis.kind() }

// PostgresPID is the process id of the postmaster, for tests that kill it.
func (s *Stack) PostgresPID() int { return s.pg.pid() }

// RedisPID is the process id of redis-server, or 0 with miniredis.
func (s *Stack) RedisPID() int { return s.redis.pid() }

// Watch starts a server that died again, on its old port. It returns when ctx
// is done or the stack is stopped.
func (s *Stack) Watch(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { s.pg.watch(ctx) })
	wg.Go(func() { s.redis.watch(ctx) })
	wg.Wait()
}

// RestartPostgresImmediate crashes Postgres and starts it again on the same
// port, as `pg_ctl -m immediate restart` does: no checkpoint, recovery from
// the write-ahead log.
func (s *Stack) RestartPostgresImmediate(ctx context.Context) error {
	return s.pg.restart(ctx, s.pg.hard)
}

// Stop ends both servers and releases the folder. It takes at most some
// seconds: a server that doesn't leave in time is made to.
func (s *Stack) Stop(ctx context.Context) error {
	var wg sync.WaitGroup
	var pgErr, redisErr error
	if s.pg != nil {
		wg.Go(func() { pgErr = s.pg.stop(ctx) })
	}
	if s.redis != nil {
		wg.Go(func() { redisErr = s.redis.stop(ctx) })
	}
	wg.Wait()
	return errors.Join(pgErr, redisErr, s.place.close())
}
