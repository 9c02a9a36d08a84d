package storetest

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
)

// IgnoreSettings is the line of PgBouncer's configuration with which it takes
// Sendoff's start-up parameters and ignores them.
const IgnoreSettings = "ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout,jit," +
	"plan_cache_mode,default_transaction_isolation"

// PgBouncer returns the address of the Postgres at url through a PgBouncer of the
// test's own in transaction mode, with size connections to each database and extra
// lines of configuration.
func PgBouncer(t testing.TB, url string, size int, extra ...string) string {
	t.Helper()
	return Pooler(t, url, size, extra...).URL()
}

// Pooler is PgBouncer for tests that crash it.
func Pooler(t testing.TB, url string, size int, extra ...string) *devstack.PgBouncer {
	t.Helper()
	dir, err := devstack.MkdirTemp("", "pgbouncer-test-")
	Must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p, err := devstack.StartPgBouncer(t.Context(), dir, Direct(t, url), size, extra...)
	if errors.Is(err, devstack.ErrNoPgBouncer) {
		missing(t, err)
	}
	Must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := p.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}
