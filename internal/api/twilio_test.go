package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// twilio sends requests as Twilio's SDKs do.
func (f *front) twilio(method, path string, form url.Values) *reply {
	f.T.Helper()
	req, err := http.NewRequestWithContext(
		f.T.Context(),
		method,
		f.URL+"/2010-04-01/Accounts/"+f.Account.SID+path,
		strings.NewReader(form.Encode()),
	)
	if err != nil {
		f.T.Fatal(err)
	}
	req.SetBasicAuth(f.Account.SID, f.Key)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.T.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		f.T.Fatal(err)
	}
	return &reply{T: f.T, What: method + " " + path, Status: res.StatusCode, Header: res.Header, Body: raw}
}

func TestTwilio_CancelRedactDelete(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.sms("+15550003301")
	send := func() string {
		at := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		return f.twilio("POST", "/Messages.json", url.Values{
			"To": {"+12025550100"}, "From": {"+15550003301"}, "Body": {"x"}, "SendAt": {at}, "ScheduleType": {"fixed"},
			"MediaUrl": {"https://example.com/a.png", "https://example.com/b.pdf"},
		}).Want(201).Text("sid")
	}
	code := func(r *reply, status int, code string) {
		t.Helper()
		var o struct{ Code json.Number }
		if err := json.Unmarshal(r.Body, &o); err != nil || r.Status != status || o.Code.String() != code {
			t.Errorf("%s: got %d %s; want %d %s", r.What, r.Status, r.Body, status, code)
		}
	}
	sid := send()
	code(f.twilio("DELETE", "/Messages/"+sid+".json", nil), 409, "20009")
	code(f.twilio("POST", "/Messages/"+sid+".json", url.Values{"Body": {""}}), 409, "20009")
	code(f.twilio("POST", "/Messages/"+sid+".json", url.Values{"Status": {"sent"}}), 400, "20422")
	code(f.twilio("POST", "/Messages/"+sid+".json", nil), 400, "20422")
	for range 2 { // a repeat is no mistake
		if got := f.twilio("POST", "/Messages/"+sid+".json", url.Values{"Status": {"canceled"}}).Want(200); got.Text(
			"status",
		) != "canceled" || got["error_code"] != nil || got["error_message"] != nil ||
			got.Text("body") != "x" {
			t.Errorf("cancelled: %v", got)
		}
	}
	media := f.twilio("GET", "/Messages/"+sid+"/Media.json", nil).Want(200)
	if got := media.At("media_list").([]any); len(got) != 2 || got[1].(map[string]any)["content_type"] != "application/pdf" ||
		got[0].(map[string]any)["parent_sid"] != sid {
		t.Errorf("media: %v", media)
	}
	if got := f.twilio("POST", "/Messages/"+sid+".json", url.Values{"Body": {""}}).Want(200); got.Text("body") != "" ||
		got.Text("num_media") != "0" {
		t.Errorf("redacted: %v", got)
	}
	if got := f.twilio("DELETE", "/Messages/"+sid+".json", nil); got.Status != http.StatusNoContent {
		t.Errorf("deleted: %d %s", got.Status, got.Body)
	}
	code(f.twilio("GET", "/Messages/"+sid+".json", nil), 404, "20404")
	code(f.twilio("DELETE", "/Messages/"+sid+".json", nil), 404, "20404")
}

func TestTwilio_ServiceInFrom_MediaLists_DatesByDay(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	service := "MG" + strings.Repeat("a", 32)
	f.sms(service)
	sent := f.twilio("POST", "/Messages.json", url.Values{"To": {"+12025550100"}, "From": {service}, "Body": {"x"}}).Want(201)
	if sent.Text("messaging_service_sid") != service || sent.At("from") != nil {
		t.Errorf("sent: %v", sent)
	}
	r := f.twilio(
		"POST",
		"/Messages.json",
		url.Values{"To": {"+12025550100"}, "From": {service}, "MediaUrl": {"https://example.com/a.png,https://example.com/b.png"}},
	)
	if r.Status != 400 || !strings.Contains(string(r.Body), `"code":21620`) {
		t.Errorf("a list of addresses: %d %s", r.Status, r.Body)
	}
	r = f.twilio(
		"POST",
		"/Messages.json",
		url.Values{
			"To":               {"+12025550100"},
			"From":             {service},
			"ContentSid":       {"HX" + strings.Repeat("1", 32)},
			"ContentVariables": {`{"1":"a\u0000b"}`},
		},
	)
	if r.Status != 400 || !strings.Contains(string(r.Body), "21656") || !strings.Contains(string(r.Body), "NUL") {
		t.Errorf("NUL in a variable: %d %s", r.Status, r.Body)
	}
	if _, err := f.DB.ExecContext(t.Context(), `UPDATE messages SET sent_at = now()`); err != nil {
		t.Fatal(err)
	}
	day := time.Now().UTC().Truncate(24 * time.Hour)
	for query, want := range map[string]int{
		"DateSent=" + day.Format(time.RFC3339): 1, "DateSent=" + day.AddDate(0, 0, 1).Format(time.RFC3339): 0,
		"DateSent>=" + day.Format(time.DateOnly): 1, "DateSent<=" + day.AddDate(0, 0, -1).Format(time.DateOnly): 0,
	} {
		query = strings.NewReplacer(">=", "%3E=", "<=", "%3C=").Replace(query)
		if got := f.twilio("GET", "/Messages.json?"+query, nil).Want(200).At("messages").([]any); len(got) != want {
			t.Errorf("%s: %d messages; want %d", query, len(got), want)
		}
	}
}

func TestTwilio_AccountBalanceNumbers(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	f.sms("+15550003301")
	f.Do("POST", "/v1/credits", m{"amount": 12.5}).Want(200)
	if got := f.twilio("GET", "/Balance.json", nil).Want(200); got.Text("balance") != "12.5" || got.Text("account_sid") != f.Account.SID {
		t.Errorf("balance: %v", got)
	}
	if got := f.twilio("GET", ".json", nil).Want(200); got.Text("sid") != f.Account.SID || got.Text("friendly_name") != "One" ||
		got.Text("status") != "active" {
		t.Errorf("account: %v", got)
	}
	all := f.twilio("GET", "/IncomingPhoneNumbers.json?PhoneNumber=%2B15550003301", nil).Want(200).At("incoming_phone_numbers").([]any)
	if len(all) != 1 {
		t.Fatalf("numbers: %v", all)
	}
	sid := all[0].(map[string]any)["sid"].(string)
	if got := f.twilio("GET", "/IncomingPhoneNumbers/"+sid+".json", nil).Want(200); got.Text("phone_number") != "+15550003301" {
		t.Errorf("number: %v", got)
	}
	if got := f.twilio("GET", "/IncomingPhoneNumbers.json?PhoneNumber=%2B15550009999",
		nil).Want(200).At("incoming_phone_numbers").([]any); len(
		got,
	) != 0 {
		t.Errorf("another number: %v", got)
	}
	if r := f.twilio("GET", "/IncomingPhoneNumbers/PN0.json", nil); r.Status != 404 || envelope(r) != "twilio" {
		t.Errorf("no number: %d %s", r.Status, r.Body)
	}
}
