package remote_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/auth"
	"github.com/sendoff/sendoff/internal/cli/clitest"
)

// A refusal is told with its status and code, each faulty field, what to do about a
// key, and where to look for a fault of the server.
func TestCommands_Refused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status       int
		answer, want string
	}{
		{401, `{"detail":"unknown key","code":"unauthorized"}`, "unknown key (401 unauthorized); check SENDOFF_API_KEY, or create a key with: " +
			"sendoff key create"},
		{403, `{"detail":"the key lacks manage","code":"forbidden"}`, "the key lacks manage (403 forbidden)"},
		{404, `{"title":"Not Found","code":"not_found"}`, "Not Found (404 not_found): the account of this key has no contact 1"},
		{
			422, `{"detail":"is no number","code":"validation_failed","errors":[{"pointer":"/to","detail":"is no number"}]}`,
			"is no number (422 validation_failed) at /to",
		},
		{
			422, `{"detail":"2 fields are wrong","code":"validation_failed","errors":[{"pointer":"/to","detail":"is no number"},` +
				`{"pointer":"/text","detail":"is required"}]}`,
			"2 fields are wrong (422 validation_failed)\nsendoff:   /to: is no number\nsendoff:   /text: is required",
		},
		{429, `{"detail":"60 a minute are allowed","code":"rate_limited","request_id":"r1"}`, "60 a minute are allowed (429 rate_limited)"},
		{503, `{"detail":"try again","code":"unavailable","request_id":"r1"}`, "try again (503 unavailable); request id r1"},
		{502, `<html>Bad Gateway</html>`, "answered 502 Bad Gateway: not Sendoff's API? check --url"},
		{404, `{"message":"no route"}`, "answered 404 Not Found: not Sendoff's API? check --url"},
		{200, `<html>Welcome</html>`, "does not answer like Sendoff's API; check --url"},
	} {
		a := newAPI(t, c.status, c.answer)
		r := a.do(t, "", "contact", "show", "1")
		if got := strings.ReplaceAll(r.Err, a.URL, "URL"); r.Code != 1 || r.Out != "" || !strings.HasSuffix(got, c.want+"\n") &&
			!strings.Contains(got, c.want+":") {
			t.Errorf("%d %s: code %d, %q; want %q", c.status, c.answer, r.Code, got, c.want)
		}
	}
}

// A 404 names what is not there, not the path of the request.
func TestCommands_NotFound_NamesIt(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"campaign launch 7":                   "campaign 7",
		"campaign report 7":                   "campaign 7",
		"webhook deliveries 3":                "webhook 3",
		"webhook replay 3 --delivery 9":       "delivery 9 of webhook 3",
		"suppression remove +15550000100":     "suppression +15550000100",
		"status 0191f3c2-0000-7000-8000-0000": "message 0191f3c2-0000-7000-8000-0000",
	} {
		r := newAPI(t, http.StatusNotFound, `{"title":"Not Found","code":"not_found"}`).do(t, "", strings.Fields(args)...)
		if r.Code != 1 || !strings.HasSuffix(r.Err, "(404 not_found): the account of this key has no "+want+"\n") {
			t.Errorf("%s: code %d, %q", args, r.Code, r.Err)
		}
	}
}

// With --json a refusal of the API is its problem, for scripts.
func TestCommands_Refused_JSON(t *testing.T) {
	t.Parallel()
	a := newAPI(t, http.StatusUnprocessableEntity, `{"title":"Unprocessable Entity","detail":"is no number","code":"validation_failed",`+
		`"errors":[{"pointer":"/phone","detail":"is no number"}],"request_id":"r1"}`)
	r := a.do(t, "", "contact", "create", "x", "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(r.Err), &got); err != nil || r.Code != 1 || r.Out != "" {
		t.Fatalf("code %d, %s%s: %v", r.Code, r.Out, r.Err, err)
	}
	want := map[string]any{
		"status": 422., "title": "Unprocessable Entity", "detail": "is no number", "code": "validation_failed", "request_id": "r1",
		"errors": []any{map[string]any{"pointer": "/phone", "detail": "is no number"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A connection that breaks within the answer leaves it open whether the message was
// accepted: the command names the key of a safe repeat. So does an answer that says
// that the outcome is unknown.
func TestSend_OutcomeUnknown_NamesTheKey(t *testing.T) {
	t.Parallel()
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"message_id":`))
	}))
	t.Cleanup(cut.Close)
	key := clitest.KeyFile(t, auth.Generate(false))
	send := []string{"send", "--to", "+15550000100", "--text", "x", "--idempotency-key", "k7"}
	const advice = "it is not known whether the message was accepted; repeat with --idempotency-key k7 and it is sent once"
	sendoff("", append(send, "--url", cut.URL, "--key-file", key)...).MustFail(t, 1, advice)
	for status, code := range map[int]string{503: "outcome_unknown", 409: "idempotency_in_progress"} {
		newAPI(t, status, `{"detail":"?","code":"`+code+`"}`).do(t, "", send...).MustFail(t, 1, advice)
	}
	r := newAPI(t, 422, `{"detail":"?","code":"validation_failed"}`).do(t, "", send...)
	if r.MustFail(t, 1, "422"); strings.Contains(r.Err, "idempotency-key") {
		t.Errorf("a message that was refused is not repeated: %s", r.Err)
	}
}

// --wait polls with the version that it knows, through an answer that nothing has
// changed, until the message is final or the time is over.
func TestSend_Wait(t *testing.T) {
	t.Parallel()
	server := func(statuses ...string) *httptest.Server {
		var polls atomic.Int32
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusAccepted)
				_, _ = w.Write([]byte(`{"message_id":"m1","status":"queued","to":"+1","channel_id":2}`))
				return
			}
			n := int(polls.Add(1))
			if r.URL.String() != "/v1/messages/m1?wait=20" || (r.Header.Get("If-None-Match") != "") != (n > 1) {
				t.Errorf("poll %d: %s after %q", n, r.URL, r.Header.Get("If-None-Match"))
			}
			if n > len(statuses) {
				<-r.Context().Done() // nothing changes any more
				return
			}
			w.Header().Set("ETag", `"v1"`)
			if statuses[n-1] == "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write([]byte(`{"message_id":"01890000-0000-7000-8000-000000000000","status":"` + statuses[n-1] +
				`","created_at":"2026-01-02T03:04:05Z"}`))
		}))
		t.Cleanup(srv.Close)
		return srv
	}
	key := clitest.KeyFile(t, auth.Generate(false))
	for _, c := range []struct {
		statuses []string
		code     int
		want     string
	}{
		{[]string{"sending", "", "sent", "delivered"}, 0, "message m1 is delivered\n"},
		{[]string{"read"}, 0, "message m1 is read\n"},
		{[]string{"sent", "failed"}, 1, "message m1 is failed\n"},
		{[]string{"expired"}, 1, "message m1 is expired\n"},
		{[]string{"cancelled"}, 1, "message m1 is cancelled\n"},
		{[]string{"unknown"}, 1, "message m1 is unknown\n"},
		{[]string{"sent"}, 1, "message m1 is sent\n"}, // and the time is over
		{nil, 1, "message m1 is queued\n"},
	} {
		args := []string{"send", "--to", "+1", "--text", "x", "--wait", "--wait-for", "1s", "--url", server(c.statuses...).URL, "--key-file", key}
		if r := sendoff("", args...); r.Code != c.code || r.Out != c.want || r.Err != "" {
			t.Errorf("%q: code %d, %q, %q", c.statuses, r.Code, r.Out, r.Err)
		}
		args[len(args)-3] = server(c.statuses...).URL
		v := clitest.Read[map[string]any](t, sendoff("", append(args, "--json")...))
		if status := strings.Fields(c.want)[3]; v["status"] != status {
			t.Errorf("%q as JSON: %v", c.statuses, v)
		}
	}
}

// A message that was accepted stays so when the polls after it fail.
func TestSend_WaitFails_SaysThatItWasAccepted(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"message_id":"m1","status":"queued"}`))
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"detail":"the key lacks view_messages","code":"forbidden"}`))
	}))
	defer srv.Close()
	sendoff("", "send", "--to", "+1", "--text", "x", "--wait", "--url", srv.URL, "--key-file", clitest.KeyFile(t, auth.Generate(false))).
		MustFail(t, 1, "message m1 was accepted: the key lacks view_messages (403 forbidden)")
}

// Lists are tables with the names of their columns, a dash for what is missing and
// each value on one line; with --json they are the API's own.
func TestLists_TableAndJSON(t *testing.T) {
	t.Parallel()
	a := newAPI(t, http.StatusOK, `{"data":[`+
		`{"message_id":"m1","status":"failed","to":"+1","type":"text","channel_id":12345678901234567890,"error":{"code":"recipient"}},`+
		`{"message_id":"m2","status":"sent","to":"+2","type":"text","channel_id":2,"reference":"two\nlines"}],"next_cursor":"c1"}`)
	want := []string{
		"MESSAGE_ID STATUS TO TYPE CHANNEL_ID REFERENCE CREATED_AT ERROR.CODE",
		"m1 failed +1 text 12345678901234567890 - - recipient", "m2 sent +2 text 2 two lines - -", "", "More with: --cursor c1",
	}
	r := a.do(t, "", "message", "list")
	var got []string
	for line := range strings.Lines(r.Out) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	r = a.do(t, "", "message", "list", "--json")
	if page := clitest.Read[listed](t, r); page.Next != "c1" || len(page.Data) != 2 || page.Data[1]["reference"] != "two\nlines" ||
		!strings.Contains(r.Out, "12345678901234567890") {
		t.Errorf("JSON: %s", r.Out)
	}
	last := newAPI(t, http.StatusOK, `{"data":[]}`)
	if r := last.do(t, "", "contact", "list"); r.Out != "ID  PHONE  NAME  FIELDS  CREATED_AT\n" {
		t.Errorf("an empty list: %q", r.Out)
	}
	if r := last.do(t, "", "contact", "list", "--json"); strings.Contains(r.Out, "next_cursor") {
		t.Errorf("the last page has a cursor: %s", r.Out)
	}
}

// Cancelling several ends at the first that can't be, and the ones before are told.
func TestMessageCancel_EndsAtTheFirstRefusal(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/messages/m1/cancel" {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`{"detail":"it is delivered","code":"invalid_state"}`))
			return
		}
		_, _ = w.Write([]byte(`{"message_id":"m1","status":"cancelled"}`))
	}))
	defer srv.Close()
	r := sendoff("", "message", "cancel", "m1", "m2", "m3", "--url", srv.URL, "--key-file", clitest.KeyFile(t, auth.Generate(false)))
	if r.Code != 1 || r.Out != "message m1 is cancelled\n" || r.Err != "sendoff: message m2: it is delivered (409 invalid_state)\n" {
		t.Errorf("code %d, %q, %q", r.Code, r.Out, r.Err)
	}
}
