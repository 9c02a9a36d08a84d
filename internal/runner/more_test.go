package runner_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/callback"
	personstore "github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/wait"
)

// id returns the id in the path of a campaign.
func id(path string) string { return strings.TrimPrefix(path, "/v1/campaigns/") }

func TestCampaign_EveryStateTimesEveryAction(t *testing.T) {
	t.Parallel()
	s := start(t)
	later := object{"start_at": "2030-01-02T10:00:00", "time_zone": "Europe/Berlin"}
	draft := s.create(orders(people(1, ""), nil))
	scheduled := s.launch(orders(people(1, ""), later))
	running := s.launch(orders(people(50, ""), object{"rate": 0.01}))
	paused := s.launch(orders(people(50, ""), object{"rate": 0.01}))
	s.call("POST", paused+"/pause", nil, 200)
	finished := s.launch(orders(people(1, "0104"), nil))
	s.finished(finished)
	cancelled := s.launch(orders(people(1, ""), later))
	s.call("POST", cancelled+"/cancel", nil, 200)

	for path, want := range map[string]string{
		draft:     "pause 409 resume 409 retry 409",
		scheduled: "launch 200 resume 200 retry 409 DELETE 409",
		running:   "launch 200 resume 200 retry 409 PATCH 409 DELETE 409",
		paused:    "pause 200 launch 409 PATCH 409 DELETE 409",
		finished:  "launch 409 pause 409 resume 409 cancel 409 PATCH 409 DELETE 409",
		cancelled: "cancel 200 launch 409 pause 409 resume 409 PATCH 409 DELETE 409",
	} {
		words := strings.Fields(want)
		before := s.call("GET", path, nil, 200)["status"]
		for i := 0; i < len(words); i += 2 {
			method, at, body := "POST", path+"/"+words[i], any(nil)
			if words[i] == "PATCH" || words[i] == "DELETE" {
				method, at = words[i], path
			}
			if method == "PATCH" {
				body = object{"name": "Other"}
			}
			status, raw := s.raw(method, at, body)
			if fmt.Sprint(status) != words[i+1] || (status == 409 && !strings.Contains(string(raw), `"invalid_state"`)) {
				t.Errorf("%s of a %v campaign: %d %s", words[i], before, status, raw)
			}
		}
		if after := s.call("GET", path, nil, 200)["status"]; after != before {
			t.Errorf("%v has become %v", before, after)
		}
	}
	c := s.call("PATCH", scheduled, object{"audience": object{"contacts": people(3, "")}}, 200)
	if c.count("total") != 3 || c["status"] != "scheduled" || c["starts_at"] != "2030-01-02T09:00:00Z" {
		t.Errorf("edited: %v", c)
	}
	s.call("POST", scheduled+"/pause", nil, 200)
	if c := s.call("POST", scheduled+"/resume", nil, 200); c["status"] != "scheduled" {
		t.Errorf("resumed as %v", c["status"])
	}
	s.call("PATCH", draft, object{"start_at": "2020-01-01T00:00:00"}, 422)
	s.call("POST", paused+"/retry", nil, 422) // nobody has failed
	for path, actions := range map[string]string{
		scheduled: "cancel cancelled cancel cancelled", running: "pause paused pause paused resume running resume running cancel cancelled",
		paused: "resume running pause paused cancel cancelled", s.create(orders(people(1, ""), nil)): "cancel cancelled",
	} {
		words := strings.Fields(actions)
		for i := 0; i < len(words); i += 2 {
			c := s.call("POST", path+"/"+words[i], nil, 200)
			if c["status"] != words[i+1] || (words[i] == "pause" || words[i] == "cancel") != (c["in_flight"] != nil) {
				t.Errorf("%s of %s: %v with in_flight %v", words[i], path, c["status"], c["in_flight"])
			}
		}
		s.until(path, "the end of what waits", func(c object) bool { return c.count("waiting")+c.count("queued")+c.count("sending") == 0 })
		s.balanced(path)
	}
	s.call("POST", cancelled+"/retry", nil, 422)
	s.call("DELETE", draft, nil, 204)
	s.call("GET", draft, nil, 404)
}

func TestCampaign_RetriesWhatCanSucceed(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.launch(orders(append(people(3, "0104"), people(2, "0103")...), nil))
	s.finished(path)
	s.until(path, "the receipts", func(c object) bool { return c.count("failed") == 5 })
	child := s.call("POST", path+"/retry", nil, 200)
	if fmt.Sprintf("%.0f", child["parent_id"]) != id(path) || child.count("total") != 2 {
		t.Errorf("the retry %v", child)
	}
	s.finished(fmt.Sprintf("/v1/campaigns/%.0f", child["id"]))
	if list := s.call("GET", "/v1/campaigns?parent="+id(path), nil, 200); len(list["data"].([]any)) != 1 {
		t.Errorf("children %v", list)
	}
	none := s.launch(orders(people(1, "0104"), nil))
	s.finished(none)
	s.call("POST", none+"/retry", nil, 422)
}

func TestCampaign_QuietHoursHold(t *testing.T) {
	t.Parallel()
	s := start(t)
	now := time.Now().UTC()
	quiet := object{"from": now.Add(-time.Hour).Format("15:04"), "to": now.Add(3 * time.Hour).Format("15:04"), "zone": "UTC"}
	path := s.launch(orders(people(4, ""), object{"quiet_hours": quiet}))
	c := s.until(path, "everybody to be held", func(c object) bool { return c.count("held") == 4 && c["limited_by"] == "quiet_hours" })
	if c["status"] != "running" {
		t.Errorf("held: %v", c)
	}
	rows := s.call("GET", path+"/recipients", nil, 200)["data"].([]any)
	row := rows[0].(map[string]any)
	until, err := time.Parse(time.RFC3339, fmt.Sprint(row["next_attempt_at"]))
	if row["waits_for"] != "quiet_hours" || err != nil || until.Format("15:04") != quiet["to"] {
		t.Errorf("a held row: %v", row)
	}
	s.balanced(path)
	if n, _ := s.accepted(); n != 0 {
		t.Errorf("%d went out in quiet hours", n)
	}
	s.finished(s.launch(orders(people(4, "0300"), nil))) // which has no quiet hours
	if n, _ := s.accepted(); n != 4 || s.call("GET", path, nil, 200).count("held") != 4 {
		t.Errorf("%d of another campaign went out", n)
	}
}

// A message that was made before quiet hours began is held when it is claimed,
// and shows it.
func TestCampaign_QuietHoursBegin_HoldMessages(t *testing.T) {
	t.Parallel()
	s := serve(t)
	channel := fmt.Sprintf("/v1/channels/%d", s.channel.ID)
	s.call("POST", channel+"/pause", object{}, 200)
	s.work()
	path := s.launch(orders(people(1, "0300"), nil))
	s.until(path, "the message", func(c object) bool { return c.count("queued") == 1 })
	now := time.Now().UTC()
	quiet := object{
		"from": now.Add(-time.Hour).Format("15:04"), "to": now.Add(3 * time.Hour).Format("15:04"), "zone": "UTC",
		"days": []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"},
	}
	raw, err := json.Marshal(quiet)
	s.must(err)
	_, err = s.db.ExecContext(s.Context(), `UPDATE campaigns SET updated_at = now(),
		definition = jsonb_set(definition::jsonb, '{quiet_hours}', $1::jsonb)::text`, string(raw))
	s.must(err)
	row := s.call("GET", path+"/recipients", nil, 200)["data"].([]any)[0].(map[string]any)
	message := fmt.Sprintf("/v1/messages/%s", row["message_id"])
	if m := s.call("GET", message, nil, 200); m["waits_for"] != "paused" {
		t.Errorf("on a paused channel it waits for %v", m["waits_for"])
	}
	s.call("POST", channel+"/resume", object{}, 200)
	m := s.until(message, "it to be held", func(m object) bool { return m["waits_for"] == "quiet_hours" })
	c := s.until(path, "it to count as held", func(c object) bool { return c.count("held") == 1 })
	until, err := time.Parse(time.RFC3339, fmt.Sprint(m["next_attempt_at"]))
	if err != nil || until.Format("15:04") != quiet["to"] || c["status"] != "running" {
		t.Errorf("a held message: %v", m)
	}
}

func TestCampaign_DisabledTemplatePauses(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.launch(orders(people(500, ""), object{"rate": 40}))
	s.until(path, "the first messages", func(c object) bool { return c.count("delivered") > 0 })
	list := s.call("GET", "/v1/templates?search=order_confirmation", nil, 200)["data"].([]any)
	for _, entry := range list {
		if e := entry.(map[string]any); e["name"] == "order_confirmation" {
			s.call("PATCH", fmt.Sprintf("/v1/templates/%.0f", e["id"]), object{"status": "paused"}, 200)
		}
	}
	c := s.until(path, "the pause", func(c object) bool { return c["status"] == "paused" })
	if !strings.Contains(fmt.Sprint(c["reason"]), "template") || c.count("failed") > 0 {
		t.Errorf("paused: %v", c)
	}
	s.balanced(path)
}

func TestCampaign_ErrorRatePausesAndCanaryWaits(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.launch(orders(append(people(30, "0104"), people(500, "")...), object{"rate": 100, "pause_at_error_rate": 0.3}))
	c := s.until(path, "the pause", func(c object) bool { return c["status"] == "paused" })
	if !strings.Contains(fmt.Sprint(c["reason"]), "error_rate") || c.count("waiting") == 0 {
		t.Errorf("paused: %v", c)
	}
	path = s.launch(orders(people(40, "0400"), object{"canary": object{"first": 10, "wait_seconds": 2}}))
	c = s.until(path, "the canary", func(c object) bool { return c["limited_by"] == "canary" && c.count("delivered") == 10 })
	row := s.call("GET", path+"/recipients?status=waiting&limit=1", nil, 200)["data"].([]any)[0].(map[string]any)
	if c.count("waiting") != 30 || row["waits_for"] != "canary" {
		t.Errorf("behind the canary: %v, %v", c["counts"], row)
	}
	s.finished(path)
}

// A quality that the provider reports as bad pauses the campaigns of the template
// and of the channel, a yellow one those that wait behind a canary. What was
// reported before the campaign was resumed does not pause it again.
func TestCampaign_QualityPauses(t *testing.T) {
	t.Parallel()
	s := start(t)
	reports := callback.New(s.db)
	template := func(quality string) {
		s.must(reports.ChangeTemplates(t.Context(), s.channel.ID, []dispatch.TemplateChange{
			{Name: "order_confirmation", Language: "en", Quality: quality, Reason: "quality " + quality},
		}))
	}
	channel := func(level, value string) {
		s.must(reports.ReportChannel(t.Context(), s.channel.ID, []dispatch.ChannelReport{
			{Subject: "quality", Level: level, Value: value, At: time.Now()},
		}))
	}
	paused := func(path, reason string) {
		t.Helper()
		c := s.until(path, "the pause", func(c object) bool { return c["status"] == "paused" })
		if c["reason"] != reason || c.count("waiting") == 0 || c.count("failed") != 0 {
			t.Errorf("paused: %v %v", c["reason"], c["counts"])
		}
		s.balanced(path)
	}
	canary := s.launch(orders(people(40, "0400"), object{"canary": object{"first": 5, "wait_seconds": 60}}))
	s.until(canary, "the canary", func(c object) bool { return c["limited_by"] == "canary" && c.count("delivered") == 5 })
	slow := s.launch(orders(people(40, "0401"), object{"rate": 2}))
	s.until(slow, "its first message", func(c object) bool { return c.count("delivered") > 0 })
	template("yellow")
	paused(canary, "quality: the provider reports that of the template as yellow")
	if c := s.call("GET", slow, nil, 200); c["status"] != "running" {
		t.Errorf("without a canary yellow has paused it: %v", c["reason"])
	}
	template("red")
	paused(slow, "quality: the provider reports that of the template as red")
	s.call("POST", slow+"/resume", nil, 200)
	had := s.call("GET", slow, nil, 200).count("waiting")
	s.until(slow, "another message", func(c object) bool { return c["status"] == "running" && c.count("waiting") < had })
	channel(dispatch.LevelWarning, "flagged")
	paused(slow, "quality: the provider reports of the channel: quality flagged")
	channel(dispatch.LevelOK, "unflagged")
	s.call("POST", slow+"/resume", nil, 200)
	s.call("POST", slow+"/cancel", nil, 200)
}

func TestCampaign_RecurrenceMakesRuns(t *testing.T) {
	t.Parallel()
	s := start(t)
	first := time.Now().UTC().Add(2 * time.Second)
	path := s.launch(orders(people(2, ""), object{
		"start_at": first.Format("2006-01-02T15:04:05"), "time_zone": "UTC", "recurrence": object{"rrule": "FREQ=DAILY;COUNT=6"},
	}))
	c := s.call("GET", path, nil, 200)
	if c["status"] != "scheduled" || len(c["next"].([]any)) != 5 || c.count("total") != 0 {
		t.Errorf("the parent %v", c)
	}
	var child string
	wait.Until(t, "the first run", func() bool {
		for _, entry := range s.call("GET", "/v1/campaigns?parent="+id(path), nil, 200)["data"].([]any) {
			child = fmt.Sprintf("/v1/campaigns/%.0f", entry.(map[string]any)["id"])
		}
		return child != ""
	})
	if run := s.finished(child); run["run_at"] != first.Format("2006-01-02T15:04:05Z") || run.count("total") != 2 {
		t.Errorf("the run %v", run)
	}
	if c := s.call("GET", path, nil, 200); c["status"] != "scheduled" {
		t.Errorf("the parent is %v", c["status"])
	}
}

func TestCampaign_AudienceOfListsAndImports(t *testing.T) {
	t.Parallel()
	s := start(t)
	list := s.call("POST", "/v1/lists", object{"name": "Spring people"}, 201)
	var ids []any
	for i := range 3 {
		c := s.call(
			"POST",
			"/v1/contacts",
			object{"phone": number(i, "0500"), "name": fmt.Sprint("Bo ", i), "fields": object{"total": "1"}},
			201,
		)
		ids = append(ids, c["id"])
	}
	s.call("POST", fmt.Sprintf("/v1/lists/%.0f/members", list["id"]), object{"contact_ids": ids}, 200)
	imported := s.imported()
	path := s.create(orders(people(1, "0500"), nil))
	s.call("PATCH", path, object{"audience": object{
		"lists": []any{list["id"]}, "import": imported, "contacts": people(1, "0500"),
	}}, 200)
	s.call("POST", path+"/launch", nil, 200)
	c := s.finished(path)
	by := c["skipped_by"].(map[string]any)
	if c.count("total") != 7 || by["duplicate"] != 2.0 || by["bad_number"] != 1.0 {
		t.Errorf("finished with %v, skipped by %v", c["counts"], by)
	}
	bad := s.create(orders(nil, object{"audience": object{"lists": []any{99999}}}))
	s.call("POST", bad+"/launch", nil, 422)
}

// imported stores an import of an audience that is done and returns its id.
func (s *stack) imported() int64 {
	s.Helper()
	var id int64
	s.must(
		s.db.GetContext(
			s.Context(),
			&id,
			`INSERT INTO imports (account_id, actor, kind, status) VALUES ($1, 'test', 'audience', 'done') RETURNING id`,
			s.account.ID,
		),
	)
	_, err := s.db.ExecContext(s.Context(), `INSERT INTO import_rows (import_id, row, line, result, phone, name, fields, problem) VALUES
		($1, 1, 2, 'created', $2, 'Bo', '{"total":"1"}', NULL), ($1, 2, 3, 'created', $3, 'Cy', '{"total":"2"}', NULL),
		($1, 3, 4, 'bad', NULL, '', '{}', '{"column":"phone","value":"nonsense","reason":"is no number"}')`,
		id, number(1, "0500"), number(7, "0500"))
	s.must(err)
	return id
}

func TestCampaign_ProgressEvents(t *testing.T) {
	t.Parallel()
	s := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/v1/events", nil)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := http.DefaultClient.Do(req)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	path := s.launch(orders(people(20, ""), nil))
	seen := map[string]string{}
	lines := bufio.NewScanner(resp.Body)
	event := ""
	for lines.Scan() && (seen["campaign.progress"] == "" || seen["campaign.finished"] == "") {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			event = name
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			seen[event] = data
		}
	}
	if !strings.Contains(seen["campaign.progress"], `"campaign_id":`+id(path)) ||
		!strings.Contains(seen["campaign.progress"], `"total":20`) {
		t.Errorf("progress %q", seen["campaign.progress"])
	}
	if !strings.Contains(seen["campaign.finished"], `"status":"finished"`) {
		t.Errorf("finished %q", seen["campaign.finished"])
	}
}

func TestMessages_CancelManyAndByDue(t *testing.T) {
	t.Parallel()
	s := start(t)
	var ids []any
	for i := range 3 {
		m := s.call("POST", "/v1/messages", object{
			"to": number(
				i,
				"",
			), "type": "template", "template": object{"name": "hello_world", "language": "en"}, "reference": fmt.Sprint("r", i%2),
			"send_at": time.Now().Add(time.Duration(3-i) * 3 * time.Minute).UTC().Format(time.RFC3339),
		}, 202)
		ids = append(ids, m["message_id"])
	}
	first := s.call("GET", "/v1/messages?status=scheduled&order=due&limit=2", nil, 200)
	rest := s.call("GET", "/v1/messages?status=scheduled&order=due&cursor="+first["next_cursor"].(string), nil, 200)
	var got []any
	for _, m := range append(first["data"].([]any), rest["data"].([]any)...) {
		got = append(got, m.(map[string]any)["message_id"])
	}
	if fmt.Sprint(got) != fmt.Sprint([]any{ids[2], ids[1], ids[0]}) {
		t.Errorf("by due %v of %v", got, ids)
	}
	s.call("GET", "/v1/messages?order=due", nil, 422)
	if o := s.call("POST", "/v1/messages/cancel", object{"reference": "r0"}, 200); o["cancelled"] != 2.0 {
		t.Errorf("by reference: %v", o)
	}
	o := s.call("POST", "/v1/messages/cancel", object{"ids": []any{ids[1], "0190b5a0-0000-7000-8000-000000000000"}}, 200)
	if results := o["results"].([]any); o["cancelled"] != 1.0 || results[1].(map[string]any)["code"] != "not_found" {
		t.Errorf("by ids: %v", o)
	}
	s.call("POST", "/v1/messages/cancel", object{}, 422)
}

func TestCampaign_CapCountsMarketing(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.call("POST", "/v1/templates", object{
		"name": "sale", "language": "en", "category": "marketing", "components": []any{object{"type": "BODY", "text": "Sale!"}},
	}, 201)
	sale := func(more object) object {
		body := orders(people(3, ""), more)
		body["template"] = object{"name": "sale", "language": "en"}
		return body
	}
	s.finished(s.launch(sale(nil)))
	c := s.finished(s.launch(sale(object{"cap": object{"messages": 1, "days": 7}})))
	if by := c["skipped_by"].(map[string]any); by["capped"] != 3.0 || c.count("failed") != 0 {
		t.Errorf("capped: %v %v", by, c["counts"])
	}
	// A second id of a person that was learnt meanwhile is the same person, for the
	// cap and in one audience.
	s.must(personstore.New(s.db).Link(s.Context(), s.account.ID, number(0, ""), number(700, "")))
	other := sale(object{"cap": object{"messages": 1, "days": 7}})
	other["audience"] = object{"contacts": []any{object{"to": number(700, "")}, object{"to": number(0, "")}}}
	c = s.finished(s.launch(other))
	if by := c["skipped_by"].(map[string]any); by["capped"] != 1.0 || by["duplicate"] != 1.0 {
		t.Errorf("by another id: %v", c["skipped_by"])
	}
	utility := s.finished(s.launch(orders(people(3, ""), object{"cap": object{"messages": 1, "days": 7}})))
	if utility.count("skipped") != 0 {
		t.Errorf("a utility template is capped: %v", utility["counts"])
	}
}

// A cap over more days than the account keeps numbers could not be held.
func TestCampaign_CapBeyondRedaction(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.call("PATCH", "/v1/account", object{"redact_days": 3}, 200)
	body := orders(people(1, ""), object{"type": "text", "text": object{"body": "Sale!"}, "cap": object{"messages": 1, "days": 4}})
	delete(body, "template")
	path := s.create(body)
	for action, want := range map[string]int{"validate": 200, "launch": 422} {
		status, raw := s.raw("POST", path+"/"+action, nil)
		if status != want || !strings.Contains(string(raw), "/cap/days") || !strings.Contains(string(raw), "redact_days of the account, 3") {
			t.Errorf("%s: %d %s", action, status, raw)
		}
	}
	s.call("PATCH", path, object{"cap": object{"messages": 1, "days": 3}}, 200)
	s.call("POST", path+"/launch", nil, 200)
}
