package runner_test

import (
	"testing"
)

func TestCampaign_SendsToEveryoneOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	contacts := append(people(60, ""),
		object{"to": number(3, ""), "fields": object{"name": "Again", "total": "1"}},
		object{"to": "123", "fields": object{"name": "Nobody", "total": "1"}},
		object{"to": number(1, "0104"), "fields": object{"name": "Refused", "total": "1"}},
		object{"to": number(2, "0100"), "fields": object{"name": "", "total": ""}},
		object{"to": number(901, "0100"), "fields": object{"name": "No total"}},
		object{"to": number(900, "0100"), "fields": object{"name": "Opted out", "total": "1"}})
	s.call("POST", "/v1/suppressions", object{"phone": number(900, "0100"), "reason": "test"}, 201)
	path := s.launch(orders(contacts, nil))
	c := s.finished(path)
	if c.count("total") != 66 || c.count("skipped") != 5 || c.count("failed") != 1 {
		t.Errorf("counts %v", c["counts"])
	}
	by := c["skipped_by"].(map[string]any)
	if by["duplicate"] != 2.0 || by["bad_number"] != 1.0 || by["missing_field"] != 1.0 || by["suppressed"] != 1.0 {
		t.Errorf("skipped by %v", by)
	}
	s.until(path, "the receipts", func(c object) bool { return c.count("delivered") == 60 })
	s.balanced(path)
	if n, most := s.accepted(); n != 60 || most != 1 {
		t.Errorf("the provider accepted %d, at most %d for one", n, most)
	}
	s.call("POST", path+"/launch", nil, 409)
}

func TestCampaign_PauseResumeCancel(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.launch(orders(people(300, ""), object{"rate": 100}))
	s.until(path, "the first messages", func(c object) bool { return c.count("total")-c.count("waiting") > 20 })
	paused := s.call("POST", path+"/pause", nil, 200)
	if paused["status"] != "paused" || paused["in_flight"] == nil {
		t.Errorf("paused as %v with %v in flight", paused["status"], paused["in_flight"])
	}
	still := s.until(path, "calls to end", func(c object) bool { return c.count("sending") == 0 })
	before, _ := s.accepted()
	s.call("POST", path+"/pause", nil, 200)
	s.work() // another worker runs another campaign, and nothing of this one
	s.finished(s.launch(orders(people(3, "0300"), nil)))
	again := s.call("GET", path, nil, 200)
	if after, _ := s.accepted(); after != before+3 || still.count("waiting") == 0 || still.count("waiting") != again.count("waiting") {
		t.Errorf("%d messages went out, want 3, none of the paused campaign: %v %v", after-before, still["counts"], again["counts"])
	}
	s.call("POST", path+"/resume", nil, 200)
	s.finished(path)
	s.until(path, "the receipts", func(c object) bool { return c.count("delivered") == 300 })
	if n, most := s.accepted(); n != 303 || most != 1 {
		t.Errorf("the provider accepted %d, at most %d for one", n, most)
	}

	path = s.launch(orders(people(300, "0200"), object{"rate": 50}))
	s.until(path, "the first messages", func(c object) bool { return c.count("total")-c.count("waiting") > 5 })
	s.call("POST", path+"/cancel", nil, 200)
	c := s.until(path, "the end", func(c object) bool { return c.count("queued")+c.count("sending")+c.count("waiting") == 0 })
	if c["status"] != "cancelled" || c.count("cancelled") == 0 || c.count("total") != 300 {
		t.Errorf("cancelled: %v", c)
	}
	s.balanced(path)
	if n, _ := s.accepted(); n-303 != 300-c.count("cancelled") {
		t.Errorf("accepted %d of a cancelled campaign with %v", n-303, c["counts"])
	}
}

func TestCampaign_EmptyAudience(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.call("POST", "/v1/suppressions", object{"phone": number(1, ""), "reason": "test"}, 201)
	for name, contacts := range map[string][]any{
		"empty": {}, "suppressed": {object{"to": number(1, ""), "fields": object{"name": "A", "total": "1"}}},
		"unreadable": {object{"to": "12"}}, "incomplete": {object{"to": number(2, "")}},
	} {
		path := s.create(orders(contacts, nil))
		if o := s.call("POST", path+"/launch", nil, 422); o["code"] != "empty_audience" {
			t.Errorf("%s: %v", name, o)
		}
		if c := s.call("GET", path, nil, 200); c["status"] != "draft" || c.count("total") != 0 {
			t.Errorf("%s: stays %v", name, c)
		}
	}
}
