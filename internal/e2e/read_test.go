package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func testWait(t *testing.T, s *stack) {
	m := s.send(t, order("+15557011000"))
	for range 20 { // each wait ends at a change, or the message is final
		if m = as[message](t, s.call(t, http.MethodGet, "/v1/messages/"+m.ID+"?wait=20", "").want(t, http.StatusOK)); m.Status == "delivered" {
			break
		}
	}
	if m.Status != "delivered" {
		t.Errorf("still %s", m.Status)
	}
	// Nothing will change: the wait goes on to its end.
	_, field := in(time.Hour)
	later := s.send(t, order("+15557011001", field))
	began := time.Now()
	s.call(t, http.MethodGet, "/v1/messages/"+later.ID+"?wait=1.5", "").want(t, http.StatusOK)
	if took := time.Since(began); took < 1400*time.Millisecond {
		t.Errorf("answered after %v, before a change or the end of the wait", took)
	}
	s.call(t, http.MethodGet, "/v1/messages/"+later.ID+"?wait=31", "").want(t, http.StatusUnprocessableEntity)
}

func testETag(t *testing.T, s *stack) {
	_, field := in(time.Hour)
	m := s.send(t, order("+15557021000", field))
	a := s.call(t, http.MethodGet, "/v1/messages/"+m.ID, "").want(t, http.StatusOK)
	tag := a.header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	same := s.call(t, http.MethodGet, "/v1/messages/"+m.ID, "", "If-None-Match", tag).want(t, http.StatusNotModified)
	if len(same.body) > 0 {
		t.Errorf("304 with a body: %s", same.body)
	}
	s.call(t, http.MethodPost, "/v1/messages/"+m.ID+"/cancel", "").want(t, http.StatusOK)
	changed := s.call(t, http.MethodGet, "/v1/messages/"+m.ID+"?wait=20", "", "If-None-Match", tag).want(t, http.StatusOK)
	if changed.header.Get("ETag") == tag {
		t.Error("a changed message has the ETag it had")
	}
}

// streamed is one server-sent event.
type streamed struct {
	id, kind string
	data     struct {
		Type    string `json:"type"`
		Message string `json:"message_id"`
	}
}

// follow reads the account's events after a position until enough returns true.
func (s *stack) follow(t *testing.T, after string, ready func(), enough func(streamed) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/v1/events", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+s.key)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	if ct := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || ct != "text/event-stream" {
		t.Fatalf("stream answered %s, %s", resp.Status, ct)
	}
	if ready != nil {
		ready()
	}
	var e streamed
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		name, value, _ := strings.Cut(sc.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			must(t, json.Unmarshal([]byte(value), &e.data))
		case "":
			if value == "" && e.id != "" && enough(e) {
				return
			}
			e = streamed{}
		}
	}
	t.Fatal("the stream ended before the events that were waited for")
}

func testStream(t *testing.T, s *stack) {
	var id string
	var kinds []string
	s.follow(t, "", func() { id = s.send(t, order("+15557031000")).ID }, func(e streamed) bool {
		// Whether the response or the callback sets sent first is chance; the
		// second one is an event without effect.
		if e.data.Message == id && e.kind != "message.note" {
			kinds = append(kinds, e.kind)
		}
		return e.data.Message == id && e.kind == "message.delivered"
	})
	if got := strings.Join(kinds, " "); got != "message.queued message.sent message.delivered" {
		t.Errorf("events %s", got)
	}
}

// A client that comes back with Last-Event-ID gets what it missed, all of it
// and in order.
func testStreamResumes(t *testing.T, s *stack) {
	const n = 30
	mine := map[string]bool{}
	var first, body string
	s.follow(t, "", func() {
		mine[s.send(t, order("+15557041000")).ID] = true
	}, func(e streamed) bool { first = e.id; return mine[e.data.Message] })
	for i := range n {
		body += order(fmt.Sprintf("+1555704%04d", 2000+i)) + "\n"
	}
	for _, l := range readLines(t, s.call(t, http.MethodPost, "/v1/messages/batch", body, "Content-Type", "application/x-ndjson").want(t,
		http.StatusAccepted)) {
		mine[l.ID] = true
		s.becomes(t, l.ID, "delivered")
	}
	read := func(after string, want int) (events, ids []string) {
		s.follow(t, after, nil, func(e streamed) bool {
			if mine[e.data.Message] && e.kind != "message.note" {
				events, ids = append(events, e.data.Message+" "+e.kind), append(ids, e.id)
			}
			return len(events) == want
		})
		return events, ids
	}
	want := 3*n + 2 // the first message's queued event was read
	all, ids := read(first, want)
	seen := map[string]bool{}
	for _, e := range all {
		if seen[e] {
			t.Errorf("event %s came twice", e)
		}
		seen[e] = true
	}
	rest, _ := read(ids[want/2], want-want/2-1)
	if strings.Join(rest, ",") != strings.Join(all[want/2+1:], ",") {
		t.Errorf("resumed in the middle: %v, want %v", rest, all[want/2+1:])
	}
}

// page is a page of messages.
type page struct {
	Data []message `json:"data"`
	Next string    `json:"next_cursor"`
}

func (s *stack) list(t *testing.T, query url.Values) page {
	t.Helper()
	return as[page](t, s.call(t, http.MethodGet, "/v1/messages?"+query.Encode(), "").want(t, http.StatusOK))
}

func testListFilters(t *testing.T, s *stack) {
	began := time.Now().Add(-time.Second).UTC()
	ref := `"reference":"filters"`
	delivered := s.send(t, order("+15557051000", ref)).ID
	_, field := in(time.Hour)
	scheduled := s.send(t, order("+15557051001", ref, field)).ID
	body := s.body("twilio sms", "+15557050104")
	failed := s.send(t, body[:len(body)-1]+","+ref+"}").ID
	s.becomes(t, delivered, "delivered")
	s.becomes(t, failed, "failed")
	sms := fmt.Sprint(s.channels["twilio sms"].ID)
	for name, c := range map[string]struct {
		query string
		want  []string
	}{
		"reference":   {"", []string{failed, scheduled, delivered}},
		"delivered":   {"status=delivered", []string{delivered}},
		"scheduled":   {"status=scheduled", []string{scheduled}},
		"failed":      {"status=failed", []string{failed}},
		"channel":     {"channel=" + sms, []string{failed}},
		"to":          {"to=%2B15557051001", []string{scheduled}},
		"type":        {"type=text", []string{failed}},
		"from":        {"created_from=" + began.Format(time.RFC3339), []string{failed, scheduled, delivered}},
		"until":       {"created_to=" + began.Format(time.RFC3339), nil},
		"together":    {"type=template&status=delivered&to=%2B15557051000", []string{delivered}},
		"none of all": {"type=image", nil},
	} {
		q, err := url.ParseQuery(c.query)
		must(t, err)
		q.Set("reference", "filters")
		var got []string
		for _, m := range s.list(t, q).Data {
			got = append(got, m.ID)
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	s.call(t, http.MethodGet, "/v1/messages?status=lost", "").want(t, http.StatusUnprocessableEntity)
	s.call(t, http.MethodGet, "/v1/messages?cursor=x", "").want(t, http.StatusUnprocessableEntity)
}

func testListCursor(t *testing.T, s *stack) {
	const n = 7
	var body strings.Builder
	for i := range n {
		body.WriteString(order(fmt.Sprintf("+1555706%04d", 1000+i), `"reference":"cursor"`) + "\n")
	}
	want := readLines(
		t,
		s.call(t, http.MethodPost, "/v1/messages/batch", body.String(), "Content-Type", "application/x-ndjson").
			want(t, http.StatusAccepted),
	)
	for _, filter := range []string{"", "template"} { // without and with a walk
		var got []string
		q := url.Values{"reference": {"cursor"}, "limit": {"3"}}
		if filter != "" {
			q.Set("type", filter)
		}
		for pages := 0; ; pages++ {
			p := s.list(t, q)
			for _, m := range p.Data {
				got = append(got, m.ID)
			}
			if p.Next == "" {
				break
			}
			if pages > n {
				t.Fatal("the list has no end")
			}
			q.Set("cursor", p.Next)
		}
		if len(got) != n {
			t.Fatalf("%d messages over all pages, want %d", len(got), n)
		}
		seen := map[string]bool{}
		for i, id := range got {
			if seen[id] || (i > 0 && id > got[i-1]) {
				t.Errorf("message %d (%s) comes twice, or newer after older", i, id)
			}
			seen[id] = true
		}
		for _, l := range want {
			if !seen[l.ID] {
				t.Errorf("message %s is on no page", l.ID)
			}
		}
	}
}

func testPostStatus(t *testing.T, s *stack) {
	a, b := s.send(t, order("+15557071000")).ID, s.send(t, order("+15557070104")).ID
	s.becomes(t, a, "delivered")
	s.becomes(t, b, "failed")
	missing := "01890000-0000-7000-8000-000000000000"
	got := as[struct {
		Messages []message `json:"messages"`
	}](t, s.call(t, http.MethodPost, "/v1/messages/status", fmt.Sprintf(`{"ids":[%q,%q,%q]}`, b, missing, a)).want(t, http.StatusOK)).Messages
	if len(got) != 2 || got[0].ID != b || got[0].Status != "failed" || got[1].ID != a || got[1].Status != "delivered" {
		t.Errorf("got %+v", got)
	}
	s.call(t, http.MethodGet, "/v1/messages/"+missing, "").want(t, http.StatusNotFound)
}

func testRefusedWithEveryFault(t *testing.T, s *stack) {
	a := s.call(t, http.MethodPost, "/v1/messages", `{"to":"12","type":"text","text":{"body":""},"lane":"fast","reference":"`+
		strings.Repeat("r", 256)+`"}`).
		want(t, http.StatusUnprocessableEntity)
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type %s", ct)
	}
	for _, field := range []string{"/to", "/text/body", "/lane", "/reference"} {
		if !strings.Contains(string(a.body), `"`+field+`"`) {
			t.Errorf("the fault of %s is not named: %s", field, a.body)
		}
	}
	s.call(t, http.MethodPost, "/v1/messages", order("+15557081000", `"colour":"red"`)).want(t, http.StatusUnprocessableEntity)
	s.call(t, http.MethodPost, "/v1/messages", order("+15557081000"), "Authorization", "Bearer sk_live_nothing").
		want(t, http.StatusUnauthorized)
}
