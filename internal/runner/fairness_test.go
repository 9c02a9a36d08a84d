package runner_test

import (
	"fmt"
	"testing"

	"github.com/sendoff/sendoff/internal/demo"
)

// another returns the stack as a second account sees it, with channels of its own.
func (s *stack) another() *stack {
	s.Helper()
	_, err := s.db.ExecContext(s.Context(), `WITH u AS (UPDATE users SET email = 'first@example.com')
		UPDATE accounts SET name = 'First' WHERE id = $1`, s.account.ID)
	s.must(err)
	o := *s
	o.channel.ID = 0
	o.account, err = demo.Account(s.Context(), s.accounts, s.emulator)
	s.must(err)
	o.key, err = demo.Key(s.Context(), s.accounts, o.account.ID, false)
	s.must(err)
	o.register()
	return &o
}

// slow limits the account's channel to a rate.
func (s *stack) slow(rate int) {
	s.Helper()
	s.call("PATCH", fmt.Sprintf("/v1/channels/%d", s.channel.ID), object{"policy": object{"rate": rate}}, 200)
}

// sentDuring returns how many messages of campaigns were sent between the first and
// the last message of another one.
func (s *stack) sentDuring(path string, of ...string) (n int) {
	s.Helper()
	for _, o := range of {
		var some int
		s.must(s.db.GetContext(s.Context(), &some, `SELECT count(*) FROM messages, (SELECT min(sent_at) AS first, max(sent_at) AS last
			FROM messages WHERE campaign_id = $2::bigint) d WHERE campaign_id = $1::bigint AND sent_at BETWEEN first AND last`, id(o), id(path)))
		n += some
	}
	return n
}

// Two campaigns through one channel share it: the later one waits for what the
// earlier one has in the queue, five seconds of the rate, and then has a fair
// share. Another account's campaign takes nothing from them, and a one-time
// password passes all of them.
func TestCampaign_Fairness(t *testing.T) {
	t.Parallel()
	s := start(t)
	const rate = 60 // so that each campaign has up to 300 messages in the queue
	o := s.another()
	s.slow(rate)
	o.slow(rate)
	long := s.launch(orders(people(700, "0100"), nil))
	s.until(long, "the first messages", func(c object) bool { return c.count("delivered") > 5 })
	late := s.launch(orders(people(500, "0200"), nil))
	other := o.launch(orders(people(200, "0300"), nil))
	s.until(late, "a place in the queue", func(c object) bool { return c.count("queued") > 0 })
	var passes []string
	for i := range 10 {
		passes = append(passes, s.otp(i))
		s.sent(passes[i])
	}
	s.finished(late)
	o.finished(other)
	s.finished(long)
	if n := s.sentDuring(late, long); n < 250 || n > 600 {
		t.Errorf("while the later campaign sent its 500, the long one sent %d", n)
	}
	if n := s.sentDuring(other, long, late); n < 100 || n > 400 {
		t.Errorf("while the other account's campaign sent its 200, those of this one sent %d", n)
	}
	var before int
	s.must(s.db.GetContext(t.Context(), &before, `SELECT count(*) FROM messages WHERE campaign_id = $1::bigint
		AND sent_at < (SELECT min(sent_at) FROM messages WHERE campaign_id = $2::bigint)`, id(long), id(late)))
	if before > 5*rate+200 {
		t.Errorf("the later campaign waited for %d messages, want at most five seconds of the rate and what was sent before", before)
	}
	for _, id := range passes {
		var passed int
		s.must(s.db.GetContext(t.Context(), &passed, `SELECT count(*) FROM messages m, messages p WHERE p.id = $1::uuid AND m.campaign_id <> 0
			AND m.account_id = p.account_id AND m.sent_at > p.created_at AND m.sent_at < p.sent_at`, id))
		if passed > rate {
			t.Errorf("%d messages of campaigns were sent before a one-time password, more than a second's", passed)
		}
	}
	if n, most := s.accepted(); n != 700+500+200+10 || most != 1 {
		t.Errorf("the provider accepted %d, at most %d for one recipient", n, most)
	}
}
