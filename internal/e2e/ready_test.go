package e2e

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
	"github.com/sendoff/sendoff/migrations"
)

// Neither role is ready on a database without tables, nor on one that is behind.
func TestReadyz_MigrationsMissing_NamesTheCommand(t *testing.T) {
	t.Parallel()
	url := storetest.Empty(t)
	cfg := &config.Config{
		PostgresURL: config.Secret(url), RedisURL: config.Secret(storetest.Redis(t)), SecretKey: storetest.SecretKey,
		PostgresConns: 4, ShutdownGrace: time.Second, EmulatorURL: "http://127.0.0.1:1",
	}
	log := slog.New(slog.DiscardHandler)
	work, err := app.Work(cfg, "127.0.0.1:0", "http://127.0.0.1:1", log)
	must(t, err)
	t.Cleanup(func() { stopped(t, "worker", work) })
	serve, err := app.Serve(cfg, freeAddress(t), log)
	must(t, err)
	t.Cleanup(func() { stopped(t, "front door", serve) })
	says := func(status int, postgres string) {
		t.Helper()
		for _, address := range []string{serve.Addr, work.Addr} {
			wait.For(t, 10*time.Second, func() error {
				res, err := http.Get("http://" + address + "/readyz")
				must(t, err)
				defer func() { _ = res.Body.Close() }()
				var answer struct{ Postgres string }
				must(t, json.NewDecoder(res.Body).Decode(&answer))
				if res.StatusCode != status || answer.Postgres != postgres {
					return fmt.Errorf("%s: %s %q, want %d %q", address, res.Status, answer.Postgres, status, postgres)
				}
				return nil
			})
		}
	}
	says(http.StatusServiceUnavailable, "the database has no tables yet; run: sendoff migrate up")
	_, err = migrations.Up(t.Context(), url)
	must(t, err)
	says(http.StatusOK, "ok")
	_, err = migrations.Down(t.Context(), url)
	must(t, err)
	says(http.StatusServiceUnavailable, "the database lacks 1 migrations that this version needs; run: sendoff migrate up")
}
