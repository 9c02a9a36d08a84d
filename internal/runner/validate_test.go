package runner_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"
)

func TestCampaign_ValidatePreviewReport(t *testing.T) {
	t.Parallel()
	s := start(t)
	contacts := append(people(5, ""),
		object{"to": number(3, ""), "fields": object{"name": "Again", "total": "1"}},
		object{"to": "123", "fields": object{"name": "Nobody", "total": "1"}},
		object{"to": number(901, ""), "fields": object{"name": "=HYPERLINK(1)"}})
	path := s.create(orders(contacts, object{"rate": 2}))
	s.call("GET", path+"/validation", nil, 404)
	v := s.call("POST", path+"/validate", nil, 200)
	skip := v["would_skip"].(map[string]any)
	if v["ready"] != true || v["recipients"] != 5.0 || skip["duplicate"] != 1.0 || skip["bad_number"] != 1.0 ||
		skip["missing_field"] != 1.0 {
		t.Errorf("validation %v", v)
	}
	problems := v["problems"].([]any)
	last := problems[2].(map[string]any)
	if len(problems) != 3 || last["reason"] != "missing_field" || last["field"] != "total" || last["contact"] != 8.0 {
		t.Errorf("problems %v", problems)
	}
	longest, _ := v["longest"].(map[string]any)["rendering"].(string)
	if !strings.Contains(longest, "Ada") || len(v["forecast"].([]any)) == 0 || v["ends_at"] == nil {
		t.Errorf("validation %v", v)
	}
	if again := s.call("GET", path+"/validation", nil, 200); again["recipients"] != 5.0 {
		t.Errorf("read again: %v", again)
	}
	if p := s.call("GET", path+"/preview?recipient=2", nil, 200); p["to"] != number(1, "") ||
		!strings.Contains(p["rendering"].(string), "Ada 1") {
		t.Errorf("preview %v", p)
	}
	if p := s.call("GET", path+"/preview?recipient=7", nil, 200); p["reason"] != "bad_number" {
		t.Errorf("preview %v", p)
	}
	s.call("GET", path+"/preview?recipient=9", nil, 404)
	_, raw := s.raw("GET", v["problems_csv"].(string), nil)
	if rows := records(t, raw); len(rows) != 4 || rows[0][0] != "_line" || rows[3][4] != "'=HYPERLINK(1)" {
		t.Errorf("problems.csv %q", raw)
	}

	s.call("POST", path+"/launch", nil, 200)
	s.finished(path)
	s.until(path, "the receipts", func(c object) bool { return c.count("delivered") == 5 })
	page := s.call("GET", path+"/recipients?status=skipped&reason=duplicate", nil, 200)
	if rows := page["data"].([]any); len(rows) != 1 || rows[0].(map[string]any)["to"] != number(3, "") {
		t.Errorf("recipients %v", page)
	}
	first := s.call("GET", path+"/recipients?limit=3", nil, 200)
	rest := s.call("GET", path+"/recipients?limit=50&cursor="+first["next_cursor"].(string), nil, 200)
	if len(first["data"].([]any)) != 3 || len(rest["data"].([]any)) != 5 {
		t.Errorf("pages %v %v", first, rest)
	}
	s.call("GET", path+"/recipients?status=asleep", nil, 422)
	_, raw = s.raw("GET", path+"/report.csv", nil)
	if rows := records(t, raw); len(rows) != 9 || rows[1][2] != "delivered" || rows[1][1] != "'"+number(0, "") ||
		rows[8][3] != "missing_field" {
		t.Errorf("report %q", raw)
	}

	sunday := time.Now().UTC().AddDate(0, 0, 14-int(time.Now().UTC().Weekday()))
	weekly := s.create(orders(people(3, ""), object{
		"start_at": sunday.Format("2006-01-02") + "T10:00:00", "time_zone": "UTC", "recurrence": object{"rrule": "FREQ=WEEKLY;BYDAY=MO"},
	}))
	v = s.call("POST", weekly+"/validate", nil, 200)
	hour := v["forecast"].([]any)[0].(map[string]any)["hour"]
	if monday := sunday.AddDate(0, 0, 1).Format("2006-01-02") + "T10:00:00Z"; v["starts_at"] != monday || hour != monday {
		t.Errorf("the first run of a recurrence starts at %v, forecast %v, want %s", v["starts_at"], hour, monday)
	}

	broken := s.create(orders(people(1, ""), object{"template": object{"name": "nonsense"}}))
	if v := s.call("POST", broken+"/validate", nil, 200); v["ready"] != false || len(v["problems"].([]any)) == 0 {
		t.Errorf("a campaign without its template: %v", v)
	}
	s.call("POST", broken+"/launch", nil, 422)
}

func records(t *testing.T, raw []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return rows
}
