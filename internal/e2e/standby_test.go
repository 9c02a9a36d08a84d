package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/storetest"
	"github.com/sendoff/sendoff/internal/wait"
)

// Processes that know only a hot standby say so and refuse what they can't write;
// when it is promoted they work, without a restart.
func TestStandbyAlone_IsNamedUntilItIsPromoted(t *testing.T) {
	t.Parallel()
	primary := storetest.Durable(t)
	s := start(t, options{redis: primary.RedisURL(), config: func(c *config.Config) { c.PostgresURL = config.Secret(primary.PostgresURL()) }})
	first := s.send(t, order("+15559030201"))
	s.becomes(t, first.ID, "delivered")

	standby := storetest.Standby(t, primary.PostgresURL())
	cfg := *s.cfg
	cfg.PostgresURL, cfg.RedisURL = config.Secret(standby.URL()), config.Secret(storetest.Redis(t))
	work, err := app.Work(&cfg, "127.0.0.1:0", s.url, s.log)
	must(t, err)
	t.Cleanup(func() { stopped(t, "worker of the standby", work) })
	serve, err := app.Serve(&cfg, freeAddress(t), s.log)
	must(t, err)
	t.Cleanup(func() { stopped(t, "front door of the standby", serve) })
	alone := *s
	alone.url = "http://" + serve.Addr

	ready := func(status int, words string) {
		t.Helper()
		for _, address := range []string{serve.Addr, work.Addr} {
			wait.For(t, patience, func() error {
				a, err := s.try(http.MethodGet, "http://"+address+"/readyz", "")
				if err != nil || a.status != status || !strings.Contains(string(a.body), words) {
					return fmt.Errorf("readyz: %d %s %w", a.status, a.body, err)
				}
				return nil
			})
		}
	}
	ready(http.StatusServiceUnavailable, "a standby in recovery")
	if m := alone.message(t, first.ID); m.Status != "delivered" {
		t.Errorf("the standby shows the message as %s", m.Status)
	}
	for _, c := range writes(first.ID) {
		alone.call(t, c[0], c[1], c[2]).refusesToWrite(t, c[0]+" "+c[1], "read-only")
	}
	ch := s.channels["meta whatsapp"]
	body := metaStatus(ch.Settings["phone_number_id"], first.ID, "+15559030201", "read")
	alone.call(t, http.MethodPost, "/callbacks/meta/"+ch.Key, body, "X-Hub-Signature-256", metaSignature(ch.Secrets["app_secret"], body)).
		refusesToWrite(t, "a callback", "not stored")

	must(t, standby.Promote(t.Context()))
	ready(http.StatusOK, "ready")
	alone.send(t, order("+15559030203"))
	wait.For(t, patience, func() error {
		if n := s.copies(t, "+15559030203"); n != 1 {
			return fmt.Errorf("%d copies", n)
		}
		return nil
	})
	if n := s.copies(t, "+15559030202"); n != 0 {
		t.Errorf("a refused message was sent %d times", n)
	}
}

// refusesToWrite checks the answer of a server whose database takes no writes.
func (a answer) refusesToWrite(t *testing.T, what, words string) {
	t.Helper()
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(string(a.body), words) {
		t.Errorf("%s is answered %d, Retry-After %q: %s", what, a.status, a.header.Get("Retry-After"), a.body)
	}
}

// writes returns requests (method, path, body) that change something in every way
// that there is: by one statement, in a transaction, in a page with others.
func writes(message string) [][3]string {
	return [][3]string{
		{"POST", "/v1/messages", order("+15559030202")},
		{"POST", "/v1/messages/" + message + "/cancel", ""},
		{"POST", "/v1/webhooks", `{"url":"https://example.com/hook"}`},
		{"POST", "/v1/contacts", `{"phone":"+15559030204"}`},
		{"POST", "/v1/lists", `{"name":"x"}`},
		{"POST", "/v1/suppressions", `{"phone":"+15559030204"}`},
		{"POST", "/v1/keys", `{"name":"x","permissions":["send_text"]}`},
		{"POST", "/v1/templates", `{"name":"x","language":"en","category":"utility","components":[{"type":"BODY","text":"x"}]}`},
		{"POST", "/v1/erasures", `{"phone":"+15559030204"}`},
		{"PATCH", "/v1/account", `{"default_region":"US"}`},
	}
}
