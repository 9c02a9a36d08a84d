package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sendoff/sendoff/client"
)

// try is a request as a server saw it.
type try struct{ path, key, auth, body string }

// answers returns a client of a server that answers the statuses in turn, the last
// one for ever (0: it closes the connection), and what the server saw.
func answers(t *testing.T, retries int, statuses ...int) (*client.ClientWithResponses, *[]try) {
	t.Helper()
	var seen []try
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, try{r.URL.Path, r.Header.Get("Idempotency-Key"), r.Header.Get("Authorization"), string(body)})
		status := statuses[min(len(seen), len(statuses))-1]
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Type", "application/json")
		if status == http.StatusConflict {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
		if status >= 400 {
			_, _ = io.WriteString(w, `{"title":"t","status":1,"detail":"d","code":"overloaded"}`)
		} else {
			_, _ = io.WriteString(w, `{"message_id":"m","status":"queued","to":"+1","channel_id":1}`)
		}
	}))
	t.Cleanup(s.Close)
	c, err := client.New(client.Options{BaseURL: s.URL, Key: "sk_test_x", Retries: retries})
	if err != nil {
		t.Fatal(err)
	}
	return c, &seen
}

// What sends is repeated with the same key and body, whatever went wrong.
func TestDo_SendsAgainWithTheSameKey(t *testing.T) {
	t.Parallel()
	for name, statuses := range map[string][]int{
		"busy": {503, 503, 202}, "limited": {429, 202}, "cut": {0, 202},
		"running": {409, 202},
	} {
		c, seen := answers(t, 0, statuses...)
		r, err := c.PostMessagesWithResponse(t.Context(), nil, simple("+15550000100"))
		if err != nil || r.JSON202 == nil || len(*seen) != len(statuses) {
			t.Fatalf("%s: %v after %d tries", name, err, len(*seen))
		}
		for _, s := range *seen {
			if s != (*seen)[0] || s.key == "" || s.auth != "Bearer sk_test_x" || !bytes.Contains([]byte(s.body), []byte("+15550000100")) {
				t.Errorf("%s: tries %+v", name, *seen)
			}
		}
	}
}

func TestDo_KeepsAGivenKey_AndGivesUp(t *testing.T) {
	t.Parallel()
	c, seen := answers(t, 1, 503)
	_, err := c.PostMessagesWithResponse(t.Context(), &client.PostMessagesParams{IdempotencyKey: new("mine")}, simple("+15550000100"))
	p, ok := errors.AsType[*client.Problem](err)
	if !ok || p.Status != 503 || p.Code != "overloaded" || len(*seen) != 2 || (*seen)[1].key != "mine" {
		t.Errorf("%v after %+v", err, *seen)
	}
	c, seen = answers(t, -1, 503)
	if _, err = c.PostMessages(t.Context(), nil, simple("+15550000100")); err == nil || len(*seen) != 1 {
		t.Errorf("without retries: %v after %d", err, len(*seen))
	}
}

// A request that changes something and has no key is never repeated; a read is.
func TestDo_RepeatsNothingElse(t *testing.T) {
	t.Parallel()
	c, seen := answers(t, 0, 503, 200)
	if _, err := c.PostKeys(t.Context(), client.KeyCreate{Name: "k"}); err == nil || len(*seen) != 1 || (*seen)[0].key != "" {
		t.Errorf("a key: %v after %+v", err, *seen)
	}
	c, seen = answers(t, 0, 503, 200)
	if _, err := c.GetKeys(t.Context(), nil); err != nil || len(*seen) != 2 {
		t.Errorf("a read: %v after %d", err, len(*seen))
	}
	c, seen = answers(t, 0, 503, 202)
	one := io.MultiReader(bytes.NewReader([]byte(`{"to":"+15550000100"}`))) // which can't be read again
	if _, err := c.PostMessagesWithBody(t.Context(), nil, "application/json", one); err == nil || len(*seen) != 1 {
		t.Errorf("a stream: %v after %d", err, len(*seen))
	}
}

// Retry-After is kept, and the context ends the wait.
func TestDo_WaitsAsAsked(t *testing.T) {
	t.Parallel()
	tries := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries++
		w.Header().Set("Retry-After", "1")
		if tries > 1 {
			w.Header().Set("Retry-After", "30")
		}
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer s.Close()
	c, err := client.New(client.Options{BaseURL: s.URL, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := c.GetKeys(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || tries != 2 || time.Since(begin) < time.Second {
		t.Errorf("%v after %d tries in %v", err, tries, time.Since(begin))
	}
}

// An answer that asks for a longer wait than a caller has, such as a daily limit's,
// is returned at once.
func TestDo_LongRetryAfter_IsReturned(t *testing.T) {
	t.Parallel()
	tries := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries++
		w.Header().Set("Retry-After", "36000")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"code":"daily_limit_reached"}`)
	}))
	t.Cleanup(s.Close)
	c, err := client.New(client.Options{BaseURL: s.URL, Key: "sk_test_x"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.PostMessagesWithResponse(t.Context(), nil, simple("+15550000100"))
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != http.StatusTooManyRequests || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
}
