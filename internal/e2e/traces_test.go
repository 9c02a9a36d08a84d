package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/wait"
)

// spans is a collector that keeps what it receives.
type spans struct {
	t   *testing.T
	mu  sync.Mutex
	raw []byte
	all []*traces.Span
}

// ServeHTTP takes OTLP over HTTP.
func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var in collector.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &in) != nil {
		s.t.Errorf("the collector got %s %s, %d bytes, %v", r.Method, r.URL, len(body), err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = append(s.raw, body...)
	for _, rs := range in.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			s.all = append(s.all, ss.GetSpans()...)
		}
	}
}

// of returns the spans of a trace by name; of several with one name, the last.
func (s *spans) of(trace string) map[string]*traces.Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]*traces.Span{}
	for _, v := range s.all {
		if hex.EncodeToString(v.GetTraceId()) == trace {
			out[v.GetName()] = v
		}
	}
	return out
}

// linked returns the names of the spans that link to a trace.
func (s *spans) linked(trace string) (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.all {
		if slices.ContainsFunc(v.GetLinks(), func(l *traces.Span_Link) bool { return hex.EncodeToString(l.GetTraceId()) == trace }) {
			names = append(names, v.GetName())
		}
	}
	slices.Sort(names)
	return names
}

// waitFor waits until a trace has spans of all names.
func (s *spans) waitFor(t *testing.T, trace string, names ...string) map[string]*traces.Span {
	t.Helper()
	var got map[string]*traces.Span
	wait.For(t, patience, func() error {
		got = s.of(trace)
		for _, n := range names {
			if got[n] == nil {
				return fmt.Errorf("trace %s has no %s: %d spans", trace, n, len(got))
			}
		}
		return nil
	})
	return got
}

// traceOf is the trace of a message without a client's context.
func traceOf(m message) string { return strings.ReplaceAll(m.ID, "-", "") }

// At ratio 0 a message is one trace when its client traces it, or when it fails.
func TestTraces(t *testing.T) {
	t.Parallel()
	got := &spans{t: t}
	to := httptest.NewServer(got)
	t.Cleanup(to.Close)
	headers := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { headers <- r.Header.Get("Traceparent") }))
	t.Cleanup(receiver.Close)
	s := start(t, options{config: func(c *config.Config) {
		c.TracesEndpoint, c.TracesSamplerArg, c.WebhookLocal = to.URL, "0", true
	}})
	s.call(t, http.MethodPost, "/v1/webhooks", fmt.Sprintf(`{"url":%q,"events":["message.delivered","message.failed"]}`, receiver.URL)).
		want(t, http.StatusCreated)

	const trace, client, number, text = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "+15559091000", "A secret of Ada's"
	body := fmt.Sprintf(`{"channel":%q,"to":%q,"type":"text","text":{"body":%q}}`, s.channels["twilio sms"].Key, number, text)
	m := s.send(t, body, "Traceparent", "00-"+trace+"-"+client+"-01")
	s.becomes(t, m.ID, "delivered")
	of := got.waitFor(t, trace, "accept", "queue", "claim", "send", "callback", "webhook")
	if parent := hex.EncodeToString(of["accept"].GetParentSpanId()); parent != client {
		t.Errorf("accept hangs under %s, not the client's span", parent)
	}
	for child, parent := range map[string]string{
		"queue": "accept", "claim": "accept", "send": "claim", "callback": "accept", "webhook": "accept",
	} {
		if !bytes.Equal(of[child].GetParentSpanId(), of[parent].GetSpanId()) {
			t.Errorf("%s does not hang under %s", child, parent)
		}
	}
	for _, pair := range [][2]string{{"accept", "queue"}, {"queue", "claim"}, {"claim", "send"}} {
		if a, b := of[pair[0]], of[pair[1]]; a.GetStartTimeUnixNano() > b.GetStartTimeUnixNano() || b.GetEndTimeUnixNano() == 0 {
			t.Errorf("%s begins after %s", pair[0], pair[1])
		}
	}
	want := fmt.Sprintf("00-%s-%x-01", trace, of["webhook"].GetSpanId())
	select {
	case h := <-headers:
		if h != want {
			t.Errorf("the webhook got traceparent %q, want %q", h, want)
		}
	case <-time.After(patience):
		t.Fatal("no webhook")
	}
	wait.For(t, patience, func() error {
		if names := strings.Join(got.linked(trace), ", "); names != "accept page, claim page, complete page" {
			return fmt.Errorf("linked from %q", names)
		}
		return nil
	})

	usual := s.send(t, order("+15559091001"))
	s.send(t, order("+15559090104"), "Traceparent", "00-"+strings.Repeat("ab", 16)+"-"+client+"-00")
	unknown := s.send(t, s.body("twilio whatsapp", "+15559090103"))
	s.becomes(t, usual.ID, "delivered")
	got.waitFor(t, strings.Repeat("ab", 16), "accept", "queue", "send", "failed", "webhook")
	got.waitFor(t, traceOf(unknown), "accept", "queue", "claim", "send", "unknown")
	if n := len(got.of(traceOf(usual))); n != 0 {
		t.Errorf("%d spans of a message that is not traced", n)
	}
	got.mu.Lock()
	defer got.mu.Unlock()
	for _, personal := range []string{number, number[1:], "+15559090104", "15559090104", "15559090103", text, "Ada", s.key} {
		if bytes.Contains(got.raw, []byte(personal)) {
			t.Errorf("a span holds %q", personal)
		}
	}
}

// A collector that takes connections and never answers holds up nothing, not even the
// stop.
func TestTraces_DeadCollector(t *testing.T) {
	t.Parallel()
	free := make(chan struct{})
	dead := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-free }))
	t.Cleanup(func() { close(free); dead.Close() }) // after the stack's stop
	s := start(t, options{config: func(c *config.Config) { c.TracesEndpoint, c.TracesSamplerArg = dead.URL, "1" }})
	var ids []string
	for i := range 50 {
		ids = append(ids, s.send(t, order(fmt.Sprintf("+155590920%02d", i))).ID)
	}
	for _, id := range ids {
		s.becomes(t, id, "delivered")
	}
	began := time.Now()
	stopped(t, "front door", s.serving)
	s.serving = nil
	if took := time.Since(began); took > 9*time.Second {
		t.Errorf("the stop took %v", took)
	}
}
