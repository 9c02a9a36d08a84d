package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// previous is a commit of the schema version before: its newest migration is 00086.
// Whoever adds a migration moves it to the commit before that one.
const previous = "eb7c831634b0"

// The binary of the schema version before works on the schema of this one, beside
// processes of this version, as while an installation is upgraded.
func TestBinaryBefore_WorksOnThisSchema(t *testing.T) {
	t.Parallel()
	binary := storetest.Binary(t, "../..", previous)
	s := start(t, options{idle: true}) // its front door takes the callbacks
	must(t, s.accounts.Contract(t.Context(), 0))
	ch := *s.channels["meta whatsapp"]
	ch.Policy.Rate = store.PagedRate
	_, err := s.accounts.UpdateChannel(t.Context(), ch)
	must(t, err)
	listen := freeAddress(t)
	env := append(os.Environ(), "SENDOFF_POSTGRES_URL="+string(s.cfg.PostgresURL), "SENDOFF_REDIS_URL="+string(s.cfg.RedisURL),
		"SENDOFF_SECRET_KEY="+string(s.cfg.SecretKey), "SENDOFF_PUBLIC_URL="+s.url, "SENDOFF_EMULATOR_URL="+s.emulator,
		"SENDOFF_PROVIDER_ALLOW=127.0.0.0/8", "SENDOFF_LISTEN="+listen, "SENDOFF_LOG_LEVEL=error")
	for _, role := range []string{"serve", "work"} {
		cmd := exec.CommandContext(t.Context(), binary, role) // killed when the test ends
		cmd.Env, cmd.Stdout, cmd.Stderr = env, t.Output(), t.Output()
		must(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Wait() })
	}
	old := *s
	old.url = "http://" + listen
	wait.For(t, patience, func() error {
		a, err := old.try(http.MethodGet, old.url+"/readyz", "")
		if err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("readyz: %d %s", a.status, a.body)
		}
		return err
	})
	for i, from := range []*stack{&old, s, &old} {
		to := fmt.Sprintf("+155550760%d0", i)
		id := from.send(t, order(to)).ID
		for _, reader := range []*stack{s, &old} {
			reader.becomes(t, id, "delivered")
		}
		if n := s.copies(t, to); n != 1 {
			t.Errorf("%d copies", n)
		}
	}
	backlog := make([]string, 40) // accepted by this version, sent by the one before
	for i := range backlog {
		backlog[i] = order(fmt.Sprintf("+15555077%03d", i), `"lane":"bulk"`)
	}
	a := s.call(t, http.MethodPost, "/v1/messages/batch", strings.Join(backlog, "\n"), "Content-Type", "application/x-ndjson")
	for _, l := range lines(a.want(t, http.StatusAccepted).body) {
		old.becomes(t, as[line](t, answer{body: l}).ID, "delivered")
	}
	later := old.send(t, order("+15555076900", `"send_at":"2035-01-01T00:00:00Z"`)).ID
	old.call(t, http.MethodPost, "/v1/messages/"+later+"/cancel", "").want(t, http.StatusOK)
	s.becomes(t, later, "cancelled")
	old.call(t, http.MethodGet, "/v1/campaigns", "").want(t, http.StatusOK)
	old.call(t, http.MethodGet, "/v1/channels", "").want(t, http.StatusOK)
	old.call(t, http.MethodGet, "/v1/contacts", "").want(t, http.StatusOK)
}
