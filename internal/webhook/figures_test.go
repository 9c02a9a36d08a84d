package webhook

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/metrics"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// lines are what /metrics shows that begins with prefix.
func lines(m *metrics.Metrics, prefix string) string {
	r := httptest.NewRecorder()
	m.Handler().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var out []string
	for line := range strings.Lines(r.Body.String()) {
		if strings.HasPrefix(line, prefix) {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, "\n")
}

func TestMetrics_DeliveriesQueueAndDisabledEndpoints(t *testing.T) {
	f := newFixture(t)
	m := metrics.New()
	answer := func(status int) hookstore.Endpoint {
		return f.endpoint(Standard, receive(t, func(_ int, _ got, w http.ResponseWriter) { w.WriteHeader(status) }).URL, "message.queued")
	}
	answer(http.StatusOK)
	answer(http.StatusInternalServerError)
	answer(http.StatusGone)
	_, err := f.hooks.ChangeWebhook(
		t.Context(),
		f.account.ID,
		answer(http.StatusOK).ID,
		func(w *hookstore.Endpoint) error { w.Enabled = false; return nil },
	)
	must(t, err)
	late := answer(http.StatusOK)
	f.send(1, nil)
	d := f.deliverer(func(o *Options) { o.Scale, o.Observer = 1, m })
	f.expand(d)
	_, err = f.db.Exec(`UPDATE webhooks SET hold_until = now() + interval '1 hour' WHERE id = $1`, late.ID)
	must(t, err)
	_, err = f.db.Exec(`UPDATE webhook_deliveries SET wake_at = now() - interval '90 seconds' WHERE webhook_id = $1`, late.ID)
	must(t, err)
	must(t, d.Deliver(t.Context()))
	d.Wait()
	must(t, d.measure(t.Context()))
	if got, want := lines(m, "sendoff_webhook_deliveries_total"), strings.Join([]string{
		`sendoff_webhook_deliveries_total{result="delivered"} 1`,
		`sendoff_webhook_deliveries_total{result="failed"} 0`,
		`sendoff_webhook_deliveries_total{result="retried"} 2`,
	}, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := lines(m, "sendoff_webhooks_disabled"), `sendoff_webhooks_disabled{cause="failures"} 1`+"\n"+
		`sendoff_webhooks_disabled{cause="hand"} 1`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// That of the broken endpoint and the late one; the disabled ones wait for nobody.
	if got := lines(m, "sendoff_webhook_queue_depth"); got != "sendoff_webhook_queue_depth 2" {
		t.Error(got)
	}
	if got := lines(m, "sendoff_webhook_queue_oldest_seconds"); !strings.HasPrefix(got, "sendoff_webhook_queue_oldest_seconds 9") {
		t.Error(got)
	}
}

func TestMetrics_GivenUp_CountsAsFailed(t *testing.T) {
	f := newFixture(t)
	m := metrics.New()
	r := receive(t, func(_ int, _ got, w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) })
	f.endpoint(Standard, r.URL)
	f.send(1, nil)
	f.work(f.deliverer(func(o *Options) { o.Scale, o.Observer = 0.0000001, m }))
	want := `sendoff_webhook_deliveries_total{result="delivered"} 0` + "\n" +
		`sendoff_webhook_deliveries_total{result="failed"} 1` + "\n" + `sendoff_webhook_deliveries_total{result="retried"} 9`
	f.until("it is given up", func() bool { return lines(m, "sendoff_webhook_deliveries_total") == want })
}
