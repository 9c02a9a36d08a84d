package runner_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// otp accepts a one-time password and returns its id.
func (s *stack) otp(i int) string {
	s.Helper()
	m := s.call("POST", "/v1/messages", object{
		"to": number(i, "0600"), "type": "template", "template": object{"name": "auth1", "language": "en_US", "variables": []any{"123456"}},
	}, 202)
	return fmt.Sprint(m["message_id"])
}

// sent waits for a message and returns how long it took from its accept to the
// provider's answer.
func (s *stack) sent(id string) time.Duration {
	s.Helper()
	if got := s.call("GET", "/v1/messages/"+id+"?wait=30&status=sent", nil, 200); got["sent_at"] == nil {
		s.Fatalf("message %s is %v", id, got["status"])
	}
	var us int64
	s.must(s.db.GetContext(s.Context(), &us,
		`SELECT (extract(epoch FROM sent_at - created_at) * 1e6)::bigint FROM messages WHERE id = $1::uuid`, id))
	return time.Duration(us) * time.Microsecond
}

// held launches a campaign in its quiet hours and returns once all n wait for their
// end.
func (s *stack) held(n int, suffix string) string {
	s.Helper()
	now := time.Now().UTC()
	quiet := object{"from": now.Add(-time.Hour).Format("15:04"), "to": now.Add(3 * time.Hour).Format("15:04"), "zone": "UTC"}
	path := s.launch(orders(people(n, suffix), object{"quiet_hours": quiet}))
	s.until(path, "everybody to be held", func(c object) bool { return c.count("held") == n })
	return path
}

// The end of quiet hours, at which everybody who was held is due at once, holds up
// neither account's one-time passwords; their campaigns share the worker.
func TestCampaign_EndOfQuietHours_HoldsUpNoOTP(t *testing.T) {
	t.Parallel()
	s := start(t)
	o := s.another()
	const rate, each, passes = 40, 800, 12 // a campaign has up to 200 messages in the queue
	s.slow(rate)
	o.slow(rate)
	first, second := s.held(each, "0200"), o.held(each, "0300")
	both := []*stack{s, o}
	round := func(from int) (ids []string, took []time.Duration) {
		for i := range passes {
			ids = append(ids, both[i%2].otp(from+i))
		}
		for i, id := range ids {
			took = append(took, both[i%2].sent(id))
		}
		slices.Sort(took)
		return ids, took
	}
	_, before := round(0)
	// The quiet hours end: every row's turn is now.
	_, err := s.db.ExecContext(t.Context(), `WITH r AS (UPDATE campaign_recipients SET wake_at = now())
		UPDATE campaigns SET definition = (definition::jsonb - 'quiet_hours')::text, updated_at = now(), next_at = now()`)
	s.must(err)
	s.until(first, "its first messages", func(c object) bool { return c.count("sent")+c.count("delivered") > 0 })
	o.until(second, "its first messages", func(c object) bool { return c.count("sent")+c.count("delivered") > 0 })
	ids, after := round(passes)
	if c := s.call("GET", first, nil, 200); c["status"] != "running" {
		t.Fatalf("the campaign is %v before the last one-time password", c["status"])
	}
	t.Logf("one-time passwords from accept to answer: median %v before, %v after; most %v, %v",
		before[passes/2], after[passes/2], before[passes-1], after[passes-1])
	var passed []int
	for _, id := range ids {
		var n int
		s.must(s.db.GetContext(t.Context(), &n, `SELECT count(*) FROM messages m, messages p WHERE p.id = $1::uuid AND m.campaign_id <> 0
			AND m.account_id = p.account_id AND m.sent_at > p.created_at AND m.sent_at < p.sent_at`, id))
		passed = append(passed, n)
	}
	slices.Sort(passed)
	if passed[passes/2] > rate || passed[passes-1] > 3*rate {
		t.Errorf("campaigns sent %v messages while a one-time password waited", passed)
	}
	s.finished(first)
	o.finished(second)
	for _, pair := range [][2]string{{first, second}, {second, first}} {
		if n := s.sentDuring(pair[0], pair[1]); n < each/2 {
			t.Errorf("while campaign %s sent its %d, the other account's sent %d", pair[0], each, n)
		}
	}
	if n, most := s.accepted(); n != 2*each+2*passes || most != 1 {
		t.Errorf("the provider accepted %d, at most %d for one recipient", n, most)
	}
}
