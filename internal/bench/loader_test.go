package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
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
