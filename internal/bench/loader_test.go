package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/devstack"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/wait"
)

// The process that sends takes its URLs in turn, numbers its messages from where
// it is told, and reports a time for each.
func TestRawLoad_SendsWhatItIsTold(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen, paths := map[string]bool{}, map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen[string(b)], paths[r.URL.Path] = true, paths[r.URL.Path]+1
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	o := shots{
		URLs: []string{srv.URL + "/a", srv.URL + "/b"}, Method: http.MethodPost, Key: "k", Conns: 2, For: 50 * time.Millisecond,
		Want: http.StatusAccepted, Channel: 3, Lane: "otp", From: 700,
	}
	spec, err := json.Marshal(o)
	must(t, err)
	var out bytes.Buffer
	must(t, RawLoad(t.Context(), bytes.NewReader(spec), &out))
	var h hits
	must(t, json.Unmarshal(out.Bytes(), &h))
	if len(h.Times) == 0 || len(h.Times) != len(seen) || h.Took < o.For || h.Error != "" {
		t.Errorf("%d times of %d messages in %v, error %q", len(h.Times), len(seen), h.Took, h.Error)
	}
	if !seen[string(message(3, "otp", 700))] {
		t.Error("the first message is not number 700")
	}
	if a, b := paths["/a"], paths["/b"]; a-b > 1 || b-a > 1 {
		t.Errorf("%d to one front door and %d to the other", a, b)
	}
}

func TestRawLoad_Refused_Reported(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	spec, err := json.Marshal(shots{URLs: []string{srv.URL}, Method: http.MethodGet, Conns: 1, For: time.Minute, Want: http.StatusOK})
	must(t, err)
	var out bytes.Buffer
	must(t, RawLoad(t.Context(), bytes.NewReader(spec), &out))
	var h hits
	must(t, json.Unmarshal(out.Bytes(), &h))
	if !strings.Contains(h.Error, "404") || len(h.Times) != 0 {
		t.Errorf("%+v", h)
	}
	if err := RawLoad(t.Context(), strings.NewReader("{"), io.Discard); err == nil {
		t.Error("half a description is accepted")
	}
}

// The bare echo reads JSON, answers as the API does, and ends when it is told.
func TestRawEcho(t *testing.T) {
	t.Parallel()
	addr, err := devstack.FreeAddress()
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- RawEcho(ctx, addr) }()
	client, url := loadClient(), "http://"+addr+"/"
	wait.For(t, 10*time.Second, func() error { return one(client, http.MethodGet, url, "", http.StatusOK, nil) })
	for body, want := range map[string]int{`{"to":"+1"}`: http.StatusAccepted, `{`: http.StatusBadRequest} {
		must(t, one(client, http.MethodPost, url, "", want, []byte(body)))
	}
	must(t, one(client, http.MethodGet, url+"other", "", http.StatusNotFound, nil))
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if err := RawEcho(t.Context(), "nowhere"); err == nil {
		t.Error("an address that is none")
	}
}

// A process that sends and does not report, or fails, is an error with what it said.
func TestShoot_ProcessFails(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "sendoff")
	for program, want := range map[string]string{
		"exit 0":                        "read what the load came to: ",
		"echo '{\"took\":'":             "read what the load came to: ",
		"echo no memory >&2; exit 3":    "load: exit status 3: no memory",
		`echo '{"error":"answer 429"}'`: "load: answer 429",
	} {
		must(t, os.WriteFile(script, []byte("#!/bin/sh\n[ \"$1 $2\" = 'bench --raw-load' ] && cat >/dev/null\n"+program+"\n"), 0o700))
		s := &stage{o: Options{Binary: script}, sent: 7, channels: []dispatch.Channel{{ID: 1}}}
		if _, err := s.shootMessages(t.Context(), 1, time.Second, "http://127.0.0.1:1"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", program, err, want)
		}
		if s.sent != 7 {
			t.Errorf("%s: %d are sent", program, s.sent)
		}
	}
	must(t, os.WriteFile(script, []byte("#!/bin/sh\ncat >/dev/null\necho '{\"took\":2000000000,\"times\":[3,1,2]}'\n"), 0o700))
	s := &stage{o: Options{Binary: script}, sent: 7, channels: []dispatch.Channel{{ID: 1}}}
	l, err := s.shootMessages(t.Context(), 1, time.Second, "http://127.0.0.1:1")
	if err != nil || l.done != 3 || l.rate() != 1.5 || l.p(1) != 3 || s.sent != 10 {
		t.Errorf("%+v, %d sent, %v", l, s.sent, err)
	}
}

// A front door that is not ready is waited for.
func TestReady(t *testing.T) {
	t.Parallel()
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL)
		}
	}))
	defer srv.Close()
	s := &stage{client: loadClient()}
	if err := s.ready(t.Context(), srv.URL); err != nil || calls != 3 {
		t.Errorf("after %d calls %v", calls, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.ready(ctx, "http://127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "serve to be ready") {
		t.Errorf("a server that is away: %v", err)
	}
}
