//go:build fault

package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sendoff/sendoff/internal/drill"
)

const (
	loadRate    = 150 // messages a second
	loadClients = 32
	loadFirst   = 2_000_000 // of its recipients
)

// load is a client that sends and reads through both front doors, and repeats with the
// same Idempotency-Key until it is answered.
type load struct {
	u      *upgrade
	cancel func()
	wg     sync.WaitGroup

	mu    sync.Mutex
	sent  []noted // answered 202, also of the loads before
	next  int
	phase string
	took  []time.Duration // of the phase: from the first try to the 202
	odd   map[string]int  // answers that were no 202, of the phase
	reads int             // of the phase
}

// send begins the load, with the messages of the one before.
func (u *upgrade) send() *load {
	ctx, cancel := context.WithCancel(u.t.Context())
	l := &load{u: u, cancel: cancel, odd: map[string]int{}}
	if before := u.load; before != nil {
		l.sent, l.next = before.sent, before.next
	}
	pace := rate.NewLimiter(loadRate, 10)
	for range loadClients {
		l.wg.Go(func() {
			for pace.Wait(ctx) == nil {
				l.one()
			}
		})
	}
	for range 2 {
		l.wg.Go(func() {
			for each := rate.NewLimiter(25, 1); each.Wait(ctx) == nil; {
				l.look()
			}
		})
	}
	return l
}

// stop ends the load once everything it has begun to send is accepted.
func (l *load) stop() {
	l.cancel()
	l.wg.Wait()
}

// begin and end note the figures of a phase.
func (l *load) begin(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phase, l.took, l.odd, l.reads = name, nil, map[string]int{}, 0
}

func (l *load) end() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.took)
	n := len(l.took)
	if n == 0 {
		l.u.t.Errorf("%s: nothing was accepted", l.phase)
		return ""
	}
	at := func(share float64) float64 { return float64(l.took[int(share*float64(n-1))].Microseconds()) / 1000 }
	var odd []string
	for _, kind := range slices.Sorted(maps.Keys(l.odd)) {
		odd = append(odd, fmt.Sprintf("%d × %s", l.odd[kind], kind))
	}
	return fmt.Sprintf("%d accepted, p50 %.1f ms, p99 %.1f ms, longest %.0f ms; %d reads; repeated: %s",
		n, at(0.5), at(0.99), at(1), l.reads, strings.Join(append(odd, "no more"), ", "))
}

// one sends a message until it is accepted.
func (l *load) one() {
	l.mu.Lock()
	i := l.next
	l.next++
	l.mu.Unlock()
	m := noted{to: drill.Recipient(loadFirst + i), becomes: goesOut}
	more := ""
	switch i % 10 {
	case 0:
		more = `,"send_at":"` + time.Now().Add(15*time.Second).UTC().Format(time.RFC3339) + `"`
	case 1, 2:
		more = `,"lane":"otp"`
	}
	body := fmt.Sprintf(`{"to":%q,"type":"template","template":{"name":"order_confirmation","language":"en",`+
		`"variables":["Ada","L-%d","1.00"]}%s}`, m.to, i, more)
	began := time.Now()
	for try := 0; ; try++ {
		var answer struct {
			ID string `json:"message_id"`
		}
		odd := l.ask(http.MethodPost, l.front(i+try)+"/v1/messages", fmt.Sprintf("load-%d", i), body, http.StatusAccepted, &answer)
		switch {
		case odd == "":
			m.id = answer.ID
			l.mu.Lock()
			defer l.mu.Unlock()
			l.sent, l.took = append(l.sent, m), append(l.took, time.Since(began))
			return
		case time.Since(began) > time.Minute:
			l.u.t.Errorf("message %d of the load is not accepted after a minute: %s", i, odd)
			return
		}
		time.Sleep(min(time.Duration(try)*20*time.Millisecond, 200*time.Millisecond)) // what a client pauses before it repeats
	}
}

func (l *load) front(i int) string { return l.u.fronts[i%len(l.u.fronts)] }

// look reads a message that was accepted, of the batches or of the load.
func (l *load) look() {
	l.u.mu.Lock()
	m := l.u.bulk[rand.IntN(len(l.u.bulk))]
	l.u.mu.Unlock()
	l.mu.Lock()
	if n := len(l.sent); n > 0 && rand.IntN(2) == 0 {
		m = l.sent[rand.IntN(n)]
	}
	l.reads++
	l.mu.Unlock()
	for try := 0; try < 100; try++ {
		var got struct {
			ID string `json:"message_id"`
			To string `json:"to"`
		}
		switch odd := l.ask(http.MethodGet, l.front(rand.IntN(2)+try)+"/v1/messages/"+m.id, "", "", http.StatusOK, &got); {
		case odd == "" && got.ID == m.id && got.To == m.to:
			return
		case odd == "":
			l.u.t.Errorf("%s reads as %s to %s, want to %s", m.id, got.ID, got.To, m.to)
			return
		}
		time.Sleep(50 * time.Millisecond) // what a client pauses before it repeats
	}
	l.u.t.Errorf("%s can't be read", m.id)
}

// ask makes a request and returns what is odd about its answer; what can't become better
// is an error.
func (l *load) ask(method, url, key, body string, want int, into any) (odd string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	defer func() {
		if odd != "" {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.odd[odd]++
		}
	}()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Authorization", "Bearer "+l.u.Dev.APIKey)
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := http.DefaultClient.Do(req)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return "connection refused"
	}
	if err != nil {
		return "no answer"
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "half an answer"
	case resp.StatusCode == want:
		if err := json.Unmarshal(raw, into); err != nil {
			l.u.t.Errorf("%s %s: %v in %s", method, url, err, raw)
		}
		return ""
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusConflict:
		// The former binary answers 500 when a lock of a migration holds it up for two seconds.
		return resp.Status
	}
	l.u.t.Errorf("%s %s: %s %s", method, url, resp.Status, raw)
	return resp.Status
}
