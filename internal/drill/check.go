package drill

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// settleLimit bounds the wait for the last message: lease, resolve window and
// retry, twice, on a busy machine.
const settleLimit = 3 * time.Minute

// Result is what became of a send.
type Result struct {
	Accepted   int            `json:"accepted"`
	Repeats    int            `json:"repeats"` // of requests, by the client
	Faults     int            `json:"faults"`
	Lost       int            `json:"lost"`
	Copies     int            `json:"copies"`     // that the provider accepted
	Duplicates int            `json:"duplicates"` // copies beyond the first of a message
	Most       int            `json:"most"`       // copies of one message
	Unknown    int            `json:"unknown"`
	MaybeSent  int            `json:"maybe_sent"`
	States     map[string]int `json:"states"`
	Recovered  time.Duration  `json:"-"` // from the last 202 to the last status
}

// Add adds what became of another send.
func (r *Result) Add(o Result) {
	r.Accepted += o.Accepted
	r.Repeats += o.Repeats
	r.Faults += o.Faults
	r.Lost += o.Lost
	r.Copies += o.Copies
	r.Duplicates += o.Duplicates
	r.Most = max(r.Most, o.Most)
	r.Unknown += o.Unknown
	r.MaybeSent += o.MaybeSent
}

// Check waits until every message is final and holds the outcome against the
// promises: nothing accepted is lost, no recipient has more than most copies,
// and every extra copy shows.
func (x *Sending) Check(most int, finals ...string) Result {
	x.t.Helper()
	if x.t.Failed() {
		x.t.FailNow()
	}
	began := time.Now()
	Until(x.t, settleLimit, "all messages final", func() error { return x.settled(finals) })
	r := Result{
		Accepted: int(x.accepted.Load()), Repeats: int(x.repeats.Load()), States: map[string]int{}, Recovered: time.Since(began),
	}
	x.unique()
	x.statuses(&r)
	x.counts(&r, most)
	x.t.Logf("accepted %d in %.1f s with %d repeats; lost %d, copies %d, duplicates %d, maybe_sent %d, states %v; final %.1f s after the "+
		"last 202",
		r.Accepted, x.took.Seconds(), r.Repeats, r.Lost, r.Copies, r.Duplicates, r.MaybeSent, r.States, r.Recovered.Seconds())
	if r.Lost > 0 {
		x.t.Errorf("%d messages lost", r.Lost)
	}
	return r
}

// settled reports whether no message is unfinished. It checks the invariants on
// the way.
func (x *Sending) settled(finals []string) error {
	if err := x.s.Invariants(); err != nil {
		return err
	}
	var waiting, other int
	err := x.s.DB.QueryRow(`SELECT (SELECT count(*) FROM dispatch) + (SELECT count(*) FROM scheduled) + (SELECT count(*) FROM backlog),
		(SELECT count(*) FROM messages WHERE status <> ALL(string_to_array($1, ',')::smallint[]))`, codes(finals)).Scan(&waiting, &other)
	if err != nil {
		return err
	}
	if waiting+other > 0 {
		return fmt.Errorf("%d unfinished, %d without their last status", waiting, other)
	}
	return nil
}

var statusCodes = map[string]string{"sent": "30", "delivered": "40", "failed": "60", "unknown": "63"}

func codes(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = statusCodes[n]
	}
	return strings.Join(out, ",")
}

// Invariants checks D (a message is unfinished if and only if exactly one row
// of dispatch, scheduled and backlog is its, or that of a claim alone) and W (every row wakes by itself) in one
// snapshot: they hold at every moment.
func (s *Stack) Invariants() error {
	var idle, twice, orphans, asleep int
	err := s.DB.QueryRow(`
WITH w AS (SELECT message_id FROM dispatch UNION ALL SELECT message_id FROM scheduled
    UNION ALL SELECT b.id FROM (SELECT unnest(ids) AS id FROM backlog) b JOIN messages m ON m.id = b.id AND m.status = 10
    UNION ALL SELECT c.id FROM (SELECT unnest(ids) AS id FROM claims) c JOIN messages m ON m.id = c.id AND m.status = 10
      WHERE NOT EXISTS (SELECT 1 FROM dispatch d WHERE d.message_id = c.id)),
  n AS (SELECT message_id, count(*) AS n FROM w GROUP BY 1)
SELECT (SELECT count(*) FROM messages m WHERE m.status = 10 AND NOT EXISTS (SELECT 1 FROM n WHERE n.message_id = m.id)),
  (SELECT count(*) FROM n WHERE n.n > 1),
  (SELECT count(*) FROM n LEFT JOIN messages m ON m.id = n.message_id WHERE m.id IS NULL OR m.status <> 10),
  (SELECT count(*) FROM dispatch WHERE wake_at > now() + interval '1 hour') +
    (SELECT count(*) FROM claims WHERE wake_at > now() + interval '1 hour')`).Scan(&idle, &twice, &orphans, &asleep)
	switch {
	case err != nil:
		return err
	case idle+twice+orphans > 0:
		s.t.Errorf("invariant D: %d unfinished without a row, %d with two, %d rows of finished messages", idle, twice, orphans)
	case asleep > 0:
		s.t.Errorf("invariant W: %d rows that don't wake within the hour", asleep)
	}
	return nil
}

// unique holds that each Idempotency-Key made one message.
func (x *Sending) unique() {
	x.t.Helper()
	seen := map[string]bool{}
	for i, id := range x.ids {
		if id == "" || seen[id] {
			x.t.Errorf("message %d: id %q is missing or another message's", i, id)
		}
		seen[id] = true
	}
	var n int
	if err := x.s.DB.QueryRow(`SELECT count(*) FROM messages`).Scan(&n); err != nil {
		x.t.Fatalf("count messages: %v", err)
	}
	if n != x.n {
		x.t.Errorf("%d messages in the database, want %d", n, x.n)
	}
}

type brief struct {
	ID        string `json:"message_id"`
	Status    string `json:"status"`
	MaybeSent bool   `json:"maybe_sent"`
}

// briefs reads the state of every message, as pollers do.
func (x *Sending) briefs() map[string]brief {
	x.t.Helper()
	out := map[string]brief{}
	for ids := range slices.Chunk(x.ids, 1000) {
		raw, _ := json.Marshal(map[string]any{"ids": ids})
		req, err := http.NewRequest(http.MethodPost, x.s.Dev.BaseURL+"/v1/messages/status", bytes.NewReader(raw))
		if err != nil {
			x.t.Fatalf("%v", err)
		}
		req.Header.Set("Content-Type", "application/json")
		var answer struct {
			Messages []brief `json:"messages"`
		}
		if err := x.s.Do(req, &answer); err != nil {
			x.t.Fatalf("status: %v", err)
		}
		for _, b := range answer.Messages {
			out[b.ID] = b
		}
	}
	return out
}

func (x *Sending) statuses(r *Result) {
	x.t.Helper()
	got := x.briefs()
	for i, id := range x.ids {
		b, ok := got[id]
		if !ok {
			r.Lost++
			x.t.Errorf("message %d (%s) was answered 202 and is not there", i, id)
			continue
		}
		r.States[b.Status]++
		if b.MaybeSent {
			r.MaybeSent++
		}
		if b.Status == "unknown" {
			r.Unknown++
			if !b.MaybeSent {
				x.t.Errorf("message %d is unknown without maybe_sent", i)
			}
		}
	}
}

// counts compares the messages that the provider accepted with their statuses.
func (x *Sending) counts(r *Result, most int) {
	x.t.Helper()
	copies := x.emulatorCounts()
	states := x.briefs()
	for i, id := range x.ids {
		n, b := copies[i], states[id]
		r.Copies += n
		r.Duplicates += max(0, n-1)
		r.Most = max(r.Most, n)
		switch {
		case n > most:
			x.t.Errorf("message %d (%s): the provider accepted %d copies, at most %d are allowed", i, id, n, most)
		case n > 0 && (b.Status == "failed" || b.Status == "expired" || b.Status == "cancelled"):
			x.t.Errorf("message %d (%s) is %s, and the provider accepted %d copies", i, id, b.Status, n)
		case n == 0 && (b.Status == "sent" || b.Status == "delivered" || b.Status == "read"):
			r.Lost++
			x.t.Errorf("message %d (%s) is %s, and the provider never accepted it", i, id, b.Status)
		}
		if n > 1 {
			x.visible(id, n, b)
		}
	}
}

// visible holds that every copy of a message shows in its attempts.
func (x *Sending) visible(id string, copies int, b brief) {
	x.t.Helper()
	var timeline struct {
		Data []struct {
			Type    string `json:"type"`
			Outcome string `json:"outcome"`
		} `json:"data"`
	}
	if err := x.s.Get(x.s.Dev.BaseURL+"/v1/messages/"+id+"/events", &timeline); err != nil {
		x.t.Errorf("timeline of %s: %v", id, err)
		return
	}
	outcomes := map[string]int{}
	for _, e := range timeline.Data {
		if e.Type == "attempt" {
			outcomes[e.Outcome]++
		}
	}
	if shown := outcomes["accepted"] + outcomes["unknown"] + outcomes["doubtful"]; shown < copies {
		x.t.Errorf("message %s has %d copies, but its attempts show %v", id, copies, outcomes)
	}
	if !b.MaybeSent {
		x.t.Errorf("message %s has %d copies without maybe_sent (attempts %v)", id, copies, outcomes)
	}
}

// emulatorCounts returns how many copies of each message the provider accepted.
func (x *Sending) emulatorCounts() []int {
	x.t.Helper()
	out := make([]int, x.n)
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < x.n; i += 8 {
				var answer struct {
					Count int `json:"count"`
				}
				if err := x.s.Get(x.s.Dev.EmulatorURL+"/_emulator/count?to="+url.QueryEscape(x.to[i]), &answer); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
				out[i] = answer.Count
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		x.t.Fatalf("count at the emulator: %v", err)
	}
	var all struct {
		Count int `json:"count"`
	}
	if err := x.s.Get(x.s.Dev.EmulatorURL+"/_emulator/count", &all); err != nil {
		x.t.Fatalf("%v", err)
	}
	if sum := total(out); all.Count != sum {
		x.t.Errorf("the provider accepted %d messages, %d of them to our recipients", all.Count, sum)
	}
	return out
}

// reasons lists how attempts ended, for the log.
func (s *Stack) reasons() string {
	rows, err := s.DB.Query(`SELECT outcome || ' ' || coalesce(detail, ''), count(*) FROM attempts WHERE outcome <> 1 GROUP BY 1`)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = rows.Close() }()
	by := map[string]int{}
	for rows.Next() {
		var k string
		var n int
		if err := rows.Scan(&k, &n); err != nil {
			return err.Error()
		}
		by[k] = n
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(by)) {
		out = append(out, fmt.Sprintf("%d × %q", by[k], k))
	}
	return strings.Join(out, ", ")
}

// total sums counts.
func total(counts []int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}
