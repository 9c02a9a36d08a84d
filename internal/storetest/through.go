package storetest

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Session is Postgres without the pooler of `make test POOLER=4`, for a test that
// needs sessions of its own on the server. why is what it needs them for.
func Session(t testing.TB, why string) string {
	t.Helper()
	address := Postgres(t)
	s := use(t)
	if s.poolerURL == "" {
		return address
	}
	t.Logf("without the pooler: %s", why)
	address = Direct(t, address)
	u, err := url.Parse(address)
	Must(t, err)
	_, err = s.admin.ExecContext(t.Context(), `ALTER DATABASE `+strings.TrimPrefix(u.Path, "/")+` RESET ALL`)
	Must(t, err)
	return address
}

// Direct returns the address of the database at address without the tests' pooler.
func Direct(t testing.TB, address string) string {
	t.Helper()
	s := use(t)
	u, err := url.Parse(address)
	Must(t, err)
	through, err := url.Parse(s.poolerURL)
	Must(t, err)
	if s.poolerURL == "" || u.Host != through.Host {
		return address
	}
	address, err = at(s.postgresURL, strings.TrimPrefix(u.Path, "/"))
	Must(t, err)
	return address
}

// pooled sets, in a database that is reached through the tests' pooler, what doctor
// asks for then. The settings hold for the tests' own connections too: a test's
// transaction that is idle for five seconds is ended.
func (s *servers) pooled(ctx context.Context, t testing.TB, name string) {
	t.Helper()
	if s.poolerURL == "" {
		return
	}
	var statements strings.Builder
	settings := pg.Settings()
	if s.version >= 180000 {
		settings["enable_partition_pruning"] = "off"
	}
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		statements.WriteString("ALTER DATABASE " + name + " SET " + k + " = '" + settings[k] + "';")
	}
	_, err := s.admin.ExecContext(ctx, statements.String())
	Must(t, err)
}
