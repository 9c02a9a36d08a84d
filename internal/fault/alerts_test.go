//go:build fault

package fault

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sendoff/sendoff/docs"
	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/drill"
)

// shorter is by how much durations in the rules are divided: a minute is two seconds.
// Thresholds and expressions are those of deploy/alerts.
const shorter = 30

var duration = regexp.MustCompile(`(\[|for: )(\d+)(m|h)\b`)

// hurried returns the alert rules with shorter durations.
func hurried(rules string) string {
	return duration.ReplaceAllStringFunc(rules, func(text string) string {
		m := duration.FindStringSubmatch(text)
		n, unit := 0, map[string]int{"m": 60, "h": 3600}[m[3]]
		_, _ = fmt.Sscan(m[2], &n)
		return fmt.Sprintf("%s%ds", m[1], n*unit/shorter)
	})
}

// watched is a stack whose serve and work a Prometheus scrapes.
type watched struct {
	*stack
	prometheus string
}

// watch starts a Prometheus. SENDOFF_PROMETHEUS is its program.
func watch(t *testing.T) *watched {
	t.Helper()
	program := os.Getenv("SENDOFF_PROMETHEUS")
	if program == "" {
		t.Skip("SENDOFF_PROMETHEUS is empty: no Prometheus, the alerts are not fired (make fault)")
	}
	w := &watched{stack: servers(t)}
	serve, work, own := free(t), free(t), free(t)
	w.Set("SENDOFF_METRICS_LISTEN", serve)
	w.Set("SENDOFF_WORK_LISTEN", work)
	w.Set("SENDOFF_POSTGRES_CONNS", "6") // fewer than requests that read at once
	w.Configure(`{"callbacks":false}`)
	w.StartServe()
	w.StartWork()
	dir := t.TempDir()
	rules, err := os.ReadFile(filepath.Join("..", "..", "deploy", "alerts", "sendoff.yaml"))
	w.must(err)
	w.must(os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(hurried(string(rules))), 0o600))
	w.must(os.WriteFile(filepath.Join(dir, "prometheus.yaml"), fmt.Appendf(nil, `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
scrape_configs:
  - {job_name: sendoff-serve, static_configs: [{targets: [%q]}]}
  - {job_name: sendoff-work, static_configs: [{targets: [%q]}]}
`, serve, work), 0o600))
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yaml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+own, "--log.level=error")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	w.must(cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	w.prometheus = "http://" + own
	return w
}

func free(t *testing.T) string {
	t.Helper()
	address, err := devstack.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (s *stack) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// firing returns the names of the alerts that fire.
func (w *watched) firing() (names []string, err error) {
	var answer struct {
		Data struct {
			Alerts []struct {
				Labels struct {
					Name string `json:"alertname"`
				} `json:"labels"`
				State string `json:"state"`
			} `json:"alerts"`
		} `json:"data"`
	}
	if err := w.Get(w.prometheus+"/api/v1/alerts", &answer); err != nil {
		return nil, err
	}
	for _, a := range answer.Data.Alerts {
		if a.State == "firing" && !slices.Contains(names, a.Labels.Name) {
			names = append(names, a.Labels.Name)
		}
	}
	return names, nil
}

// fire waits until each of the alerts has fired, and returns which others have.
func (w *watched) fire(alerts ...string) {
	w.t.Helper()
	left, began := slices.Clone(alerts), time.Now()
	var others []string
	drill.Until(w.t, 6*time.Minute, "alerts fire", func() error {
		now, err := w.firing()
		for _, name := range now {
			if i := slices.Index(left, name); i >= 0 {
				left = slices.Delete(left, i, i+1)
				w.t.Logf("%s fires after %.0f s", name, time.Since(began).Seconds())
			} else if !slices.Contains(alerts, name) && !slices.Contains(others, name) {
				others = append(others, name)
			}
		}
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("not fired: %v; others: %v", left, others)
		}
		return err
	})
}

// only waits until no other alerts fire than these.
func (w *watched) only(alerts ...string) {
	w.t.Helper()
	slices.Sort(alerts)
	drill.Until(w.t, 6*time.Minute, "alerts are over", func() error {
		now, err := w.firing()
		slices.Sort(now)
		if err == nil && !slices.Equal(now, alerts) {
			err = fmt.Errorf("firing: %v, want %v", now, alerts)
		}
		return err
	})
}

// traffic sends messages until the returned function is called; whether they are
// accepted does not matter.
func (s *stack) traffic() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	each := time.NewTicker(50 * time.Millisecond)
	for i := 0; i < 8; i++ {
		wg.Go(func() {
			for n := i; ctx.Err() == nil; n += 8 {
				select {
				case <-ctx.Done():
					return
				case <-each.C:
				}
				to := drill.Recipient(n % 70_000)
				if n%4 == 0 {
					to = "+15550000104" // the provider refuses it for good
				}
				s.post(ctx, fmt.Sprintf(`{"to":%q,"type":"template","template":{"name":"hello_world","language":"en"}}`, to))
			}
		})
	}
	return func() { cancel(); wg.Wait(); each.Stop() }
}

func (s *stack) post(ctx context.Context, body string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Dev.BaseURL+"/v1/messages", strings.NewReader(body))
	if err == nil {
		req.Header.Set("Content-Type", "application/json")
		_ = s.Do(req, nil)
	}
}

// accept sends a message that must be accepted.
func (s *stack) accept(body string) {
	s.t.Helper()
	s.Ask(http.MethodPost, "/v1/messages", "application/json", []byte(body), nil)
}

// every runs f again and again until the returned function is called.
func every(pause time.Duration, f func(ctx context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			f(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// hook registers an endpoint that answers with f.
func (s *stack) hook(f http.HandlerFunc) (id int64) {
	s.t.Helper()
	srv := httptest.NewServer(f)
	s.t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	var made struct {
		ID int64 `json:"id"`
	}
	s.Ask(http.MethodPost, "/v1/webhooks", "application/json", fmt.Appendf(nil, `{"url":%q}`, srv.URL), &made)
	return made.ID
}

// exec changes the database until it has changed something.
func (s *stack) exec(query string, args ...any) {
	s.t.Helper()
	drill.Until(s.t, time.Minute, query, func() error {
		r, err := s.DB.Exec(query, args...)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return fmt.Errorf("no row changed: %v", err)
		}
		return nil
	})
}

// Every alert of deploy/alerts fires when a real part is sick, and ends when it is
// well again.
func TestAlerts_EachFires(t *testing.T) {
	w := watch(t)
	stop := w.traffic()
	defer stop()
	w.fire("SendoffWatchdog")
	w.sickProvider()
	w.sickQueues()
	w.sickToken()
	w.sickPartitions()
	w.sickPostgres()
	w.sickRedis()
	w.sickProcesses()
	w.only("SendoffWatchdog", "SendoffFailures") // a quarter of the traffic
}

// sickProvider has the provider throttle, cut calls off, refuse messages, send no
// receipts, and somebody forge callbacks.
func (w *watched) sickProvider() {
	w.t.Helper()
	w.Configure(`{"callbacks":false,"throttle_rate":0.4,"reset_rate":0.05}`)
	address := w.Dev.BaseURL + w.callbackPath("meta")
	stop := every(500*time.Millisecond, func(ctx context.Context) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(`{"entry":[]}`))
		if err == nil {
			req.Header.Set("X-Hub-Signature-256", "sha256="+strings.Repeat("0", 64))
			_ = w.Do(req, nil)
		}
	})
	w.fire("SendoffThrottled", "SendoffUnknownOutcomes", "SendoffFailures", "SendoffNoCallbacks", "SendoffCallbacksRejected")
	stop()
	w.Configure(`{"callbacks":true,"throttle_rate":0,"reset_rate":0}`)
}

// sickQueues has one-time passwords wait for the rate of their channel, rows of due
// messages be locked by a forgotten transaction, one endpoint hang and one fail.
func (w *watched) sickQueues() {
	w.t.Helper()
	hanging := make(chan struct{})
	late := w.hook(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hanging:
		case <-r.Context().Done():
		}
	})
	dead := w.hook(func(a http.ResponseWriter, _ *http.Request) { a.WriteHeader(http.StatusInternalServerError) })
	w.exec(`UPDATE webhooks SET failing_since = now() - interval '6 days' WHERE id = $1 AND failing_since IS NOT NULL`, dead)
	w.exec(`UPDATE webhook_deliveries SET wake_at = now() - interval '20 minutes' WHERE webhook_id = $1 AND state = 0`, late)

	w.run("channel", "update", "2", "--rate", "1")
	for i := range 100 {
		w.accept(fmt.Sprintf(`{"channel":2,"to":%q,"lane":"otp","type":"text","text":{"body":"1234"}}`, drill.Recipient(60_000+i)))
	}
	release := w.lockRows(5)
	w.fire("SendoffOTPLate", "SendoffDispatchLate", "SendoffWebhooksLate", "SendoffWebhooksDisabled")
	release()
	close(hanging)
	w.run("channel", "update", "2", "--rate", "1000")
	for _, id := range []int64{late, dead} {
		w.Ask(http.MethodDelete, fmt.Sprintf("/v1/webhooks/%d", id), "application/json", nil, nil)
	}
}

// sickToken has the provider refuse the credentials of the channel in use.
func (w *watched) sickToken() {
	w.t.Helper()
	refuses := httptest.NewServer(http.HandlerFunc(func(a http.ResponseWriter, _ *http.Request) {
		a.WriteHeader(http.StatusUnauthorized)
		_, _ = a.Write([]byte(`{"error":{"message":"Session has expired","type":"OAuthException","code":190,"error_subcode":463}}`))
	}))
	defer refuses.Close()
	w.run("channel", "update", "1", "--set", "base_url="+refuses.URL)
	w.fire("SendoffChannelHeld")
	w.run("channel", "update", "1", "--set", "base_url="+w.Dev.EmulatorURL)
}

// sickPartitions has the partition of the coming week be missing, and a row of that week
// keep it from being made, as after weeks without a worker. The statements of the runbook
// are the cure.
func (w *watched) sickPartitions() {
	w.t.Helper()
	const week = `date_trunc('week', now() AT TIME ZONE 'utc')::date + 7`
	_, err := w.DB.Exec(`DO $do$ BEGIN EXECUTE 'DROP TABLE idempotency_w' || to_char(` + week + `, 'IYYYIW'); END $do$`)
	w.must(err)
	w.exec(`INSERT INTO idempotency (day, account_id, key, idx, fingerprint, message_id)
	  VALUES (` + week + `, 0, 'of next week', 0, '', '00000000-0000-0000-0000-000000000000')`)
	w.fire("SendoffPartitionsMissing")
	text, err := docs.FS.ReadFile("alerts.md")
	w.must(err)
	_, cure, _ := strings.Cut(string(text), "## SendoffPartitionsMissing")
	_, cure, _ = strings.Cut(cure, "```sql\n")
	cure, _, _ = strings.Cut(cure, "```")
	_, err = w.DB.Exec(strings.ReplaceAll(cure, "messages", "idempotency"))
	w.must(err)
}

// lockRows locks the rows of messages of a channel that have been due for minutes.
func (w *watched) lockRows(channel int) (release func()) {
	w.t.Helper()
	path := fmt.Sprintf("/v1/channels/%d", channel)
	w.Ask(http.MethodPost, path+"/pause", "application/json", []byte(`{}`), nil)
	w.accept(fmt.Sprintf(`{"channel":%d,"to":"+15552001234","type":"template","template":{"name":"hello_world","language":"en"}}`, channel))
	w.exec(`UPDATE dispatch SET due_at = due_at - interval '5 minutes', wake_at = wake_at - interval '5 minutes'
	  WHERE channel_id = $1`, channel)
	tx, err := w.DB.Begin()
	w.must(err)
	_, err = tx.Exec(`SELECT 1 FROM dispatch WHERE channel_id = $1 FOR UPDATE`, channel)
	w.must(err)
	w.Ask(http.MethodPost, path+"/resume", "application/json", []byte(`{}`), nil)
	return func() { w.must(tx.Rollback()) }
}

// sickPostgres has a table locked for a second and again, then Postgres refuse
// connections.
func (w *watched) sickPostgres() {
	w.t.Helper()
	lock := every(100*time.Millisecond, func(ctx context.Context) {
		tx, err := w.DB.BeginTx(ctx, nil)
		if err == nil {
			_, _ = tx.ExecContext(ctx, `SET LOCAL lock_timeout = '2s'; LOCK TABLE messages; SELECT pg_sleep(1.5)`)
			_ = tx.Rollback()
		}
	})
	var readers []func()
	for range 40 {
		readers = append(readers, every(10*time.Millisecond, func(ctx context.Context) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.Dev.BaseURL+"/v1/messages?limit=1", http.NoBody)
			if err == nil {
				_ = w.Do(req, nil)
			}
		}))
	}
	w.fire("SendoffAcceptSlow", "SendoffPostgresPoolFull")
	lock()
	for _, stop := range readers {
		stop()
	}

	u, err := url.Parse(w.Dev.PostgresURL)
	w.must(err)
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	other, err := sql.Open("postgres", u.String())
	w.must(err)
	defer func() { _ = other.Close() }()
	_, err = other.Exec(fmt.Sprintf(`ALTER DATABASE %q ALLOW_CONNECTIONS false`, name))
	w.must(err)
	_, err = other.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, name)
	w.must(err)
	w.fire("SendoffServerErrors")
	_, err = other.Exec(fmt.Sprintf(`ALTER DATABASE %q ALLOW_CONNECTIONS true`, name))
	w.must(err)
}

// sickRedis stops Redis as a machine that hangs would.
func (w *watched) sickRedis() {
	w.t.Helper()
	pid := w.redisPID()
	w.must(syscall.Kill(pid, syscall.SIGSTOP))
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	w.fire("SendoffRedisAway")
}

func (w *watched) redisPID() int {
	w.t.Helper()
	u, err := url.Parse(w.Dev.RedisURL)
	w.must(err)
	c, err := net.DialTimeout("tcp", u.Host, 5*time.Second)
	w.must(err)
	defer func() { _ = c.Close() }()
	_, err = c.Write([]byte("INFO server\r\n"))
	w.must(err)
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	w.must(err)
	for line := range bytes.Lines(buf[:n]) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "process_id:"); ok {
			pid, err := strconv.Atoi(text)
			w.must(err)
			return pid
		}
	}
	w.t.Fatalf("no process_id in %s", buf[:n])
	return 0
}

// sickProcesses kills serve and work.
func (w *watched) sickProcesses() {
	w.t.Helper()
	w.Serve.Kill()
	w.Work.Kill()
	w.fire("SendoffServeDown", "SendoffWorkDown", "SendoffProcessDown")
	w.StartServe()
	w.StartWork()
}

// Every rule is one that TestAlerts_EachFires fires.
func TestAlerts_AllRulesAreFired(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile(filepath.Join("..", "..", "deploy", "alerts", "sendoff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile("alerts_test.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`alert: (\w+)`).FindAllSubmatch(rules, -1)
	if len(names) < 19 {
		t.Fatalf("%d rules", len(names))
	}
	for _, n := range names {
		if text, _ := json.Marshal(string(n[1])); !bytes.Contains(own, text) {
			t.Errorf("%s is never fired", n[1])
		}
	}
}
