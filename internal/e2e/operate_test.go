package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/sendoff/sendoff/internal/wait"
)

// figures are the lines of /metrics.
type figures map[string]float64

// scrape reads the figures of serve and work.
func (s *stack) scrape(t *testing.T) (serve, work figures) {
	t.Helper()
	read := func(address string) figures {
		res, err := http.Get(address + "/metrics")
		must(t, err)
		defer func() { _ = res.Body.Close() }()
		f := figures{}
		for sc := bufio.NewScanner(res.Body); sc.Scan(); {
			name, value, ok := strings.Cut(sc.Text(), "} ")
			if ok {
				name += "}"
			} else {
				name, value, _ = strings.Cut(sc.Text(), " ")
			}
			if n, err := strconv.ParseFloat(value, 64); err == nil {
				f[name] = n
			}
		}
		return f
	}
	return read(s.url), read("http://" + s.working.Addr)
}

// sum adds up the figures of a name whose labels hold all of these.
func (f figures) sum(name string, labels ...string) (sum float64) {
	for line, n := range f {
		if rest, ok := strings.CutPrefix(line, name); !ok || (rest != "" && rest[0] != '{') {
			continue
		}
		hit := true
		for _, l := range labels {
			hit = hit && strings.Contains(line, l)
		}
		if hit {
			sum += n
		}
	}
	return sum
}

// TestMetrics_EveryFigure_Moves makes the requests that change each figure of
// /metrics.
func TestMetrics_EveryFigure_Moves(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	channel := fmt.Sprintf(`channel="%d"`, s.channels["gupshup whatsapp"].ID)
	for number, status := range map[string]string{
		"+15558010100": "delivered",
		"+15558010101": "delivered", // throttled twice
		"+15558010103": "failed",    // 500 until the attempts are used up
		"+15558010104": "failed",    // at once
		"+15558010108": "failed",    // by its callback
		"+15558010110": "delivered", // the first call's outcome is unknown
	} {
		s.becomes(t, s.send(t, s.body("gupshup whatsapp", number)).ID, status)
	}
	for _, c := range []struct {
		at     string
		name   string
		labels []string
		least  float64
	}{
		{"serve", "sendoff_accepted_total", []string{channel}, 6},
		{"work", "sendoff_dispatched_total", []string{channel, `result="accepted"`, `lane="normal"`}, 4},
		{"work", "sendoff_retried_total", []string{channel, `code="rate_limited"`}, 2},
		{"work", "sendoff_unknown_total", []string{channel, `code="outcome_unknown"`}, 1},
		{"work", "sendoff_failed_total", []string{channel, `code="content_rejected"`}, 1},
		{"work", "sendoff_failed_total", []string{channel}, 2},
		{"serve", "sendoff_failed_total", []string{channel}, 1},
		{"work", "sendoff_accept_to_sent_seconds_count", []string{`lane="normal"`}, 4},
		{"work", "sendoff_accept_to_sent_seconds_sum", []string{`lane="normal"`}, 0.001},
		{"work", "sendoff_provider_call_seconds_count", []string{channel}, 6},
		{"serve", "sendoff_postgres_pool_open", nil, 1},
		{"work", "sendoff_postgres_pool_open", nil, 1},
		{"serve", "sendoff_http_request_seconds_count", []string{`route="/v1/messages"`, `status="202"`}, 6},
		{"serve", "sendoff_callbacks_total", []string{`provider="gupshup"`}, 6},
	} {
		wait.For(t, patience, func() error {
			serve, work := s.scrape(t)
			f := map[string]figures{"serve": serve, "work": work}[c.at]
			if got := f.sum(c.name, c.labels...); got < c.least {
				var have []string
				for line, n := range f {
					if strings.HasPrefix(line, c.name) {
						have = append(have, fmt.Sprint(line, " ", n))
					}
				}
				return fmt.Errorf("%s of %s with %v is %v, want %v or more; there is %v", c.name, c.at, c.labels, got, c.least, have)
			}
			return nil
		})
	}
	must(t, s.store.PauseChannel(t.Context(), s.channels["gupshup whatsapp"].ID, "to have a queue"))
	_, later := in(2 * time.Second) // when every worker knows of the pause
	body := s.body("gupshup whatsapp", "+15558010200")
	s.send(t, body[:len(body)-1]+","+later+"}")
	wait.For(t, patience, func() error {
		_, work := s.scrape(t)
		depth, oldest := work.sum("sendoff_queue_depth", `lane="normal"`), work.sum("sendoff_queue_oldest_seconds", `lane="normal"`)
		if depth < 1 || oldest <= 0 {
			return fmt.Errorf("a message waits: depth %v, oldest %v s", depth, oldest)
		}
		return nil
	})
	for _, lane := range []string{"otp", "normal", "bulk"} {
		_, work := s.scrape(t)
		if _, ok := work[`sendoff_queue_depth{lane="`+lane+`"}`]; !ok {
			t.Errorf("no depth of lane %s", lane)
		}
	}
}

func TestReadyz_RedisAway_DegradedNotUnready(t *testing.T) {
	t.Parallel()
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	must(t, m.Start())
	t.Cleanup(m.Close)
	s := start(t, options{redis: "redis://" + m.Addr()})
	says := func(want string) {
		t.Helper()
		for _, address := range []string{s.url, "http://" + s.working.Addr} {
			wait.For(t, 10*time.Second, func() error {
				res, err := http.Get(address + "/readyz")
				must(t, err)
				defer func() { _ = res.Body.Close() }()
				var answer struct {
					Status, Postgres, Redis string
				}
				must(t, json.NewDecoder(res.Body).Decode(&answer))
				if res.StatusCode != http.StatusOK || answer.Status != want || answer.Postgres != "ok" || (answer.Redis == "ok") != (want == "ready") {
					return fmt.Errorf("%s: %s %+v, want %s", address, res.Status, answer, want)
				}
				return nil
			})
		}
	}
	says("ready")
	m.Close()
	says("degraded")
	must(t, m.Restart())
	says("ready")
}
