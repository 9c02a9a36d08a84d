package runner_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/wait"
)

// provider puts answers of its own before the emulator's: for a recipient whose
// number ends in a suffix.
func (s *stack) provider(answers map[string]func(w http.ResponseWriter)) {
	s.Helper()
	target, err := url.Parse(s.emulator)
	s.must(err)
	rest := httputil.NewSingleHostReverseProxy(target)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var body struct {
			To string `json:"to"`
		}
		_ = json.Unmarshal(raw, &body) // other calls have none
		for suffix, answer := range answers {
			if strings.HasSuffix(body.To, suffix) {
				w.Header().Set("Content-Type", "application/json")
				answer(w)
				return
			}
		}
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
		rest.ServeHTTP(w, r)
	}))
	s.Cleanup(srv.Close)
	_, err = s.db.ExecContext(s.Context(), `UPDATE channels SET settings = settings || jsonb_build_object('base_url', $2::text) WHERE id = $1`,
		s.channel.ID, srv.URL)
	s.must(err)
}

// A template that the provider refuses as paused pauses every campaign that
// sends it; those in the air aside, nobody else is burned.
func TestCampaign_TemplateRefusedInTheAir(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.provider(map[string]func(http.ResponseWriter){"0190": func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"message":"(#132015) Template is paused","type":"OAuthException","code":132015}}`)
	}})
	other := s.launch(orders(people(200, "0300"), object{"rate": 1}))
	path := s.launch(orders(append(people(5, "0190"), people(300, "")...), object{"rate": 50}))
	c := s.until(path, "the pause", func(c object) bool { return c["status"] == "paused" && c.count("sending") == 0 })
	if failed := c.count("failed"); !strings.Contains(fmt.Sprint(c["reason"]), "132015") || failed == 0 || failed > 5 ||
		c.count("waiting") == 0 {
		t.Errorf("paused: %v", c)
	}
	o := s.until(other, "the pause of the other", func(c object) bool { return c["status"] == "paused" })
	if !strings.Contains(fmt.Sprint(o["reason"]), "132015") || o.count("waiting") == 0 {
		t.Errorf("the other campaign: %v", o)
	}
	s.balanced(path)
	child := s.call("POST", path+"/retry", nil, 200) // after which no call is under way that may fail yet
	if n := child.count("total"); n < c.count("failed") || n > 5 {
		t.Errorf("a retry of %d failed has %v", c.count("failed"), child["counts"])
	}
}

func TestCampaign_HeldForQuality(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.provider(map[string]func(http.ResponseWriter){"0191": func(w http.ResponseWriter) {
		_, _ = fmt.Fprintf(w, `{"messaging_product":"whatsapp","messages":[{"id":"wamid.%d","message_status":"held_for_quality_assessment"}]}`,
			time.Now().UnixNano())
	}})
	path := s.launch(orders(append(people(3, "0191"), people(2, "")...), nil))
	s.finished(path)
	c := s.until(path, "the receipts", func(c object) bool { return c.count("delivered") == 2 })
	if c.count("held_for_quality") != 3 || c.count("sent") != 0 {
		t.Errorf("counts %v", c["counts"])
	}
	page := s.call("GET", path+"/recipients?status=held_for_quality", nil, 200)
	if len(page["data"].([]any)) != 3 {
		t.Errorf("recipients %v", page)
	}
	s.balanced(path)
}

// Whose own hour had gone at the launch is skipped by late=skip, and waits for
// the next day's by late=hold.
func TestCampaign_LocalStartAndLate(t *testing.T) {
	t.Parallel()
	s := start(t)
	now := time.Now().UTC().Truncate(time.Minute).Add(2 * time.Minute)
	contacts := []any{
		object{"to": number(1, ""), "time_zone": "Pacific/Auckland", "fields": object{"name": "East", "total": "1"}},
		object{"to": number(2, ""), "time_zone": "UTC", "fields": object{"name": "Here", "total": "1"}},
		object{"to": number(3, ""), "time_zone": "America/Los_Angeles", "fields": object{"name": "West", "total": "1"}},
	}
	for late, want := range map[string]string{"skip": "skipped", "hold": "waiting"} {
		path := s.launch(orders(contacts, object{
			"start_at": now.Format("2006-01-02T15:04:05"), "time_zone": "UTC", "local_start": true, "late": late,
		}))
		s.until(path, "the ledger", func(c object) bool { return c.count("total") == 3 })
		rows := s.call("GET", path+"/recipients", nil, 200)["data"].([]any)
		east, west := rows[0].(map[string]any), rows[2].(map[string]any)
		if east["status"] != want || west["status"] != "waiting" {
			t.Errorf("late=%s: east %v, west %v", late, east, west)
		}
		if late == "skip" && east["reason"] != "late" {
			t.Errorf("skipped for %v", east["reason"])
		}
		at, err := time.Parse(time.RFC3339, fmt.Sprint(west["next_attempt_at"]))
		la, zoneErr := time.LoadLocation("America/Los_Angeles")
		if err != nil || zoneErr != nil || at.In(la).Format("15:04") != now.Format("15:04") {
			t.Errorf("the west is due at %v, want %s there", west["next_attempt_at"], now.Format("15:04"))
		}
		s.call("POST", path+"/cancel", nil, 200)
	}
}

// The recipients are those of the launch: a list that changes later changes
// nothing, and a deleted key stops nothing.
func TestCampaign_ListAndKeyChangeInMidRun(t *testing.T) {
	t.Parallel()
	s := start(t)
	list := s.call("POST", "/v1/lists", object{"name": "Changing"}, 201)
	add := func(i int) any {
		c := s.call("POST", "/v1/contacts", object{"phone": number(i, "0600"), "name": "Bo", "fields": object{"total": "1"}}, 201)
		s.call("POST", fmt.Sprintf("/v1/lists/%.0f/members", list["id"]), object{"contact_ids": []any{c["id"]}}, 200)
		return c["id"]
	}
	var ids []any
	for i := range 30 {
		ids = append(ids, add(i))
	}
	made := s.call("POST", "/v1/keys", object{"name": "to be deleted", "permissions": []string{"send_template", "view_messages"}}, 201)
	admin := s.key
	s.key = made["key"].(string)
	path := s.launch(orders(nil, object{"rate": 20, "audience": object{"lists": []any{list["id"]}}}))
	s.key = admin
	s.until(path, "the first messages", func(c object) bool { return c.count("waiting") < 28 })
	s.call("DELETE", fmt.Sprintf("/v1/keys/%.0f", made["id"]), nil, 204)
	add(900)
	s.call("DELETE", fmt.Sprintf("/v1/contacts/%.0f", ids[29]), nil, 204)
	c := s.finished(path)
	s.until(path, "the receipts", func(c object) bool { return c.count("delivered") == 30 })
	if c.count("total") != 30 {
		t.Errorf("counts %v", c["counts"])
	}
}

func TestCampaign_DuplicatesOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.finished(s.launch(orders(append(append(people(1, ""), people(1, "")...), people(1, "")...), nil)))
	if by := c["skipped_by"].(map[string]any); c.count("total") != 3 || by["duplicate"] != 2.0 {
		t.Errorf("counts %v, skipped by %v", c["counts"], by)
	}
}

func TestCampaign_ChannelPausedInMidRun(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.launch(orders(people(200, ""), object{"rate": 60}))
	s.until(path, "the first messages", func(c object) bool { return c.count("delivered") > 5 })
	channel := fmt.Sprintf("/v1/channels/%d", s.channel.ID)
	s.call("POST", channel+"/pause", nil, 200)
	s.until(path, "the channel to hold it", func(c object) bool { return c["limited_by"] == "channel" && c.count("sending") == 0 })
	before, _ := s.accepted()
	s.until(path, "a full window", func(c object) bool { return c.count("waiting") == 0 || c.count("queued") > 50 })
	if after, _ := s.accepted(); after != before {
		t.Errorf("%d messages went out through a paused channel", after-before)
	}
	s.call("POST", channel+"/resume", nil, 200)
	c := s.finished(path)
	s.until(path, "the receipts", func(c object) bool { return c.count("delivered") == 200 })
	if n, most := s.accepted(); n != 200 || most != 1 || c.count("failed") != 0 {
		t.Errorf("accepted %d, at most %d: %v", n, most, c["counts"])
	}
}

// A campaign whose balance is used up pauses, and goes on after a top-up.
func TestCampaign_BalanceUsedUp(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.call("PATCH", fmt.Sprintf("/v1/channels/%d", s.channel.ID), object{"policy": object{"price": object{"default": 1}}}, 200)
	s.call("POST", "/v1/credits", object{"enabled": true, "amount": 10}, 200)
	path := s.launch(orders(people(25, ""), nil))
	c := s.until(path, "the pause", func(c object) bool { return c["status"] == "paused" })
	if !strings.Contains(fmt.Sprint(c["reason"]), "balance") || c.count("waiting") != 15 {
		t.Errorf("paused: %v %v", c["reason"], c["counts"])
	}
	s.balanced(path)
	s.call("POST", "/v1/credits", object{"amount": 15}, 200)
	s.call("POST", path+"/resume", nil, 200)
	s.finished(path)
	s.until(path, "the receipts", func(c object) bool { return c.count("delivered") == 25 })
}

// The problems of an imported audience name the line of the file, and the file
// of them, corrected, is a valid upload with all of its columns.
func TestCampaign_ProblemsOfAnImport(t *testing.T) {
	t.Parallel()
	s := start(t)
	path := s.create(orders(nil, nil))
	s.upload(path, "name;telefon;total;time_zone\nAda;"+number(1, "")+";9,90;\n\nBo;nonsense;7;Europe/Berlin\nCy;"+number(3, "")+";;\n")
	v := s.call("POST", path+"/validate", nil, 200)
	var got []string
	for _, p := range v["problems"].([]any) {
		p := p.(map[string]any)
		got = append(got, fmt.Sprint(p["row"], " ", p["line"], " ", p["to"], " ", p["reason"]))
	}
	if want := "[2 4 nonsense bad_number 3 5 " + number(3, "") + " missing_field]"; fmt.Sprint(got) != want {
		t.Errorf("problems %v, want %s", got, want)
	}
	_, raw := s.raw("GET", path+"/problems.csv", nil)
	rows := records(t, raw)
	if len(rows) != 3 || strings.Join(rows[0], " ") != "_line _column _error to name time_zone total" ||
		strings.Join(rows[1][3:], " ") != "nonsense Bo Europe/Berlin 7" || rows[1][0] != "4" {
		t.Fatalf("problems.csv %q", raw)
	}
	fixed := strings.NewReplacer("nonsense", number(2, ""), "Cy,,", "Cy,,5").Replace(string(raw))
	again := s.create(orders(nil, nil))
	s.upload(again, fixed)
	if v := s.call("POST", again+"/validate", nil, 200); v["recipients"] != 2.0 || len(v["problems"].([]any)) != 0 {
		t.Errorf("the corrected file: %v, from %q", v, fixed)
	}
}

// upload imports a CSV file for the campaign at path.
func (s *stack) upload(path, file string) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), "POST", s.url+"/v1/imports?kind=audience&campaign="+id(path), strings.NewReader(file))
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+s.key)
	req.Header.Set("Content-Type", "text/csv")
	resp, err := http.DefaultClient.Do(req)
	s.must(err)
	defer func() { _ = resp.Body.Close() }()
	var i struct{ ID int64 }
	s.must(json.NewDecoder(resp.Body).Decode(&i))
	wait.Until(s.T, "the import", func() bool {
		return s.call("GET", fmt.Sprintf("/v1/imports/%d", i.ID), nil, 200)["status"] == "done"
	})
}
