package metrics

import (
	"database/sql"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/version"
)

// page returns the lines of /metrics.
func page(t *testing.T, m *Metrics) map[string]bool {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	lines := map[string]bool{}
	for line := range strings.Lines(w.Body.String()) {
		lines[strings.TrimSuffix(line, "\n")] = true
	}
	return lines
}

func expect(t *testing.T, m *Metrics, want ...string) {
	t.Helper()
	lines := page(t, m)
	for _, line := range want {
		if !lines[line] {
			t.Errorf("no line %s", line)
		}
	}
}

func TestCounters(t *testing.T) {
	t.Parallel()
	m := New()
	m.Accepted(7, 3)
	m.Accepted(7, 2)
	m.OfferFailed(4)
	m.Failed(7, "content")
	m.Callback("v", 2, 1)
	m.Callback("v", 1, 0)
	m.Local("key")
	m.WebhookTried("delivered")
	expect(t, m,
		`sendoff_accepted_total{channel="7"} 5`,
		`sendoff_offers_failed_total 4`,
		`sendoff_failed_total{channel="7",code="content"} 1`,
		`sendoff_callbacks_total{kind="status",provider="v",result="read"} 3`,
		`sendoff_callbacks_total{kind="inbound",provider="v",result="read"} 1`,
		`sendoff_limits_local_total{limit="key"} 1`,
		`sendoff_webhook_deliveries_total{result="delivered"} 1`,
	)
}

// A call is retried, unknown, or neither when it was accepted or the last one.
func TestAttempt_CountsWhatFollows(t *testing.T) {
	t.Parallel()
	m, ch := New(), &dispatch.Channel{ID: 7}
	m.Attempt(ch, dispatch.OTP, "accepted", "", false, 20*time.Millisecond)
	m.Attempt(ch, dispatch.OTP, "temporary", "provider_error", false, time.Second)
	m.Attempt(ch, dispatch.OTP, "temporary", "provider_error", true, time.Second)
	m.Attempt(ch, dispatch.Bulk, "unknown", "timeout", false, 10*time.Second)
	expect(t, m,
		`sendoff_dispatched_total{channel="7",lane="otp",result="accepted"} 1`,
		`sendoff_dispatched_total{channel="7",lane="otp",result="temporary"} 2`,
		`sendoff_dispatched_total{channel="7",lane="bulk",result="unknown"} 1`,
		`sendoff_retried_total{channel="7",code="provider_error"} 1`,
		`sendoff_unknown_total{channel="7",code="timeout"} 1`,
		`sendoff_provider_call_seconds_count{channel="7"} 4`,
		`sendoff_provider_call_seconds_bucket{channel="7",le="0.02"} 1`,
	)
	for line := range page(t, m) {
		if strings.HasPrefix(line, "sendoff_retried_total") && !strings.Contains(line, "provider_error") {
			t.Errorf("an accepted call counts as retried: %s", line)
		}
	}
}

func TestGaugesAndTimes(t *testing.T) {
	t.Parallel()
	m := New()
	m.Depth(dispatch.Normal, 12, 1500*time.Millisecond)
	m.Depth(dispatch.Normal, 10, 2500*time.Millisecond) // replaces the first
	m.Sent(&dispatch.Channel{ID: 7}, dispatch.OTP, 30*time.Millisecond)
	m.AcceptTime(3 * time.Millisecond)
	m.Request("/v1/messages", "POST", 202, 4*time.Millisecond)
	m.Request("", "GET", 404, time.Millisecond)
	m.WebhookDepth(5, time.Minute)
	m.WebhooksDisabled(1, 2)
	expect(t, m,
		`sendoff_queue_depth{lane="normal"} 10`,
		`sendoff_queue_oldest_seconds{lane="normal"} 2.5`,
		`sendoff_accept_to_sent_seconds_bucket{lane="otp",le="0.05"} 1`,
		`sendoff_accept_to_sent_seconds_bucket{lane="otp",le="0.02"} 0`,
		`sendoff_accept_seconds_count 1`,
		`sendoff_http_request_seconds_count{method="POST",route="/v1/messages",status="202"} 1`,
		`sendoff_http_request_seconds_count{method="GET",route="none",status="404"} 1`,
		`sendoff_webhook_queue_depth 5`,
		`sendoff_webhook_queue_oldest_seconds 60`,
		`sendoff_webhooks_disabled{cause="hand"} 1`,
		`sendoff_webhooks_disabled{cause="failures"} 2`,
	)
}

// The figures of the pool are read when they are scraped.
func TestPool_ReadsWhenScraped(t *testing.T) {
	t.Parallel()
	m := New()
	stats := sql.DBStats{OpenConnections: 3, InUse: 2, WaitCount: 5, WaitDuration: 1500 * time.Millisecond}
	m.Pool(func() sql.DBStats { return stats })
	expect(
		t, m, `sendoff_postgres_pool_open 3`, `sendoff_postgres_pool_in_use 2`, `sendoff_postgres_pool_waits 5`,
		`sendoff_postgres_pool_wait_seconds 1.5`,
	)
	stats.InUse = 0
	expect(t, m, `sendoff_postgres_pool_in_use 0`)
}

// Names, units and help texts pass Prometheus' own linter.
func TestNames_Lint(t *testing.T) {
	t.Parallel()
	m := New()
	m.Depth(dispatch.Normal, 1, time.Second)
	m.Sent(&dispatch.Channel{ID: 7}, dispatch.OTP, time.Millisecond)
	m.AcceptTime(time.Millisecond)
	m.Request("/v1/messages", "POST", 202, time.Millisecond)
	m.WebhookDepth(5, time.Minute)
	m.WebhooksDisabled(1, 2)
	m.Pool(func() sql.DBStats { return sql.DBStats{} })
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	problems, err := promlint.New(w.Body).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// A rate over a series that appears with its first event misses that event: what is
// known has its series from the start.
func TestNew_KnownSeriesAreThere(t *testing.T) {
	t.Parallel()
	m := New()
	m.Know(&dispatch.Channel{ID: 7, Provider: "v"})
	m.Dispatchable(1500 * time.Millisecond)
	expect(t, m,
		`sendoff_build_info{go="`+runtime.Version()+`",version="`+version.Version()+`"} 1`,
		`sendoff_dispatchable_oldest_seconds 1.5`,
		`sendoff_queue_depth{lane="bulk"} 0`,
		`sendoff_queue_oldest_seconds{lane="otp"} 0`,
		`sendoff_accept_to_sent_seconds_bucket{lane="bulk",le="86400"} 0`,
		`sendoff_limits_local_total{limit="key"} 0`,
		`sendoff_webhook_deliveries_total{result="failed"} 0`,
		`sendoff_webhooks_disabled{cause="failures"} 0`,
		`sendoff_accepted_total{channel="7"} 0`,
		`sendoff_dispatched_total{channel="7",lane="otp",result="accepted"} 0`,
		`sendoff_callbacks_total{kind="status",provider="v",result="read"} 0`,
		`sendoff_callbacks_rejected_total{channel="7",reason="signature"} 0`,
		`sendoff_retried_total{channel="7",code="rate_limited"} 0`,
		`sendoff_unknown_total{channel="7",code="outcome_unknown"} 0`,
		`sendoff_failed_total{channel="7",code="invalid_recipient"} 0`,
		`sendoff_channel_held{channel="7",state="open"} 0`,
	)
}

// A channel that sends again is no longer held.
func TestHeld(t *testing.T) {
	t.Parallel()
	m := New()
	m.Held(map[int64]string{1: "open", 2: "paused"})
	expect(t, m,
		`sendoff_channel_held{channel="1",state="open"} 1`, `sendoff_channel_held{channel="1",state="paused"} 0`,
		`sendoff_channel_held{channel="2",state="paused"} 1`,
	)
	m.Held(map[int64]string{1: "paused"})
	expect(t, m,
		`sendoff_channel_held{channel="1",state="open"} 0`, `sendoff_channel_held{channel="1",state="paused"} 1`,
		`sendoff_channel_held{channel="2",state="paused"} 0`,
	)
}

// A code that any provider's table has is known, so that the first failure is not the
// first sample of its series.
func TestKnow_HasEveryCodeOfProviders(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.Join("..", "dispatch", "failure.go"))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]string{}
	for _, m := range regexp.MustCompile(`(Fail\w+) +ErrorCode = "(\w+)"`).FindAllSubmatch(source, -1) {
		codes[string(m[1])] = string(m[2])
	}
	found := 0
	err = filepath.WalkDir(filepath.Join("..", "provider"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, name := range regexp.MustCompile(`dispatch\.(Fail[A-Z]\w*)`).FindAllSubmatch(raw, -1) {
			found++
			if code, ok := codes[string(name[1])]; !ok || !slices.Contains(dispatch.FailCodes, code) {
				t.Errorf("%s has %s, which is not among the known codes", path, name[1])
			}
		}
		return err
	})
	if err != nil || found < 20 {
		t.Errorf("%d codes found, %v", found, err)
	}
}

// What is refused or ignored is counted apart from what was read, by the reason.
func TestCallbacks_RefusedAndIgnoredApart(t *testing.T) {
	t.Parallel()
	m := New()
	m.Know(&dispatch.Channel{ID: 7, Provider: "v"})
	m.Callback("v", 1, 0)
	m.CallbackLate("v")
	m.CallbackIgnored("v")
	m.CallbackIgnored("v")
	m.CallbackRejected(7, "signature")
	m.CallbackRejected(7, "body")
	m.CallbackRejected(8, "body")
	expect(t, m,
		`sendoff_callbacks_total{kind="status",provider="v",result="read"} 1`,
		`sendoff_callbacks_total{kind="other",provider="v",result="ignored"} 2`,
		`sendoff_callbacks_total{kind="status",provider="v",result="late"} 1`,
		`sendoff_callbacks_rejected_total{channel="7",reason="signature"} 1`,
		`sendoff_callbacks_rejected_total{channel="7",reason="body"} 1`,
		`sendoff_callbacks_rejected_total{channel="8",reason="body"} 1`,
	)
}
