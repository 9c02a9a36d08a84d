//go:build fault

package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// messages is how many messages a test sends; at least 200.
var messages = func() int {
	if n, err := strconv.Atoi(os.Getenv("SENDOFF_FAULT_MESSAGES")); err == nil {
		return max(n, 200)
	}
	return 5000
}()

// sendLimit bounds a send.
var sendLimit = 3*time.Minute + time.Duration(messages)*10*time.Millisecond

const (
	// perSecond paces the client, so that every fault falls into the send.
	perSecond = 700
	clients   = 48
)

// sending is a client of many messages under way: each with an
// Idempotency-Key of its own, repeated until it is answered 202.
type sending struct {
	t        *testing.T
	s        *stack
	n        int // messages
	began    time.Time
	took     time.Duration
	to       []string
	ids      []string
	accepted atomic.Int64
	repeats  atomic.Int64
	done     chan struct{}
}

// recipient returns the i-th number; none ends in the magic 01xx.
func recipient(i int) string { return fmt.Sprintf("+1555%03d%04d", 200+i/9000, 1000+i%9000) }

func (s *stack) send() *sending { return s.sendMany(messages) }

func (s *stack) sendMany(n int) *sending {
	x := &sending{t: s.t, s: s, n: n, began: time.Now(), to: make([]string, n), ids: make([]string, n), done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(context.Background(), sendLimit)
	next := make(chan int)
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := range next {
				x.one(ctx, i)
			}
		})
	}
	go func() {
		defer cancel()
		pace := rate.NewLimiter(perSecond, 20)
		for i := range n {
			_ = pace.Wait(ctx) // the end of ctx shows in the messages that follow
			next <- i
		}
		close(next)
		wg.Wait()
		x.took = time.Since(x.began)
		close(x.done)
	}()
	return x
}

// one sends message i until it is accepted.
func (x *sending) one(ctx context.Context, i int) {
	x.to[i] = recipient(i)
	body := fmt.Sprintf(
		`{"to":%q,"type":"template","template":{"name":"order_confirmation","language":"en","variables":["Ada","A-%d","9.90"]},`+
			`"reference":"fault-%d"}`,
		x.to[i],
		i,
		i,
	)
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		id, err := x.post(ctx, i, body)
		if err == nil {
			x.ids[i] = id
			x.accepted.Add(1)
			return
		}
		if refused := (*refusedError)(nil); errors.As(err, &refused) {
			x.t.Errorf("message %d: %v", i, err)
			return
		}
		x.repeats.Add(1)
		select {
		case <-ctx.Done():
			x.t.Errorf("message %d not accepted in %v: %v", i, sendLimit, err)
			return
		case <-time.After(wait):
		}
	}
}

// refusedError is an answer that a repeat would not change.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

func (x *sending) post(ctx context.Context, i int, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.s.dev.BaseURL+"/v1/messages", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+x.s.dev.APIKey)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", fmt.Sprintf("fault-%d", i))
	resp, err := x.s.http.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "", err
	case resp.StatusCode == http.StatusAccepted:
		var answer struct {
			ID string `json:"message_id"`
		}
		return answer.ID, json.Unmarshal(raw, &answer)
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusConflict, resp.StatusCode == http.StatusTooManyRequests:
		return "", fmt.Errorf("%s: %s", resp.Status, raw)
	}
	return "", &refusedError{fmt.Sprintf("%s: %s", resp.Status, raw)}
}

// reach waits until a share of the messages is accepted.
func (x *sending) reach(percent int) {
	x.t.Helper()
	until(x.t, sendLimit, fmt.Sprintf("%d %% accepted", percent), func() error {
		if n := x.accepted.Load(); n < int64(x.n*percent/100) {
			return fmt.Errorf("%d accepted", n)
		}
		return nil
	})
}

// during runs a fault at each of the given shares of the send, and waits for
// the send's end.
func (x *sending) during(percents []int, fault func()) {
	x.t.Helper()
	for _, p := range percents {
		x.reach(p)
		if x.accepted.Load() == int64(x.n) {
			x.t.Errorf("the send was over before the fault at %d %%", p)
		}
		fault()
	}
	<-x.done
}
