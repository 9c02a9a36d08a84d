package campaign

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// spring is an example of a whole definition.
const spring = `{"name":"Spring","channel":1,"type":"template",
"template":{"name":"order_confirmation","language":"en",
"variables":{"customer_name":"{{name}}","order_id":"{{order}}","total":"{{total}}"}},
"audience":{"lists":[1],"import":7,
"contacts":[{"to":"+15550000100","fields":{"name":"Ada","order":"A-17","total":9.90,"vip":true,"note":null}}]},
"start_at":"2027-03-28T10:00:00","time_zone":"Europe/Berlin","local_start":false,"rate":50,
"quiet_hours":{"from":"21:00","to":"08:00","zone":"recipient","days":["mon","tue","wed","thu","fri","sat","sun"]},"late":"hold",
"ttl_seconds":86400,"pause_at_error_rate":0.2,"canary":{"first":500,"wait_seconds":1800},"cap":{"messages":2,"days":7},
"recurrence":{"rrule":"FREQ=WEEKLY;BYDAY=MO","skip_if_running":true}}`

// autumn is the time at which the tests read definitions.
var autumn = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

func decode(t testing.TB, body string) *Definition {
	t.Helper()
	d, err := Decode([]byte(body), "Asia/Calcutta", autumn)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return d
}

func TestDecode_TheExample(t *testing.T) {
	t.Parallel()
	d := decode(t, spring)
	if want := (Fields{"name": "Ada", "order": "A-17", "total": "9.90", "vip": "true"}); !cmp.Equal(d.Audience.Contacts[0].Fields, want) {
		t.Errorf("fields %v", d.Audience.Contacts[0].Fields)
	}
	if d.Channel != "1" || d.TTL() != 24*time.Hour || d.StartAt.String() != "2027-03-28T10:00:00" {
		t.Errorf("channel %s, ttl %s, start %s", d.Channel, d.TTL(), d.StartAt)
	}
	// What is stored and shown is read back as the same.
	out, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, decode(t, string(out))); diff != "" {
		t.Error(diff)
	}
}

func TestDecode_Defaults(t *testing.T) {
	t.Parallel()
	d := decode(t, `{"name":"x","type":"text","text":{"body":"Hi"},"start_at":"2027-01-01T10:00","quiet_hours":{"from":"21:00",`+
		`"to":"08:00"},"recurrence":{"rrule":"FREQ=DAILY"}}`)
	if d.TimeZone != "Asia/Kolkata" || d.Late != LateHold || d.TTL() != 72*time.Hour || !*d.Recurrence.SkipIfRunning {
		t.Errorf("zone %s, late %s, ttl %s, recurrence %+v", d.TimeZone, d.Late, d.TTL(), d.Recurrence)
	}
	if d.QuietHours.Zone != ZoneOfRecipient || len(d.QuietHours.Days) != 7 {
		t.Errorf("quiet hours %+v", d.QuietHours)
	}
}

func TestDecode_Faults(t *testing.T) {
	t.Parallel()
	const ok = `"name":"x","type":"text","text":{"body":"Hi"}`
	for body, pointers := range map[string]string{
		`{}`:                                                  "/name /type",
		`{"name":" ","type":"reaction"}`:                      "/name /type",
		`{"name":"x","type":"text"}`:                          "/text",
		`{` + ok + `,"image":{"link":"x"}}`:                   "/image",
		`{` + ok + `,"nmae":1}`:                               "/nmae",
		`{` + ok + `,"canary":{"frist":1}}`:                   "/canary/frist",
		`{` + ok + `,"rate":"fast"}`:                          "/rate",
		`{` + ok + `,"rate":-1}`:                              "/rate",
		`{` + ok + `,"rate":0}`:                               "/rate",
		`{` + ok + `,"ttl_seconds":0}`:                        "/ttl_seconds",
		`{` + ok + `,"ttl_seconds":1.5}`:                      "/ttl_seconds",
		`{` + ok + `,"late":"never"}`:                         "/late",
		`{` + ok + `,"pause_at_error_rate":20}`:               "/pause_at_error_rate",
		`{` + ok + `,"canary":{"first":0,"wait_seconds":-1}}`: "/canary/first /canary/wait_seconds",
		`{` + ok + `,"cap":{"messages":0,"days":32}}`:         "/cap/days /cap/messages",
		`{` + ok + `,"time_zone":"Mars/Base"}`:                "/time_zone",

		`{` + ok + `,"quiet_hours":{"from":"9","to":"24:00"}}`:                               "/quiet_hours/from /quiet_hours/to",
		`{` + ok + `,"quiet_hours":{"from":"21:00","to":"08:00","zone":"Local"}}`:            "/quiet_hours/zone",
		`{` + ok + `,"quiet_hours":{"from":"21:00","to":"08:00","days":["mon","Friday"]}}`:   "/quiet_hours/days/1",
		`{` + ok + `,"quiet_hours":{"from":"21:00","to":"08:00","days":[]}}`:                 "/quiet_hours/days",
		`{` + ok + `,"local_start":true}`:                                                    "/start_at",
		`{` + ok + `,"recurrence":{"rrule":"FREQ=DAILY"}}`:                                   "/start_at",
		`{` + ok + `,"start_at":"2027-01-01T10:00:00","recurrence":{"rrule":"FREQ=HOURLY"}}`: "/recurrence/rrule",
		`{` + ok + `,"start_at":"tomorrow"}`:                                                 "/start_at",
		`{` + ok + `,"start_at":"2027-01-01T10:00:00Z","local_start":true}`:                  "/start_at",
		`{` + ok + `,"start_at":"2026-10-25T01:30:00Z","time_zone":"Europe/Berlin"}`:         "/start_at",
		// the second half past two
		`{"foo":1,"late":"never","rate":0,"ttl_seconds":"x","quiet_hours":{"from":"25:00","to":"08:00"}}`: "/foo /late /name /quiet_hours/from " +
			"/rate /ttl_seconds /type", // of every field, whoever finds it
		`{` + ok + `,"start_at":"2026-09-01T10:00:00","late":"never"}`:                   "/late /start_at", // it has passed
		`{` + ok + `,"start_at":"2026-09-01T10:00:00","time_zone":"x"}`:                  "/time_zone",
		`{` + ok + `,"recurrence":{"rrule":"nope"}}`:                                     "/recurrence/rrule /start_at",
		`{` + ok + `,"start_at":5,"recurrence":{"rrule":"FREQ=DAILY"}}`:                  "/start_at",
		`{` + ok + `,"start_at":"2027-01-01T10:00:00","time_zone":5,"local_start":true}`: "/time_zone",
		`{"name":"x","type":"text","text":5,"late":"never"}`:                             "/late /text",
		`{` + ok + `,"audience":{"lists":[0],"import":-1,"contacts":[{"to":"1",` +
			`"time_zone":"x"}]}}`: "/audience/contacts/0/time_zone /audience/import /audience/lists/0",
		`{` + ok + `,"audience":{"contacts":[{"to":"1","field":{}}]}}`: "/audience/contacts/0/field",
		`{` + ok + `,"audience":{"contacts":[{"to":"1","fields":{"a":1,"b":null}},{"to":"2",` +
			`"fields":{"x/y":["b"],"z": {}}}]}}`: "/audience/contacts/1/fields/x~1y /audience/contacts/1/fields/z",
		`{"name":"x","type":"template","template":{"name":"a","components":[{"type":"body"}],"variables":["b"]}}`: "/template/variables",
		`{"name":"x","type":"template","template":{"name":"a","variables":[[]]}}`:                                 "/template",
	} {
		_, err := Decode([]byte(body), "UTC", autumn)
		var got []string
		if err != nil {
			for _, f := range dispatch.AsError(err).Faults {
				got = append(got, f.Field)
			}
		}
		slices.Sort(got)
		if s := strings.Join(got, " "); s != pointers || dispatch.CodeOf(err) != dispatch.Invalid {
			t.Errorf("%s: faults %q, want %q (%v)", body, s, pointers, err)
		}
	}
	for _, body := range []string{``, `[]`, `null`, `{`, `"x"`, `{} {}`} {
		if _, err := Decode([]byte(body), "UTC", autumn); dispatch.CodeOf(err) != dispatch.Malformed {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestDecode_StartWithOffset(t *testing.T) {
	t.Parallel()
	d := decode(t, `{"name":"x","type":"text","text":{"body":"Hi"},"start_at":"2027-03-28T08:00:00Z","time_zone":"Europe/Berlin"}`)
	if got := d.StartAt.String(); got != "2027-03-28T10:00:00" {
		t.Errorf("it starts at %s", got)
	}
}

func TestDefinition_Patch(t *testing.T) {
	t.Parallel()
	d := decode(t, spring)
	before, _ := json.Marshal(d)
	if err := d.Patch([]byte(`{"rate":5,"late":"never"}`), "UTC", autumn); err == nil {
		t.Error("a bad value is taken")
	}
	if after, _ := json.Marshal(d); string(after) != string(before) {
		t.Errorf("a refused patch has changed it to %s", after)
	}
	err := d.Patch([]byte(`{"rate":5,"canary":null,"recurrence":null,"start_at":null,"time_zone":null,"late":null,"type":"text",`+
		`"template":null,"text":{"body":"Hi"},"quiet_hours":{"from":"22:00","to":"07:00"}}`), "UTC", autumn)
	if err != nil {
		t.Fatal(err)
	}
	if d.Rate != 5 || d.Canary != nil || d.StartAt != nil || d.TimeZone != "UTC" || d.Template != nil || d.QuietHours.From != "22:00" ||
		d.Name != "Spring" {
		t.Errorf("it becomes %+v", d)
	}
}

func TestCheckStart(t *testing.T) {
	t.Parallel()
	d := decode(t, spring) // 08:00 UTC
	at := time.Date(2027, 3, 28, 8, 0, 0, 0, time.UTC)
	for now, ok := range map[time.Time]bool{
		at.Add(-time.Hour): true, at.Add(time.Minute): true, at.Add(61 * time.Second): false,
		at.AddDate(-11, 0, 0): false,
	} {
		if err := d.CheckStart(now); (err == nil) != ok {
			t.Errorf("at %s: %v", now, err)
		}
	}
	if err := (&Definition{}).CheckStart(at); err != nil {
		t.Errorf("a campaign that starts at launch: %v", err)
	}
}

// Whatever comes in is decoded or refused as the client's mistake, and what is
// decoded is read back as the same.
func FuzzDecode(f *testing.F) {
	f.Add(spring)
	f.Add(`{"name":"x","type":"text","text":{"body":"{{a|}}"},"start_at":"2027-03-28T08:00:00Z","audience":{"contacts":[{"to":"1",` +
		`"fields":{"a":[1]}}]}}`)
	f.Add(`{"name":null,"type":"interactive","interactive":{"type":"button"},"channel":"a","template":{"variables":[1,"b"]}}`)
	f.Fuzz(func(t *testing.T, body string) {
		d, err := Decode([]byte(body), "UTC", autumn)
		if err != nil {
			if code := dispatch.CodeOf(err); code != dispatch.Invalid && code != dispatch.Malformed {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		out, err := json.Marshal(d)
		if err != nil {
			t.Fatalf("%q cannot be stored: %v", body, err)
		}
		again, err := Decode(out, "UTC", autumn)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if second, _ := json.Marshal(again); string(second) != string(out) {
			t.Errorf("%s comes back as %s", out, second)
		}
	})
}
