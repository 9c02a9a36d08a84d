package e2e

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// Figures are on an address of their own; on the API's only for who has the token.
func TestMetrics_OnTheirOwnAddress(t *testing.T) {
	t.Parallel()
	own := freeAddress(t)
	cfg := config.Config{
		PostgresURL: config.Secret(storetest.Postgres(t)), RedisURL: config.Secret(storetest.Redis(t)), SecretKey: storetest.SecretKey,
		PostgresConns: 4, MetricsListen: config.HostPort(own),
	}
	log := slog.New(slog.DiscardHandler)
	closed, err := app.Serve(&cfg, freeAddress(t), log)
	must(t, err)
	t.Cleanup(func() { stopped(t, "front door", closed) })
	withToken := cfg
	withToken.MetricsListen, withToken.MetricsToken = "", "a token"
	guarded, err := app.Serve(&withToken, freeAddress(t), log)
	must(t, err)
	t.Cleanup(func() { stopped(t, "front door", guarded) })
	for _, c := range []struct {
		address, token string
		want           int
	}{
		{own, "", http.StatusOK},
		{closed.Addr, "", http.StatusNotFound},
		{closed.Addr, "a token", http.StatusNotFound},
		{guarded.Addr, "", http.StatusUnauthorized},
		{guarded.Addr, "another", http.StatusUnauthorized},
		{guarded.Addr, "a token", http.StatusOK},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.address+"/metrics", nil)
		must(t, err)
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		page, err := io.ReadAll(res.Body)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != c.want || (c.want == http.StatusOK) != strings.Contains(string(page), "sendoff_build_info") {
			t.Errorf("%+v: %s, %d bytes", c, res.Status, len(page))
		}
	}
}

// A message that its paused channel holds back is no measure of capacity.
func TestMetrics_DispatchableAge_LeavesOutWhatIsHeld(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	must(t, s.store.PauseChannel(t.Context(), s.channels["gupshup whatsapp"].ID, "to have a queue"))
	s.send(t, s.body("gupshup whatsapp", "+15558010201"))
	wait.For(t, patience, func() error {
		serve, work := s.scrape(t)
		for name, of := range map[string]figures{"serve": serve, "work": work} {
			if ahead := of["sendoff_partitions_ahead_seconds"]; ahead < 14*86400 {
				return fmt.Errorf("%s: partitions for %v s", name, ahead)
			}
		}
		if age := work.sum("sendoff_queue_oldest_seconds", `lane="normal"`); age < 3 {
			return fmt.Errorf("the message has waited %v s", age)
		}
		if age, ok := work["sendoff_dispatchable_oldest_seconds"]; !ok || age > 1 {
			t.Fatalf("a paused channel's message counts as dispatchable for %v s (reported: %v)", age, ok)
		}
		return nil
	})
}
