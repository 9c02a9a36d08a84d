package storetest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
)

// Standby starts a hot standby of the Postgres at url, whose log level allows it
// (that of the tests' own servers does not; Durable's does).
func Standby(t testing.TB, url string) *devstack.Standby {
	t.Helper()
	dir, err := devstack.MkdirTemp("", "standby-test-")
	Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s, err := devstack.StartStandby(t.Context(), dir, url)
	Must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		Must(t, s.Stop(ctx))
	})
	return s
}

// Durable starts a Postgres and a Redis with the schema, which trade no durability
// for speed as the tests' own servers do.
func Durable(t testing.TB) *devstack.Stack {
	t.Helper()
	dir, err := devstack.MkdirTemp("", "durable-test-")
	Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	stack, err := devstack.Start(ctx, devstack.Options{Dir: dir, RedisAOF: true})
	Must(t, err)
	t.Cleanup(func() { Must(t, stack.Stop(context.WithoutCancel(ctx))) })
	_, err = Migrate(ctx, stack.PostgresURL())
	Must(t, err)
	return stack
}
