package runner_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/wait"
)

// What a campaign needs may go in mid-run: it stops with the reason, burns nobody, and
// reaches the rest once when it is there again. What it needed only at its launch may
// go for good.
func TestCampaign_NeedsGoneInMidRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		gone, back func(s *stack)
		pauses     bool // else it waits for the channel
	}{
		"channel disabled": {
			gone: func(s *stack) { s.call("PATCH", s.channelPath(), object{"enabled": false}, 200) },
			back: func(s *stack) { s.call("PATCH", s.channelPath(), object{"enabled": true}, 200) },
		},
		"template disabled": {
			gone:   func(s *stack) { s.templates("PATCH", object{"status": "disabled"}, 200) },
			back:   func(s *stack) { s.templates("PATCH", object{"status": "approved"}, 200) },
			pauses: true,
		},
		"template rejected": {
			gone:   func(s *stack) { s.templates("PATCH", object{"status": "rejected"}, 200) },
			back:   func(s *stack) { s.templates("PATCH", object{"status": "approved"}, 200) },
			pauses: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			const n = 120
			path := s.launch(orders(people(n, ""), object{"rate": 40}))
			s.until(path, "the first messages", func(c object) bool { return c.count("delivered") > 5 })
			c.gone(s)
			halted := s.until(path, "it to stop", func(o object) bool {
				return o["status"] == "paused" || (!c.pauses && o["limited_by"] == "channel" && o.count("sending") == 0)
			})
			if reason := fmt.Sprint(halted["reason"]); (halted["status"] == "paused") != (reason != "" && reason != "<nil>") {
				t.Errorf("it is %v for the reason %q", halted["status"], reason)
			}
			if halted.count("failed")+halted.count("unknown")+halted.count("skipped") > 0 {
				t.Errorf("burned: %v", halted["counts"])
			}
			c.back(s)
			if halted["status"] == "paused" {
				wait.Until(t, "it can go on", func() bool {
					status, _ := s.raw("POST", path+"/resume", nil)
					o := s.call("GET", path, nil, 200)
					return status == 200 && (o["status"] == "running" || o["status"] == "finished") && o.count("delivered") > halted.count("delivered")
				})
			}
			end := s.finished(path)
			s.until(path, "the receipts", func(o object) bool { return o.count("delivered") == n })
			if got, most := s.accepted(); got != n || most != 1 || end.count("failed") != 0 {
				t.Errorf("accepted %d, at most %d for one recipient: %v", got, most, end["counts"])
			}
		})
	}
}

func (s *stack) channelPath() string { return fmt.Sprintf("/v1/channels/%d", s.channel.ID) }

// templates calls the method with the body for each template of orders.
func (s *stack) templates(method string, body any, want int) {
	s.Helper()
	for _, entry := range s.call("GET", "/v1/templates?search=order_confirmation", nil, 200)["data"].([]any) {
		if e := entry.(map[string]any); e["name"] == "order_confirmation" {
			s.call(method, fmt.Sprintf("/v1/templates/%.0f", e["id"]), body, want)
		}
	}
}

// The report of a campaign runs nothing in a spreadsheet, and is itself a file whose
// numbers are those of the audience.
func TestCampaign_Report_ReadsBack(t *testing.T) {
	t.Parallel()
	s := start(t)
	hostile := []string{`=HYPERLINK("http://x","y")`, "@SUM(A1)", "-5", "'quoted", "a,b\"c"}
	contacts := people(3, "")
	for _, to := range hostile {
		contacts = append(contacts, object{"to": to, "fields": object{"name": "=1+1", "total": "9"}})
	}
	path := s.launch(orders(contacts, nil))
	s.finished(path)
	_, raw := s.raw("GET", path+"/report.csv", nil)
	rows := records(t, raw)
	if len(rows) != 1+len(contacts) {
		t.Fatalf("report %q", raw)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a spreadsheet runs %q", cell)
			}
		}
	}
	for i, to := range hostile {
		got := rows[1+3+i][1]
		if strings.ContainsAny(to[:1], "=+-@'") {
			got = strings.TrimPrefix(got, "'")
		}
		if got != to || rows[1+3+i][3] != "bad_number" {
			t.Errorf("%q is reported as %q", to, rows[1+3+i])
		}
	}
	again := s.create(orders(nil, object{"template": object{"name": "hello_world", "language": "en"}}))
	s.upload(again, string(raw))
	v := s.call("POST", again+"/validate", nil, 200)
	if v["recipients"] != 3.0 || fmt.Sprint(v["would_skip"]) != fmt.Sprintf("map[bad_number:%d]", len(hostile)) {
		t.Errorf("the report as an audience: %v", v)
	}
}

// A campaign whose template is deleted in mid-run sends no more. It can be cancelled,
// which ends it with everybody counted.
func TestCampaign_TemplateDeletedInMidRun(t *testing.T) {
	t.Parallel()
	s := start(t)
	const n = 200
	path := s.launch(orders(people(n, ""), object{"rate": 20}))
	s.until(path, "the first messages", func(c object) bool { return c.count("delivered") > 5 })
	s.templates("DELETE", nil, 204)
	c := s.until(path, "the pause", func(c object) bool { return c["status"] == "paused" })
	if reason := fmt.Sprint(c["reason"]); !strings.Contains(reason, "template") {
		t.Errorf("paused for %q", reason)
	}
	s.call("POST", path+"/cancel", nil, 200)
	c = s.until(path, "the end of what waits", func(c object) bool {
		return c.count("waiting")+c.count("queued")+c.count("sending")+c.count("sent") == 0
	})
	if c.count("total") != n || c.count("cancelled") == 0 || c.count("cancelled")+c.count("delivered") != n {
		t.Errorf("cancelled: %v", c["counts"])
	}
	s.balanced(path)
	if _, most := s.accepted(); most != 1 {
		t.Errorf("%d messages for one recipient", most)
	}
}

// A channel is not deleted while a campaign runs on it, whether or not one of its
// messages is on its way. Below a paused one it is; the campaign stays paused, with the
// reason, when it is resumed.
func TestCampaign_ChannelDeleted(t *testing.T) {
	t.Parallel()
	s := start(t)
	running := s.launch(orders(people(200, ""), object{"rate": 20}))
	s.until(running, "the first messages", func(c object) bool { return c.count("delivered") > 5 })
	s.call("DELETE", s.channelPath(), nil, 409)
	s.call("POST", running+"/cancel", nil, 200)
	held := s.held(3, "0300")
	_, says := s.raw("DELETE", s.channelPath(), nil)
	wait.Until(t, "the last messages to end", func() bool {
		_, says = s.raw("DELETE", s.channelPath(), nil)
		return !bytes.Contains(says, []byte("unfinished messages"))
	})
	if id := held[strings.LastIndex(held, "/")+1:]; !bytes.Contains(says, []byte("campaign "+id+" sends through the channel")) {
		t.Errorf("the channel of a campaign that runs: %s", says)
	}
	s.call("POST", held+"/pause", nil, 200)
	s.call("DELETE", s.channelPath(), nil, 204)
	s.raw("POST", held+"/resume", nil)
	c := s.until(held, "the pause", func(c object) bool { return c["status"] == "paused" && fmt.Sprint(c["reason"]) != "paused by hand" })
	if reason := fmt.Sprint(c["reason"]); !strings.Contains(reason, "channel") || c.count("held") != 3 {
		t.Errorf("paused for %q: %v", reason, c["counts"])
	}
	s.call("POST", held+"/cancel", nil, 200)
	s.until(held, "its end", func(c object) bool { return c.count("cancelled") == 3 })
	s.balanced(held)
}
