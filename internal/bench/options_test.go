package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

func TestOptions_Figures(t *testing.T) {
	t.Parallel()
	all := Names()
	for _, c := range []struct {
		o    Options
		want []string
		err  string
	}{
		{Options{}, all, ""},
		{Options{Quick: true, Growth: 10}, all, ""},
		{Options{Only: "accept"}, []string{"accept"}, ""},
		{Options{Only: "memory,accept"}, []string{"memory", "accept"}, ""},
		{Options{Only: "growth", Growth: 1}, []string{"growth"}, ""},
		{Options{Only: "growth"}, nil, "--only growth: set --growth"},
		{Options{Only: "accept,speed"}, nil, `there is no figure "speed"; there are: idle, accept, features, pages, batch`},
		{Options{Only: "accept,"}, nil, `there is no figure ""`},
		{Options{Only: "accept, batch"}, nil, `there is no figure " batch"`},
		{Options{Only: "Accept"}, nil, `there is no figure "Accept"`},
		{Options{Growth: -1}, nil, "--growth must not be negative"},
	} {
		got, err := c.o.Figures()
		if !slices.Equal(got, c.want) || (err == nil) != (c.err == "") || (err != nil && !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%+v: %v, %v; want %v, %q", c.o, got, err, c.want, c.err)
		}
	}
	if slices.Sort(all); len(slices.Compact(all)) != len(figures) {
		t.Errorf("two figures have one name: %v", all)
	}
}

// What can't be measured is known before any server starts.
func TestRun_WrongOptions_StartsNothing(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r, err := Run(t.Context(), Options{Only: "speed", Dir: t.TempDir(), Out: &out})
	if err == nil || len(r.Figures) != 0 || out.Len() > 0 {
		t.Errorf("%+v, %v, printed %q", r, err, out.String())
	}
}

// Numbers and times are those of a quick or a full run, and a fraction of them in
// tests, never nothing.
func TestStage_Sizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o       Options
		n       int
		seconds time.Duration
		page    int
	}{
		{Options{}, 300, 15 * time.Second, 10_000},
		{Options{Quick: true}, 40, 5 * time.Second, 10_000},
		{Options{Quick: true, divide: 20}, 2, 250 * time.Millisecond, 500},
		{Options{divide: 1000}, 1, 15 * time.Millisecond, 10},
	} {
		s := &stage{o: c.o}
		if n, d, page := s.pick(40, 300), s.seconds(5, 15), s.page(); n != c.n || d != c.seconds || page != c.page {
			t.Errorf("%+v: %d, %s, %d; want %d, %s, %d", c.o, n, d, page, c.n, c.seconds, c.page)
		}
	}
}

// answering is a stage whose API and provider are one server that answers alike.
func answering(t *testing.T, status int, answer string) (s *stage, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*asked = append(*asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	return &stage{
		o: Options{Out: io.Discard, divide: 5000}, report: &Report{}, client: loadClient(), base: srv.URL, emURL: srv.URL, key: "k",
		channels: []dispatch.Channel{{ID: 7, Key: "ch_a"}},
	}, asked
}

// A batch is a line for each message, numbered on from the last one. One that is not
// accepted in whole is an error and counts as not sent.
func TestPostBatch(t *testing.T) {
	t.Parallel()
	s, asked := answering(t, http.StatusAccepted, `{"index":0,"message_id":"m"}`)
	if n, err := s.backlog(t.Context(), 7, "bulk", 3); err != nil || n != 4 || s.sent != 4 {
		t.Errorf("%d accepted, %d sent, %v", n, s.sent, err)
	}
	want := "POST /v1/messages/batch application/x-ndjson " + string(message(7, "bulk", 2)) + "\n" + string(message(7, "bulk", 3)) + "\n"
	if len(*asked) != 2 || (*asked)[1] != want {
		t.Errorf("%q; want %q as the second", *asked, want)
	}
	for answer, status := range map[string]int{
		`{"index":0,"message_id":"m"}` + "\n" + `{"index":1,"error":{"code":"rate_limited"}}`: http.StatusAccepted,
		`{"detail":"rate_limited"}`: http.StatusTooManyRequests,
	} {
		s, _ := answering(t, status, answer)
		if n, err := s.backlog(t.Context(), 7, "bulk", 1); err == nil || !strings.Contains(err.Error(), "rate_limited") || n+s.sent != 0 {
			t.Errorf("%d %s: %d accepted, %d sent, %v", status, answer, n, s.sent, err)
		}
	}
	s.base = "http://127.0.0.1:1"
	if _, err := s.postBatch(t.Context(), 7, "bulk", 0, 1); err == nil || !strings.Contains(err.Error(), "send batch") {
		t.Errorf("a server that is away: %v", err)
	}
}

// What the provider does not do is an error of the run, not a figure.
func TestProvider_Refuses(t *testing.T) {
	t.Parallel()
	s, _ := answering(t, http.StatusInternalServerError, `nothing`)
	for what, f := range map[string]func() error{
		"configure": func() error { return s.configure(t.Context(), s.settings()) },
		"counts":    func() error { _, err := s.counts(t.Context()); return err },
		"received":  func() error { _, err := s.received(t.Context()); return err },
		"clear":     func() error { return s.clear(t.Context()) },
		"timed":     func() error { _, err := s.timed(t.Context(), 7, "otp", 100, 10*time.Millisecond); return err },
		"callback": func() error {
			return s.sendCallback(t.Context(), s.base, &s.channels[0], addressed{"m", "+12012002000"})
		},
		"requests": func() error { return s.emulatorCall(t.Context(), http.MethodDelete, "/_emulator/requests", nil) },
	} {
		if err := f(); err == nil {
			t.Errorf("%s is no error", what)
		}
	}
	if s.sent != 0 || s.arrived != 0 || s.report.Duplicated != 0 {
		t.Errorf("%d sent, %d arrived, %d twice", s.sent, s.arrived, s.report.Duplicated)
	}
	s, asked := answering(t, http.StatusOK, `{"count":5,"recipients":3,"max_per_recipient":2}`)
	if err := s.clear(t.Context()); err != nil || s.arrived != 3 || s.report.Duplicated != 2 {
		t.Errorf("%d arrived, %d twice, %v", s.arrived, s.report.Duplicated, err)
	}
	if err := s.configure(t.Context(), map[string]any{"latency_ms": 100}); err != nil || len(*asked) != 3 ||
		!strings.HasPrefix((*asked)[2], "PUT /_emulator/settings ") || !strings.HasSuffix((*asked)[2], ` {"latency_ms":100}`) {
		t.Errorf("%q, %v", *asked, err)
	}
}

// Polling ends at the first true, at an error, or when its time is over.
func TestUntil(t *testing.T) {
	t.Parallel()
	s := &stage{}
	calls := 0
	third := func() (bool, error) { calls++; return calls == 3, nil }
	if err := s.until(t.Context(), time.Minute, "x", third); err != nil || calls != 3 {
		t.Errorf("%d calls, %v", calls, err)
	}
	broken := errors.New("broken")
	if err := s.until(t.Context(), time.Minute, "x", func() (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{
		"its time": s.until(t.Context(), 30*time.Millisecond, "x", func() (bool, error) { return false, nil }),
		"Ctrl-C":   s.until(ctx, time.Minute, "x", func() (bool, error) { return false, nil }),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "waiting for x: context ") {
			t.Errorf("after %s: %v", what, err)
		}
	}
}

// A load that is interrupted returns what it has done.
func TestHammer_Interrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 5 {
			cancel()
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	began := time.Now()
	next := func(int) (string, []byte) { return srv.URL, nil }
	l, err := hammer(ctx, loadClient(), http.MethodPost, "k", 1, time.Minute, http.StatusAccepted, next)
	if err != nil || l.done < 4 || l.done > 5 || time.Since(began) > 30*time.Second {
		t.Errorf("%+v after %s, %v", l, time.Since(began), err)
	}
}

// The stop of a stage goes the way back, and everything of it.
func TestStage_Close_InReverse(t *testing.T) {
	t.Parallel()
	s := &stage{}
	var order []int
	for i := range 3 {
		s.onClose(func() { order = append(order, i) })
	}
	if s.close(); !slices.Equal(order, []int{2, 1, 0}) {
		t.Errorf("%v", order)
	}
}

// A figure in JSON has the names that docs/performance.md and scripts read, and none
// for what was not measured.
func TestFigure_JSON(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]Figure{
		`{"name":"a","how":"h","value":1,"unit":"u","must_reach":"m","reached":false}`: {Name: "a", How: "h", Value: 1, Unit: "u", Must: "m"},
		`{"name":"a","how":"","raw":2,"raw_is":"r","value":1,"unit":"","ratio":0.5,"must_reach":"","reached":true,` +
			`"detail":"d","cpu_us":{"all":3}}`: {
			Name: "a", Raw: 2, RawIs: "r", Value: 1, Ratio: .5, Reach: true, Detail: "d", CPU: map[string]float64{"all": 3},
		},
	} {
		if got, err := json.Marshal(f); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}
