package e2e

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// A Postgres that takes no writes, as a standby after a switchover, makes serve
// unready with the reason and answers every send 503 with Retry-After; when another
// takes writes again, all goes on.
func TestReadOnlyPostgres_503UntilItTakesWrites(t *testing.T) {
	t.Parallel()
	s := start(t, options{config: func(c *config.Config) {
		c.PostgresURL = config.Secret(storetest.Session(t, "settings of a database reach new sessions only"))
	}})
	admin, err := sql.Open("postgres", string(s.cfg.PostgresURL))
	must(t, err)
	defer func() { _ = admin.Close() }()
	readOnly := func(value string) {
		t.Helper()
		var name string
		must(t, admin.QueryRow(`SELECT quote_ident(current_database())`).Scan(&name))
		_, err := admin.Exec(`SET default_transaction_read_only = off`)
		must(t, err)
		_, err = admin.Exec("ALTER DATABASE " + name + " SET default_transaction_read_only = " + value)
		must(t, err)
		// What a switchover does to the connections.
		_, err = admin.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		must(t, err)
	}
	admin.SetMaxOpenConns(1)
	before := s.send(t, order("+15559030001"))
	s.becomes(t, before.ID, "delivered")

	readOnly("on")
	wait.For(t, patience, func() error {
		a, err := s.try(http.MethodGet, s.url+"/readyz", "")
		if err != nil || a.status != http.StatusServiceUnavailable || !strings.Contains(string(a.body), "read-only") {
			return fmt.Errorf("readyz: %d %s %w", a.status, a.body, err)
		}
		return nil
	})
	for _, path := range []string{"/v1/messages", "/v1/messages/batch"} {
		body := order("+15559030002")
		if strings.HasSuffix(path, "batch") {
			body = `{"messages":[` + body + `]}`
		}
		a := s.call(t, http.MethodPost, path, body)
		switch {
		case path == "/v1/messages" && (a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == ""):
			t.Errorf("a send is answered %d, Retry-After %q: %s", a.status, a.header.Get("Retry-After"), a.body)
		case path != "/v1/messages" && !strings.Contains(string(a.body), `"overloaded"`):
			t.Errorf("a batch is answered %d: %s", a.status, a.body)
		}
	}
	readOnly("off")
	wait.For(t, patience, func() error {
		a, err := s.try(http.MethodGet, s.url+"/readyz", "")
		if err != nil || a.status != http.StatusOK {
			return fmt.Errorf("readyz: %d %s %w", a.status, a.body, err)
		}
		return nil
	})
	s.becomes(t, s.send(t, order("+15559030003")).ID, "delivered")
	if n := s.copies(t, "+15559030002"); n != 0 {
		t.Errorf("a refused message was sent %d times", n)
	}
}
