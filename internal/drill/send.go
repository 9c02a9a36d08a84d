package drill

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// perSecond and leastTime pace the client, so that every fault falls into the send.
	perSecond = 700
	leastTime = 8 // seconds
	clients   = 48
)

// Sending is a client of many messages under way: each with an
// Idempotency-Key of its own, repeated until it is answered 202.
type Sending struct {
	t        T
	s        *Stack
	n        int // messages
	began    time.Time
	took     time.Duration
	to       []string
	ids      []string
	accepted atomic.Int64
	repeats  atomic.Int64
	busy     atomic.Int64 // answers with 503 and Retry-After
	faults   atomic.Int64 // other answers with 5xx
	fault    atomic.Value // the last of these, a string
	hung     atomic.Int64 // the front that did not answer, plus one
	done     chan struct{}
}

// Recipient returns the i-th number; none ends in the magic 01xx.
func Recipient(i int) string { return fmt.Sprintf("+1555%03d%04d", 200+i/9000, 1000+i%9000) }

// limitOf bounds a send of n messages.
func limitOf(n int) time.Duration { return 3*time.Minute + time.Duration(n)*10*time.Millisecond }

// SendMany begins to send n messages.
func (s *Stack) SendMany(n int) *Sending {
	x := &Sending{t: s.t, s: s, n: n, began: time.Now(), to: make([]string, n), ids: make([]string, n), done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(s.t.Context(), limitOf(n))
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
		pace := rate.NewLimiter(min(cmp.Or(s.most, perSecond), rate.Limit(float64(n)/max(leastTime, s.lasts.Seconds()))), 20)
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

// SendBatch sends n messages in one request, and returns once they are accepted.
func (s *Stack) SendBatch(n int) *Sending {
	x := &Sending{t: s.t, s: s, n: n, began: time.Now(), to: make([]string, n), ids: make([]string, n), done: make(chan struct{})}
	var lines strings.Builder
	for i := range n {
		x.to[i] = Recipient(i)
		fmt.Fprintf(&lines, `{"to":%q,"lane":"bulk","type":"template","template":{"name":"order_confirmation","language":"en",`+
			`"variables":["Ada Lovelace","A-%d","9.90"]},"reference":"drill-%d"}`+"\n", x.to[i], i, i)
	}
	url := s.Dev.BaseURL + "/v1/messages/batch"
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, url, strings.NewReader(lines.String()))
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Dev.APIKey)
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatalf("send a batch: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	for answers := json.NewDecoder(resp.Body); ; {
		var r struct {
			Index int    `json:"index"`
			ID    string `json:"message_id"`
		}
		if err := answers.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			s.t.Fatalf("read the answers of a batch: %v", err)
		}
		if r.ID != "" {
			x.ids[r.Index] = r.ID
			x.accepted.Add(1)
		}
	}
	x.took = time.Since(x.began)
	close(x.done)
	return x
}

// one sends message i until it is accepted.
func (x *Sending) one(ctx context.Context, i int) {
	x.to[i] = Recipient(i)
	body := fmt.Sprintf(
		`{"to":%q,"type":"template","template":{"name":"order_confirmation","language":"en","variables":["Ada Lovelace","A-%d","9.90"]},`+
			`"reference":"drill-%d"}`,
		x.to[i],
		i,
		i,
	)
	if n := x.s.passwords; n > 0 && i%n == 0 {
		body = strings.TrimSuffix(body, "}") + `,"lane":"otp"}`
	}
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		id, err := x.post(ctx, i, body)
		if err == nil {
			x.ids[i] = id
			x.accepted.Add(1)
			return
		}
		if never := (*refusedError)(nil); errors.As(err, &never) {
			x.t.Errorf("message %d: %v", i, err)
			return
		}
		x.repeats.Add(1)
		if x.s.strict && !refused(err) {
			x.t.Errorf("message %d: %v", i, err)
			return
		}
		select {
		case <-ctx.Done():
			x.t.Errorf("message %d not accepted in %v: %v", i, limitOf(x.n), err)
			return
		case <-time.After(wait):
		}
	}
}

// refusedError is an answer that a repeat would not change.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

// refused reports whether there was no connection for a request.
func refused(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// frontTimeout is after what time a client takes another front door, if there is one.
const frontTimeout = 2 * time.Second

// front returns the address of the front door for message i, without one that did not
// answer.
func (x *Sending) front(i int) (address string, at int64) {
	fronts := int64(len(x.s.fronts))
	if fronts == 0 {
		return x.s.Dev.BaseURL, 0
	}
	at = int64(i) % fronts
	if x.hung.Load() == at+1 {
		at = (at + 1) % fronts
	}
	return x.s.fronts[at], at
}

func (x *Sending) post(ctx context.Context, i int, body string) (id string, err error) {
	address, at := x.front(i)
	if len(x.s.fronts) > 0 {
		if !x.s.strict {
			var cancel func()
			ctx, cancel = context.WithTimeout(ctx, frontTimeout)
			defer cancel()
		}
		defer func() {
			if errors.Is(err, context.DeadlineExceeded) || refused(err) {
				x.hung.Store(at + 1)
			}
		}()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/v1/messages", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+x.s.Dev.APIKey)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", fmt.Sprintf("drill-%d", i))
	req.Close = x.s.strict
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
	case resp.StatusCode >= 500:
		if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "" {
			x.busy.Add(1)
		} else {
			x.faults.Add(1)
			x.fault.Store(fmt.Sprintf("%s: %s", resp.Status, raw))
		}
		return "", fmt.Errorf("%s: %s", resp.Status, raw)
	case resp.StatusCode == http.StatusConflict, resp.StatusCode == http.StatusTooManyRequests:
		return "", fmt.Errorf("%s: %s", resp.Status, raw)
	}
	return "", &refusedError{fmt.Sprintf("%s: %s", resp.Status, raw)}
}

// reach waits until a share of the messages is accepted.
func (x *Sending) reach(share float64) {
	x.t.Helper()
	Until(x.t, limitOf(x.n), fmt.Sprintf("%.0f %% accepted", 100*share), func() error {
		if n := x.accepted.Load(); n < int64(share*float64(x.n)) {
			return fmt.Errorf("%d accepted", n)
		}
		return nil
	})
}

// During runs a fault at each of the given shares of the send, and waits for
// the send's end.
func (x *Sending) During(percents []int, fault func()) {
	x.t.Helper()
	for _, p := range percents {
		x.reach(float64(p) / 100)
		if x.accepted.Load() == int64(x.n) {
			x.t.Errorf("the send was over before the fault at %d %%", p)
		}
		fault()
		x.s.made++
	}
	<-x.done
}
