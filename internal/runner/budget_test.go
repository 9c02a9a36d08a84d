package runner_test

import (
	"fmt"
	"testing"

	"github.com/sendoff/sendoff/internal/wait"
)

// A channel's messaging limit spreads a campaign over days. Other messages count,
// and have a share of their own; whoever counts already is free.
func TestCampaign_MessagingLimit(t *testing.T) {
	t.Parallel()
	s := start(t)
	policy := object{"messaging_limit": 20, "messaging_reserve": 0.5}
	s.call("PATCH", fmt.Sprintf("/v1/channels/%d", s.channel.ID), object{"policy": policy}, 200)
	counted := func() (n int) {
		s.must(s.db.GetContext(s.Context(), &n, `SELECT count(*) FROM portfolio_users`))
		return n
	}
	for _, to := range []string{number(900, ""), number(901, ""), number(900, "")} {
		s.call("POST", "/v1/messages", object{"to": to, "type": "template", "template": object{"name": "hello_world", "language": "en"}}, 202)
	}
	wait.Until(t, "normal messages to count", func() bool { return counted() == 2 })

	forecast := s.create(orders(people(15, ""), nil))
	if v := s.call("POST", forecast+"/validate", nil, 200); len(v["forecast"].([]any)) != 2 ||
		v["forecast"].([]any)[0].(map[string]any)["recipients"] != 8.0 {
		t.Errorf("the forecast: %v", v)
	}
	path := s.launch(orders(append(people(15, ""), object{"to": number(900, ""), "fields": object{"name": "Free", "total": "1"}}), nil))
	c := s.until(path, "the limit", func(c object) bool { return c["limited_by"] == "budget" && c.count("delivered") == 10 })
	// Eight more count; number 900 does already, and the demo has a window open with number 0.
	if c.count("waiting") != 6 || counted() != 10 {
		t.Errorf("behind the limit: %v, %d count", c["counts"], counted())
	}
	row := s.call("GET", path+"/recipients?status=waiting&limit=1", nil, 200)["data"].([]any)[0].(map[string]any)
	if row["waits_for"] != "budget" {
		t.Errorf("a recipient behind the limit: %v", row)
	}
	s.finished(s.launch(orders(people(5, ""), object{"name": "To the same people"})))

	_, err := s.db.ExecContext(s.Context(), `UPDATE portfolio_users SET at = at - interval '24 hours'`) // a day later
	s.must(err)
	s.finished(path)
	s.until(path, "the receipts", func(c object) bool { return c.count("delivered") == 16 })
	s.balanced(path)
}
