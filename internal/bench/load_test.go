package bench

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLoad_RateAndPercentiles(t *testing.T) {
	t.Parallel()
	l := &load{done: 200, took: 4 * time.Second}
	if l.p(.99) != 0 {
		t.Error("a percentile of nothing")
	}
	for i := range 100 { // unsorted: 100 ms down to 1 ms
		l.times = append(l.times, time.Duration(100-i)*time.Millisecond)
	}
	if got := l.rate(); got != 50 {
		t.Errorf("200 in 4 s are %v a second", got)
	}
	for q, want := range map[float64]time.Duration{
		0: time.Millisecond, .5: 51 * time.Millisecond, .99: 100 * time.Millisecond, 1: 100 * time.Millisecond,
	} {
		if got := l.p(q); got != want {
			t.Errorf("p(%v) is %v, want %v", q, got, want)
		}
	}
}

// The audit counts lost messages by their recipients: no two may be equal, and
// each must be a number that the front door accepts.
func TestRecipient_Unique(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for i := 0; i < 5_000_000; i += 7 {
		to := recipient(i)
		if first, again := seen[to]; again {
			t.Fatalf("%s is number %d and number %d", to, first, i)
		}
		if len(to) != 12 || to[:2] != "+1" {
			t.Fatalf("number %d is %q", i, to)
		}
		seen[to] = i
	}
}

func TestMessage_IsJSON(t *testing.T) {
	t.Parallel()
	var m struct {
		Channel             int64
		To, Lane, Reference string
		Template            struct{ Variables []string }
	}
	if err := json.Unmarshal(message(7, "bulk", 42), &m); err != nil {
		t.Fatal(err)
	}
	if m.Channel != 7 || m.To != recipient(42) || m.Lane != "bulk" || m.Reference != "bench-42" || len(m.Template.Variables) != 3 {
		t.Errorf("%+v", m)
	}
}

// hammer posts each body once, in order over all connections, and counts the
// answers that have the wanted status.
func TestHammer_CountsWantedAnswers(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	bodies := map[string]int{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		bodies[string(b)]++
		mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer k" {
			t.Errorf("Authorization %q", r.Header.Get("Authorization"))
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	l, err := hammer(
		t.Context(), loadClient(), http.MethodPost, "k", 4, 50*time.Millisecond, http.StatusAccepted,
		func(i int) (string, []byte) { return srv.URL, message(1, "otp", i) },
	)
	if err != nil {
		t.Fatal(err)
	}
	if l.done == 0 || l.done != len(l.times) || l.done != len(bodies) || l.took < 50*time.Millisecond {
		t.Errorf("%d done, %d times, %d bodies, took %v", l.done, len(l.times), len(bodies), l.took)
	}
	for b, n := range bodies {
		if n != 1 {
			t.Errorf("%s was sent %d times", b, n)
		}
	}
}

func TestHammer_OtherStatus_IsAnError(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "used up", http.StatusTooManyRequests)
	}))
	defer srv.Close()
	l, err := hammer(
		t.Context(), loadClient(), http.MethodPost, "k", 2, time.Minute, http.StatusAccepted, func(int) (string, []byte) { return srv.URL, nil },
	)
	if err == nil || !strings.Contains(err.Error(), "429") || !strings.Contains(err.Error(), "used up") || l.done != 0 {
		t.Errorf("%v, %d done", err, l.done)
	}
}
