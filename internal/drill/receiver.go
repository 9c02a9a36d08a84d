package drill

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// receiver is a customer's webhook endpoint.
type receiver struct {
	t T

	mu       sync.Mutex
	ids      map[string]string // webhook-id by message and sequence
	last     map[string]int    // sequence of the newest event, by message
	state    map[string]string // status of the newest event, by message
	late     int               // events that came first after a later one
	twice    int               // events with a second webhook-id
	requests int
	newest   time.Time     // of the last request
	longest  time.Duration // between two requests
}

// receive starts a receiver and registers it at the API.
func (s *Stack) receive() *receiver {
	s.t.Helper()
	r := &receiver{t: s.t, ids: map[string]string{}, last: map[string]int{}, state: map[string]string{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatalf("listen for webhooks: %v", err)
	}
	srv := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(l) }()
	s.t.Cleanup(func() { _ = srv.Close() })
	body := fmt.Appendf(nil, `{"url":"http://%s/hook"}`, l.Addr())
	s.Ask(http.MethodPost, "/v1/webhooks", "application/json", body, nil)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var event struct {
		Data struct {
			ID       string `json:"message_id"`
			Sequence int    `json:"sequence"`
			Status   string `json:"status"`
		} `json:"data"`
	}
	if err := json.NewDecoder(req.Body).Decode(&event); err != nil {
		r.t.Errorf("a webhook that is no JSON: %v", err)
		return
	}
	r.note(req.Header.Get("Webhook-Id"), event.Data.ID, event.Data.Sequence, event.Data.Status)
}

func (r *receiver) note(id, message string, sequence int, status string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.requests++; !r.newest.IsZero() {
		r.longest = max(r.longest, now.Sub(r.newest))
	}
	r.newest = now
	key := fmt.Sprintf("%s %d", message, sequence)
	known, had := r.ids[key]
	switch {
	case had && known != id:
		r.twice++
	case !had && sequence < r.last[message]:
		r.late++
	}
	r.ids[key] = id
	if sequence > r.last[message] {
		r.last[message], r.state[message] = sequence, status
	}
}

// check waits until the receiver knows the last status of every message, and holds
// that each event came in its sequence and none as two.
func (r *receiver) check(x *Sending) {
	r.t.Helper()
	states := x.briefs()
	known := 0 // a status that was the last stays it: looking at all each time would hold the webhooks up
	Until(r.t, settleLimit+limitOf(x.n), "all webhooks", func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		for ; known < len(x.ids); known++ {
			if id := x.ids[known]; r.state[id] != states[id].Status {
				return fmt.Errorf("%d messages of which not all have had their last status", len(x.ids)-known)
			}
		}
		return nil
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.t.Logf("%d webhooks of %d events; longest pause %.1f s", r.requests, len(r.ids), r.longest.Seconds())
	if r.twice > 0 || r.late > 0 {
		r.t.Errorf("%d events with a second webhook-id, %d out of their message's sequence", r.twice, r.late)
	}
}

// events holds that the log, in the order in which it is read, has each status of a
// message once and in its sequence.
func (s *Stack) events() {
	s.t.Helper()
	var twice, disorder int
	err := s.DB.QueryRow(`
WITH e AS (SELECT message_id, kind, seq, lag(seq) OVER (PARTITION BY message_id ORDER BY xid, id) AS before
  FROM (SELECT message_id, kind, seq, xid, id FROM events
    UNION ALL SELECT unnest(message_ids), kind, seq, xid, id FROM event_pages) e WHERE kind < 100)
SELECT (SELECT count(*) FROM (SELECT 1 FROM e GROUP BY message_id, seq HAVING count(*) > 1) x),
  (SELECT count(*) FROM e WHERE before >= seq)`).Scan(&twice, &disorder)
	if err == nil && twice+disorder > 0 {
		err = errors.New("the log has events twice or out of sequence")
	}
	if err != nil {
		s.t.Errorf("%v: %d twice, %d out of sequence", err, twice, disorder)
	}
}
